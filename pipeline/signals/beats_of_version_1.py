"""The median beat as runs of before 2026-11-28 learnt it, of all beats and some T waves. Nothing changes here."""

import numpy as np

from pipeline.signals.alignment import at_shifts, refined_shifts
from pipeline.signals.beats import ALIGNED_WITHIN_S, QRS_S, MedianBeat


def median_beat(x: np.ndarray, sampling_rate: float, before_s: float, after_s: float) -> MedianBeat:
    """The median over all whole beats, aligned; see ``beats.median_beat``, which has taken its place."""
    before, after, reach = (round(s * sampling_rate) for s in (before_s, after_s, ALIGNED_WITHIN_S))
    energy, n_samples = steepness(x, sampling_rate), np.shape(x)[1]
    peaks = peaks_of(energy, sampling_rate)
    peaks = peaks[(peaks >= before) & (peaks + after <= n_samples)]
    n_beats = len(peaks)
    if not n_beats:
        peaks = np.array([energy.argmax()])
    around = peaks[:, None] + np.arange(-before - reach, after + reach)
    windows = np.asarray(x, np.float64)[:, around.clip(0, n_samples - 1)]  # (leads, beats, time)
    first, end = (round(s * sampling_rate) for s in QRS_S)
    qrs = slice(max(0, before - first), before + min(after, end))
    seen, width = windows[..., qrs.start : qrs.stop + 2 * reach], qrs.stop - qrs.start
    shifts = refined_shifts(seen, width, np.full(len(peaks), reach))
    beat = np.median(at_shifts(windows, shifts, before + after), axis=1)
    return MedianBeat(beat, n_beats, n_beats, peaks - before - reach + shifts)


def peaks_of(energy: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Samples at which the heart beats, as far as one threshold for the whole record tells it."""
    from scipy.signal import find_peaks

    found: np.ndarray = find_peaks(
        energy, height=0.35 * np.quantile(energy, 0.98), distance=max(1, round(0.28 * sampling_rate))
    )[0]
    return found


def steepness(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """(time,): how steep all leads together are, over 20 ms, smoothed over 0.12 s."""
    from scipy.ndimage import convolve1d

    half = max(1, round(0.02 * sampling_rate / 2))
    padded = np.pad(np.asarray(x, np.float64), ((0, 0), (half, half)), "edge")
    slope = padded[:, 2 * half :] - padded[:, : -2 * half]
    window = np.hanning(2 * round(0.12 * sampling_rate / 2) + 1)[1:-1]
    energy: np.ndarray = convolve1d(np.sqrt(np.einsum("lt,lt->t", slope, slope)), window / window.sum(), mode="nearest")
    return energy
