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


def window_starts(seconds: float, window_s: float, stride_s: float) -> np.ndarray:
    """Where the windows of a record begin, s, to the millisecond: one every ``stride_s``, and one that ends with it.

    >>> window_starts(8.3, 2.5, 2.5).tolist(), window_starts(2.0, 2.5, 2.5).tolist()
    ([0.0, 2.5, 5.0, 5.8], [])

    Shape:
        (windows,), none where the record is shorter than a window.
    """
    n_ms, window, stride = (round(value * 1000) for value in (seconds, window_s, stride_s))
    return np.array(crop_starts(n_ms, window, max(1, stride)) if n_ms >= window else [], np.float64) / 1000


def windows_at(x: np.ndarray, sampling_rate: float, starts: np.ndarray, window_s: float) -> list[np.ndarray]:
    """The windows of a signal that begin at these seconds.

    Shape:
        x (..., time) and starts (windows,) to (..., round(window_s · sampling_rate)) each; shorter where the signal is.
    """
    n_samples, firsts = int(samples_of(window_s, sampling_rate)), samples_of(starts, sampling_rate)
    last = x.shape[-1] - n_samples
    firsts[firsts == last + 1] = last  # the rounding of both may lead a sample beyond the end
    return [x[..., first : first + n_samples] for first in firsts.tolist()]


def crop_starts(n_samples: int, crop: int, stride: int) -> list[int]:
    """First samples of the crops that cover a signal: one every ``stride``, and one that ends at its end."""
    if crop >= n_samples:
        return [0]
    last = n_samples - crop
    return sorted({*range(0, last + 1, stride), last})
