"""Two models on the same resamples of patients: interval and p-value of a difference, and Holm's correction."""

import math

import numpy as np

from pipeline.evaluation.bca import Correction, moved, moved_back
from pipeline.evaluation.proportions import LEVEL

_ROUNDING = 1e-9


def paired_interval(
    differences: np.ndarray,
    times: np.ndarray | float = 1.0,
    widest: np.ndarray | float = 1.0,
    by: Correction | None = None,
    level: float = LEVEL,
) -> np.ndarray:
    """The values of a difference that resamples do not refute, the counterpart of ``paired_p_value``.

    It leaves out 0 exactly where the p-value, times ``times``, is at most 0.05, for any number of resamples and any
    ties: both ends are resamples themselves, not points between two of them. Where they are too few for that level,
    nothing is left out.

    Args:
        differences: Figure of one model minus that of another, on the same resamples.
        times: What the p-value of each column is multiplied by, as Holm does.
        widest: The most that a figure can differ.
        by: How BCa moves the levels; None for plain percentiles.
        level: The share of intervals that are to hold the truth.

    Shape:
        ``(resamples, ...)`` to ``(2, ...)``: low and high; NaN where a resample has none.
    """
    n = len(differences)
    shape = differences.shape[1:]
    each = np.broadcast_to((1 - level) / np.asarray(times) / 2, shape)
    below, above = (each, each) if by is None else (moved(each, by), 1 - moved(1 - each, by))
    # the first of so many on each side counts as "none lower", so the ends are the k-th lowest and the k-th highest
    lower, higher = (np.floor(np.nan_to_num(share) * (n + 1) + _ROUNDING).astype(int)[None] for share in (below, above))
    ordered = np.sort(differences, 0)
    low = np.take_along_axis(ordered, np.clip(lower - 1, 0, n - 1), 0)[0]
    high = np.take_along_axis(ordered, np.clip(n - higher, 0, n - 1), 0)[0]
    ends = np.stack([np.where(lower[0] > 0, low, -widest), np.where(higher[0] > 0, high, widest)])
    return np.where(np.isnan(differences).any(0), np.nan, ends)


def paired_p_value(differences: np.ndarray, by: Correction | None = None) -> np.ndarray:
    """The two-sided p-value of no difference: twice the share of paired resamples on the rarer side of 0.

    It is at most 0.05 exactly where ``paired_interval`` of the same differences leaves out 0, and is
    2 / (resamples + 1) at the least, since the sample itself counts as one that shows nothing.

    Args:
        differences: Figure of one model minus that of another, on the same resamples.
        by: How BCa moves the levels; None for plain percentiles.

    Shape:
        ``(resamples, ...)`` to ``(...)``.

    Reference:
        Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 4.4.
    """
    rarer = np.minimum(p_not_above(differences, 0.0, by), p_not_below(differences, 0.0, by))
    values: np.ndarray = np.minimum(1.0, 2 * rarer)
    return values


def p_not_above(differences: np.ndarray, bound: float, by: Correction | None = None) -> np.ndarray:
    """The one-sided p-value of a difference that is ``bound`` or lower.

    Args:
        differences: As of ``paired_p_value``.
        bound: What the difference may be above.
        by: How BCa moves the levels; None for plain percentiles.

    Shape:
        ``(resamples, ...)`` to ``(...)``.
    """
    share = ((differences <= bound).sum(0) + 1) / (len(differences) + 1)
    return share if by is None else moved_back(share, by)


def p_not_below(differences: np.ndarray, bound: float, by: Correction | None = None) -> np.ndarray:
    """The one-sided p-value of a difference that is ``bound`` or higher; as ``p_not_above``."""
    share = ((differences >= bound).sum(0) + 1) / (len(differences) + 1)
    return share if by is None else 1 - moved_back(1 - share, by)


def holm(p_values: np.ndarray) -> np.ndarray:
    """The p-values of several tests, corrected so that the chance of any false finding keeps its level.

    Shape:
        ``(tests, ...)`` both; the columns are corrected apart.

    Reference:
        Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 1979.
    """
    order = np.argsort(p_values, axis=0, kind="stable")
    n_left = np.arange(len(p_values), 0, -1).reshape(-1, *[1] * (p_values.ndim - 1))
    stepped = np.maximum.accumulate(np.take_along_axis(p_values, order, 0) * n_left, 0)
    corrected = np.empty_like(stepped)
    np.put_along_axis(corrected, order, np.minimum(stepped, 1.0), 0)
    return corrected


def resamples_for(n_tests: int) -> int:
    """The fewest resamples with which one of several tests can be beyond noise after Holm's correction."""
    return math.ceil(2 * n_tests / (1 - LEVEL) - 1e-9) - 1
