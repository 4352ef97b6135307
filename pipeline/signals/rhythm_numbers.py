"""Numbers of the RR intervals of a record, by which a rhythm is told: how fast, how irregular, in what way."""

import numpy as np

RHYTHM = (
    "heart rate",
    "RR deviation",
    "RR change",
    "median RR change",
    "greatest RR change",
    "shortest RR",
    "longest RR",
    "RR correlation 1",
    "RR correlation 2",
    "RR correlation 3",
)
"""What ``rhythm_numbers`` gives, in its order."""

_LAGS = (1, 2, 3)
_ALIKE = 1e-12  # of their squares: what varies less does so by rounding alone


def rhythm_numbers(rr: np.ndarray) -> np.ndarray:
    """Numbers of the RR intervals of one record; NaN where there are too few of them.

    - the heart rate, beats a minute, of the median interval;
    - the deviation of the intervals as a part of their mean: the coefficient of variation;
    - of the changes from one interval to the next, the root mean square (RMSSD), the median and the greatest, and the
      shortest and the longest interval, all as parts of the median interval: one early beat shows in the last three, a
      fibrillation in all;
    - the correlation of the intervals with those one, two and three beats later: −1, 1, −1 where every other beat is
      early, as in bigeminy, and near 1 in the third where every third one is. Of intervals that do not vary, or that
      are too few, it is not known.

    Args:
        rr: s, one after the other.

    Shape:
        (intervals,) to (numbers,) float64.

    Reference:
        Task Force of the European Society of Cardiology, Heart rate variability, Circulation 93 (1996) 1043, for the
        deviation and RMSSD; here they are relative, since a record of ten seconds has its own rate.
    """
    usual = float(np.median(rr)) if len(rr) else np.nan
    if len(rr) < 2:
        return np.array([60 / usual, *[np.nan] * (len(RHYTHM) - 1)])
    changes = np.abs(np.diff(rr))
    of_changes = np.array([np.sqrt((changes**2).mean()), np.median(changes), changes.max(), rr.min(), rr.max()]) / usual
    return np.array([60 / usual, rr.std() / rr.mean(), *of_changes, *(_correlation(rr, lag) for lag in _LAGS)])


def _correlation(rr: np.ndarray, lag: int) -> float:
    """Of intervals with those so many later; NaN where fewer than three pairs, or none that vary, tell it."""
    if len(rr) < lag + 3:
        return np.nan
    first, later = rr[:-lag] - rr[:-lag].mean(), rr[lag:] - rr[lag:].mean()
    size = np.sqrt((first**2).sum() * (later**2).sum())
    return float((first * later).sum() / size) if size > _ALIKE * (rr**2).sum() else np.nan
