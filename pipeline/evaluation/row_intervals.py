"""The intervals of one row of a table: a method for each figure, or why it has none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.evaluation.metrics import FIGURES, PRODUCTS, RANKINGS
from pipeline.evaluation.proportions import (
    Span,
    effective_number,
    geometric_mean,
    inflation_of_mean,
    smoothed_logit,
    whole_of_mean,
    wilson,
)
from pipeline.evaluation.resampling import CELLS, columns

_WITHIN_A_SIDE = ({"TP", "FN"}, {"FP", "TN"}, set(CELLS))  # what a class's rarity does not move
_UNLIKE = "it is not from {:g} to 1 in every resample"


@dataclass(frozen=True)
class Support:
    """How many patients stand behind the figures of a row.

    Attributes:
        positive: Those with a positive.
        negative: Those with a negative.
        of: Name of a figure of counts to the patients with an item that it is a share of.
        all: Every patient.
    """

    positive: int
    negative: int
    of: Mapping[str, int]
    all: int

    @property
    def rarer(self) -> int:
        """The patients of the side that has fewer."""
        return min(self.positive, self.negative)

    def moving(self, name: str) -> int:
        """The patients whose drawing moves a figure or count.

        Precision is a share of all in whom the class was found, say, but the few who have it decide on it.
        """
        sides = {"TP": self.positive, "FN": self.positive, "FP": self.negative, "TN": self.negative}
        if name in sides:
            return sides[name]
        whole = set(FIGURES[name].among) in _WITHIN_A_SIDE if name in FIGURES else False
        return self.of[name] if whole else min(self.of.get(name, self.all), self.rarer)


@dataclass(frozen=True)
class RowIntervals:
    """What is known of a row.

    Attributes:
        spans: Figure, or count, to its interval.
        withheld: Figure to why it has none.
    """

    spans: dict[str, Span] = field(default_factory=dict)
    withheld: dict[str, str] = field(default_factory=dict)


def row_intervals(values: np.ndarray, draws: np.ndarray, support: Support, pooled: bool = False) -> RowIntervals:
    """The interval of every figure that the row has, or why it has none.

    Args:
        values: The row itself, NaN for what it does not have.
        draws: The row of each resample.
        support: The patients behind it.
        pooled: Whether it is of several classes, so that one item may be a positive and a negative.

    Shape:
        ``(columns,)`` and ``(resamples, columns)``; see ``resampling.columns()``.
    """
    plain = {name: value for name, value in zip(columns(), values.tolist(), strict=True) if not np.isnan(value)}
    sampled = dict(zip(columns(), draws.T, strict=True))
    found = RowIntervals()
    if CELLS[0] in plain:
        _add_counts(found, plain, sampled, support)
    products = {} if pooled else {name: factors for name, factors in PRODUCTS.items() if name in plain}
    for name in plain.keys() & (FIGURES | RANKINGS).keys() - products.keys():
        reason = _reason(name, plain[name], sampled[name], support)
        if reason:
            found.withheld[name] = reason
        else:
            found.spans[name] = _span(name, plain[name], float(sampled[name].var(ddof=1)), support)
    for name, factors in products.items():
        _add_product(found, plain, name, factors)
    return _in_order(found)


def mean_intervals(values: np.ndarray, draws: np.ndarray, kept: Sequence[Support]) -> RowIntervals:
    """The interval of every mean over classes, which needs no more patients than each of its classes.

    Args:
        values: The row of means.
        draws: The row of each resample.
        kept: What stands behind each of the classes.

    Shape:
        As of ``row_intervals``.
    """
    numbers = [support.rarer for support in kept]
    found = RowIntervals()
    for name, value, sampled in zip(columns(), values.tolist(), draws.T, strict=True):
        if np.isnan(value):
            continue
        fewest = RANKINGS[name].fewest_of_mean if name in RANKINGS else 0
        if np.isnan(sampled).any() or not _lowest(name) <= value <= 1:
            found.withheld[name] = _UNLIKE.format(_lowest(name))
        elif min(numbers) < fewest:
            found.withheld[name] = f"{min(numbers)} patients behind one of its classes, fewer than {fewest}"
        else:
            variance = float(sampled.var(ddof=1)) * inflation_of_mean([support.moving(name) for support in kept])
            found.spans[name] = stretched_wilson(value, variance, _lowest(name), sum(numbers))
    return found


def whole_draws(values: np.ndarray, draws: np.ndarray, kept: Sequence[Support]) -> np.ndarray:
    """The means of resamples, as far from the mean itself as other patients would bring it; resamples show less.

    Args:
        values: The row of means.
        draws: The row of each resample.
        kept: What stands behind each of the classes.

    Shape:
        As of ``row_intervals``; returns what ``draws`` is.
    """
    if not kept:
        return draws
    steps = [np.sqrt(whole_of_mean([support.moving(name) for support in kept])) for name in columns()]
    values_and_draws: np.ndarray = values + (draws - values) * steps
    return values_and_draws


def _add_counts(found: RowIntervals, plain: dict[str, float], sampled: dict[str, np.ndarray], support: Support) -> None:
    """A count is a share of all items, or item-class pairs, as many as there are."""
    total = sum(plain[cell] for cell in CELLS)
    totals = sum(sampled[cell] for cell in CELLS)
    for cell in CELLS:
        share = plain[cell] / total
        n = effective_number(share, float((sampled[cell] / totals).var(ddof=1)), support.all, support.moving(cell))
        low, high = wilson(share, n)
        found.spans[cell] = (low * total, high * total)


def _reason(name: str, value: float, sampled: np.ndarray, support: Support) -> str | None:
    """Why a figure has no interval, None if it has one."""
    if np.isnan(sampled).any() or not _lowest(name) <= value <= 1:
        return _UNLIKE.format(_lowest(name))
    n, fewest = support.rarer if name in RANKINGS else support.of[name], (FIGURES | RANKINGS)[name].fewest
    return f"{n} patients behind it, fewer than {fewest}" if n < fewest else None


def _lowest(name: str) -> float:
    return (FIGURES | RANKINGS)[name].lowest if name in FIGURES | RANKINGS else 0.0


def _span(name: str, value: float, variance: float, support: Support) -> Span:
    lowest = _lowest(name)
    if name not in RANKINGS:
        return stretched_wilson(value, variance, lowest, support.of[name], support.moving(name))
    width = 1 - lowest
    span = smoothed_logit((value - lowest) / width, variance / width**2, support.positive, support.negative)
    return lowest + width * span[0], lowest + width * span[1]


def stretched_wilson(
    value: float, variance: float, lowest: float, n_patients: int, n_moving: int | None = None
) -> Span:
    """The interval of a figure whose range, such as -1 to 1, is stretched to that of a share.

    Args:
        value: Of the figure, from ``lowest`` to 1.
        variance: Over resamples of patients.
        lowest: What the figure may be at the least.
        n_patients: Those that it is of.
        n_moving: Those of them whose drawing moves it; None for all.
    """
    width = 1 - lowest
    share = (value - lowest) / width
    low, high = wilson(share, effective_number(share, variance / width**2, n_patients, n_moving))
    return lowest + width * low, lowest + width * high


def _add_product(found: RowIntervals, plain: dict[str, float], name: str, factors: tuple[str, str]) -> None:
    if all(factor in found.spans for factor in factors):
        values, spans = [plain[factor] for factor in factors], [found.spans[factor] for factor in factors]
        found.spans[name] = geometric_mean((values[0], values[1]), (spans[0], spans[1]))
    else:
        found.withheld[name] = f"{' or '.join(factors)} has none"


def _in_order(found: RowIntervals) -> RowIntervals:
    spans = {name: found.spans[name] for name in columns() if name in found.spans}
    return RowIntervals(spans, {name: found.withheld[name] for name in columns() if name in found.withheld})


def mean_of_one(row: RowIntervals) -> RowIntervals:
    """The intervals of a mean over a single class, which are that class's own."""
    spans = {name: span for name, span in row.spans.items() if name not in CELLS}
    withheld = dict(row.withheld)
    if "g_mean" in spans:
        spans["g_mean_of_means"] = spans["g_mean"]
    if "g_mean" in withheld:
        withheld["g_mean_of_means"] = withheld["g_mean"]
    return RowIntervals(spans, withheld)


def support_of(labels: np.ndarray, found: np.ndarray, patients: np.ndarray) -> Support:
    """The patients behind a row, which is of one class, or of several whose items are pooled.

    Args:
        labels: True where the item bears a class.
        found: True where the class was found.
        patients: The patient of each item, numbered from 0.

    Shape:
        ``(items, classes)`` both, ``(items,)``.
    """
    cells = (labels & found, labels & ~found, ~labels & found, ~labels & ~found)
    n_patients = int(patients.max()) + 1
    holds = {
        name: np.bincount(patients[cell.any(1)], minlength=n_patients) > 0
        for name, cell in zip(CELLS, cells, strict=True)
    }  # cell to (patients,)

    def number(names: Sequence[str]) -> int:
        return int(np.any([holds[name] for name in names], 0).sum())

    positive, negative = number(("TP", "FN")), number(("FP", "TN"))
    rarer = min(positive, negative)
    of = {name: number(figure.among) if figure.among else rarer for name, figure in FIGURES.items()}
    return Support(positive, negative, of, n_patients)
