"""Intervals that are percentiles of resamples, plain or by BCa, in place of Wilson's and those on logits."""

from collections.abc import Sequence

import numpy as np

from pipeline.evaluation.bca import correction, moved
from pipeline.evaluation.proportions import LEVEL
from pipeline.evaluation.row_intervals import RowIntervals

CI = ("wilson", "percentile", "bca")
"""What ``-ci`` can be; the first is what is taken where nobody says."""

ALL_EQUAL = "all resamples are equal"
ONE_SIDED = "no resample lies on one side of it"
UNDEFINED = "it is undefined where one patient is left out"
DEGENERATE = (ALL_EQUAL, ONE_SIDED, UNDEFINED)
"""Why a figure has no interval by resamples that has one by Wilson or on logits."""


def by_resamples(
    found: RowIntervals,
    names: Sequence[str],
    values: np.ndarray,
    draws: np.ndarray,
    left_out: np.ndarray | None,
) -> RowIntervals:
    """The same row, each of its intervals replaced by one of resamples; what has none keeps none.

    Args:
        found: The intervals that are replaced, and why figures have none.
        names: Of the columns.
        values: The row itself.
        draws: The row of each resample.
        left_out: The row of each replicate of the jackknife, for BCa; None for plain percentiles.

    Shape:
        ``(columns,)``, ``(resamples, columns)`` and ``(replicates, columns)``.
    """
    new = RowIntervals(withheld=dict(found.withheld))
    for name in found.spans:
        if name not in names:
            continue
        i = list(names).index(name)
        levels = _levels(float(values[i]), draws[:, i], None if left_out is None else left_out[:, i])
        if isinstance(levels, str):
            new.withheld[name] = levels
        else:
            low, high = np.quantile(draws[:, i], levels)
            new.spans[name] = (float(low), float(high))
    return new


def _levels(value: float, draws: np.ndarray, left_out: np.ndarray | None) -> tuple[float, float] | str:
    """Which percentiles are the ends, or why there are none."""
    nominal = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    if np.ptp(draws) < 1e-12:
        return ALL_EQUAL
    if left_out is None:
        return nominal
    by = correction(np.asarray(value), draws, left_out)
    if not np.isfinite(by.acceleration):
        return UNDEFINED
    if not np.isfinite(by.bias):
        return ONE_SIDED
    low, high = (float(moved(level, by)) for level in nominal)
    return low, high
