"""Weighted rankings: a curve under many weightings is scikit-learn's under each of them."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from pipeline.evaluation.metrics import auroc, average_precision
from pipeline.evaluation.ranking import Ranking


def some(levels: int, n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = draw.random(n) < 0.3
    return labels, np.floor(levels * (draw.random(n) + 0.4 * labels) / 1.4) / levels


@pytest.mark.parametrize("levels", [2, 7, 10**9])
def test_with_unit_weights_it_is_the_plain_figure(levels):
    labels, scores = some(levels)
    curve = Ranking(labels, scores).curve(np.ones((120, 1)))
    assert curve.auroc() == pytest.approx(auroc(labels, scores), abs=1e-12)
    assert curve.average_precision() == pytest.approx(average_precision(labels, scores), abs=1e-12)


@pytest.mark.parametrize("levels", [1, 2, 7, 10**9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("whole", [True, False])
def test_it_is_scikit_learns_with_sample_weight(levels, dtype, whole):
    labels, scores = some(levels)
    scores = scores.astype(dtype)
    draw = np.random.default_rng(1)
    weights = draw.poisson(1, (120, 30)).astype(float) if whole else draw.exponential(size=(120, 30))
    curve = Ranking(labels, scores).curve(weights)
    for i, column in enumerate(weights.T):
        area = roc_auc_score(labels, scores, sample_weight=column)
        assert curve.auroc()[i] == pytest.approx(area, abs=1e-12)
        precision = average_precision_score(labels, scores, sample_weight=column)
        assert curve.average_precision()[i] == pytest.approx(precision, abs=1e-12)


def test_three_items_by_hand():
    # scores fall 0.9 (positive), 0.5 (positive and negative); a doubled negative halves nothing but the pairs' shares
    curve = Ranking(np.array([1, 1, 0]), np.array([0.9, 0.5, 0.5])).curve(np.array([[1.0, 1], [1, 0], [1, 2]]))
    assert curve.auroc() == pytest.approx([(1 + 0.5) / 2, 1])
    assert curve.average_precision() == pytest.approx([(1 + 2 / 3) / 2, 1])


def test_entries_may_share_the_weight_of_an_item():
    labels, scores = some(9)
    items = np.repeat(np.arange(40), 3)
    weights = np.random.default_rng(2).poisson(1, (40, 5)).astype(float)
    pooled, spread = Ranking(labels, scores, items).curve(weights), Ranking(labels, scores).curve(weights[items])
    assert np.array_equal(pooled.auroc(), spread.auroc())
    assert np.array_equal(pooled.average_precision(), spread.average_precision())


def test_the_order_is_all_that_counts():
    labels, scores = some(9)
    weights = np.random.default_rng(3).poisson(1, (120, 5)).astype(float)
    assert np.array_equal(
        Ranking(labels, scores).curve(weights).auroc(), Ranking(labels, scores**3).curve(weights).auroc()
    )
    mirrored = Ranking(labels, -scores).curve(weights).auroc()
    assert mirrored == pytest.approx(1 - Ranking(labels, scores).curve(weights).auroc(), abs=1e-12)


@pytest.mark.parametrize("label", [0, 1])
def test_without_both_sides_there_is_no_area(label):
    curve = Ranking(np.full(4, label), np.arange(4.0)).curve(np.ones((4, 2)))
    assert np.isnan(curve.auroc()).all()
    assert curve.average_precision() == pytest.approx([1, 1] if label else [np.nan] * 2, nan_ok=True)
    weightless = Ranking(np.array([1, 0]), np.array([0.5, 0.4])).curve(np.array([[0.0], [1.0]]))
    assert np.isnan([weightless.auroc(), weightless.average_precision()]).all()
