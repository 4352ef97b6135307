"""BCa: levels there and back, the jackknife, and how often it is right."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from pipeline.evaluation.bca import MOST_LEFT_OUT, Correction, correction, left_out_weights, moved, moved_back


def test_without_bias_and_skewness_levels_stay():
    by = Correction(np.array(0.0), np.array(0.0))
    assert moved(0.025, by) == pytest.approx(0.025)
    assert moved_back(np.array(0.3), by) == pytest.approx(0.3)


@pytest.mark.parametrize("bias", [-0.4, 0.0, 0.2])
@pytest.mark.parametrize("acceleration", [-0.08, 0.0, 0.1])
def test_levels_go_there_and_back(bias: float, acceleration: float):
    by = Correction(np.array(bias), np.array(acceleration))
    levels = np.array([0.001, 0.025, 0.5, 0.9, 0.975])
    assert moved_back(moved(levels, by), by) == pytest.approx(levels)


def test_turning_the_sign_turns_the_levels():
    by, turned = Correction(np.array(0.2), np.array(0.05)), Correction(np.array(-0.2), np.array(-0.05))
    assert moved(0.025, by) == pytest.approx(1 - moved(0.975, turned))


def test_the_acceleration_is_that_of_scipy():
    """The ends of scipy's interval on its own resamples."""
    draw = np.random.default_rng(0)
    values = draw.exponential(size=60)
    theirs = bootstrap((values,), np.mean, n_resamples=2000, method="BCa", rng=np.random.default_rng(1))
    left_out = (values.sum() - values) / 59
    by = correction(values.mean(), theirs.bootstrap_distribution, left_out)
    ends = np.quantile(theirs.bootstrap_distribution, [float(moved(each, by)) for each in (0.025, 0.975)])
    assert ends == pytest.approx(list(theirs.confidence_interval), rel=1e-9)


def test_each_patient_is_left_out_once_with_all_items():
    patients = np.array([0, 2, 1, 2, 0])
    weights = np.concatenate([*left_out_weights(patients, 0)], 1)
    assert weights.tolist() == [[0, 1, 1], [1, 1, 0], [1, 0, 1], [1, 1, 0], [0, 1, 1]]


def test_of_many_patients_groups_are_left_out_and_tell_the_same():
    values = np.random.default_rng(0).exponential(size=5000)
    weights = np.concatenate([*left_out_weights(np.arange(5000), 0)], 1)
    assert weights.shape[1] == MOST_LEFT_OUT
    assert (weights == 0).sum(1).tolist() == [1] * 5000
    draws = np.random.default_rng(1).normal(values.mean(), 0.01, 500)
    groups = correction(values.mean(), draws, values @ weights / weights.sum(0))
    alone = correction(values.mean(), draws, (values.sum() - values) / 4999)
    assert groups.acceleration == pytest.approx(alone.acceleration, abs=1e-3)


def test_where_nothing_varies_nothing_is_accelerated():
    by = correction(np.array(0.5), np.full(50, 0.5), np.full(20, 0.5))
    assert (by.bias, by.acceleration) == (0, 0)
    assert np.isinf(correction(np.array(0.0), np.ones(50), np.ones(20)).bias)
    assert np.isnan(correction(np.array(1.0), np.ones(50), np.array([1.0, np.nan])).acceleration)


def coverage(ci: str) -> float:
    """How often the interval of the mean of 40 squared normals holds 1."""
    held = 0
    for seed in range(300):
        draw = np.random.default_rng(seed)
        values = draw.normal(size=40) ** 2
        draws = values[draw.integers(40, size=(600, 40))].mean(1)
        by = correction(values.mean(), draws, (values.sum() - values) / 39)
        levels = [0.025, 0.975] if ci == "percentile" else [float(moved(each, by)) for each in (0.025, 0.975)]
        low, high = np.quantile(draws, levels)
        held += low <= 1 <= high
    return held / 300


def test_of_skewed_figures_it_is_nearer_the_level_than_percentiles():
    assert 0.90 <= coverage("bca") <= 0.98
    assert coverage("bca") >= coverage("percentile")
