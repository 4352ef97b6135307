"""Recordings to stores: signals and images of every partition, one HDF5 file each."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pipeline.commands.image_options import IMAGE_OPTIONS, REPRESENTATION_NAMES, add_image_options, given_image_options
from pipeline.commands.parser import (
    CommandParser,
    natural_number,
    one_word,
    partition_name,
    positive_float,
    positive_int,
    run_command,
)
from pipeline.commands.terminal import told_to
from pipeline.errors import EcgFusionError
from pipeline.machine.places import is_remote, place
from pipeline.machine.streams import say
from pipeline.report.console import Console
from pipeline.sources import DEFAULT_SOURCE, SOURCES, Source, SourceOption, data_folder, open_source
from pipeline.sources.cuts import CUTS, RATES
from pipeline.store.options import StoreKeywords, StoreOptions
from pipeline.store.partitions import PARTITIONS

if TYPE_CHECKING:
    from pipeline.store.reading import Store

EXAMPLES = """
examples:
  python create_images.py --partition train          data/ptbxl -> data/ptbxl-images/train.h5
  python create_images.py --size 128 --workers 2     all three partitions, images of 128 x 128
  python create_images.py --representations none     signals only
  python create_images.py --show 17110               a drawing of one record -> data/ptbxl-images/17110.png
"""


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options; see ``--help``."""
    parser = CommandParser(prog="create_images.py", description=__doc__, epilog=EXAMPLES)
    usual = SOURCES[DEFAULT_SOURCE]
    rate, band = usual.default_sampling_rate, usual.default_band or ()
    known = f"the kind of data set: {' '.join(SOURCES)} (default %(default)s)"
    parser.option("source", default=DEFAULT_SOURCE, help=known)
    parser.option("data", type=place, help=f"the data set's folder (default {data_folder(DEFAULT_SOURCE)})")
    parser.option("out", type=Path, help=f"folder for the stores (default {_stores_folder(DEFAULT_SOURCE)})")
    parser.option(
        "partition",
        type=partition_name,
        choices=PARTITIONS,
        nargs="+",
        help="which stores to make (default: all of --folds)",
    )
    folds = f"of each partition (default of {DEFAULT_SOURCE} {' '.join(usual.default_folds)})"
    parser.option(
        "folds", nargs="+", help=f"{folds}; or how to make them: stratified, kfold:5, or the data set's own way"
    )
    parser.option("fold", type=positive_int, metavar="N", help="which fold of --folds kfold:5 is test (default 1)")
    parser.option(
        "folds_file", type=Path, metavar="FILE", help="a table record_id,fold instead of the data set's folds"
    )
    parser.option("folds_seed", type=natural_number, default=0, help="of folds that are drawn (default %(default)s)")
    parser.option("window", type=positive_float, metavar="S", help="cut records into windows of S seconds")
    parser.option(
        "stride", type=positive_float, metavar="S", help="from one window to the next, s (default: its length)"
    )
    parser.option("beat", choices=list(CUTS), help="cut records into heartbeats, in this way")
    extent = "seconds of a heartbeat before and after its R peak (default 0.25 0.45)"
    parser.option("beat_extent", type=positive_float, nargs=2, metavar="S", help=extent)
    parser.option("beats", type=positive_int, metavar="N", help="heartbeats that an item shows, odd (default 1)")
    for name, own in _options_of_sources().items():
        parser.option(name, type=own.reads, nargs="+" if own.several else None, help=own.help)
    drawn = f"leads to draw, or all (default of {DEFAULT_SOURCE} {' '.join(usual.default_leads)})"
    parser.option("leads", type=one_word, nargs="+", help=f"{drawn}; signals are stored of all leads")
    stored = f"of the stored signals, Hz (default of {DEFAULT_SOURCE} {rate:g})"
    parser.option("sampling_rate", type=positive_float, help=stored)
    let_through = (
        f"what the filter lets through, from and to, Hz; or none (default of {DEFAULT_SOURCE} "
        f"{' '.join(f'{edge:g}' for edge in band)})"
    )
    parser.option("band", nargs="+", help=let_through)
    parser.option("representations", type=one_word, nargs="+", help=f"{REPRESENTATION_NAMES}, or none (default: all)")
    add_image_options(parser)
    parser.option("workers", type=positive_int, help="threads (default: the cores that are free)")
    on_many = "have shards made by workers of Dask: local:2 for two here, or the address of a scheduler"
    parser.option("scheduler", type=one_word, metavar="ADDRESS", help=on_many)
    parser.option(
        "merge", action="store_true", help="make one file of the shards; without --scheduler of finished stores"
    )
    parser.option(
        "limit", type=positive_int, help="only so many records of each partition, sampled in the classes' shares"
    )
    parser.option("skip_bad_records", action="store_true", help="leave bad records out instead of stopping")
    parser.option(
        "verify", type=positive_int, metavar="N", help="compare N records of finished stores with pyts, make none"
    )
    parser.option("show", metavar="RECORD_ID", help="save one record and its images as OUT/RECORD_ID.png, make none")
    parser.option("export", type=Path, metavar="FOLDER", help="write finished stores as PNG and CSV files, make none")
    parser.option(
        "check", action="store_true", help="look for damage in the data set and in finished stores, make none"
    )
    arguments: argparse.Namespace = parser.parse_args(words)
    arguments.data = arguments.data or data_folder(arguments.source)
    arguments.out = arguments.out or _stores_folder(arguments.source)
    return arguments


