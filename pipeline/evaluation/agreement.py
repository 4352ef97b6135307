"""Figures of a whole confusion matrix: how far what was found agrees with the truth, over all classes together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

CINC2017 = ("N", "A", "O")
_WITH_NOISY = (*CINC2017, "~")


def accuracy(counts: np.ndarray) -> np.ndarray:
    """The share of the items whose class was found; NaN without an item.

    Shape:
        ``(..., classes, classes)``, the truth in rows, to ``(...)``.
    """
    return _ratio(_right(counts).sum(-1), counts.sum((-2, -1)))


def kappa(counts: np.ndarray) -> np.ndarray:
    """Cohen's kappa, (accuracy − chance) / (1 − chance), where chance is what the shares alone would get right.

    It is NaN where truth and answers are one and the same class throughout.

    Shape:
        As of ``accuracy``.

    Reference:
        Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement 1960.
    """
    n = counts.sum((-2, -1))
    # both sides times n², so that whole numbers stay whole, and 1 − chance is 0 where it should be
    by_chance = (counts.sum(-1) * counts.sum(-2)).sum(-1)
    return _ratio(n * _right(counts).sum(-1) - by_chance, n * n - by_chance)


def sensitivities(counts: np.ndarray) -> np.ndarray:
    """The sensitivity of each class; NaN without an item of it.

    Shape:
        ``(..., classes, classes)``, the truth in rows, to ``(..., classes)``.
    """
    return _ratio(_right(counts), counts.sum(-1))


def f1s(counts: np.ndarray) -> np.ndarray:
    """The F1 of each class; NaN where there was nothing to find and nothing was found.

    Shape:
        As of ``sensitivities``.
    """
    return _ratio(2 * _right(counts), counts.sum(-1) + counts.sum(-2))


@dataclass(frozen=True)
class AgreementFigure:
    """A figure of the confusion matrix: of all of it, or the mean of a figure of each class.

    Attributes:
        heading: what it is called.
        of: confusion matrices → the figure, (..., classes, classes) → (...); NaN where it is 0/0. Of a mean, the
            figure of each class, (..., classes).
        meaning: half a sentence under the table.
        is_mean: whether it is a mean over classes.
        mean_of: the classes that it is the mean over; None for those that some item bears.
        only_of: the sets of classes that it is defined of; None where it is of any.
        lowest: What it may be at the least; 1 is the most.
        fewest: It has an interval if as many patients have each class of the mean, or, where it is none, never have
            the commonest class (`benchmarks/agreement_coverage.py`).
    """

    heading: str
    of: Callable[[np.ndarray], np.ndarray]
    meaning: str
    is_mean: bool = False
    mean_of: tuple[str, ...] | None = None
    only_of: tuple[tuple[str, ...], ...] | None = None
    lowest: float = 0.0
    fewest: int = 10

    def applies_to(self, classes: Sequence[str]) -> bool:
        """Whether it is defined of such classes."""
        return self.only_of is None or any(set(classes) == set(each) for each in self.only_of)

    def columns(self, counts: np.ndarray, classes: Sequence[str]) -> list[int]:
        """The classes whose mean it is, as numbers of columns; none where it is no mean."""
        if self.mean_of is not None:
            return [classes.index(name) for name in self.mean_of]
        return np.flatnonzero(counts.sum(1)).tolist() if self.is_mean else []

    def parts(self, counts: np.ndarray, columns: Sequence[int]) -> np.ndarray:
        """What it is the mean of: the figures of these classes, or the figure itself.

        Shape:
            ``(..., classes, classes)`` to ``(..., parts)``.
        """
        found = self.of(counts)
        return found[..., list(columns)] if self.is_mean else found[..., None]


AGREEMENT: dict[str, AgreementFigure] = {
    "accuracy": AgreementFigure("accuracy", accuracy, "the share of the items whose class was found", fewest=0),
    "balanced_accuracy": AgreementFigure(
        "balanced accuracy", sensitivities, "the mean sensitivity of the classes that there are", is_mean=True
    ),
    "kappa": AgreementFigure(
        "Cohen's kappa", kappa, "0 for what the shares of the classes would get right by chance, 1 for all", lowest=-1
    ),
    "cinc2017_f1": AgreementFigure(
        "CinC 2017 F1",
        f1s,
        "the mean F1 of N, A and O, the score of the PhysioNet/CinC Challenge 2017",
        is_mean=True,
        mean_of=CINC2017,
        only_of=(CINC2017, _WITH_NOISY),
    ),
}
"""What follows from the confusion matrix, in the order of the table; a new figure is a function and a line.

Noisy recordings, where they are a class, have no F1 in that of CinC 2017; they are errors of what they are taken for.

Reference:
    Clifford et al., AF classification from a short single lead ECG recording: the PhysioNet/Computing in Cardiology
    Challenge 2017, Computing in Cardiology 2017.
"""


def agreement_figures(classes: Sequence[str]) -> dict[str, AgreementFigure]:
    """Those that are defined of such classes."""
    return {name: figure for name, figure in AGREEMENT.items() if figure.applies_to(classes)}


def agreement(counts: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Name to figure of one confusion matrix.

    >>> agreement(np.array([[3, 1], [0, 4]]), ("S", "V"))
    {'accuracy': 0.875, 'balanced_accuracy': 0.875, 'kappa': 0.75}
    """
    found = {}
    for name, figure in agreement_figures(classes).items():
        parts = figure.parts(counts, figure.columns(counts, classes))
        found[name] = float(parts.mean()) if parts.size else float("nan")
    return found


def _right(counts: np.ndarray) -> np.ndarray:
    values: np.ndarray = np.diagonal(counts, axis1=-2, axis2=-1)
    return values


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part over whole, NaN where the whole is 0."""
    values: np.ndarray = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) != 0)
    return values
