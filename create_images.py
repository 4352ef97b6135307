"""Recordings to stores: signals and images of every partition, one HDF5 file each."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.command_line import CommandParser, positive_float, positive_int, run_command
from pipeline.defaults import IMAGE_LEADS
from pipeline.errors import EcgFusionError, warn
from pipeline.folds import DEFAULT_FOLDS, PARTITIONS, parse_folds, partition_rows
from pipeline.image_options import IMAGE_OPTIONS, add_image_options, check_size, given_image_options, image_recipe

if TYPE_CHECKING:
    from pipeline.job import Job
    from pipeline.store import Store

DEFAULT_BAND = (0.5, 40.0)

EXAMPLES = """
examples:
  python create_images.py --partition train          data/ptbxl -> data/ptbxl-images/train.h5
  python create_images.py --size 128 --workers 2     all three partitions, pictures of 128 x 128
  python create_images.py --representations none     signals only
  python create_images.py --show 17110               a picture of one record and its images
"""


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options; see ``--help``."""
    parser = CommandParser(prog="create_images.py", description=__doc__, epilog=EXAMPLES)
    parser.option("source", default="ptbxl", help="the data set's name (default %(default)s)")
    parser.option("data", type=Path, default=Path("data/ptbxl"), help="its folder (default %(default)s)")
    parser.option(
        "out",
        type=Path,
        default=Path("data/ptbxl-images"),
        help="folder for the stores (default %(default)s)",
    )
    parser.option("partition", choices=PARTITIONS, nargs="+", help="which to make (default: all that have folds)")
    parser.option("folds", nargs="+", default=DEFAULT_FOLDS, help=f"default {' '.join(DEFAULT_FOLDS)}")
    parser.option("min_likelihood", type=float, default=0.0, help="percent that a diagnostic statement needs (0)")
    parser.option("leads", nargs="+", default=IMAGE_LEADS, help="leads to draw, or all; signals carry all")
    parser.option("sampling_rate", type=positive_float, default=100.0, help="of the store, Hz (default 100)")
    parser.option("band", nargs="+", default=DEFAULT_BAND, help="edges in Hz, or none (default 0.5 40)")
    parser.option("representations", nargs="+", help="image forms, or none (default: all)")
    add_image_options(parser)
    parser.option("workers", type=positive_int, help="threads (default: the cores that are free)")
    parser.option("limit", type=positive_int, help="only the first so many records of each partition")
    parser.option("skip_bad_records", action="store_true", help="leave bad records out instead of stopping")
    parser.option("verify", type=positive_int, metavar="N", help="compare N records of finished stores with pyts")
    parser.option("show", metavar="RECORD_ID", help="save a picture of one record instead of making stores")
    parser.option("export", type=Path, metavar="FOLDER", help="write finished stores as PNG and CSV files instead")
    return parser.parse_args(words)


def parse_band(words: Sequence[Any]) -> tuple[float, float] | None:
    """The edges of ``--band``, or None for ``none``."""
    if list(words) == ["none"]:
        return None
    try:
        low, high = (float(word) for word in words)
    except ValueError:
        raise EcgFusionError(f"--band {' '.join(map(str, words))} is not understood: write 0.5 40, or none") from None
    return low, high