def _stores_folder(source: str) -> Path:
    return data_folder(source).with_name(f"{source}-images")


def _options_of_sources() -> dict[str, SourceOption]:
    """What single data sets have options for, by name."""
    return {name: option for entry in SOURCES.values() for name, option in entry.options.items()}


_INSTEAD_OF_STORES = {
    "check": {"source", "data", "out", "partition"},
    "export": {"out", "partition"},
    "verify": {"out", "partition"},
    "merge": {"out", "partition"},
    "show": {"source", "data", "out", "partition", "folds", "fold", "folds_file", "folds_seed", "window", "stride"}
    | {"beat", "beat_extent", "beats", "leads", "sampling_rate", "band", "representations", "limit", *IMAGE_OPTIONS},
}
"""What makes no store, and the options that go with it; with ``show`` go also those of a data set."""


def _refuse_what_would_be_ignored(arguments: argparse.Namespace) -> None:
    of_source = {"show": _options_of_sources().keys()}
    merges_what_it_makes = {"merge"} if arguments.scheduler else set()
    for instead in sorted(arguments.typed & _INSTEAD_OF_STORES.keys() - merges_what_it_makes):
        taken = _INSTEAD_OF_STORES[instead] | of_source.get(instead, set())
        ignored = sorted(arguments.typed - taken - {instead})
        if ignored:
            raise EcgFusionError(f"--{ignored[0]} does not go with --{instead}, which makes no store: leave it out")


def _finished_stores(arguments: argparse.Namespace) -> list["Store"]:
    from pipeline.store.reading import open_store, store_path

    there = [name for name in PARTITIONS if store_path(arguments.out, name).exists()]
    return [open_store(store_path(arguments.out, name)) for name in arguments.partition or there or PARTITIONS[:1]]


def _check(arguments: argparse.Namespace) -> None:
    """Names what is damaged in the data set's folder, where it has a list of sums, and in the stores.

    Raises:
        EcgFusionError: something is damaged, or there is nothing that can be checked.
    """
    from pipeline.sources.download.checksums import SUMS, problems_of
    from pipeline.store.check import UncheckedError, damage_of_store
    from pipeline.store.reading import store_path

    if is_remote(arguments.data):
        raise EcgFusionError(f"--check reads every file: copy {arguments.data} to this machine, and check that")
    paths = [store_path(arguments.out, name) for name in arguments.partition or PARTITIONS]
    paths = [path for path in paths if path.exists()]
    listed = (arguments.data / SUMS).is_file()
    if not paths and not listed:
        raise EcgFusionError(f"there is nothing to check: no {SUMS} in {arguments.data}, no store in {arguments.out}")
    found = [f"{arguments.data / name} {problem}" for name, problem in problems_of(arguments.data)] if listed else []
    checked, unchecked = [arguments.data] if listed else [], []
    for path in paths:
        try:
            found += damage_of_store(path)
            checked.append(path)
        except UncheckedError as problem:
            unchecked.append(str(problem))
        except EcgFusionError as refused:
            found.append(str(refused))
            checked.append(path)
    for sentence in (*found, *unchecked):
        say(sentence)
    where = ", ".join(map(str, checked))
    if found:
        raise EcgFusionError(f"{len(found)} damaged, each named above, in {where}")
    if not checked:
        raise EcgFusionError("nothing could be checked, as is said above")
    say(f"no damage in {where}")


def _chosen(arguments: argparse.Namespace) -> tuple[Source, StoreKeywords]:
    """The data set, opened, and what is to be made of it."""
    own = {name: getattr(arguments, name) for name in _options_of_sources() if name in arguments.typed}
    rate = arguments.sampling_rate or RATES.get(arguments.beat or "")
    source = open_source(arguments.source, arguments.data, rate, **own)
    given = {name: value for name, value in vars(arguments).items() if name in StoreKeywords.__annotations__}
    if "band" not in arguments.typed:  # None would be a band that somebody chose: no filter
        del given["band"]
    return source, cast(StoreKeywords, given | given_image_options(arguments))


@told_to(Console)
def main(words: Sequence[str] | None = None) -> None:
    """Runs the command."""
    arguments = parse(words)
    _refuse_what_would_be_ignored(arguments)
    if arguments.check:
        _check(arguments)
    elif arguments.export:
        from pipeline.store.export import export_store

        for store in _finished_stores(arguments):
            say(export_store(store, arguments.export / store.path.stem))
    elif arguments.verify:
        from pipeline.store.verify import verify_store

        for store in _finished_stores(arguments):
            say(verify_store(store, arguments.verify))
    elif arguments.merge and not arguments.scheduler:
        from pipeline.store.create import merge_stores

        merge_stores(store.path for store in _finished_stores(arguments))
    elif arguments.show:
        from pipeline.store.plan import plan_stores
        from pipeline.store.show import show_record

        source, options = _chosen(arguments)
        say(show_record(plan_stores(StoreOptions.of(source, arguments.out, options), to_store=False), arguments.show))
    else:
        from pipeline.store.create import create_stores

        source, options = _chosen(arguments)
        create_stores(source, arguments.out, **options)


if __name__ == "__main__":
    run_command(main, "give the same command again and it goes on")
