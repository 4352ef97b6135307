"""What is doubtful in a recording: flat or saturated leads, swapped arms, noise, amplitudes of another unit.

Each criterion is meant to be right when it speaks, not to find all that is wrong. How often it speaks of recordings as
they are was counted on PTB-XL, see docs/predict.md; ``tests/signals/test_quality.py`` counts again where PTB-XL lies.
"""

from collections.abc import Callable, Sequence

import numpy as np

FLAT_S, FLAT_MV = 1.0, 0.02
"""A lead is flat that does not change for so long, or that stays within so much from its start to its end."""

SATURATED_S, SATURATED_MV = 0.06, 0.5
"""It is saturated where its highest or lowest value, so far from its median, is held for so long."""

NOISE_MV, NOISE_HZ = 0.05, 100.0
"""It is noisy where its deviation from a parabola through five samples at about so many hertz is this; half of white
noise of 0.1 mV is left of it there, and of an ECG of PTB-XL less than 0.03 mV in 995 of 1000."""

TURNED_MV, UNLIKE = 0.1, -0.5
"""Lead I points down and aVR up by so much, and I runs so against V6 (correlation within QRS complexes)."""

PLAUSIBLE_MV = (0.002, 20.0)
"""Standard deviations that a lead of an ECG may have; they are 0.1 to 0.3 mV."""

_STEEPEST, _AROUND_S = 0.97, 0.04  # of the samples; on both sides of them
_ENOUGH = 250  # samples, for a median
_PARABOLA = np.array([-3, 12, 17, 12, -3]) / 35  # Savitzky and Golay 1964
_ROUNDING = 1e-9


def doubts(x: np.ndarray, sampling_rate: float, leads: Sequence[str]) -> tuple[str, ...]:
    """What is to be said of a recording, a sentence each; none of most recordings.

    Args:
        x: as recorded, unfiltered, mV.
        sampling_rate: Hz.
        leads: canonical names.

    Shape:
        x (leads, time).
    """
    if x.shape[1] < 3:
        return ()
    amplitude = _amplitude(x)
    if amplitude:  # of another unit all else would be wrong
        return (amplitude,)
    flat = flat_leads(x, sampling_rate)
    found = [_each(leads, flat, lambda names: f"lead {names} is flat for {FLAT_S:g} s or more: was its electrode off?")]
    alive = ~flat
    found.append(_each(leads, saturated_leads(x, sampling_rate) & alive, _saturated))
    noise = noise_mv(x, sampling_rate)
    found.append(_each(leads, (noise > NOISE_MV) & alive, lambda names: f"lead {names} is noisy"))
    if arms_seem_swapped(x, sampling_rate, leads):
        found.append("lead I points down and aVR up, as with swapped arm electrodes (or a heart on the right)")
    return tuple(sentence for sentence in found if sentence)


