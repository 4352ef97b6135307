"""Scores of the windows of a record → the scores of the record."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_LEAST = 1e-9  # of a probability in a geometric mean, of which one window alone is never to say never


def _mean(values: np.ndarray, of_record: np.ndarray, n_records: int) -> np.ndarray:
    total = np.zeros((n_records, values.shape[1]))
    np.add.at(total, of_record, values)
    means: np.ndarray = total / np.bincount(of_record, minlength=n_records)[:, None]
    return means


def _geometric(values: np.ndarray, of_record: np.ndarray, n_records: int) -> np.ndarray:
    means: np.ndarray = np.exp(_mean(np.log(values.clip(_LEAST)), of_record, n_records))
    return means


def _max(values: np.ndarray, of_record: np.ndarray, n_records: int) -> np.ndarray:
    highest = np.zeros((n_records, values.shape[1]))
    np.maximum.at(highest, of_record, values)
    return highest


JOINS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "mean": _mean,
    "geometric": _geometric,
    "max": _max,
}
"""What ``-join`` can be; the first is what is taken where nobody says.

Each takes probabilities (windows, classes), the number of each window's record (windows,), and how many records there
are; it gives (records, classes).
"""


@dataclass(frozen=True)
class Joining:
    """How the scores of some windows become those of their records.

    Attributes:
        how: one of ``JOINS``.
        records: (windows,) the record of each.
        kind: ``multilabel`` or ``multiclass``.

    >>> of_windows = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    >>> Joining("mean", np.array(["a", "a", "b"]), "multiclass")(of_windows).round(2)
    array([[0.7, 0.3],
           [0.2, 0.8]], dtype=float32)
    """

    how: str
    records: np.ndarray
    kind: str

    @property
    def first(self) -> np.ndarray:
        """The place of each record's first window, in the order in which the records come, (records,) int64."""
        return first_of_each(self.records)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The probabilities of the records, in the order in which they come.

        Where classes exclude each other, those of a record are brought to a sum of 1 again.

        Args:
            values: probabilities of the windows.

        Shape:
            (windows, classes) to (records, classes), float32.
        """
        _, first, of_record = np.unique(self.records, return_index=True, return_inverse=True)
        place = np.argsort(np.argsort(first))  # of each name, by when it comes
        joined = JOINS[self.how](np.asarray(values, np.float64), place[of_record], len(first))
        if self.kind == "multiclass":
            joined /= joined.sum(1, keepdims=True)
        return joined.clip(0, 1).astype(np.float32)


def first_of_each(names: np.ndarray) -> np.ndarray:
    """Where each name stands first, in order, (names,) int64.

    >>> first_of_each(np.array(["b", "b", "a", "b", "c", "a"])).tolist()
    [0, 2, 4]
    """
    return np.sort(np.unique(names, return_index=True)[1])
