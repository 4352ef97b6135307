"""The README says what is so: its commands are understood, its recipes run, and its tree names every module."""

import itertools
import shlex
from pathlib import Path

import pytest
from cards import card_json

import create_images
import evaluate
import train
from pipeline.sources.synthetic import write_dataset

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PARSERS = {
    "create_images.py": create_images.parse,
    "train.py": train.parse,
    "evaluate.py": evaluate.parse,
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


TOY = {"--size": "67", "-nb_filters": "2", "-epochs": "1"}


def recipe(result: str) -> list[str]:
    """The words of the one command that makes this folder, at toy size."""
    (words,) = [words for words in commands() if result in words[1:] and words[-1] == result]
    words = [TOY.get(before, word) for before, word in itertools.pairwise(words)]
    if "--out" in words:
        return [*words, "--workers", "1"]
    return [*words, "-threads", "1", *([] if "-epochs" in words else ["-epochs", "1"])]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the older study's two networks were trained as the README says, on simulated recordings."""
    folder = tmp_path_factory.mktemp("study")
    write_dataset(folder / "data" / "ptbxl", n_records=60, seed=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        create_images.main(recipe("data/study"))
        for name in ("alexnet", "gru"):
            train.main(recipe(f"runs/study-{name}"))
    return folder


@pytest.mark.usefixtures("cpu_as_before")
@pytest.mark.parametrize("name", ["early", "joint"])
def test_the_older_studys_fusions_run(name, study, monkeypatch):
    monkeypatch.chdir(study)
    folder = Path(f"runs/study-{name}")
    train.main(recipe(str(folder)))
    card = card_json(folder)
    assert card["complete"]
    assert list(card["branches"]) == ["study-gru", "study-alexnet"]
    assert card["options"]["finetune"] == (name == "joint")
    assert [card["options"][silent] for silent in ("auxiliary", "branch_dropout")] == [0, 0]
    evaluate.main(["-run", str(folder), "-resamples", "0"])
    assert (folder / "evaluation" / "test" / "table.md").exists()
