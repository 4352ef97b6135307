"""Differences of sampled figures, plain and by BCa: what they say and that both ends fit their p-value."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluation.bca import Correction
from pipeline.evaluation.differences import Difference, Sampled, compared, named
from pipeline.evaluation.paired import holm, p_not_above, p_not_below, paired_interval, paired_p_value


@given(
    n=st.integers(39, 400), center=st.floats(-3, 3), levels=st.sampled_from([3, 10**6]), seed=st.integers(0, 10**6),
    bias=st.floats(-0.8, 0.8), acceleration=st.floats(-0.15, 0.15),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_interval_and_p_value_never_disagree_by_bca(n, center, levels, seed, bias, acceleration):
    draw = np.random.default_rng(seed)
    differences = np.round((draw.normal(size=(n, 3)) + center) * levels) / levels
    by = Correction(np.full(3, bias), np.full(3, acceleration))
    p = np.maximum(paired_p_value(differences, by), 1e-300)
    corrected = holm(p)
    for values, times in ((p, 1.0), (corrected, corrected / p)):
        low, high = paired_interval(differences, times, 10.0, by)
        left_out = (low > 0) | (high < 0)
        sure = np.abs(values - 0.05) > 1e-9
        assert left_out[sure].tolist() == (values <= 0.05)[sure].tolist()


def test_both_sides_are_mirrored():
    draws = np.random.default_rng(0).normal(0.5, 1, 199)
    by, turned = Correction(np.array(0.2), np.array(0.05)), Correction(np.array(-0.2), np.array(-0.05))
    assert p_not_above(draws, 0.1, by) == pytest.approx(p_not_below(-draws, -0.1, turned))
    low, high = paired_interval(draws, by=by)
    assert paired_interval(-draws, by=turned).tolist() == [-high, -low]


def sampled(value: float, seed: int, with_jackknife: bool) -> Sampled:
    draw = np.random.default_rng(seed)
    left_out = value + 0.001 * draw.normal(size=(30, 1)) if with_jackknife else None
    return Sampled(np.array([value]), value + 0.02 * draw.normal(size=(200, 1)), left_out)


@pytest.mark.parametrize("with_jackknife", [False, True])
def test_swapping_turns_the_sign(with_jackknife: bool):
    models = {"a": sampled(0.8, 1, with_jackknife), "b": sampled(0.75, 2, with_jackknife)}
    (one,), (other,) = (compared([pair], models, np.ones(1)) for pair in (("a", "b"), ("b", "a")))
    first, second = named(["auroc"], one)["auroc"], named(["auroc"], other)["auroc"]
    assert (first.value, first.span) == (-second.value, (-second.span[1], -second.span[0]))
    assert first.p == pytest.approx(second.p)


def test_of_itself_there_is_none():
    models = {"a": sampled(0.8, 1, True)}
    assert named(["x"], compared([("a", "a")], models, np.ones(1))[0]) == {"x": Difference(0, (0, 0), 1, 1, (0, 0))}


def test_what_has_no_resamples_is_absent():
    models = {"a": sampled(0.8, 1, False), "b": Sampled(np.array([0.7]), np.full((200, 1), np.nan))}
    assert named(["x"], compared([("a", "b")], models, np.ones(1))[0]) == {}
