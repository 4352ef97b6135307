"""Where a heart beats, and what its usual beat looks like: pure functions of (leads, time) signals in mV."""

import numpy as np

BEAT_S = (0.32, 0.48)  # of a median beat, before the R peak and after it, s: from P to the end of T
REFRACTORY_S = 0.28  # no heart beats again sooner
ALIGNED_WITHIN_S = 0.08
_SLOPE_S = 0.02  # span of the difference that stands for the derivative, so that every sampling rate sees the same
_SMOOTHING_S = 0.12  # about a QRS complex, which so becomes one hump
_QRS_S = (0.10, 0.14)  # before and after the R peak: what beats are aligned on
_USUAL_PEAK = 0.98  # quantile of the energy that lies in the QRS complexes, above which an artefact may stand
_LEAST_SHARE = 0.35  # of it that a beat must have, above which no T wave stands


def r_peaks(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Samples at which the heart beats: where all leads together are steepest, to about 20 ms of the R peak.

    The root of the leads' summed squared slopes is smoothed over 0.12 s; its peaks that stand high enough are the
    beats, of two that are nearer than 0.28 s the higher one. The height is relative to the record, so a gain changes
    nothing.

    Args:
        x: leads of one record, mV.
        sampling_rate: Hz.

    Shape:
        x (leads, time) to (beats,) int64; none of a record without samples.

    Reference: Pan and Tompkins, A real-time QRS detection algorithm, IEEE TBME 1985, for slope, energy, window and
        refractory time; our thresholds do not adapt, since an item lasts seconds.
    """
    from scipy.signal import find_peaks

    if not np.shape(x)[1]:
        return np.empty(0, np.int64)
    energy = _energy(x, sampling_rate)
    least = _LEAST_SHARE * np.quantile(energy, _USUAL_PEAK)
    peaks: np.ndarray = find_peaks(energy, height=least, distance=max(1, round(REFRACTORY_S * sampling_rate)))[0]
    return peaks


def beat_samples(sampling_rate: float, before_s: float, after_s: float) -> int:
    """Samples of what ``median_beat`` gives."""
    return round(before_s * sampling_rate) + round(after_s * sampling_rate)


def median_beat(x: np.ndarray, sampling_rate: float, before_s: float, after_s: float) -> np.ndarray:
    """The usual beat: the median over all whole beats, shifted by up to 80 ms so that they lie upon each other.

    A record without a whole beat gives what is around its steepest place; where that reaches beyond an end, the end's
    value is repeated.

    Args:
        x: leads of one record, mV.
        sampling_rate: Hz.
        before_s: how much there is before the R peak, s.
        after_s: the same from the R peak on.

    Shape:
        x (leads, time) to (leads, ``beat_samples``), float64.

    Raises:
        ValueError: the record has no samples.
    """
    if not np.shape(x)[1]:
        raise ValueError("a record without samples has no beat")
    before, after, reach = (round(s * sampling_rate) for s in (before_s, after_s, ALIGNED_WITHIN_S))
    peaks, n_samples = r_peaks(x, sampling_rate), np.shape(x)[1]
    peaks = peaks[(peaks >= before) & (peaks + after <= n_samples)]
    if not len(peaks):
        peaks = np.array([_energy(x, sampling_rate).argmax()])
    around = peaks[:, None] + np.arange(-before - reach, after + reach)
    windows = np.asarray(x, np.float64)[:, around.clip(0, n_samples - 1)]  # (leads, beats, time)
    first, end = (round(s * sampling_rate) for s in _QRS_S)
    qrs = slice(max(0, before - first), before + min(after, end))
    beat: np.ndarray = np.median(_shifted(windows, _shifts(windows, qrs, reach), before + after), axis=1)
    return beat


def _energy(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """(time,): how steep all leads together are."""
    from scipy.ndimage import convolve1d

    half = max(1, round(_SLOPE_S * sampling_rate / 2))
    padded = np.pad(np.asarray(x, np.float64), ((0, 0), (half, half)), "edge")
    slope = padded[:, 2 * half :] - padded[:, : -2 * half]
    window = np.hanning(2 * round(_SMOOTHING_S * sampling_rate / 2) + 1)[1:-1]
    steepness = np.sqrt(np.einsum("lt,lt->t", slope, slope))
    energy: np.ndarray = convolve1d(steepness, window / window.sum(), mode="nearest")
    return energy


def _shifts(windows: np.ndarray, qrs: slice, reach: int) -> np.ndarray:
    """How much later than in the middle of its window each beat begins, (beats,); twice, on an ever sharper median."""
    shifts = np.full(windows.shape[1], reach)
    if len(shifts) < 2:
        return shifts
    width = qrs.stop - qrs.start
    seen = windows[..., qrs.start : qrs.stop + 2 * reach]
    seen = seen - seen.mean(-1, keepdims=True)
    shifted = np.lib.stride_tricks.sliding_window_view(seen, width, axis=-1)  # (leads, beats, shifts, width)
    power = _sums(np.square(seen).sum(0), width) - np.square(_sums(seen, width)).sum(0) / width
    size = np.sqrt(np.where(power > 0, power, np.inf))
    for _ in range(2):
        template = np.median(_shifted(seen, shifts, width), axis=1)
        template -= template.mean(-1, keepdims=True)
        shifts = (np.einsum("lbst,lt->bs", shifted, template) / size).argmax(-1)
    return shifts


def _sums(x: np.ndarray, width: int) -> np.ndarray:
    """(..., time − width + 1): sums of x over every ``width`` samples that follow each other."""
    total = np.cumsum(x, axis=-1)
    total[..., width:] -= total[..., :-width].copy()
    return total[..., width - 1 :]


def _shifted(windows: np.ndarray, shifts: np.ndarray, width: int) -> np.ndarray:
    """(leads, beats, width): of each beat's window the part that begins at its shift."""
    return windows[:, np.arange(len(shifts))[:, None], shifts[:, None] + np.arange(width)]
