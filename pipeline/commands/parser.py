"""The one parser class of every command, and how a command ends."""

import argparse
import difflib
import os
import re
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from pipeline.commands.escaping import one_line, printable
from pipeline.errors import EcgFusionError
from pipeline.machine.files import file_error
from pipeline.machine.group import ToldElsewhereError, speaks
from pipeline.machine.limits import check_thread_variables
from pipeline.machine.places import check_address, local
from pipeline.machine.streams import open_closed_streams, settle_streams, take_names_as_utf8

NOBODY_READS = 141
"""How a command ends whose reader has gone away, as one does that a signal of its pipe ends."""


class CommandParser(argparse.ArgumentParser):
    """Takes every option as ``--name`` and as ``-name``, ``-`` equal to ``_``, by its exact name only.

    argparse alone would take ``-e`` for ``-epochs``, even with ``allow_abbrev=False``. The namespace has also the set
    ``typed`` of the options that were given, so that a command can tell a choice from a default.
    """

    def __init__(self, **keywords: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **keywords)
        self._names = {"help": "--help", "h": "--help"}
        # argparse before 3.14 takes -1e3 for an option
        self._negative_number_matcher = re.compile(r"-(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")

    def option(self, name: str, group: argparse._ArgumentGroup | None = None, **keywords: Any) -> None:
        """Adds one option under both spellings; ``keywords`` are those of ``add_argument``."""
        if keywords.get("type") is Path:
            keywords["type"] = local  # what is read across a network takes ``place``
        self._names[name] = f"--{name}"
        (group or self).add_argument(f"--{name}", f"-{name}", **{"dest": name, **keywords})

    def switch(self, name: str, group: argparse._ArgumentGroup | None, yes: str, no: str) -> None:
        """Adds an option that can be given either way: ``-name`` is True, ``-no_name`` False, neither None.

        Args:
            name: of the option.
            group: where the help lists it.
            yes: what the help says of ``-name``.
            no: what it says of ``-no_name``.
        """
        self.option(name, group, action="store_true", default=None, help=yes)
        self.option(f"no_{name}", group, dest=name, action="store_false", default=None, help=no)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        given = sys.argv[1:] if args is None else list(args)
        for word in given:
            check_address(word.partition("=")[2] if word.startswith("-") else word)
        spelled = [self._spell(word) for word in given]
        if "" in spelled:
            self.error(f"{spelled[spelled.index('') - 1]} is followed by nothing: give a value or leave it out")
        parsed = super().parse_args(spelled, namespace)
        parsed.typed = {
            self._option_string_actions[word.partition("=")[0]].dest for word in spelled if word[:2] == "--" != word
        }
        return parsed

    def _spell(self, word: str) -> str:
        if not re.match(r"--?[A-Za-z]", word):
            return word  # a value, a negative number or a lone dash
        name, equals, value = word.lstrip("-").partition("=")
        known = self._names.get(name.replace("-", "_"))
        if known is None:
            near = difflib.get_close_matches(name.replace("-", "_"), self._names, n=3)
            hint = f"did you mean -{' or -'.join(near)}?" if near else f"see {self.prog} --help"
            self.error(f"there is no option {word}: {hint}")
        return known + equals + value

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {printable(message)}\n" if speaks() else None)


def positive_int(text: str) -> int:
    """A whole number of at least 1."""
    number = int(text) if re.fullmatch(r"\+?\d+", text) else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return number


def natural_number(text: str) -> int:
    """A whole number of at least 0."""
    if not re.fullmatch(r"\+?\d{1,18}", text):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 0")
    return int(text)


def positive_float(text: str) -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def one_word(text: str) -> str:
    """One of several words, between which are blanks."""
    parts = [part.strip() for part in text.replace(";", ",").split(",")]
    if len(parts) > 1:
        raise argparse.ArgumentTypeError(f"{text} has no blanks: write {' '.join(filter(None, parts)) or 'words'}")
    return text


_ALSO_CALLED = {
    "train": ("training",),
    "dev": ("val", "valid", "validation", "development", "tune", "eval"),
    "test": ("testing", "tst"),
}


def partition_name(text: str) -> str:
    """The name of a partition; what it is called elsewhere is refused with what it is called here."""
    for name, others in _ALSO_CALLED.items():
        if text.lower() in others or (text != name and text.lower() == name):
            raise argparse.ArgumentTypeError(f"{text} is called {name} here")
    return one_word(text)


def _program(path: str) -> str:
    """What sentences call the command: its file, or its folder where ``python -m`` runs that."""
    folder, name = os.path.split(path)
    return f"pipeline.{os.path.basename(folder)}" if name == "__main__.py" else name


def run_command(main: Callable[[Sequence[str]], None], after_interruption: str = "") -> NoReturn:
    """Runs a command; the user's mistakes end it with one sentence and a non-zero exit, never a traceback.

    Args:
        main: takes the words that were typed.
        after_interruption: what to do after Ctrl-C to go on.
    """
    program = _program(sys.argv[0])
    open_closed_streams()
    take_names_as_utf8()
    threading.excepthook = _quiet_about_the_disk
    try:
        check_thread_variables()
        main(sys.argv[1:])
        sys.stdout.flush()
    except ToldElsewhereError as problem:
        sys.exit(problem.code)
    except EcgFusionError as problem:
        sys.exit(f"{program}: {one_line(str(problem))}")  # it may name what a file calls itself
    except KeyboardInterrupt:
        remedy = f": {after_interruption}" if after_interruption else ""
        print(f"\n{program}: interrupted{remedy}", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(NOBODY_READS)
    except OSError as problem:
        sys.exit(f"{program}: {one_line(str(file_error(problem)))}")
    finally:
        settle_streams()
    sys.exit(0)


def _quiet_about_the_disk(problem: threading.ExceptHookArgs) -> None:
    """What the disk refuses to a thread is told by who waits for it."""
    if not issubclass(problem.exc_type, OSError):
        threading.__excepthook__(problem)
