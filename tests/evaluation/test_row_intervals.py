"""The intervals of a row: what stands behind each figure, what is withheld and why, and means over classes."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from pipeline.evaluation.figures import Evaluation, evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.metrics import FIGURES, Figure
from pipeline.evaluation.row_intervals import RowIntervals, mean_of_one, support_of
from pipeline.evaluation.scores import Scores
from pipeline.report.tables import as_text


def with_positives(n: int, n_items: int = 400) -> Evaluation:
    """One common class, and one of ``n`` patients."""
    draw = np.random.default_rng(1)
    labels = np.stack([np.arange(n_items) % 2 == 0, np.arange(n_items) < n], 1)
    scores = 1 / (1 + np.exp(-draw.normal(size=labels.shape) - 1.5 * labels))
    items = np.array([f"t{i}" for i in range(n_items)])
    return evaluate(Scores(scores, labels, items, ("a", "b"), "multilabel"), None, 0.6, "", Resampling(100))


@pytest.mark.parametrize(
    ("n", "withheld"),
    [(5, {"auroc", "average_precision"}), (9, {"auroc", "average_precision"}), (10, {"average_precision"}),
     (99, {"average_precision"}), (100, set())],
)  # fmt: skip
def test_what_too_few_patients_do_not_tell_is_withheld(n: int, withheld: set[str]):
    evaluation = with_positives(n)
    intervals = evaluation.intervals
    assert intervals is not None
    assert intervals.withheld.get(("class", "b"), {}).keys() == withheld
    assert not intervals.classes["b"].keys() & withheld
    assert intervals.marked == ((("class", "b"),) if n < 25 else ())
    saved = json.loads(json.dumps(evaluation.as_json(), allow_nan=False))["intervals"]
    for name in withheld:
        assert saved["classes"]["b"][name] is None
        assert saved["withheld"]["classes"]["b"][name].startswith(f"{n} patients behind it, fewer than ")
    table = as_text(evaluation).split("95% intervals")[1]
    for name in withheld:
        assert f"{evaluation.classes['b'].figures[name]:.3f} †" in table
    assert ("no interval, because" in table) == bool(withheld)
    assert ("| b ‡ " in table, "‡: wide" in table) == (n < 25, n < 25)
    # a mean over classes holds its area from five patients on, and its average precision as its classes do
    assert "auroc" in intervals.macro
    assert ("average_precision" in intervals.macro) == (n >= 100)


def test_a_figure_needs_patients_in_what_it_is_a_share_of():
    """Of thirty with a class none is found but two, and precision is a share of these."""
    labels = np.arange(300)[:, None] < 30
    scores = np.where(np.arange(300)[:, None] < 2, 0.9, 0.1)
    found = evaluate(Scores(scores, labels, np.arange(300), ("a",), "multilabel"), None, 0.5, "", Resampling(100))
    assert found.intervals is not None
    assert found.intervals.withheld["class", "a"]["precision"] == "2 patients behind it, fewer than 5"
    expected = binomtest(2, 30).proportion_ci(method="wilson")
    assert found.intervals.classes["a"]["sensitivity"] == pytest.approx((expected.low, expected.high), abs=0.06)


def test_the_patients_behind_each_figure_by_hand():
    patients = np.array([0, 0, 1, 2, 3, 3])
    labels = np.array([[1, 1, 1, 0, 0, 0]], bool).T
    found = np.array([[1, 0, 1, 1, 0, 0]], bool).T
    support = support_of(labels, found, patients)
    assert (support.positive, support.negative, support.all, support.rarer) == (2, 2, 4, 2)
    assert support.of == {
        "sensitivity": 2, "specificity": 2, "precision": 3, "npv": 2, "accuracy": 4, "f1": 3, "g_mean": 2
    }  # fmt: skip
    moving = {name: support.moving(name) for name in (*support.of, "TP", "FN", "FP", "TN", "auroc")}
    assert moving == dict.fromkeys(moving, 2) | {"accuracy": 4}  # not all three in whom it was found or was true
    both = support_of(np.hstack([labels, ~labels]), np.hstack([found, ~found]), patients)
    assert (both.positive, both.negative) == (4, 4)


def test_the_mean_over_one_class_is_known_as_the_class_is():
    row = RowIntervals({"TP": (1, 3), "sensitivity": (0.2, 0.4), "g_mean": (0.1, 0.5)}, {"auroc": "few"})
    mean = mean_of_one(row)
    assert mean.spans == {"sensitivity": (0.2, 0.4), "g_mean": (0.1, 0.5), "g_mean_of_means": (0.1, 0.5)}
    assert mean.withheld == {"auroc": "few"}


def test_a_column_beyond_its_range_has_no_interval_and_says_why(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(FIGURES, "odds", Figure("odds", lambda counts: (counts.tp + 1) / (counts.fp + 1) * 9))
    intervals = with_positives(50).intervals
    assert intervals is not None
    for row in (("class", "b"), ("macro", "")):
        assert intervals.withheld[row]["odds"] == "it is not from 0 to 1 in every resample"


def test_the_counts_of_a_row_are_shares_of_all_its_items():
    evaluation = with_positives(5)
    assert evaluation.intervals is not None
    for name, row in evaluation.classes.items():
        assert row.counts is not None
        for cell, count in row.counts.items():
            low, high = evaluation.intervals.classes[name][cell]
            assert 0 <= low <= count <= high <= 400
            assert low < high
