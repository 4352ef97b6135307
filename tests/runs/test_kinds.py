"""The table of kinds: each is whole, every run is of one, and nothing heavy is imported to say which."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.runs.card_file import read_card
from pipeline.runs.kinds import KINDS, RunKind, kind_named
from pipeline.training.options import TrainOptions


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_says_all_that_it_does(name: str):
    kind = kind_named(name)
    assert isinstance(kind, RunKind)
    parts = dict(vars(kind))
    assert (parts.pop("combine") is not None) == (name in ("members", "late"))
    assert (parts.pop("sees") is not None) == (name == "pretraining")
    assert all(map(callable, parts.values()))


def test_options_and_cards_name_a_kind_of_the_table(earlier: Path):
    asked: list[dict[str, Any]] = [
        {"model": "gru"},
        {"model": "gru", "kfold": 5},
        {"model": "late"},
        {"model": "intermediate"},
    ]
    of_train = [name for name in KINDS if name != "pretraining"]  # which has a command of its own
    assert [TrainOptions.of(**given).run_kind for given in asked] == of_train
    found = {read_card(run).run_kind for run in (earlier / "runs").iterdir()}
    assert found == {*of_train}


def test_a_card_is_read_without_torch():
    code = "import sys, pipeline.runs.card, pipeline.training.options; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
