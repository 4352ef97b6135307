"""PR, QRS and QT of a median beat: where its waves begin and end, in all leads together."""

from dataclasses import dataclass

import numpy as np

GRID_HZ = 500.0  # between the samples of a slow recording a beat is read by cubics
_QRS_BEFORE_S, _QRS_AFTER_S = 0.14, 0.20  # around the R peak, within which the QRS complex begins and ends
_SLOPE_SHARE = 0.10  # of the steepest slope, below which nothing of a QRS complex is
_QUIET_S = 0.016  # as long the slope stays there
_NOISE_TIMES = 2.0  # of the usual slope outside of QRS complexes, which counts as nothing either
_PQ_S = 0.016  # before the QRS complex, whose mean is the level of the beat
_LEAST_PR_S, _MOST_PR_S = 0.06, 0.34  # from the onset of P to that of QRS
_LEAST_T_S = 0.06  # from the end of QRS to the peak of T
_LEAST_P_MV, _LEAST_T_MV = 0.015, 0.03  # root mean square over the leads
_NEXT_BEAT = 0.75  # of an RR interval: later there is the next P wave


@dataclass(frozen=True)
class Intervals:
    """How long the parts of a beat last, s; NaN for what cannot be told.

    Attributes:
        pr: from the onset of the P wave to that of the QRS complex.
        qrs: of the QRS complex.
        qt: from the onset of the QRS complex to the end of the T wave.
    """

    pr: float
    qrs: float
    qt: float


def intervals(beat: np.ndarray, sampling_rate: float, before_s: float, rr_s: float = np.nan) -> Intervals:
    """The intervals of a median beat, which is simple to say and no match for a delineator that knows its leads.

    All leads together are looked at, as one length. The QRS complex reaches from the steepest place as far as the slope
    (the root of the sum of the leads' squared slopes) is above a tenth of the steepest, or twice what is usual in the
    beat; the mean of 16 ms before it is the level. The P wave is the most prominent hump of the distance from that
    level within 340 ms before, the T wave the highest point 60 ms or more after; the one begins, and the other ends,
    where the tangent at the steepest place meets the lowest level beside it.

    There is no P wave where no hump is higher than 0.015 mV above what lies on its sides (root mean square over the
    leads), as in atrial fibrillation; no T wave below 0.03 mV, nor one that the beat's end cuts off.

    Args:
        beat: a median beat, mV.
        sampling_rate: Hz.
        before_s: where its R peak is, s after its first sample.
        rr_s: the usual RR interval: after 0.75 of it no T wave is looked for.

    Shape:
        beat (leads, time).

    Reference:
        Lepeschkin and Surawicz, The measurement of the Q-T interval of the electrocardiogram, Circulation 1952, for
        the tangent.
    """
    unknown = Intervals(np.nan, np.nan, np.nan)
    if not np.size(beat) or np.shape(beat)[1] < 4:
        return unknown
    x, slopes, rate = _finer(beat, sampling_rate)
    slope = np.sqrt(np.square(slopes).mean(0))
    peak = round(before_s * rate)
    first, end = max(0, peak - round(_QRS_BEFORE_S * rate)), min(len(slope), peak + round(_QRS_AFTER_S * rate))
    if end - first < 3 or not slope[first:end].max() > 0:
        return unknown
    outside = np.concatenate([slope[:first], slope[end:]])
    noise = float(np.median(outside)) if len(outside) else 0.0
    steepest = first + int(slope[first:end].argmax())
    is_quiet = slope < max(_SLOPE_SHARE * slope[steepest], _NOISE_TIMES * noise)
    quiet = round(_QUIET_S * rate)
    onset = _first_quiet(is_quiet[steepest::-1], quiet)
    offset = _first_quiet(is_quiet[steepest:], quiet)
    onset, offset = steepest - onset, steepest + offset
    if onset < first or offset > end:
        return unknown
    level = x[:, max(0, onset - round(_PQ_S * rate)) : onset + 1].mean(1, keepdims=True)
    distance = np.sqrt(np.square(x - level).mean(0))
    p_begins = _onset_of_p(distance, onset, rate)
    last = len(distance) if np.isnan(rr_s) else min(len(distance), peak + round(_NEXT_BEAT * rr_s * rate))
    t_ends = _end_of_t(distance[:last], offset + round(_LEAST_T_S * rate))
    return Intervals((onset - p_begins) / rate, (offset - onset) / rate, (t_ends - onset) / rate)


def _finer(beat: np.ndarray, sampling_rate: float) -> tuple[np.ndarray, np.ndarray, float]:
    """The beat and its slope (mV/s), (leads, time) both, at the rate that is returned."""
    from scipy.interpolate import CubicSpline

    n_samples = np.shape(beat)[1]
    rate = max(GRID_HZ, sampling_rate)
    curve = CubicSpline(np.arange(n_samples) / sampling_rate, beat, axis=1)
    times = np.arange(int((n_samples - 1) / sampling_rate * rate) + 1) / rate
    return curve(times), curve(times, 1), rate


def _first_quiet(is_quiet: np.ndarray, length: int) -> int:
    """Where the first stretch of so many quiet places begins; beyond the end where there is none."""
    total = np.cumsum(np.append(0, is_quiet))
    stretches = np.flatnonzero(total[length:] - total[:-length] == length)
    return int(stretches[0]) if len(stretches) else len(is_quiet)


def _onset_of_p(distance: np.ndarray, onset: int, rate: float) -> float:
    """The place where the P wave begins; NaN where there is none."""
    from scipy.signal import find_peaks

    first = max(0, onset - round(_MOST_PR_S * rate))
    before = distance[first : onset + 1]
    humps, found = find_peaks(before, prominence=_LEAST_P_MV)
    if not len(humps):
        return np.nan
    hump = int(humps[found["prominences"].argmax()])
    lowest = hump - int(before[hump::-1].argmin()) if hump else 0
    begins = first + hump - _tangent(before[lowest : hump + 1][::-1])
    return begins if onset - begins >= _LEAST_PR_S * rate else np.nan


def _end_of_t(distance: np.ndarray, first: int) -> float:
    """The place where the T wave ends; NaN where there is none, or the beat ends before it."""
    after = distance[first:]
    if len(after) < 3:
        return np.nan
    top = int(after.argmax())
    if after[top] < _LEAST_T_MV or top in (0, len(after) - 1):
        return np.nan
    lowest = top + int(after[top:].argmin())
    if after[lowest] > after[top] / 2:
        return np.nan
    return first + top + _tangent(after[top : lowest + 1])


def _tangent(falling: np.ndarray) -> float:
    """From a wave's top to its foot: where the tangent at the steepest place meets the foot's level, in samples."""
    if len(falling) < 2:
        return 0.0
    falls = -np.diff(falling)
    steepest = int(falls.argmax())
    if falls[steepest] <= 0:
        return float(len(falling) - 1)
    middle = (falling[steepest] + falling[steepest + 1]) / 2
    return steepest + 0.5 + float((middle - falling[-1]) / falls[steepest])
