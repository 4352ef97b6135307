"""Figures of scores with dev's thresholds, and what runs are called side by side."""

import shutil
from pathlib import Path

import pytest

from pipeline.evaluation.scores import load_scores
from pipeline.runs.card import DEV_SCORES, read_card
from pipeline.scoring.judge import judge, names_of


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["runs/a", "runs/b"], ["a", "b"]),
        (["old/a", "new/a"], ["old/a", "new/a"]),
        (["old/a", "old/a"], ["1 old/a", "2 old/a"]),
        (["old/a", "new/a", "new/b"], ["old/a", "new/a", "new/b"]),
        (["alone"], ["alone"]),
        ([], []),
    ],
)
def test_runs_have_the_shortest_names_that_differ(paths: list[str], names: list[str]):
    assert names_of([Path(path) for path in paths]) == names


def test_thresholds_are_devs_whatever_is_judged(earlier: Path):
    """The thresholds are the same for two partitions, since neither chose them."""
    run = earlier / "runs" / "gru"
    scores = load_scores(run / "evaluation" / "test" / "scores.npz")
    half = load_scores(run / "evaluation" / "test" / "scores.npz")
    half.scores = half.scores / 2
    whole, halved = (judge(run, each, "test", None, None) for each in (scores, half))
    assert whole.thresholds == halved.thresholds
    assert whole.thresholds.values == pytest.approx(read_card(run).thresholds.values)


def test_a_number_is_the_threshold_of_every_class(earlier: Path, tmp_path: Path):
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    (run / DEV_SCORES).unlink()
    scores = load_scores(run / "evaluation" / "test" / "scores.npz")
    found = judge(run, scores, "test", 0.25, None)
    assert set(found.thresholds.values.values()) == {0.25}
