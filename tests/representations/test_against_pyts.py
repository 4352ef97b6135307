"""Wherever pyts accepts a lead, we compute what it computes."""

import warnings
from importlib import import_module

import numpy as np
import pytest
import torch

from pipeline.representations import gaf, mtf, rp
from pipeline.representations.references import import_pyts

TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-5}
LENGTH_AND_SIZE = [
    *((100, 32), (100, 95), (101, 64), (187, 128), (256, 252), (999, 100), (999, 256), (1000, 32), (1000, 200)),
    *((1000, 224), (1000, 256), (1024, 33), (1024, 256), (5000, 32), (5000, 256)),
]


@pytest.fixture(scope="module")
def pyts():
    """The modules of pyts, which warn when they are imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for part in ("approximation", "image", "preprocessing"):
            import_pyts(part)
        yield import_module("pyts")


def leads(n):
    """Noise, a wander, an int16 ECG-like lead with ties, two levels, a constant, a high offset, nearly flat."""
    rng = np.random.default_rng(n)
    time = np.arange(n) / 100
    beats = np.exp(-(((time % 0.8) - 0.3) ** 2) / 2e-4) + 0.2 * np.sin(2 * np.pi * 0.3 * time)
    rows = [
        rng.normal(size=n),
        rng.normal(size=n).cumsum(),
        (beats * 1000).round() / 1000,
        (rng.normal(size=n) * 5).round() / 1000,
        rng.integers(0, 2, size=n) / 1000 + 5,
        np.full(n, -0.137),
        rng.normal(size=n) + 100,
        rng.normal(size=n) * 1e-8,
    ]
    return np.stack(rows)


def both(n, dtype):
    """The leads as torch's and numpy's, rounded to dtype alike."""
    x = torch.from_numpy(leads(n)).to(dtype)
    return x, x.double().numpy()


def assert_agrees(found, expected, dtype):
    assert found.dtype == dtype
    assert np.abs(found.double().numpy() - expected).max() <= TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("n", "size"), LENGTH_AND_SIZE)
class TestAgreement:
    def test_gaf(self, pyts, n, size, dtype):
        x, same = both(n, dtype)
        for method in ("summation", "difference"):
            expected = pyts.image.GramianAngularField(size, method=method).transform(same)
            assert_agrees(gaf(x, size, method=method), expected, dtype)

    @pytest.mark.filterwarnings("ignore:Some quantiles are equal")
    def test_mtf(self, pyts, n, size, dtype):
        x, same = both(n, dtype)
        for strategy in ("quantile", "uniform"):
            for n_bins in (2, 7, 10):
                expected = pyts.image.MarkovTransitionField(size, n_bins, strategy).transform(same)
                assert_agrees(mtf(x, size, n_bins, strategy), expected, dtype)

    def test_rp(self, pyts, n, size, dtype):
        x, same = both(n, dtype)
        for dimension, delay in ((1, 1), (3, 2)):
            n_points = size + (dimension - 1) * delay
            means = pyts.approximation.PiecewiseAggregateApproximation(None, n_points, overlapping=False)
            points = pyts.preprocessing.MinMaxScaler().transform(means.transform(same))
            # where sums are rounded, pyts sees a slope in a constant lead
            points[same.max(1) == same.min(1)] = 0.0
            for threshold in (None, "point", "distance", 0.2):
                plot = pyts.image.RecurrencePlot(dimension, delay, threshold, percentage=15)
                found = rp(x, size, dimension, delay, threshold, percentage=15)
                assert_agrees(found, plot.transform(points), dtype)
