"""McNemar's test: whether two models are wrong on the same items equally often."""

import math
from dataclasses import dataclass

import numpy as np

EXACT_BELOW = 25
"""Items on which just one of two models is right; of fewer the exact p-value is taken."""


@dataclass(frozen=True)
class McNemar:
    """One class and two models.

    Attributes:
        first_only: Items that the first model alone has right (b).
        second_only: Items that the second model alone has right (c).
        p: Two-sided p-value of both being equally frequent; 1 where there are none.
        method: ``exact`` or ``chi-square``.
    """

    first_only: int
    second_only: int
    p: float
    method: str


def mcnemar(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> McNemar:
    """The test of the decisions of two models about one class.

    Args:
        labels: True where the item bears the class.
        first: True where the first model finds it.
        second: True where the second does.

    Shape:
        ``(items,)`` each.

    Reference:
        McNemar, Note on the sampling error of the difference between correlated proportions or percentages,
        Psychometrika 1947; with Edwards' correction for continuity, Psychometrika 1948.
    """
    true, one, other = (np.asarray(each, bool) for each in (labels, first, second))
    return mcnemar_of(int(((one == true) & (other != true)).sum()), int(((one != true) & (other == true)).sum()))


def mcnemar_of(first_only: int, second_only: int) -> McNemar:
    """The same from both counts.

    >>> mcnemar_of(1, 5)
    McNemar(first_only=1, second_only=5, p=0.21875, method='exact')
    """
    n, rarer = first_only + second_only, min(first_only, second_only)
    if n < EXACT_BELOW:
        tail = sum(math.comb(n, k) for k in range(rarer + 1)) / 2**n
        return McNemar(first_only, second_only, min(1.0, 2 * tail), "exact")
    square = max(abs(first_only - second_only) - 1, 0) ** 2 / n
    return McNemar(first_only, second_only, math.erfc(math.sqrt(square / 2)), "chi-square")
