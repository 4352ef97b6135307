"""Which class was taken for which, where an item has one class and the highest score wins."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluation.scores import Scores


@dataclass(frozen=True, eq=False)
class Confusion:
    """The confusion matrix of a multiclass task.

    Attributes:
        classes: names, of the rows and of the columns.
        counts: items of the row's class that were taken for the column's.
        n_tied: items with several highest scores, of whose classes the first in the order of the columns is taken.

    Shape:
        ``counts`` is ``(classes, classes)`` int64, the truth in rows and what was found in columns.
    """

    classes: tuple[str, ...]
    counts: np.ndarray
    n_tied: int = 0

    @property
    def shares(self) -> np.ndarray:
        """Of the items of each row, the share that was taken for each class; NaN in the row of a class without item."""
        totals = self.counts.sum(1, keepdims=True)
        empty = np.full(self.counts.shape, np.nan)
        values: np.ndarray = np.divide(self.counts, totals, out=empty, where=totals > 0)
        return values

    def as_json(self) -> dict[str, Any]:
        """All of it as plain dicts and lists."""
        return {
            "classes": list(self.classes),
            "rows": "truth",
            "columns": "found",
            "counts": self.counts.tolist(),
            "n_tied": self.n_tied,
        }


def taken(scores: np.ndarray) -> np.ndarray:
    """The column of the highest score of each item, the first of equally high ones.

    Shape:
        ``(items, classes)`` to ``(items,)`` int64.

    >>> taken(np.array([[0.2, 0.8], [0.5, 0.5]]))
    array([1, 0])
    """
    values: np.ndarray = scores.argmax(1)
    return values


def cells(labels: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """The number of each item's cell in the confusion matrix, counted along its rows.

    Shape:
        ``(items, classes)`` one-hot and ``(items,)`` to ``(items,)`` int64.
    """
    values: np.ndarray = labels.argmax(1) * labels.shape[1] + taken
    return values


def confusion_of(scores: Scores) -> Confusion:
    """The confusion matrix of scores of a multiclass task.

    Raises:
        ValueError: an item may have several classes, so that none is taken for another.
    """
    if scores.kind != "multiclass":
        raise ValueError(f"{scores.name} are {scores.kind}: a confusion matrix is of classes that exclude each other")
    n = len(scores.classes)
    counts = np.bincount(cells(scores.labels, taken(scores.scores)), minlength=n * n).reshape(n, n)
    is_highest = scores.scores == scores.scores.max(1, keepdims=True)
    return Confusion(scores.classes, counts.astype(np.int64), int((is_highest.sum(1) > 1).sum()))
