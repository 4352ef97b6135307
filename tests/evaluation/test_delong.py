"""DeLong's test: against the sum over all pairs, other people's code, and what must be so."""

import math

import numpy as np
import pytest
from MLstatkit import Delong_test

from pipeline.evaluation.delong import delong_area, delong_covariance, delong_test
from pipeline.evaluation.metrics import auroc


def drawn(seed: int, n: int = 120, skill: float = 1.0, levels: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and the scores of two models that err alike somewhat; few levels make ties."""
    draw = np.random.default_rng(seed)
    labels = (draw.random(n) < 0.3).astype(int)
    shared = draw.normal(size=n)
    both = shared + draw.normal(size=(2, n)) + skill * labels
    scores = 1 / (1 + np.exp(-both))
    return labels, *(np.round(scores * levels) / levels if levels else scores)


def by_all_pairs(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong's formulas as they stand in the paper: psi of every positive and every negative, (models, m, n)."""
    positives, negatives = scores[:, labels == 1], scores[:, labels == 0]
    apart = positives[:, :, None] - negatives[:, None, :]
    psi = (apart > 0) + 0.5 * (apart == 0)
    of_positives, of_negatives = np.atleast_2d(np.cov(psi.mean(2))), np.atleast_2d(np.cov(psi.mean(1)))
    return psi.mean((1, 2)), of_positives / positives.shape[1] + of_negatives / negatives.shape[1]


@pytest.mark.parametrize("levels", [0, 5])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_sum_over_all_pairs(seed: int, levels: int):
    labels, *both = drawn(seed, levels=levels)
    areas, covariance = delong_covariance(labels, np.stack(both))
    expected = by_all_pairs(labels, np.stack(both))
    assert areas == pytest.approx(expected[0], abs=1e-13)
    assert covariance == pytest.approx(expected[1], abs=1e-13)
    assert areas == pytest.approx([auroc(labels, each) for each in both], abs=1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_what_mlstatkit_says(seed: int):
    labels, first, second = drawn(seed)
    z, p = Delong_test(labels, first, second, return_ci=False, return_auc=False)
    ours = delong_test(labels, first, second)
    assert ours.p == pytest.approx(p, abs=1e-9)
    assert ours.value / math.sqrt(ours.variance) == pytest.approx(-z, abs=1e-9)


def test_equal_scores_do_not_differ():
    labels, first, _ = drawn(0)
    for other in (first, first**3):  # the order is all that counts
        found = delong_test(labels, first, other)
        assert (found.value, found.span, found.p) == (0, (0, 0), 1)


def test_swapping_the_models_turns_the_sign():
    labels, first, second = drawn(1, skill=0.5)
    one, other = delong_test(labels, first, second), delong_test(labels, second, first)
    assert one.value == -other.value
    assert one.span == pytest.approx((-other.span[1], -other.span[0]))
    assert one.p == pytest.approx(other.p)


def test_negated_labels_and_scores_are_the_same_question():
    labels, first, second = drawn(2)
    one, other = delong_test(labels, first, second), delong_test(1 - labels, -first, -second)
    assert (one.value, one.variance) == pytest.approx((other.value, other.variance))


def test_the_interval_leaves_out_0_where_p_is_below_0_05():
    for seed in range(40):
        labels, first, second = drawn(seed)
        found = delong_test(labels, first, second - 0.15 * labels)
        assert (found.p < 0.05) == (not found.span[0] <= 0 <= found.span[1])


def test_p_values_of_equal_models_are_uniform():
    p = np.array([delong_test(*drawn(seed, n=200)).p for seed in range(400)])
    assert 0.02 <= (p < 0.05).mean() <= 0.09
    assert 0.42 <= (p < 0.5).mean() <= 0.58


def test_intervals_of_one_area_hold_the_truth():
    truth = 0.5 + 0.5 * math.erf(1 / math.sqrt(2) / math.sqrt(2) / math.sqrt(2))  # two normals, sqrt(2) wide, 1 apart
    held = 0
    for seed in range(400):
        labels, first, _ = drawn(seed)
        low, high = delong_area(labels, first).span
        held += low <= truth <= high
    assert 0.92 <= held / 400 <= 0.98


def test_what_cannot_be_told_is_not_said():
    labels = np.array([1, 1, 0, 0])
    right, wrong = np.array([0.9, 0.8, 0.2, 0.1]), np.array([0.1, 0.2, 0.8, 0.9])
    found = delong_test(labels, right, wrong)
    assert found.value == 1
    assert math.isnan(found.p)
    assert math.isnan(found.span[0])
    assert delong_test(labels, right, right).p == 1
    assert delong_test(np.array([1, 0, 0, 0]), right, wrong) is None
    assert delong_area(np.zeros(4), right) is None
    assert delong_area(labels, right).span is None
    assert math.isnan(delong_area(np.array([1, 0, 0, 0]), right).variance)
