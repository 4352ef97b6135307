"""Millivolts and counts: rounding by half a count at most, nothing clipped, padding kept apart."""

import numpy as np
import pytest

from pipeline.signals.counts import LARGEST_COUNT, PADDING, to_counts, to_millivolts


@pytest.mark.parametrize("gain", [200.0, 1000.0, 1234.5])
def test_a_signal_comes_back_within_half_a_count(gain: float):
    x = np.random.default_rng(0).uniform(-10, 10, (3, 500))
    assert np.abs(to_millivolts(to_counts(x, gain), gain) - x).max() <= 0.5 / gain + 1e-12


def test_every_count_comes_back_as_itself():
    counts = np.arange(-LARGEST_COUNT, LARGEST_COUNT + 1, dtype=np.int16)
    np.testing.assert_array_equal(to_counts(to_millivolts(counts, 1000.0), 1000.0), counts)


def test_padding_is_zero_and_no_signal_is_padding():
    assert to_millivolts(np.array([PADDING, 1000], np.int16), 1000.0).tolist() == [0.0, 1.0]
    assert to_counts(np.array([-LARGEST_COUNT / 1000]), 1000.0)[0] > PADDING


@pytest.mark.parametrize(("x", "sentence"), [(32.768, "reaches 32.8 mV"), (-33.0, "reaches 33.0 mV"),
                                             (np.nan, "missing"), (np.inf, "missing")])  # fmt: skip
def test_what_int16_cannot_hold_is_refused(x: float, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        to_counts(np.array([0.0, x]), 1000.0)


def test_nothing_becomes_nothing():
    assert to_counts(np.zeros((0, 5)), 1000.0).shape == (0, 5)
