"""A small fixed part of the campaign: every kind, every target; and a campaign that meets a bad program says so."""

import subprocess
import sys
from pathlib import Path

import pytest

import campaign
from campaign.__main__ import cases
from campaign.hostile import HOSTILE
from campaign.kills import WORKS
from campaign.targets import TARGETS

ROOT = Path(campaign.__file__).parents[1]


def test_a_campaign_is_the_same_for_the_same_seed_and_leaves_nothing_out():
    chosen = cases(1000, seed=0)
    assert chosen == cases(1000, seed=0) != cases(1000, seed=1)
    assert len(chosen) == 1000
    assert [case.number for case in chosen] == list(range(1, 1001))
    assert {case.of for case in chosen} == {*TARGETS, *(work.name for work in WORKS), *(each.name for each in HOSTILE)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the campaign that is run first keeps the undamaged place, and the next one takes it from."""
    return str(tmp_path_factory.mktemp("campaign"))


def test_no_answer_is_wrong(place: str, tmp_path: Path):
    words = ["-cases", "16", "-seed", "1", "-place", place, "-out", str(tmp_path / "page.md")]
    words = [sys.executable, "-m", "campaign", *words]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "| | together | 16 |" in (tmp_path / "page.md").read_text()


BLIND = """
import sys
import pipeline.evaluation.scores as scores
from campaign.__main__ import main
real = scores.read_npz
def blind(path, names):  # takes a damaged file for one that is full of zeros, and asks nobody
    try:
        return real(path, names)
    except Exception:
        import numpy as np
        names = np.array(["1", "2"])
        found = {"scores": np.zeros((2, 1)), "labels": np.zeros((2, 1)), "item_id": names}
        return found | {"classes": np.array(["MI"]), "kind": np.array("multilabel")}
scores.read_npz = blind
place, out = sys.argv[1:]
words = ["-cases", "200", "-only", "mutations", "-of", "scores files", "-workers", "1"]
main([*words, "-place", place, "-out", out])
"""


def test_a_program_that_overlooks_damage_is_found_out(place: str, tmp_path: Path):
    words = [sys.executable, "-c", BLIND, place, str(tmp_path / "page.md")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "WRONG" in done.stdout
    assert "answers were wrong" in done.stderr
