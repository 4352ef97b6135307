"""Which items a model is least sure of, so that a person looks at them, and what it does on the rest."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy  # whose parts are imported when they are used

from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.thresholds import Thresholds, decisions

if TYPE_CHECKING:
    from pipeline.evaluation.figures import Evaluation

_NEAREST = 1e-15  # to 0 and 1 that a probability is taken for, so that none is without a logit


@dataclass(frozen=True, eq=False)
class Referral:
    """The items that a model is least sure of, and the figures of the others.

    Attributes:
        part: Of the items, as it was asked for.
        rows: Of the referred items, the least sure one first.
        margins: Of these; see ``margins``.
        doubtful: Of each of them the class that is nearest to being decided otherwise.
        n_wrong: Referred items of which some decision is wrong, and all such items.
        rest: Every figure of the items that are not referred.

    Shape:
        rows, margins, doubtful ``(referred,)``.
    """

    part: float
    rows: np.ndarray
    margins: np.ndarray
    doubtful: tuple[str, ...]
    n_wrong: tuple[int, int]
    rest: "Evaluation"

    def as_json(self) -> dict[str, Any]:
        """The figures of the rest, and how many of the wrong are among the referred."""
        return {
            "part": self.part,
            "n_referred": len(self.rows),
            "largest_margin": float(self.margins[-1]),
            "n_wrong_referred": self.n_wrong[0],
            "n_wrong": self.n_wrong[1],
            "rest": self.rest.as_json(),
        }


def margins(scores: Scores, thresholds: Thresholds | None) -> tuple[np.ndarray, np.ndarray]:
    """How far the log odds of one class would have to move until something else is found, and of which class.

    With thresholds that is the distance of the logit of a score to that of its threshold, of the nearest class.
    Without, it is the log of how many times more likely the highest class is than the second, whose class it is.
    It is a distance to the decision and not to 0.5, since a threshold of 0.05 finds at 0.06, and is as unsure there as
    another one at its own; and of one class, since one is enough for a record to be read wrongly.

    Args:
        scores: Probabilities.
        thresholds: By which classes are found; None where the highest score is.

    Shape:
        ``(items,)`` float64 and int64.
    """
    values = scores.scores.astype(np.float64).clip(_NEAREST, 1 - _NEAREST)
    if thresholds is not None:
        cuts = np.array([thresholds.values[name] for name in scores.classes]).clip(_NEAREST, 1 - _NEAREST)
        distances = np.abs(scipy.special.logit(values) - scipy.special.logit(cuts))
        return distances.min(1), distances.argmin(1)
    if len(scores.classes) == 1:
        return np.full(len(values), np.inf), np.zeros(len(values), int)
    order = np.argsort(-values, axis=1, kind="stable")
    first, second = (np.take_along_axis(values, order[:, [place]], 1)[:, 0] for place in (0, 1))
    return np.log(first) - np.log(second), order[:, 1]


def check_part(part: float) -> None:
    """Refuses what is no part of the items."""
    if not 0 < part < 1:  # NaN is not either
        raise EcgFusionError(f"-refer {part:g} is no part of the records: take a number between 0 and 1, such as 0.1")


def referred_rows(scores: Scores, thresholds: Thresholds | None, part: float) -> np.ndarray:
    """The rows of the items with the least margin, the least first; of equal ones that whose name comes first.

    Args:
        scores: Probabilities.
        thresholds: By which classes are found; None where the highest score is.
        part: Of the items, rounded up to a whole item.

    Shape:
        ``(referred,)`` int64.

    Raises:
        EcgFusionError: It is no part of the items, or leaves none of them.
    """
    check_part(part)
    n = ceil(Fraction(str(part)) * len(scores.item_id))  # exact, where 0.07 × 100 in floats is above 7
    if n >= len(scores.item_id):
        raise EcgFusionError(
            f"-refer {part:g} of {len(scores.item_id)} items leaves none to judge: take a smaller part, or more items"
        )
    rows: np.ndarray = np.lexsort((scores.item_id, margins(scores, thresholds)[0]))[:n]
    return rows


def without_rows(scores: Scores, rows: np.ndarray) -> Scores:
    """The scores of the other items."""
    kept = np.setdiff1d(np.arange(len(scores.item_id)), rows)
    return replace(
        scores,
        scores=scores.scores[kept],
        labels=scores.labels[kept],
        item_id=scores.item_id[kept],
        record_id=None if scores.record_id is None else scores.record_id[kept],
        patient_id=None if scores.patient_id is None else scores.patient_id[kept],
    )


def referral(
    scores: Scores, thresholds: Thresholds | None, part: float, rows: np.ndarray, rest: "Evaluation"
) -> Referral:
    """What is known of the referred items.

    Args:
        scores: Of all items.
        thresholds: By which classes are found; None where the highest score is.
        part: As of ``referred_rows``.
        rows: What that gave.
        rest: The figures of the others.
    """
    distances, nearest = margins(scores, thresholds)
    wrong = (decisions(scores, thresholds) != scores.labels).any(1)
    return Referral(
        part=part,
        rows=rows,
        margins=distances[rows],
        doubtful=tuple(scores.classes[i] for i in nearest[rows]),
        n_wrong=(int(wrong[rows].sum()), int(wrong.sum())),
        rest=rest,
    )
