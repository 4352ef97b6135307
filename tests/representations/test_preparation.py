"""Piecewise means, scaling and quantiles, and what is refused."""

import numpy as np
import pytest
import torch

from pipeline.representations.preparation import paa, quantiles, rescale, segment_bounds, segment_sums


def test_segments_cover_the_lead_and_differ_by_one_sample():
    bounds = segment_bounds(1000, 256)
    assert bounds[0] == 0
    assert bounds[-1] == 1000
    assert set(np.diff(bounds)) == {3, 4}


def test_paa_of_seven_samples_in_three_segments():
    # linspace(0, 7, 4) cut to whole numbers is 0, 2, 4, 7
    x = torch.tensor([1.0, 3, 5, 7, 3, 6, 9], dtype=torch.float64)
    assert paa(x, 3).tolist() == [2, 6, 6]
    assert segment_sums(x, 3).tolist() == [4, 12, 18]


def test_paa_of_a_constant_lead_is_that_constant():
    x = torch.full((2, 1000), 1.3, dtype=torch.float64)
    assert bool((paa(x, 7) == 1.3).all())


def test_paa_keeps_the_mean_where_segments_are_equal():
    x = torch.randn(3, 640, dtype=torch.float64)
    torch.testing.assert_close(paa(x, 64).mean(-1), x.mean(-1))


def test_record_scale_reaches_both_ends_and_fixed_scale_keeps_amplitude():
    x = torch.tensor([-0.5, 0.0, 1.5], dtype=torch.float64)
    assert rescale(x, -1.0, 1.0, "record", 2.0).tolist() == [-1, -0.5, 1]
    assert rescale(x, -1.0, 1.0, "fixed", 2.0).tolist() == [-0.25, 0, 0.75]
    assert rescale(2 * x, 0.0, 1.0, "fixed", 2.0).tolist() == [0.25, 0.5, 1]  # 3 mV are drawn at 2 mV


@pytest.mark.parametrize("n", [2, 3, 10, 1000, 1001])
@pytest.mark.parametrize("n_bins", [2, 3, 10, 100])
def test_quantiles_are_numpys_to_the_bit(n, n_bins):
    x = torch.randn(4, n, dtype=torch.float64)
    x[0] = (x[0] * 3).round() / 1000  # ties
    percents = np.linspace(0, 100, n_bins + 1)
    expected = np.percentile(x.numpy(), percents, axis=1).T
    assert np.array_equal(quantiles(x, tuple(percents / 100)).numpy(), expected)
