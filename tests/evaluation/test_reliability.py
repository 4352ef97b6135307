"""Brier score and calibration error: by hand, and as scikit-learn has them."""

import itertools

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from pipeline.evaluation.proportions import wilson
from pipeline.evaluation.reliability import (
    BINNINGS,
    N_BINS,
    bins_of,
    brier,
    calibration_error,
    equal_mass,
    equal_width,
    top_label_error,
)


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(1)
    scores = draw.beta(0.5, 4, (700, 3)).astype(np.float32)
    return (draw.random((700, 3)) < scores**1.4).astype(np.uint8), scores


def test_the_brier_score_is_scikit_learns(drawn):
    labels, scores = drawn
    expected = [brier_score_loss(labels[:, i], scores[:, i].astype(float)) for i in range(3)]
    np.testing.assert_allclose(brier(labels, scores), expected)


@pytest.mark.parametrize(("binning", "strategy"), [("ece", "uniform"), ("adaptive_ece", "quantile")])
def test_bins_are_scikit_learns(drawn, binning, strategy):
    labels, scores = drawn
    for i in range(3):
        values = scores[:, i].astype(float)
        borne, said = calibration_curve(labels[:, i], values, n_bins=N_BINS, strategy=strategy)
        found = bins_of(labels[:, i], values, BINNINGS[binning](values))
        np.testing.assert_allclose(found.borne, borne)
        np.testing.assert_allclose(found.said, said)
        assert found.n.sum() == 700


@pytest.mark.parametrize("binning", BINNINGS)
def test_the_error_is_the_mean_gap_by_the_items_of_a_bin(drawn, binning):
    labels, scores = drawn
    values = scores.astype(float)
    for i, error in enumerate(calibration_error(labels, values, binning)):
        inner = BINNINGS[binning](values[:, i])
        edges, total = [-np.inf, *inner, np.inf], 0.0
        for low, high in itertools.pairwise(edges):  # each without its lower edge
            held = (values[:, i] > low) & (values[:, i] <= high)
            if held.any():
                total += held.sum() * abs(values[held, i].mean() - labels[held, i].mean())
        assert error == pytest.approx(total / 700)
        assert error == pytest.approx(bins_of(labels[:, i], values[:, i], inner).error)


def test_by_hand():
    """Four items in two bins: 0.1 and 0.1 with one positive, 0.9 and 0.9 with two: gaps of 0.4 and 0.1."""
    labels, scores = np.array([[0], [1], [1], [1]]), np.array([[0.1], [0.1], [0.9], [0.9]])
    assert calibration_error(labels, scores) == pytest.approx([(2 * 0.4 + 2 * 0.1) / 4])
    found = bins_of(labels[:, 0], scores[:, 0], equal_width(scores))
    assert (found.n.tolist(), found.borne.tolist()) == ([2, 2], [0.5, 1.0])
    np.testing.assert_allclose(found.spans, [wilson(0.5, 2), wilson(1.0, 2)])


def test_no_one_is_wrong_who_says_what_is():
    labels = np.tile([[0], [1]], (50, 1))
    assert calibration_error(labels, np.full((100, 1), 0.5)) == pytest.approx([0])
    assert calibration_error(labels, labels.astype(float)) == pytest.approx([0])
    assert brier(labels, labels.astype(float)) == pytest.approx([0])


def test_equal_scores_stay_together():
    scores = np.repeat([0.2, 0.4], [99, 1])
    assert bins_of(np.zeros(100), scores, equal_mass(scores)).n.tolist() in ([99, 1], [100])
    assert bins_of(np.zeros(100), np.full(100, 0.3), equal_mass(np.full(100, 0.3))).n.tolist() == [100]


def test_bins_of_equal_mass_hold_as_many_each():
    scores = np.random.default_rng(0).beta(0.3, 8, 1500)
    assert set(bins_of(np.zeros(1500), scores, equal_mass(scores)).n) == {100}


def test_the_edges_belong_somewhere():
    ends = np.array([0.0, 1.0, 1 / N_BINS])
    assert bins_of(np.array([0, 1, 0]), ends, equal_width(ends)).n.sum() == 3


def test_the_error_of_the_highest_score():
    many = drawn_multiclass(n=400)
    right, sure = many.labels[np.arange(400), many.scores.argmax(1)], many.scores.max(1)
    assert top_label_error(many.labels, many.scores) == pytest.approx(bins_of(right, sure, equal_width(sure)).error)
