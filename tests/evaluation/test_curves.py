"""Points of curves: scikit-learn's, and at a threshold what the table counts."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from pipeline.evaluation.curves import operating_point, points
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.scores import Scores


def some(levels: int, dtype: type = np.float64, n: int = 150, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = draw.random(n) < 0.3
    return labels, (np.floor(levels * (draw.random(n) + 0.4 * labels) / 1.4) / levels).astype(dtype)


@pytest.mark.parametrize("levels", [1, 2, 7, 10**9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_they_are_scikit_learns(levels: int, dtype: type):
    labels, scores = some(levels, dtype)
    found = points(labels, scores)
    expected = roc_curve(labels, scores, drop_intermediate=False)
    for ours, theirs in zip((found.false_positive_rate, found.sensitivity, found.threshold), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    np.testing.assert_allclose(found.precision[::-1], precision, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.sensitivity[::-1], recall, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.threshold[:0:-1], thresholds)


@pytest.mark.parametrize("value", [False, True])
def test_a_class_of_one_kind_has_no_curve(value: bool):
    found = points(np.full(4, value), np.array([0.1, 0.2, 0.2, 0.9]))
    assert np.isnan(found.false_positive_rate if value else found.sensitivity).all()
    assert not np.isnan(found.sensitivity if value else found.false_positive_rate).any()


@pytest.mark.parametrize("threshold", [0.0, 0.4, 0.7, 1.0])
def test_the_operating_point_is_that_of_the_table(threshold: float):
    labels, scores = some(10, np.float32)
    item_id = np.arange(len(labels)).astype(str)
    of_table = evaluate(Scores(scores[:, None], labels[:, None], item_id, ("MI",), "multilabel"), threshold=threshold)
    figures = of_table.classes["MI"].figures
    at = operating_point(labels, scores, threshold)
    assert at == pytest.approx((1 - figures["specificity"], figures["sensitivity"]))
    found = points(labels, scores)
    curve = list(zip(found.false_positive_rate, found.sensitivity, strict=True))
    assert np.abs(np.array(curve) - at).sum(1).min() < 1e-12
