"""Counts at every threshold are those of a table, and both curves go where they must."""

import numpy as np
import pytest

from pipeline.evaluation.metrics import auroc, count
from pipeline.evaluation.threshold_steps import log_odds, pr_points, range_of, roc_points, steps_of
from pipeline.evaluation.thresholds import predict


@pytest.fixture(params=[np.float32, np.float64])
def drawn(request):
    random = np.random.default_rng(0)
    labels = (random.random(500) < 0.2).astype(np.uint8)
    scores = (1 / (1 + np.exp(-random.normal(size=500) * 2 - 2 * labels + 2))).astype(request.param)
    return labels, scores


def test_the_counts_are_those_of_the_table(drawn):
    labels, scores = drawn
    chosen = float(scores[7])
    steps = steps_of(labels, scores, chosen)
    assert chosen in steps.thresholds
    assert np.all(np.diff(steps.thresholds) > 0)
    for threshold, tp, fp in zip(steps.thresholds, steps.tp, steps.fp, strict=True):
        found = count(labels, predict(scores[:, None], [threshold])[:, 0])
        assert (int(found.tp), int(found.fp)) == (tp, fp)
    assert (steps.n_positive, steps.n_negative) == (labels.sum(), 500 - labels.sum())
    assert steps.thresholds[steps.index_of(chosen)] == chosen


def test_a_threshold_beyond_all_scores_is_among_the_steps(drawn):
    labels, scores = drawn
    for chosen in (0.0, 1.0, 0.9999):
        assert chosen in steps_of(labels, scores, chosen).thresholds


def test_the_range_holds_nearly_all_scores_and_is_never_empty():
    low, high = range_of(np.full(10, 0.5))
    assert low < high
    low, high = range_of(np.array([0.0, 1.0]))
    assert (low, high) == (-9, 9)


def test_the_area_below_the_curve_is_the_auroc(drawn):
    labels, scores = drawn
    points = roc_points(labels, scores, most=10_000)
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    area = np.trapezoid(points[:, 1], points[:, 0])
    assert area == pytest.approx(auroc(labels, scores), abs=1e-12)
    few = roc_points(labels, scores, most=60)
    assert len(few) <= 62
    assert np.trapezoid(few[:, 1], few[:, 0]) == pytest.approx(area, abs=0.005)


def test_precision_ends_at_the_prevalence(drawn):
    labels, scores = drawn
    assert pr_points(labels, scores)[-1].tolist() == [1, labels.mean()]


def test_without_a_positive_there_is_no_curve():
    scores = np.array([0.1, 0.2])
    assert len(roc_points(np.zeros(2), scores)) == len(pr_points(np.zeros(2), scores)) == 0
    assert len(roc_points(np.ones(2), scores)) == 0
    assert steps_of(np.zeros(2), scores, 0.5).n_positive == 0


def test_log_odds_are_finite():
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()
