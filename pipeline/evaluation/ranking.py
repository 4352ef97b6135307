"""AUROC and average precision of one set of scores under thousands of weightings of its items at once."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Curve:
    """The positives' scores, falling, under each weighting; whatever lies between them moves neither figure.

    Attributes:
        hits: Weight of the positives at each score.
        tp: Weight of the positives at that score or above.
        fp: Weight of the negatives at that score or above.
        tied: Weight of the negatives at that very score.
        negatives: Weight of all negatives.

    Shape:
        ``(distinct scores of positives, weightings)``, ``negatives`` ``(weightings,)``.
    """

    hits: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    tied: np.ndarray
    negatives: np.ndarray

    def auroc(self) -> np.ndarray:
        """The chance that a positive scores above a negative, ties half; NaN without a positive or a negative."""
        below = self.negatives - self.fp + 0.5 * self.tied
        pairs = self._positives() * self.negatives
        return _ratio((self.hits * below).sum(0), pairs)

    def average_precision(self) -> np.ndarray:
        """The precision at every positive's score, averaged (no interpolation); NaN without a positive."""
        found = self.tp + self.fp
        precision = np.divide(self.tp, found, out=np.zeros_like(found), where=found > 0)
        return _ratio((self.hits * precision).sum(0), self._positives())

    def _positives(self) -> np.ndarray:
        values: np.ndarray = self.hits.sum(0)
        return values


class Ranking:
    """Entries in the order of their scores; sorted once, then weighted as often as wanted.

    The order falls into stretches: one for each distinct score that a positive has, and the negatives between two
    of them. Summing the weights of each stretch is the product of a sparse matrix with all weightings, and reads every
    weight once; what follows is as short as the positives are few.

    Args:
        labels: 1 where an entry is positive.
        scores: Any real numbers.
        items: The item that gives each entry its weight; None where entries are items.

    Shape:
        ``(entries,)`` each.
    """

    def __init__(self, labels: np.ndarray, scores: np.ndarray, items: np.ndarray | None = None) -> None:
        from scipy.sparse import csr_matrix  # here, because a plain table needs none

        order = np.argsort(-scores, kind="stable")  # (entries,) from the highest score
        falling, true = scores[order], np.asarray(labels, bool)[order]
        item = order if items is None else items[order]
        group = np.cumsum(np.append(True, falling[1:] != falling[:-1])) - 1  # (entries,) number of its distinct score
        is_hit = np.bincount(group, true) > 0  # (distinct scores,) whether a positive has it
        hits_above: np.ndarray = (np.cumsum(is_hit) - is_hit)[group]  # (entries,) such scores above its own
        stretch = 2 * hits_above + is_hit[group]  # even: negatives between two scores, odd: a score of positives
        n_hits, n_items = int(is_hit.sum()), int(item.max()) + 1
        ones = np.ones(len(order))
        self._weights_of = csr_matrix((ones, (stretch, item)), shape=(2 * n_hits + 1, n_items))
        self._hits_of = csr_matrix((ones[true], (hits_above[true], item[true])), shape=(n_hits, n_items))

    def curve(self, weights: np.ndarray) -> Curve:
        """The curve under each weighting.

        Args:
            weights: How often each item counts, 0 or more.

        Shape:
            ``(items, weightings)``.
        """
        stretches, hits = self._weights_of @ weights, self._hits_of @ weights
        found, tp = np.cumsum(stretches, 0), np.cumsum(hits, 0)  # everything, and positives, at a threshold here
        negatives = found[-1] - hits.sum(0)
        return Curve(hits, tp, found[1::2] - tp, stretches[1::2] - hits, negatives)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    values: np.ndarray = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return values
