"""Counts first: who was found and who was missed; figures follow from them, or from the order of scores."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Counts:
    """True positives, false negatives, false positives and true negatives.

    Shape:
        Each int64 ``(..., classes)``, or ``()`` for one class and for pooled counts.
    """

    tp: np.ndarray
    fn: np.ndarray
    fp: np.ndarray
    tn: np.ndarray

    @property
    def positives(self) -> np.ndarray:
        """Items that bear the class."""
        values: np.ndarray = self.tp + self.fn
        return values

    @property
    def negatives(self) -> np.ndarray:
        """Items that do not bear the class."""
        values: np.ndarray = self.fp + self.tn
        return values

    @property
    def pooled(self) -> "Counts":
        """The counts of all classes added up, on which the micro figures stand."""
        return Counts(self.tp.sum(-1), self.fn.sum(-1), self.fp.sum(-1), self.tn.sum(-1))


def count(labels: np.ndarray, predicted: np.ndarray) -> Counts:
    """The counts of each class over all items; a class sees its own column only.

    Args:
        labels: 1 or true where the item bears the class.
        predicted: 1 or true where the class was found.

    Shape:
        ``(items, classes)`` both, to counts of ``(classes,)``; ``(items,)`` both, to counts of ``()``.

    Raises:
        ValueError: If the shapes differ.
    """
    if np.shape(labels) != np.shape(predicted):
        raise ValueError(f"labels {np.shape(labels)} and predictions {np.shape(predicted)} differ in shape")
    true, found = np.asarray(labels, bool), np.asarray(predicted, bool)
    return Counts(*(cell.sum(0) for cell in (true & found, true & ~found, ~true & found, ~true & ~found)))


def sensitivity(counts: Counts) -> np.ndarray:
    """TP / (TP + FN), also called recall; NaN without a positive."""
    return _ratio(counts.tp, counts.positives)


def specificity(counts: Counts) -> np.ndarray:
    """TN / (TN + FP); NaN without a negative."""
    return _ratio(counts.tn, counts.negatives)


def precision(counts: Counts) -> np.ndarray:
    """TP / (TP + FP); 0 where there were positives and none was found, so that it is NaN only where F1 is."""
    return np.where((counts.tp == 0) & (counts.fn > 0), 0.0, _ratio(counts.tp, counts.tp + counts.fp))


def npv(counts: Counts) -> np.ndarray:
    """TN / (TN + FN), the negative predictive value; 0 where there were negatives and all were called positive."""
    return np.where((counts.tn == 0) & (counts.fp > 0), 0.0, _ratio(counts.tn, counts.tn + counts.fn))


def accuracy(counts: Counts) -> np.ndarray:
    """(TP + TN) / all, which a rare class makes high by itself."""
    return _ratio(counts.tp + counts.tn, counts.positives + counts.negatives)


def f1(counts: Counts) -> np.ndarray:
    """2 TP / (2 TP + FP + FN); NaN where there was nothing to find and nothing was found."""
    return _ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def g_mean(counts: Counts) -> np.ndarray:
    """The geometric mean of sensitivity and specificity (Kubat and Matwin 1997); NaN where either is."""
    values: np.ndarray = np.sqrt(sensitivity(counts) * specificity(counts))
    return values


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """The chance that a positive scores above a negative, ties half; NaN without a positive or a negative.

    Shape:
        ``(items,)`` both.
    """
    from sklearn.metrics import roc_auc_score  # here, because it takes a second to import

    return float(roc_auc_score(labels, scores)) if 0 < np.sum(labels) < len(labels) else math.nan


def is_worse_than_chance(area: float, n_positive: int, n_negative: int) -> bool:
    """Whether an AUROC is below 0.5 by more than four standard deviations of what scores without any skill give.

    Reference:
        Mann and Whitney, On a test of whether one of two random variables is stochastically larger, 1947.
    """
    if math.isnan(area):
        return False
    deviation = math.sqrt((n_positive + n_negative + 1) / (12 * n_positive * n_negative))
    return area < 0.5 - 4 * deviation


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """The precision at every positive's score, averaged (no interpolation); NaN without a positive.

    Shape:
        ``(items,)`` both.
    """
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(labels, scores)) if np.any(labels) else math.nan


def macro_auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """The mean AUROC of the classes that have a positive and a negative; NaN if there is none.

    Shape:
        ``(items, classes)`` both.
    """
    values = [auroc(column, ranked) for column, ranked in zip(labels.T, scores.T, strict=True)]
    return float(np.nanmean(values)) if not np.isnan(values).all() else math.nan


@dataclass(frozen=True)
class Figure:
    """A column of the table that follows from the counts.

    Attributes:
        heading: what stands above it.
        of: counts → the figure of each, NaN where it is 0/0.
        among: The cells that it is a share of, such as TP and FN; none where it is no share, and then the patients
            of the rarer side stand behind it.
        lowest: What it may be at the least; 1 is the most.
        fewest: It has an interval if as many patients stand behind it.
    """

    heading: str
    of: Callable[[Counts], np.ndarray]
    among: tuple[str, ...] = ()
    lowest: float = 0.0
    fewest: int = 5

    def __call__(self, counts: Counts) -> np.ndarray:
        return self.of(counts)


@dataclass(frozen=True)
class RankingFigure:
    """A column of the table that follows from the scores, whatever the threshold.

    Attributes:
        heading: what stands above it.
        of: labels and scores (items,) → the figure.
        of_curves: the same of many weightings at once: ``ranking.Curve`` → (weightings,).
        lowest: What it may be at the least; 1 is the most.
        fewest: It has an interval if as many patients have a positive, and a negative.
        fewest_of_mean: A mean over classes has one if every class has as many.
    """

    heading: str
    of: Callable[[np.ndarray, np.ndarray], float]
    of_curves: Callable[[Any], np.ndarray]
    lowest: float = 0.0
    fewest: int = 10
    fewest_of_mean: int = 5

    def __call__(self, labels: np.ndarray, scores: np.ndarray) -> float:
        return self.of(labels, scores)


FIGURES: dict[str, Figure] = {
    "sensitivity": Figure("sensitivity", sensitivity, ("TP", "FN")),
    "specificity": Figure("specificity", specificity, ("FP", "TN")),
    "precision": Figure("precision", precision, ("TP", "FP")),
    "npv": Figure("NPV", npv, ("FN", "TN")),
    "accuracy": Figure("accuracy", accuracy, ("TP", "FN", "FP", "TN")),
    "f1": Figure("F1", f1, ("TP", "FN", "FP")),
    "g_mean": Figure("G-mean", g_mean),
}
"""What follows from the counts, in the order of the table; a new column is a function and a line."""

RANKINGS: dict[str, RankingFigure] = {
    "auroc": RankingFigure("AUROC", auroc, lambda curves: curves.auroc()),
    "average_precision": RankingFigure(
        "AP", average_precision, lambda curves: curves.average_precision(), fewest=100, fewest_of_mean=100
    ),
}
"""What follows from the scores, in the order of the table."""


PRODUCTS = {"g_mean": ("sensitivity", "specificity")}
"""Figures that are the geometric mean of two others, of different items: their intervals are those of both."""


def headings() -> dict[str, str]:
    """Name to heading of every column, in the order of the table."""
    return {name: each.heading for name, each in (FIGURES | RANKINGS).items()}


def macro(values: np.ndarray, counts: Counts) -> float:
    """The mean over the classes that have a positive and where the figure is defined; NaN if there is none.

    Shape:
        ``(classes,)``.
    """
    kept = values[(counts.positives > 0) & ~np.isnan(values)]
    return float(kept.mean()) if kept.size else math.nan


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part over whole, NaN where the whole is 0."""
    values: np.ndarray = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) != 0)
    return values
