"""Points of ROC and precision-recall curves: what each threshold would find, and what it would call wrongly."""

from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.metrics import count
from pipeline.evaluation.thresholds import predict


@dataclass(frozen=True, eq=False)
class Points:
    """What each threshold gives, from the highest score down.

    Attributes:
        threshold: Where a score is found; infinite in the first point, which finds nothing.
        tp: Positives at the threshold or above.
        fp: Negatives at the threshold or above.

    Shape:
        ``(distinct scores + 1,)`` each.
    """

    threshold: np.ndarray
    tp: np.ndarray
    fp: np.ndarray

    @property
    def sensitivity(self) -> np.ndarray:
        """TP over all positives, also called recall or true positive rate; NaN without a positive."""
        return _share(self.tp, self.tp[-1])

    @property
    def false_positive_rate(self) -> np.ndarray:
        """FP over all negatives, 1 − specificity; NaN without a negative."""
        return _share(self.fp, self.fp[-1])

    @property
    def precision(self) -> np.ndarray:
        """TP / (TP + FP); 1 in the first point, which finds nothing."""
        found = self.tp + self.fp
        values: np.ndarray = np.divide(self.tp, found, out=np.ones(len(found)), where=found > 0)
        return values


def points(labels: np.ndarray, scores: np.ndarray) -> Points:
    """The points of one class, one a distinct score.

    Args:
        labels: 1 where the item bears the class.
        scores: Any real numbers.

    Shape:
        ``(items,)`` both.

    >>> found = points(np.array([1, 0, 1, 0]), np.array([0.9, 0.6, 0.6, 0.1]))
    >>> found.sensitivity.tolist(), found.false_positive_rate.tolist()
    ([0.0, 0.5, 1.0, 1.0], [0.0, 0.0, 0.5, 1.0])
    """
    order = np.argsort(-scores, kind="stable")
    falling, true = scores[order], np.asarray(labels, bool)[order]
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))  # the last item of each distinct score
    tp = np.cumsum(true)[last]
    return Points(np.append(np.inf, falling[last]), np.append(0, tp), np.append(0, last + 1 - tp))


def operating_point(labels: np.ndarray, scores: np.ndarray, threshold: float) -> tuple[float, float]:
    """False positive rate and sensitivity at a threshold, counted as the table counts; NaN for 0/0.

    Args:
        labels: 1 where the item bears the class.
        scores: As those of ``points``.
        threshold: A score that reaches it is found.
    """
    counts = count(labels, predict(scores[:, None], [threshold])[:, 0])
    return float(_share(counts.fp, counts.negatives)), float(_share(counts.tp, counts.positives))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return part / whole if whole else np.full(np.shape(part), np.nan)
