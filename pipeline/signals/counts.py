"""Millivolts as int16 counts, and back."""

import numpy as np

PADDING = -32768  # the count that fills an item shorter than its store's others
LARGEST_COUNT = 32767


def to_counts(x: np.ndarray, gain: float) -> np.ndarray:
    """Rounds mV to int16 counts, ``gain`` to the millivolt.

    Raises:
        ValueError: a value is missing or beyond what int16 can hold; nothing is ever clipped.
    """
    counts = np.rint(np.asarray(x, np.float64) * gain)
    if not np.isfinite(counts).all():
        raise ValueError("has a missing sample")
    largest = np.abs(counts).max(initial=0.0)
    if largest > LARGEST_COUNT:
        raise ValueError(f"reaches {largest / gain:.1f} mV, beyond the ±{LARGEST_COUNT / gain:.1f} mV of int16")
    return counts.astype(np.int16)


def to_millivolts(counts: np.ndarray, gain: float) -> np.ndarray:
    """Decodes int16 counts to float64 mV; padding becomes 0."""
    return np.where(counts == PADDING, 0, counts) / gain
