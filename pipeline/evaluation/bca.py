"""Percentiles of resamples, moved for their bias and for a spread that changes with the figure (BCa)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

MOST_LEFT_OUT = 1000
"""Replicates of the jackknife; of more patients, so many groups of them are left out in turn."""

_AT_ONCE = 100  # replicates that are weighed together


@dataclass(frozen=True, eq=False)
class Correction:
    """How the levels of percentiles are moved.

    Attributes:
        bias: The normal quantile of the share of resamples below the figure itself; 0 where half of them are.
        acceleration: A sixth of the skewness of what each patient adds.

    Shape:
        ``(...)`` both, as the figures are.
    """

    bias: np.ndarray
    acceleration: np.ndarray


def left_out_weights(patients: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Weights that leave out one patient, or one of ``MOST_LEFT_OUT`` groups of patients, in turn; a block at a time.

    What groups add has the same third moment as what their patients add, so the acceleration is the same but for a few
    ten-thousandths.

    Args:
        patients: The patient of each item, numbered from 0.
        seed: Of who is in which group.

    Shape:
        ``(items,)`` to ``(items, replicates of the block)`` float64.
    """
    n = int(patients.max()) + 1
    n_groups = min(n, MOST_LEFT_OUT)
    group = np.arange(n) if n == n_groups else np.random.default_rng(seed).permutation(n) % n_groups
    of_item = group[patients]
    for first in range(0, n_groups, _AT_ONCE):
        left_out = np.arange(first, min(first + _AT_ONCE, n_groups))
        yield (of_item[:, None] != left_out).astype(np.float64)


def correction(values: np.ndarray, draws: np.ndarray, left_out: np.ndarray) -> Correction:
    """What resamples and a jackknife say of the bias and the acceleration of figures.

    Args:
        values: The figures.
        draws: Those of every resample.
        left_out: Those of every replicate of the jackknife.

    Shape:
        ``(...)``, ``(resamples, ...)`` and ``(replicates, ...)``; infinite or NaN where there is nothing to tell from.

    Reference:
        Efron, Better bootstrap confidence intervals, JASA 1987; ties count half, as in ``scipy.stats.bootstrap``.
    """
    from scipy.special import ndtri  # here, because a plain table needs none

    below = ((draws < values).mean(0) + (draws <= values).mean(0)) / 2
    steps = left_out.mean(0) - left_out
    squares = (steps**2).sum(0)
    skewed = np.divide((steps**3).sum(0), 6 * squares**1.5, out=np.zeros_like(squares), where=squares > 0)
    return Correction(ndtri(below), np.where(np.isnan(squares), np.nan, skewed))


def moved(level: np.ndarray | float, by: Correction) -> np.ndarray:
    """The percentile, from 0 to 1, that stands for a nominal level.

    Shape:
        Levels that broadcast with the correction.
    """
    from scipy.special import ndtr, ndtri

    z = by.bias + ndtri(level)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: np.ndarray = ndtr(by.bias + z / (1 - by.acceleration * z))
    return shares


def moved_back(share: np.ndarray, by: Correction) -> np.ndarray:
    """The nominal level that a percentile stands for, the inverse of ``moved``.

    Shape:
        As of ``moved``.
    """
    from scipy.special import ndtr, ndtri

    with np.errstate(invalid="ignore", divide="ignore"):
        z = ndtri(share) - by.bias
        levels: np.ndarray = ndtr(z / (1 + by.acceleration * z) - by.bias)
    return np.where(share >= 1, 1.0, np.where(share <= 0, 0.0, levels))


def finite(by: Correction) -> Correction:
    """The same, with none where resamples or the jackknife tell of none."""
    fine = np.isfinite(by.bias) & np.isfinite(by.acceleration)
    return Correction(np.where(fine, by.bias, 0.0), np.where(fine, by.acceleration, 0.0))
