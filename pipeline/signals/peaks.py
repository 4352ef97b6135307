"""When a heart beats: R peaks in all leads together, whatever the width of a beat, its rate and its other waves."""

import numpy as np

REFRACTORY_S = 0.18  # no heart beats again sooner: above 300 a minute
_SCALE_S = 0.016  # deviation of the Gaussian: a QRS complex has such slopes and bends, a pacemaker's spike sharper ones
_SMOOTHING_S = 0.10  # about a QRS complex, which so becomes one hump
_LEVEL_BLOCK_S = 2.0  # one beat at least lies in most blocks of this length, above 20 a minute
_LEVEL_BLOCKS = 5  # whose median is what stands for a beat: an artefact fills one of them
_LEAST_SHARE = 0.35  # of that level which a beat must have
_MOST_SHARE = 1.6  # of that level which counts: an artefact does not hide the beat behind it
T_WAVE_S = 0.42  # after a beat its T wave may come,
_P_WAVE_S = 0.30  # before a beat its P wave may come, or the spike that paces the atria:
_LOW_SHARE = 0.55  # both are lower than so much of the beat
_STEEP, _USUAL = 0.97, 0.5  # quantiles of a lead's slopes: within QRS complexes, and between them
_STEEPEST = 1.5  # of the former, what counts of a lead: an electrode that comes loose hides no beat of other leads


def r_peaks(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Samples at which the heart beats: where all leads together are steepest and most bent, near the R peak.

    Each lead's first and second derivative are squared and summed over the leads, those more that are quiet between
    beats. The root is smoothed over 0.1 s; its peaks, 0.18 s apart or more, are the candidates. A beat has 0.35 of what
    is usual around it, the median of the maxima of five blocks of 2 s, and is no P or T wave: none within 0.3 s
    before, or 0.42 s after, a beat of which it has less than 0.55. All heights are relative to the record, so a gain
    changes nothing.

    Args:
        x: leads of one record, mV.
        sampling_rate: Hz.

    Shape:
        x (leads, time) to (beats,) int64; none of a record without samples.

    Reference: Pan and Tompkins, A real-time QRS detection algorithm, IEEE TBME 1985, for slope, energy, window, levels
        and the look at T waves; ours sees all leads, and the levels of what follows too.
    """
    from scipy.signal import find_peaks

    if not np.shape(x)[1]:
        return np.empty(0, np.int64)
    energy = steepness(x, sampling_rate)
    rounding = 1e-9 * float(np.abs(x).max(initial=0))
    candidates = find_peaks(energy, height=rounding, distance=max(1, round(REFRACTORY_S * sampling_rate)))[0]
    level = _level(energy, candidates, sampling_rate)
    height = np.minimum(energy[candidates], _MOST_SHARE * level)
    high = height > _LEAST_SHARE * level
    return _without_waves(candidates[high], height[high], sampling_rate)


def steepness(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """How steep and bent all leads together are.

    Shape:
        x (leads, time) to (time,).
    """
    from scipy.ndimage import convolve1d

    energy = np.zeros(np.shape(x))
    for kernel in _derivatives(sampling_rate):
        energy += np.square(convolve1d(np.asarray(x, np.float64), kernel, mode="nearest"))
    window = np.hanning(2 * max(1, round(_SMOOTHING_S * sampling_rate / 2)) + 1)[1:-1]
    smooth: np.ndarray = convolve1d(_root_of_sum(energy), window / window.sum(), mode="nearest")
    return smooth


def _derivatives(sampling_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Kernels of the first and the second derivative of a smoothed signal, in one unit; nought of a flat one."""
    scale = max(_SCALE_S * sampling_rate, 1.0)  # samples
    times = np.arange(-np.ceil(4 * scale), np.ceil(4 * scale) + 1) / scale
    bell = np.exp(-np.square(times) / 2)
    slope, bend = -times * bell, (np.square(times) - 1) * bell
    bend -= bell * bend.sum() / bell.sum()
    return slope / np.abs(slope).sum(), bend / np.abs(bend).sum()


def _root_of_sum(energy: np.ndarray) -> np.ndarray:
    """(time,): of the leads, weighted by how far the beats of each stand above what is between them."""
    total: np.ndarray = np.sqrt(energy.sum(0))
    if len(energy) < 2:
        return total
    amplitude = np.sqrt(energy[:, ::2])  # every other sample is as good, and quantiles take their time
    steep, usual = np.quantile(amplitude, [_STEEP, _USUAL], axis=1)
    weights = (1 - np.divide(usual, steep, out=np.ones_like(steep), where=steep > 0)) ** 4
    total = np.sqrt(weights @ np.minimum(energy, np.square(_STEEPEST * steep)[:, None]))
    return total


def _level(energy: np.ndarray, places: np.ndarray, sampling_rate: float) -> np.ndarray:
    """The height of an ordinary beat around each place."""
    from scipy.ndimage import median_filter

    n_blocks = max(1, len(energy) // max(1, round(_LEVEL_BLOCK_S * sampling_rate)))
    maxima = np.array([block.max() for block in np.array_split(energy, n_blocks)])
    if n_blocks <= _LEVEL_BLOCKS:
        return np.full(len(places), np.median(maxima))
    levels = median_filter(maxima, _LEVEL_BLOCKS, mode="nearest")
    middles = (np.arange(n_blocks) + 0.5) * len(energy) / n_blocks
    around: np.ndarray = np.interp(places, middles, levels)
    return around


def _without_waves(places: np.ndarray, height: np.ndarray, sampling_rate: float) -> np.ndarray:
    """The places that are no P wave of the next one and no T wave of the beat before."""
    soon_after = np.diff(places, append=np.inf) < _P_WAVE_S * sampling_rate
    is_beat = ~(soon_after & (height < _LOW_SHARE * np.append(height[1:], 0.0)))
    places, height = places[is_beat], height[is_beat]
    beats: list[int] = []
    for number, place in enumerate(places):
        soon = beats and place - places[beats[-1]] < T_WAVE_S * sampling_rate
        if not soon or height[number] >= _LOW_SHARE * height[beats[-1]]:
            beats.append(number)
    return places[beats]
