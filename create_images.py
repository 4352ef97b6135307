"""Recordings to stores: signals and images of every partition, one HDF5 file each."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.image_options import IMAGE_OPTIONS, REPRESENTATION_NAMES, add_image_options
from pipeline.commands.parser import CommandParser, positive_float, positive_int, run_command
from pipeline.commands.terminal import told_to
from pipeline.errors import EcgFusionError
from pipeline.report.console import Console
from pipeline.signals.leads import IMAGE_LEADS
from pipeline.store.partitions import DEFAULT_FOLDS, PARTITIONS

if TYPE_CHECKING:
    from pipeline.store.reading import Store

DEFAULT_BAND = (0.5, 40.0)

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
    parser.option("source", default="ptbxl", help="the kind of data set (default %(default)s, the only one so far)")
    parser.option("data", type=Path, default=Path("data/ptbxl"), help="the data set's folder (default %(default)s)")
    parser.option(
        "out",
        type=Path,
        default=Path("data/ptbxl-images"),
        help="folder for the stores (default %(default)s)",
    )
    parser.option("partition", choices=PARTITIONS, nargs="+", help="which stores to make (default: all of --folds)")
    parser.option(
        "folds", nargs="+", default=DEFAULT_FOLDS, help=f"of each partition (default {' '.join(DEFAULT_FOLDS)})"
    )
    likely = "percent that a diagnostic statement needs to count (default 0: each that is there counts)"
    parser.option("min_likelihood", type=float, default=0.0, help=likely)
    drawn = f"leads to draw, or all (default {' '.join(IMAGE_LEADS)}); signals are stored of all leads"
    parser.option("leads", nargs="+", default=IMAGE_LEADS, help=drawn)
    parser.option("sampling_rate", type=positive_float, default=100.0, help="of the stored signals, Hz (default 100)")
    band = f"what the filter lets through, from and to, Hz; or none (default {DEFAULT_BAND[0]:g} {DEFAULT_BAND[1]:g})"
    parser.option("band", nargs="+", default=DEFAULT_BAND, help=band)
    parser.option("representations", nargs="+", help=f"{REPRESENTATION_NAMES}, or none (default: all)")
    add_image_options(parser)
    parser.option("workers", type=positive_int, help="threads (default: the cores that are free)")
    parser.option("limit", type=positive_int, help="only the first so many records of each partition")
    parser.option("skip_bad_records", action="store_true", help="leave bad records out instead of stopping")
    parser.option(
        "verify", type=positive_int, metavar="N", help="compare N records of finished stores with pyts, make none"
    )
    parser.option("show", metavar="RECORD_ID", help="save one record and its images as OUT/RECORD_ID.png, make none")
    parser.option("export", type=Path, metavar="FOLDER", help="write finished stores as PNG and CSV files, make none")
    return parser.parse_args(words)


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
    from pipeline.store.reading import open_store, store_path

    there = [name for name in PARTITIONS if store_path(arguments.out, name).exists()]
    return [open_store(store_path(arguments.out, name)) for name in arguments.partition or there or PARTITIONS[:1]]


@told_to(Console)
def main(words: Sequence[str] | None = None) -> None:
    """Runs the command."""
    arguments = parse(words)
    _refuse_what_would_be_ignored(arguments)
    if arguments.export:
        from pipeline.store.export import export_store

        for store in _finished_stores(arguments):
            print(export_store(store, arguments.export / store.path.stem))
    elif arguments.verify:
        from pipeline.store.verify import verify_store

        for store in _finished_stores(arguments):
            print(verify_store(store, arguments.verify), flush=True)
    elif arguments.show:
        from pipeline.store.plan import plan_stores
        from pipeline.store.show import show_record

        print(show_record(plan_stores(arguments), arguments.show))
    else:
        from pipeline.store.create import create_stores
        from pipeline.store.plan import plan_stores

        for summary in create_stores(plan_stores(arguments)):
            print(summary)


if __name__ == "__main__":
    run_command(main, "give the same command again and it goes on")