def flat_leads(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Which leads are flat, from start to end or for ``FLAT_S``.

    Shape:
        x (leads, time) to (leads,) bool.
    """
    still, enough = np.diff(x, axis=1) == 0, FLAT_S * sampling_rate
    found: np.ndarray = np.ptp(x, axis=1) < FLAT_MV
    for lead in np.flatnonzero(~found & (still.sum(1) >= enough)):
        found[lead] = _longest_run(still[lead]) >= enough
    return found


def saturated_leads(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Which leads stay at their highest or lowest value, as where a recorder reaches its end.

    Shape:
        x (leads, time) to (leads,) bool.
    """
    found, enough = np.zeros(len(x), bool), max(3, SATURATED_S * sampling_rate)
    for end in (x.max(axis=1), x.min(axis=1)):
        held = x == end[:, None]
        for lead in np.flatnonzero(held.sum(1) >= enough):
            far = abs(end[lead] - np.median(x[lead])) >= SATURATED_MV
            found[lead] |= far and _longest_run(held[lead]) >= enough
    return found


def noise_mv(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """How far each lead is from a parabola through five samples at about ``NOISE_HZ``, as a robust deviation.

    Shape:
        x (leads, time) to (leads,) mV.
    """
    at_once = max(1, round(sampling_rate / NOISE_HZ))
    n = x.shape[1] // at_once
    coarse = x[:, : n * at_once].reshape(len(x), n, at_once).mean(axis=2) if at_once > 1 else x
    if coarse.shape[1] < len(_PARABOLA):
        return np.zeros(len(x))
    wide = coarse.shape[1] - len(_PARABOLA) + 1
    step = max(1, wide // _ENOUGH)
    rest = coarse[:, 2 : 2 + wide : step].copy()
    for place, weight in enumerate(_PARABOLA):
        rest -= weight * coarse[:, place : place + wide : step]
    few = np.abs(rest)
    found: np.ndarray = 1.4826 * np.median(few, axis=1)
    return found


def arms_seem_swapped(x: np.ndarray, sampling_rate: float, leads: Sequence[str]) -> bool:
    """Whether the arm electrodes may be swapped: QRS complexes point down in I, up in aVR, and I is not like V6.

    Where V6 is not there, the former alone counts.

    Reference: Kors and van Herpen, Accurate automatic detection of electrode interchange in the electrocardiogram, Am J
        Cardiol 2001; Batchvarov, Malik and Camm, Incorrect electrode cable connection during electrocardiographic
        recording, Europace 2007: a negative complex in I, an upright one in aVR, and V6 as it was.

    Shape:
        x (leads, time).
    """
    if not {"I", "aVR"} <= set(leads):
        return False
    few = x[[list(leads).index(lead) for lead in ("I", "aVR", "V6") if lead in leads]]
    qrs = few[:, _within_qrs(few, sampling_rate)] - np.median(few, axis=1)[:, None]
    ends = round(0.02 * (qrs.shape[1] - 1))
    of_i, of_avr = np.sort(qrs[:2], axis=1)[:, [ends, -1 - ends]].sum(1)
    if not (of_i < -TURNED_MV and of_avr > TURNED_MV):
        return False
    if "V6" not in leads:
        return True
    of_i, of_v6 = qrs[0], qrs[2]
    if min(of_i.std(), of_v6.std()) < _ROUNDING:
        return False
    return bool(np.corrcoef(of_i, of_v6)[0, 1] < UNLIKE)


def _within_qrs(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Samples near the steepest ones of all leads together, (time,) bool."""
    energy = np.square(np.diff(x, axis=1, prepend=x[:, :1])).sum(0)
    place = round(_STEEPEST * (len(energy) - 1))
    steep = np.flatnonzero(energy >= np.partition(energy, place)[place])
    around = round(_AROUND_S * sampling_rate)
    near = np.zeros(x.shape[1] + 1, np.int64)
    np.add.at(near, np.maximum(steep - around, 0), 1)
    np.add.at(near, np.minimum(steep + around + 1, x.shape[1]), -1)
    within: np.ndarray = near.cumsum()[:-1] > 0
    return within


def _amplitude(x: np.ndarray) -> str | None:
    usual = float(np.median(x.std(axis=1)))
    if PLAUSIBLE_MV[0] <= usual <= PLAUSIBLE_MV[1] or usual < _ROUNDING:
        return None
    size, unit = ("large", "uV") if usual > 1 else ("small", "mV")
    return (
        f"an ECG has about 1 mV, and this recording deviates by {usual:.2g} mV from its mean, as if a thousand times "
        f"too {size}: is its unit {unit}?"
    )


def _longest_run(true: np.ndarray) -> int:
    """Of values that are true."""
    breaks = np.flatnonzero(~true)
    if not len(breaks):
        return len(true)
    return int(np.diff(breaks, prepend=-1, append=len(true)).max()) - 1


def _each(leads: Sequence[str], which: np.ndarray, sentence: Callable[[str], str]) -> str:
    names = [lead for lead, found in zip(leads, which.tolist(), strict=True) if found]
    return sentence(", ".join(names)) if names else ""


def _saturated(names: str) -> str:
    return f"lead {names} stays at an end of its range for {SATURATED_S:g} s or more: was the recorder saturated?"