def make_jobs(arguments: argparse.Namespace) -> list["Job"]:
    """One job for each wanted partition; prints what the data set holds, warns of partitions that are empty."""
    from pipeline.job import Job, SignalRecipe
    from pipeline.parallel import free_cores
    from pipeline.report.overview import source_overview
    from pipeline.signals import check_band, choose_leads
    from pipeline.sources import open_source
    from pipeline.sources.base import canonical_lead

    if not 0 <= arguments.min_likelihood <= 100:
        raise EcgFusionError(f"--min_likelihood {arguments.min_likelihood:g} is no percentage: give 0 to 100")
    folds = parse_folds(arguments.folds)
    band = parse_band(arguments.band)
    given = given_image_options(arguments)
    forms = arguments.representations
    chosen = {} if forms is None else {"representations": () if forms == ["none"] else tuple(forms)}
    if given and forms == ["none"]:
        raise EcgFusionError(
            f"--{next(iter(given))} is for images, and --representations none makes none: leave one out"
        )
    recipe = image_recipe(chosen, given)
    source = open_source(arguments.source, arguments.data, arguments.sampling_rate, arguments.min_likelihood)
    if arguments.sampling_rate > source.sampling_rate:
        raise EcgFusionError(
            f"--sampling_rate {arguments.sampling_rate:g} is above the {source.sampling_rate:g} Hz of the recordings"
        )
    try:
        leads = [canonical_lead(lead) for lead in arguments.leads]
        image_leads = tuple(source.leads[number] for number in choose_leads(source.leads, leads))
        if band:
            check_band(band, source.sampling_rate)
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None
    rows = partition_rows(source.items, folds)
    rows = {name: chosen[: arguments.limit] for name, chosen in rows.items()}
    wanted = list(dict.fromkeys(arguments.partition or folds))
    print(source_overview(source, arguments.data, {name: rows[name] for name in wanted if name in rows}))
    jobs = []
    for partition in wanted:
        if not len(rows.get(partition, [])):
            warn(f"{arguments.data} has no record for {partition} ({' '.join(arguments.folds)}): no store is made")
            continue
        jobs.append(
            Job(
                source=source,
                partition=partition,
                rows=rows[partition],
                folds=folds,
                signal_recipe=SignalRecipe(band, arguments.sampling_rate, max(1000.0, source.gain)),
                image_recipe=recipe,
                image_leads=image_leads,
                extra={"min_likelihood": arguments.min_likelihood, "limit": arguments.limit},
                out=arguments.out,
                skip_bad_records=arguments.skip_bad_records,
                workers=arguments.workers or free_cores(),
            )
        )
    for job in jobs:
        check_size(recipe, job.n_samples, arguments.sampling_rate)
    return jobs


_INSTEAD_OF_STORES = {
    "export": {"out", "partition"},
    "verify": {"out", "partition"},
    "show": {"source", "data", "out", "partition", "folds", "leads", "sampling_rate", "band", "representations"}
    | {"min_likelihood", "limit", *IMAGE_OPTIONS},
}
"""What makes no store, and the options that go with it."""


def _refuse_what_would_be_ignored(arguments: argparse.Namespace) -> None:
    for instead in sorted(arguments.typed & _INSTEAD_OF_STORES.keys()):
        ignored = sorted(arguments.typed - _INSTEAD_OF_STORES[instead] - {instead})
        if ignored:
            raise EcgFusionError(f"--{ignored[0]} does not go with --{instead}, which makes no store: leave it out")


def _finished_stores(arguments: argparse.Namespace) -> list["Store"]:
    from pipeline.store import open_store, store_path

    there = [name for name in PARTITIONS if store_path(arguments.out, name).exists()]
    return [open_store(store_path(arguments.out, name)) for name in arguments.partition or there or PARTITIONS[:1]]


def main(words: Sequence[str] | None = None) -> None:
    """Runs the command."""
    arguments = parse(words)
    _refuse_what_would_be_ignored(arguments)
    if arguments.export:
        from pipeline.export import export_store

        for store in _finished_stores(arguments):
            print(export_store(store, arguments.export / store.path.stem))
    elif arguments.verify:
        from pipeline.verify import verify_store

        for store in _finished_stores(arguments):
            print(verify_store(store, arguments.verify), flush=True)
    elif arguments.show:
        from pipeline.show import show_record

        print(show_record(make_jobs(arguments), arguments.show))
    else:
        from pipeline.create import create_stores

        for summary in create_stores(make_jobs(arguments)):
            print(summary)


if __name__ == "__main__":
    run_command(main, "give the same command again and it goes on")
