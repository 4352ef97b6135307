"""Recipes: the options of a command in a TOML file, and options by name and value."""

import argparse
import tomllib
from pathlib import Path
from typing import Any

from pipeline.errors import EcgFusionError


def read_recipe(path: Path) -> dict[str, Any]:
    """The options in a TOML file, by name; which there are, and of which type, is for the command to check.

    Raises:
        EcgFusionError: there is no such file, or it is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EcgFusionError(f"there is no recipe {path}: name a TOML file with -config") from None
    except IsADirectoryError:
        raise EcgFusionError(f"{path} is a folder: name a TOML file with -config") from None
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
    except ValueError:
        return name, value
