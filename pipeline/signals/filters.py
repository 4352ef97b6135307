"""Filter, resample, choose leads, round: pure functions of (..., time) signals in mV.

Everywhere in the program the order is filter → resample → int16 → decode → image, so that an image made while
training equals the stored one.
"""

from fractions import Fraction
from functools import lru_cache

import numpy as np

FILTER_ORDER = 2

Band = tuple[float, float]


def band_pass(x: np.ndarray, sampling_rate: float, band: Band | None) -> np.ndarray:
    """Filters forward and backward, so that no wave is shifted in time: scipy's ``sosfiltfilt``, bit for bit.

    A Butterworth filter of order 2, run both ways (order 4 in all, −6 dB at the edges). The signal is extended
    by point reflection over one period of the lower edge, so that no start-up transient remains. What the filter
    starts from is computed once, which scipy does anew for each record: a third of its time.

    Args:
        x: signal in any unit.
        sampling_rate: in Hz.
        band: lower and upper edge in Hz; a lower edge of 0 makes a low-pass; None leaves the signal as it is.

    Shape:
        x (..., time) to (..., time), float64.

    Raises:
        ValueError: the band is empty or reaches the Nyquist frequency.
    """
    if band is None:
        return np.asarray(x, np.float64)
    from scipy.signal import sosfilt

    low, high = band
    check_band(band, sampling_rate)
    x = np.asarray(x, np.float64)
    if not x.size:  # scipy filters no signal of no samples
        return x
    n_samples = x.shape[-1]
    reflected = min(n_samples - 1, int(sampling_rate / (low or high)))
    before = 2 * x[..., :1] - x[..., reflected:0:-1]
    behind = 2 * x[..., -1:] - x[..., n_samples - 1 - reflected : n_samples - 1][..., ::-1]
    y = np.concatenate([before, x, behind], axis=-1)
    sections, settled = _butterworth((low, high), sampling_rate)
    settled = np.expand_dims(settled, tuple(range(1, x.ndim)))  # (sections, 1, …, 2)
    for _ in "there", "and back":
        y = sosfilt(sections, y, axis=-1, zi=settled * y[..., :1])[0][..., ::-1]
    filtered: np.ndarray = y[..., reflected : reflected + n_samples]
    return filtered


@lru_cache(maxsize=16)  # a design takes as long as filtering a record of twelve leads
def _butterworth(band: Band, sampling_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Second-order sections, and their state in a signal that has always been 1; nobody writes into them."""
    from scipy.signal import butter, sosfilt_zi

    low, high = band
    edges, kind = ((low, high), "bandpass") if low > 0 else (high, "lowpass")
    sections = butter(FILTER_ORDER, edges, kind, fs=sampling_rate, output="sos")
    return sections, sosfilt_zi(sections)


def check_band(band: Band, sampling_rate: float) -> None:
    """Raises ValueError, in one sentence, where a signal of this rate cannot be filtered so."""
    low, high = band
    if not 0 <= low < high:
        raise ValueError(f"a band from {low:g} to {high:g} Hz is empty: the first number is the lower edge")
    if high >= sampling_rate / 2:
        raise ValueError(
            f"a band up to {high:g} Hz needs more than {2 * high:g} samples a second, "
            f"and the signal has {sampling_rate:g}: lower the band or raise the sampling rate"
        )


def resample(x: np.ndarray, sampling_rate: float, wanted_rate: float) -> np.ndarray:
    """Resamples with an anti-aliasing FIR filter of zero phase (scipy's ``resample_poly``).

    At half the lower rate the filter has 50 %, not nothing: from 500 to 100 Hz a tone of 51 Hz keeps 39 % (and becomes
    one of 49 Hz), from 60 Hz on less than 1 %; up to 42 Hz, 1 % at most is lost.

    Shape:
        x (..., time) to (..., round(time · wanted_rate / sampling_rate)), float64.
    """
    ratio = Fraction(wanted_rate).limit_denominator(1000) / Fraction(sampling_rate).limit_denominator(1000)
    if ratio == 1:
        return np.asarray(x, np.float64)
    from scipy.signal import resample_poly

    # a line through both ends is taken off first: the filter's zeros beyond the ends would ring on an offset
    resampled: np.ndarray = resample_poly(x, ratio.numerator, ratio.denominator, axis=-1, padtype="line")
    return resampled[..., : round(x.shape[-1] * ratio)]
