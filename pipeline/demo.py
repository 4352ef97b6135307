"""The whole way on synthetic recordings: what a newcomer sees first (``make demo``)."""

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.commands.parser import NOBODY_READS, CommandParser, positive_int, run_command
from pipeline.errors import EcgFusionError
from pipeline.machine.streams import say

ROOT = Path(__file__).resolve().parent.parent
PLACES = (
    ("data/ptbxl", "synthetic recordings in PTB-XL's layout"),
    ("data/ptbxl-images", "train.h5, dev.h5, test.h5: signals and images"),
    ("data/ptbxl-images/1.png", "a record: each lead's trace above its images"),
    ("runs/resnet", "a network on images: weights, card, logs"),
    ("runs/resnet1d_wang", "a network on signals"),
    ("runs/fused", "both of them, a run like any other, with copies of the two"),
    ("runs/RUN/evaluation/test/table.md", "who was found and who was missed; counts.csv, predictions.csv beside it"),
    ("runs/fused/evaluation/test/comparison.md", "does the fusion help, or is it noise? as .csv and .tex, too"),
    ("runs/fused/evaluation/test/report.html", "the same as a page, with curves and recordings: open it in a browser"),
)
"""What the demo leaves behind, and where."""


def main(words: Sequence[str] | None = None) -> None:
    """Runs every command in a folder that is emptied first; the last ones compare a fusion and draw a record."""
    parser = CommandParser(prog="python -m pipeline.demo", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.option("records", type=positive_int, default=800, help="synthetic records (default %(default)s)")
    arguments = parser.parse_args(words)
    folder, started = arguments.folder, time.monotonic()
    _empty(folder)
    commands = (
        f"python -m pipeline.sources.synthetic data/ptbxl --records {arguments.records} --seed 0",
        "python create_images.py --size 64",
        "python train.py -model resnet -epochs 8",
        "python train.py -model resnet1d_wang -crop 2.5 -epochs 6",
        "python evaluate.py -run runs/resnet",
        "python evaluate.py -run runs/resnet1d_wang",
        "python train.py -model late -combine mean -branches runs/resnet runs/resnet1d_wang "
        "-path_save_model runs/fused",
        "python evaluate.py -run runs/fused runs/resnet runs/resnet1d_wang -format md csv latex -report",
        "python create_images.py --show 1",
    )
    for command in commands:
        _type(command, folder)
    say(f"\nAll of it lies in {folder.resolve()}:")
    width = max(len(place) for place, _ in PLACES)
    for place, what in PLACES:
        say(f"  {place:{width}}  {what}")
    say(f"{time.monotonic() - started:.0f} s")


def _empty(folder: Path) -> None:
    """Empties the folder, if it is a demo's or new; never anything else."""
    mark = folder / ".demo"
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise EcgFusionError(f"{folder} holds something that no demo made: name another folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.touch()


def _type(command: str, folder: Path) -> None:
    """Runs a command in the folder as if it were the repository's root."""
    say(f"\n$ {command}")
    words = command.split()[1:]
    script = words if words[0] == "-m" else [str(ROOT / words[0]), *words[1:]]
    ended = subprocess.run([sys.executable, *script], cwd=folder, check=False).returncode
    if ended == NOBODY_READS:
        raise BrokenPipeError
    if ended:
        raise EcgFusionError(f"the demo stopped at: {command}")


if __name__ == "__main__":
    run_command(main)
