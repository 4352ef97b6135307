"""What would be found at every threshold: the steps of a class, on which both of its curves stand."""

from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.curves import points

N_STEPS = 140
"""Thresholds that are tried of a class, evenly in log-odds."""
_SURE = 1e-6  # log-odds are of probabilities no nearer to 0 and 1


@dataclass(frozen=True, eq=False)
class Steps:
    """The counts of one class at rising thresholds.

    Attributes:
        thresholds: A score of at least it is found.
        tp: Positives that are found.
        fp: Negatives that are found.
        n_positive: Items that bear the class.
        n_negative: Items that do not.

    Shape:
        ``(steps,)`` each.
    """

    thresholds: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    n_positive: int
    n_negative: int

    def index_of(self, threshold: float) -> int:
        """Where a threshold stands among them, the nearest one where it is none of them."""
        return int(np.abs(self.thresholds - threshold).argmin())


def log_odds(scores: np.ndarray | float) -> np.ndarray:
    """Probabilities on the scale on which rare and common ones are told apart alike; finite.

    >>> log_odds(np.array([0.5, 0.0])).round(2).tolist()
    [0.0, -13.82]
    """
    p = np.clip(np.asarray(scores, np.float64), _SURE, 1 - _SURE)
    values: np.ndarray = np.log(p) - np.log1p(-p)
    return values


def steps_of(labels: np.ndarray, scores: np.ndarray, chosen: float | None = None, n: int = N_STEPS) -> Steps:
    """The counts of a class at thresholds over the whole range of its scores, and at one that was chosen.

    Scores are compared as ``thresholds.predict`` does, so that the counts at the chosen one are those of the table.

    Args:
        labels: 1 where the item bears the class.
        scores: Its probabilities.
        chosen: A threshold that has to be among them.
        n: How many there are beside it.

    Shape:
        ``(items,)`` both.
    """
    low, high = range_of(scores, chosen)
    lattice = 1 / (1 + np.exp(-np.linspace(low, high, n)))
    plain = {float(f"{value:.4g}") for value in lattice} | ({chosen} if chosen is not None else set())
    thresholds = np.array(sorted(plain))
    cuts = thresholds.astype(scores.dtype)
    is_positive = np.asarray(labels, bool)
    sides = [np.sort(scores[side]) for side in (is_positive, ~is_positive)]
    tp, fp = (len(side) - np.searchsorted(side, cuts, "left") for side in sides)
    return Steps(thresholds, tp, fp, len(sides[0]), len(sides[1]))


def range_of(scores: np.ndarray, chosen: float | None = None) -> tuple[float, float]:
    """Whole log-odds between which nearly all scores lie, and a threshold with some room beside it."""
    values = np.percentile(log_odds(scores), (0.25, 99.75))
    if chosen is not None:
        values = np.append(values, log_odds(chosen) + np.array([-0.5, 0.5]))
    low, high = np.floor(values.min()), np.ceil(values.max())
    return float(max(low, -9.0)), float(min(max(high, low + 2), 9.0))


def roc_points(labels: np.ndarray, scores: np.ndarray, most: int = 120) -> np.ndarray:
    """False positive rate and sensitivity from the highest threshold down, thinned where there are many.

    Shape:
        ``(items,)`` both, to ``(points, 2)``; empty without a positive or a negative.
    """
    found = points(labels, scores)
    if not (found.tp[-1] and found.fp[-1]):
        return np.empty((0, 2))
    return _thinned(np.stack([found.false_positive_rate, found.sensitivity], axis=1), most)


def pr_points(labels: np.ndarray, scores: np.ndarray, most: int = 120) -> np.ndarray:
    """Sensitivity and precision from the highest threshold down, thinned where there are many.

    Shape:
        ``(items,)`` both, to ``(points, 2)``; empty without a positive.
    """
    found = points(labels, scores)
    if not found.tp[-1]:
        return np.empty((0, 2))
    return _thinned(np.stack([found.sensitivity, found.precision], axis=1)[1:], most)


def _thinned(curve: np.ndarray, most: int) -> np.ndarray:
    """At most so many of them: the ends, and others at even lengths along the curve."""
    if len(curve) <= most:
        return curve
    way = np.append(0, np.abs(np.diff(curve, axis=0)).sum(1).cumsum())
    kept = np.searchsorted(way, np.linspace(0, way[-1], most))
    found: np.ndarray = curve[np.unique(np.append(kept, [0, len(curve) - 1]).clip(0, len(curve) - 1))]
    return found
