"""Draws the pictures of the documentation again, all of simulated hearts and drawn scores: the same every time."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.commands.parser import CommandParser, run_command
from pipeline.machine.streams import say


def main(words: Sequence[str] | None = None) -> None:
    """Saves the pictures and names them."""
    parser = CommandParser(prog="python -m pipeline.report.gallery", description=__doc__)
    parser.option("out", type=Path, default=Path("docs/gallery"), help="where (default %(default)s)")
    out = parser.parse_args(words).out
    from pipeline.report.gallery_pictures import draw_gallery  # it imports what draws, which takes seconds

    for path in draw_gallery(out):
        say(f"{path}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    run_command(main)
