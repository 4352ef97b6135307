"""Recipes: the options of a command in a TOML file, and options by name and value."""

import argparse
import errno
import tomllib
from pathlib import Path
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.machine.files import FileError, read_file

_MOST_BYTES, _MOST_DOTS = 2**16, 200  # tomllib's time grows with the square of the dots of a name


def read_recipe(path: Path) -> dict[str, Any]:
    """The options in a TOML file, by name; which there are, and of which type, is for the command to check.

    Raises:
        EcgFusionError: there is no such file, or it is no TOML.
    """
    try:
        text = read_file(path, _MOST_BYTES).decode("utf-8")
        if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
            raise ValueError("a line has too many dots")
        return tomllib.loads(text)
    except FileNotFoundError:
        raise EcgFusionError(f"there is no recipe {path}: name a TOML file with -config") from None
    except FileError as problem:
        if problem.errno == errno.EISDIR:
            raise EcgFusionError(f"{path} is a folder: name a TOML file with -config") from None
        raise
    except (ValueError, RecursionError) as problem:
        raise EcgFusionError(f"{path} is not TOML ({problem}): write lines such as epochs = 3") from None


def named_value(text: str) -> tuple[str, Any]:
    """``n_blocks=4`` as its name and value: a number, true or false as in TOML, else the text itself.

    >>> named_value("n_blocks=4"), named_value("activation=relu")
    (('n_blocks', 4), ('activation', 'relu'))
    """
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier() or not value:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return name, value
