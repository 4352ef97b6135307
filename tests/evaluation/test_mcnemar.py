"""McNemar's test: against scipy, and that it takes no side."""

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from pipeline.evaluation.mcnemar import EXACT_BELOW, mcnemar, mcnemar_of


@pytest.mark.parametrize(("b", "c"), [(0, 1), (3, 9), (12, 12), (0, 24), (7, 17)])
def test_few_are_counted_exactly(b: int, c: int):
    found = mcnemar_of(b, c)
    assert found.method == "exact"
    assert found.p == pytest.approx(binomtest(b, b + c, 0.5).pvalue)


@pytest.mark.parametrize(("b", "c"), [(0, 25), (10, 15), (13, 13), (13, 12), (200, 130)])
def test_many_by_chi_square_with_continuity_correction(b: int, c: int):
    found = mcnemar_of(b, c)
    assert found.method == "chi-square"
    assert found.p == pytest.approx(chi2.sf(max(abs(b - c) - 1, 0) ** 2 / (b + c), 1))


def test_both_methods_meet():
    n = EXACT_BELOW
    for b in range(n + 1):
        exact = binomtest(b, n, 0.5).pvalue
        assert mcnemar_of(b, n - b).p == pytest.approx(exact, abs=0.03)


def test_it_takes_no_side():
    for b, c in ((3, 9), (30, 60)):
        one, other = mcnemar_of(b, c), mcnemar_of(c, b)
        assert (one.p, one.first_only, one.second_only) == (other.p, other.second_only, other.first_only)


def test_counts_by_hand():
    labels = np.array([1, 1, 1, 0, 0, 0])
    first = np.array([1, 1, 0, 0, 1, 0], bool)  # right: 1 1 0 1 0 1
    second = np.array([1, 0, 0, 1, 0, 0], bool)  # right: 1 0 0 0 1 1
    found = mcnemar(labels, first, second)
    assert (found.first_only, found.second_only) == (2, 1)
    assert mcnemar(labels, first, first).p == 1


def test_where_none_differ_nothing_is_shown():
    assert mcnemar_of(0, 0).p == 1


def test_p_values_of_equal_models_are_small_as_often_as_they_should():
    draw = np.random.default_rng(0)
    b = draw.binomial(100, 0.5, 2000)
    assert np.mean([mcnemar_of(int(k), 100 - int(k)).p <= 0.05 for k in b]) <= 0.06
