"""Crops cover all of a signal, at most a stride apart, the last one at its end."""

from itertools import pairwise

import pytest

from pipeline.signals.windows import crop_starts


@pytest.mark.parametrize("stride", [1, 7, 50, 100])
@pytest.mark.parametrize("n_samples", [100, 101, 350, 999])
def test_every_sample_is_seen(n_samples: int, stride: int):
    starts = crop_starts(n_samples, 100, stride)
    assert starts[0] == 0
    assert starts[-1] == n_samples - 100
    assert all(0 < later - earlier <= stride for earlier, later in pairwise(starts))


def test_a_short_signal_is_seen_once():
    assert crop_starts(99, 100, 10) == [0] == crop_starts(100, 100, 10)
