"""The README says what is so: its commands are understood, and its tree names every module."""

import shlex
from pathlib import Path

import pytest

import create_images
import evaluate
import train

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PARSERS = {
    "create_images.py": create_images.parse,
    "train.py": train.parse,
    "evaluate.py": lambda words: evaluate._parser().parse_args(words),
}


def commands() -> list[list[str]]:
    """The indented lines that begin with ``python SCRIPT.py``, continued lines joined, comments dropped."""
    lines = README.replace("\\\n", " ").splitlines()
    typed = [shlex.split(line, comments=True) for line in lines if line.startswith("    python ")]
    return [words[1:] for words in typed if words[1] in PARSERS]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_is_understood(words):
    PARSERS[words[0]](words[1:])


def test_the_commands_are_found():
    assert {words[0] for words in commands()} == set(PARSERS)
    assert len(commands()) > 15


def test_the_tree_names_every_module():
    tree = README.split("## The tree")[1].split("\n## ")[0]
    modules = [path.name for path in (ROOT / "pipeline").glob("*.py") if path.name != "__init__.py"]
    assert [name for name in modules if name not in tree] == []
