"""Recipes: the options of a command in a TOML file, and options by name and value."""

import argparse
import errno
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.machine.files import FileError, read_file

_MOST_BYTES, _MOST_DOTS = 2**16, 200  # tomllib's time grows with the square of the dots of a name


def read_recipe(path: Path, option: str = "-config") -> dict[str, Any]:
    """The options in a TOML file, by name; which there are, and of which type, is for the command to check.

    Args:
        path: the file.
        option: that has named it, for the sentence on one that is not there.

    Raises:
        EcgFusionError: there is no such file, or it is no TOML.
    """
    try:
        text = read_file(path, _MOST_BYTES).decode("utf-8")
        if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
            raise ValueError("a line has too many dots")
        return tomllib.loads(text)
    except FileNotFoundError:
        raise EcgFusionError(f"there is no recipe {path}: name a TOML file with {option}") from None
    except FileError as problem:
        if problem.errno == errno.EISDIR:
            raise EcgFusionError(f"{path} is a folder: name a TOML file with {option}") from None
        raise
    except (ValueError, RecursionError) as problem:
        raise EcgFusionError(f"{path} is not TOML ({problem}): write lines such as epochs = 3") from None


def recipe_text(options: Mapping[str, Any]) -> str:
    """Options as a recipe: what ``read_recipe`` gives back.

    Args:
        options: words, numbers, true or false, lists of these, and tables of all of them.

    >>> print(recipe_text({"model": "gru", "crop": 2.5, "set": {"size": [2, 3]}}), end="")
    model = "gru"
    crop = 2.5
    set = { size = [2, 3] }
    """
    return "".join(f"{_name(name)} = {_value(value)}\n" for name, value in options.items())


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_name(name)} = {_value(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):  # a text of JSON is one of TOML, but for one character
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value).lower()  # true, 3, 1e-05, inf


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
