"""-ci percentile and bca: against scipy, and where resamples alone tell of no interval."""

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass
from scipy.stats import bootstrap

from pipeline.evaluation.delong import delong_covariance
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.intervals import METHODS, Resampling
from pipeline.evaluation.metrics import FIGURES, RANKINGS
from pipeline.evaluation.resampled_intervals import ALL_EQUAL, CI, ONE_SIDED, UNDEFINED, by_resamples
from pipeline.evaluation.row_intervals import RowIntervals
from pipeline.evaluation.scores import Scores
from pipeline.report.tables import as_text


def drawn(n: int = 200, skill: float = 1.0, seed: int = 0, **names) -> Scores:
    draw = np.random.default_rng(seed)
    labels = draw.random((n, 2)) < [0.4, 0.2]
    scores = 1 / (1 + np.exp(-draw.normal(size=(n, 2)) - skill * labels))
    return Scores(scores, labels, np.array([f"t{i}" for i in range(n)]), ("a", "b"), "multilabel", **names)


def test_every_method_is_named():
    assert set(METHODS) == {*CI}


def test_the_area_is_about_what_scipy_says():
    scores = drawn()
    ours = evaluate(scores, resampling=Resampling(3000, ci="bca")).intervals.classes["a"]["auroc"]
    labels, values = scores.labels[:, 0], scores.scores[:, 0]

    def area(rows: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.apply_along_axis(lambda row: delong_covariance(labels[row], values[row][None])[0][0], axis, rows)

    theirs = bootstrap((np.arange(200),), area, n_resamples=1000, method="BCa", rng=np.random.default_rng(0))
    assert ours == pytest.approx(list(theirs.confidence_interval), abs=0.012)


def test_the_sensitivity_is_about_what_scipy_says():
    scores = drawn(120, seed=3)
    ours = evaluate(scores, resampling=Resampling(5000, ci="bca")).intervals.classes["a"]["accuracy"]
    right = (scores.scores[:, 0] >= 0.5) == scores.labels[:, 0]
    theirs = bootstrap((right,), np.mean, n_resamples=5000, method="BCa", rng=np.random.default_rng(0))
    assert ours == pytest.approx(list(theirs.confidence_interval), abs=0.012)


def test_all_rows_have_the_figures_that_they_have_by_wilson():
    for scores in (drawn(none_name="none", patient_id=np.arange(200) // 2), drawn_multiclass()):
        usual = evaluate(scores, resampling=Resampling(200)).intervals
        for ci in ("percentile", "bca"):
            found = evaluate(scores, resampling=Resampling(200, ci=ci)).intervals
            assert found.classes.keys() == usual.classes.keys()
            for one, other in ((found.macro, usual.macro), (found.micro, usual.micro), (found.norm, usual.norm)):
                assert one.keys() == other.keys()
            assert found.agreement.keys() == usual.agreement.keys()
            assert found.as_json()["method"] == METHODS[ci]
            for name, (low, high) in found.macro.items():
                assert low < found.macro_values[name] < high
            assert np.array_equal(found.draws, usual.draws, equal_nan=True)  # the same patients are drawn
    assert "moved for bias and skewness (BCa" in as_text(evaluate(scores, resampling=Resampling(100, ci="bca")))


def test_what_never_varies_has_no_interval_and_a_remark():
    found = evaluate(drawn(60, skill=30), resampling=Resampling(100, ci="bca"))
    assert found.intervals.withheld["class", "a"]["auroc"] == ALL_EQUAL
    assert "no interval by resamples alone, because all resamples are equal; -ci wilson has one" in as_text(found)


def test_what_cannot_be_told_says_why():
    found = RowIntervals({"x": (0.0, 1.0)})
    draws, value = np.linspace(0.1, 0.9, 50)[:, None], np.array([0.5])
    jackknife = np.linspace(0.45, 0.55, 20)[:, None]
    assert by_resamples(found, ["x"], value, draws, jackknife).spans["x"] == pytest.approx((0.12, 0.88), abs=0.01)
    assert by_resamples(found, ["x"], np.array([0.05]), draws, jackknife).withheld == {"x": ONE_SIDED}
    jackknife[3] = np.nan
    assert by_resamples(found, ["x"], value, draws, jackknife).withheld == {"x": UNDEFINED}
    assert by_resamples(found, ["x"], value, draws, None).spans["x"] == pytest.approx((0.12, 0.88), abs=0.001)


def test_intervals_hold_the_truth():
    truth = 0.5 + 0.5 * 0.5204998778130465  # two normals one standard deviation apart: Phi(1 / sqrt(2))
    held = 0
    for seed in range(80):
        found = evaluate(drawn(120, seed=seed), resampling=Resampling(100, ci="bca")).intervals
        low, high = found.classes["a"]["auroc"]
        held += low <= truth <= high
    assert 0.87 <= held / 80 <= 1


def test_every_figure_is_in_the_jackknife():
    found = evaluate(drawn(50), resampling=Resampling(50, ci="bca")).intervals
    assert found.left_out.rows.shape == (50, 2, 4 + len(FIGURES) + len(RANKINGS) + 1)
    assert found.left_out.classes.shape[:2] == (50, 2)
    assert evaluate(drawn(50), resampling=Resampling(50)).intervals.left_out is None
