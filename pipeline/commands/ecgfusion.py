"""The console script: ``ecgfusion train -model gru …`` is ``python train.py -model gru …``."""

import sys
from collections.abc import Sequence
from pkgutil import resolve_name

from pipeline.commands.parser import run_command
from pipeline.errors import EcgFusionError
from pipeline.machine.streams import say
from pipeline.typed import near_names

COMMANDS = {
    "create_images": ("create_images:main", "recordings → stores"),
    "train": ("train:main", "stores → a run"),
    "evaluate": ("evaluate:main", "a run, or a scores file → the table; several → a comparison"),
    "predict": ("predict:main", "recordings in any file, and a run → answers"),
    "download": ("pipeline.sources.download.ptbxl:main", "PTB-XL from PhysioNet"),
    "synthetic": ("pipeline.sources.synthetic:main", "simulated recordings in PTB-XL's layout"),
    "demo": ("pipeline.demo:main", "the whole way on simulated recordings"),
}
"""Each command: its main, and what it makes of what."""


def main(words: Sequence[str] | None = None) -> None:
    """Runs the command that the first word names, with the other words."""
    typed = list(sys.argv[1:] if words is None else words)
    first, rest = (typed[0], typed[1:]) if typed else ("--help", [])
    if first in ("-h", "--help", "-help"):
        lines = [f"  {name:<14} {what}" for name, (_, what) in COMMANDS.items()]
        say("\n".join(["usage: ecgfusion COMMAND OPTIONS, ecgfusion COMMAND --help", *lines]))
        return
    if first not in COMMANDS:
        raise EcgFusionError(f"there is no command {first}: {near_names(first, COMMANDS)}")
    resolve_name(COMMANDS[first][0])(rest)


def run() -> None:
    """The entry point."""
    run_command(main, "give the same command again, for train with -resume, and it goes on")
