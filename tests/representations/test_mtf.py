"""The Markov transition field holds the chance of going from the bin at one time to the bin at another."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from pipeline.representations import mtf
from pipeline.representations.mtf import bin_edges
from pipeline.representations.preparation import segment_bounds


def bins_and_chances(x, n_bins, strategy="quantile"):
    """Bin of every sample and the transition matrix, counted one by one."""
    bins = np.searchsorted(bin_edges(x, n_bins, strategy, "record", 2.0).numpy(), x.numpy(), side="left")
    counts = np.zeros((n_bins, n_bins))
    for before, after in pairwise(bins):
        counts[before, after] += 1
    return bins, counts / np.maximum(counts.sum(1, keepdims=True), 1)


def test_three_samples_by_hand():
    # bins low, high, low; low goes to high, high to low
    x = torch.tensor([0.0, 1, 0], dtype=torch.float64)
    image = mtf(x, 3, n_bins=2, strategy="uniform")
    assert image.tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]


def test_two_segments_by_hand():
    # bins 0 0 | 1 1: 0 goes to 0 and 1 equally, 1 to 1
    x = torch.tensor([0.0, 0, 1, 1], dtype=torch.float64)
    assert mtf(x, 2, n_bins=2, strategy="uniform").tolist() == [[0.5, 0.5], [0, 1]]


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_every_visited_row_of_chances_sums_to_1(strategy):
    x = torch.randn(500, dtype=torch.float64)
    bins, chances = bins_and_chances(x, 10, strategy)
    assert np.allclose(chances.sum(1)[np.unique(bins[:-1])], 1)


@pytest.mark.parametrize("size", [32, 60, 500])
def test_image_is_the_full_field_averaged_over_segments(size):
    x = torch.randn(500, dtype=torch.float64)
    bins, chances = bins_and_chances(x, 10)
    full = chances[bins[:, None], bins[None, :]]
    start = segment_bounds(500, size)
    sums = np.add.reduceat(np.add.reduceat(full, start[:-1], 0), start[:-1], 1)
    expected = sums / np.outer(np.diff(start), np.diff(start))
    assert np.abs(mtf(x, size).numpy() - expected).max() < 1e-12


def test_row_means_weighted_by_segments_are_the_chance_of_any_bin():
    x = torch.randn(500, dtype=torch.float64)
    bins, chances = bins_and_chances(x, 10)
    start = segment_bounds(500, 60)
    # summed over all times, a sample of bin a has Σ_b W[a, b] · (samples in b)
    expected = np.add.reduceat((chances @ np.bincount(bins, minlength=10))[bins], start[:-1]) / np.diff(start)
    found = mtf(x, 60).numpy() @ np.diff(start)
    assert np.allclose(found, expected)


@pytest.mark.parametrize("options", [{}, {"strategy": "uniform"}, {"strategy": "uniform", "scale": "fixed"}])
@pytest.mark.parametrize("level", [0.0, 0.1, -1.3, 40.7])
def test_constant_lead_gives_1(options, level):
    assert bool((mtf(torch.full((1000,), level), 256, **options) == 1).all())


def test_fixed_range_moves_uniform_bins_and_no_quantile_bins():
    x = torch.randn(1000, dtype=torch.float64) / 8  # well inside ±1 mV, and twice of it too
    torch.testing.assert_close(mtf(x, 64), mtf(x, 64, scale="fixed"), rtol=0, atol=0)
    uniform = mtf(x, 64, strategy="uniform", scale="fixed")
    assert (uniform - mtf(x, 64, strategy="uniform")).abs().max() > 0.1
    assert (uniform - mtf(2 * x, 64, strategy="uniform", scale="fixed")).abs().max() > 0.1


def test_samples_beyond_the_fixed_range_fall_in_the_outer_bins():
    x = torch.tensor([-9.0, -1.9, 9, 1.9], dtype=torch.float64)
    assert mtf(x, 4, strategy="uniform", scale="fixed")[0].tolist() == [0.5, 0.5, 0.5, 0.5]


def test_sums_are_exact_in_any_order():
    # ties of grey, 1/2 and 1/6, would otherwise depend on how a device adds
    x = (torch.randn(200, 1000, dtype=torch.float64) * 5).round() / 1000
    backwards = torch.stack([mtf(lead, 256) for lead in x.flip(0)]).flip(0)
    assert torch.equal(mtf(x, 256), backwards)


def test_has_no_gradient():
    assert not mtf(torch.randn(100, requires_grad=True), 10).requires_grad


@pytest.mark.parametrize("wrong", [{"n_bins": 1}, {"n_bins": 2.5}, {"strategy": "normal"}])
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValueError, match=r"MTF"):
        mtf(torch.randn(100), 10, **wrong)
