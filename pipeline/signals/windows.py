"""Which parts of a signal are seen, one after another."""

import numpy as np


def samples_of(seconds: np.ndarray | float, sampling_rate: float) -> np.ndarray:
    """Whole samples of some lengths, as resampling gives them: halves go to the even number.

    Seconds are often a number of samples over another rate, whose rounding must not decide a half.

    >>> samples_of(np.array([10.0, 1001 / 500]), 250).tolist()
    [2500, 500]

    Shape:
        any, int64.
    """
    return np.rint(np.round(np.asarray(seconds, np.float64) * sampling_rate, 6)).astype(np.int64)


def crop_starts(n_samples: int, crop: int, stride: int) -> list[int]:
    """First samples of the crops that cover a signal: one every ``stride``, and one that ends at its end."""
    if crop >= n_samples:
        return [0]
    last = n_samples - crop
    return sorted({*range(0, last + 1, stride), last})
