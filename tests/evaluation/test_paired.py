"""Paired resamples: interval and p-value say the same, and Holm's correction by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluation.paired import holm, paired_interval, paired_p_value, resamples_for


def test_an_interval_of_differences_leaves_a_fortieth_on_each_side():
    assert paired_interval(np.arange(39.0)).tolist() == [0, 38]
    assert paired_interval(np.arange(79.0)).tolist() == [1, 77]
    assert paired_interval(np.arange(999.0)).tolist() == [24, 974]
    assert paired_interval(np.arange(999.0), times=2.5).tolist() == [9, 989]
    assert np.isnan(paired_interval(np.array([0.1, np.nan] * 50))).all()


def test_too_few_resamples_leave_nothing_out():
    assert paired_interval(np.ones(38)).tolist() == [-1, 1]
    assert paired_interval(np.ones(999), times=30, widest=2.0).tolist() == [-2, 2]


@given(
    n=st.integers(2, 400), center=st.floats(-3, 3), levels=st.sampled_from([3, 30, 10**6]), seed=st.integers(0, 10**6),
    n_tests=st.integers(1, 10),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_interval_and_p_value_never_disagree(n: int, center: float, levels: int, seed: int, n_tests: int):
    """Whatever the number of resamples and however many of them are exactly 0, before and after Holm's correction."""
    draw = np.random.default_rng(seed)
    differences = np.round((draw.normal(size=(n, n_tests)) + center + draw.normal(size=n_tests)) * levels) / levels
    p = paired_p_value(differences)
    corrected = holm(p)
    for values, times in ((p, 1.0), (corrected, corrected / p)):
        low, high = paired_interval(differences, times, 10.0)
        assert ((low > 0) | (high < 0)).tolist() == (values <= 0.05 + 1e-12).tolist()


def test_300_resamples_of_which_seven_are_on_the_other_side():
    """0.0006 to 0.0113 with a p-value of 0.053, as interpolated percentiles had it."""
    for others, is_found in ((6, True), (7, False)):
        differences = np.concatenate([-np.ones(others), np.linspace(0.01, 1, 300 - others)])
        low, _ = paired_interval(differences)
        assert (low > 0, bool(paired_p_value(differences) <= 0.05)) == (is_found, is_found)


def test_a_p_value_by_hand():
    differences = np.array([-1.0] * 4 + [1.0] * 95)
    assert paired_p_value(differences) == pytest.approx(2 * 5 / 100)
    assert paired_p_value(-differences) == paired_p_value(differences)
    assert paired_p_value(np.zeros(99)) == 1
    assert paired_p_value(np.ones(99)) == pytest.approx(2 / 100)


def test_holm_by_hand():
    # 0.01 × 4, 0.02 × 3, 0.03 × 2, and 0.04 × 1 raised to the one before it
    assert holm(np.array([0.04, 0.01, 0.03, 0.02])) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm(np.array([0.6, 0.5])) == pytest.approx([1, 1])
    assert holm(np.array([0.2])) == pytest.approx([0.2])
    columns = np.array([[0.01, 0.5], [0.04, 0.01]])
    assert holm(columns) == pytest.approx(np.array([[0.02, 0.5], [0.04, 0.02]]))


@pytest.mark.parametrize("n_tests", [1, 3, 45])
def test_the_fewest_resamples_that_can_find_something(n_tests):
    def smallest(n: int) -> float:
        p_values = np.append(paired_p_value(np.ones(n)), np.ones(n_tests - 1))
        return holm(p_values)[0]

    assert smallest(resamples_for(n_tests)) <= 0.05 + 1e-12
    assert smallest(resamples_for(n_tests) - 1) > 0.05
