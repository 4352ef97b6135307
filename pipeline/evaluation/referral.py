"""Which items a model is least sure of, so that a person looks at them, and what it does on the rest."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.thresholds import Thresholds, decisions

if TYPE_CHECKING:
    from pipeline.evaluation.figures import Evaluation


@dataclass(frozen=True, eq=False)
class Referral:
    """The items that a model is least sure of, and the figures of the others.

    Attributes:
        part: Of the items, as it was asked for.
        rows: Of the referred items, the least sure one first.
        doubts: Of these; see ``doubts``.
        doubtful: Of each of them the class whose decision is in doubt most.
        n_wrong: Referred items of which some decision is wrong, and all such items.
        rest: Every figure of the items that are not referred.

    Shape:
        rows, doubts, doubtful ``(referred,)``.
    """

    part: float
    rows: np.ndarray
    doubts: np.ndarray
    doubtful: tuple[str, ...]
    n_wrong: tuple[int, int]
    rest: "Evaluation"

    def as_json(self) -> dict[str, Any]:
        """The figures of the rest, and how many of the wrong are among the referred."""
        return {
            "part": self.part,
            "n_referred": len(self.rows),
            "least_doubt": float(self.doubts[-1]),
            "n_wrong_referred": self.n_wrong[0],
            "n_wrong": self.n_wrong[1],
            "rest": self.rest.as_json(),
        }


def doubts(scores: Scores, thresholds: Thresholds | None) -> tuple[np.ndarray, np.ndarray]:
    """How many decisions of an item are wrong if its probabilities are right, and of which class that is likeliest.

    With thresholds that is the sum over the classes of the probability of the other answer: 1 - p where a class is
    found, p where it is not. So a class that a low threshold finds at 0.06 is in doubt, and rightly so. Without, it is
    the probability that the class is not the highest one, and the class is the second.

    Args:
        scores: Probabilities, which are to be calibrated: else it is a class that is off which decides.
        thresholds: By which classes are found; None where the highest score is.

    Shape:
        ``(items,)`` float64 and int64.
    """
    values = scores.scores.astype(np.float64)
    if thresholds is not None:
        wrong = np.where(decisions(scores, thresholds), 1 - values, values)
        return wrong.sum(1), wrong.argmax(1)
    order = np.argsort(-values, axis=1, kind="stable")
    first = np.take_along_axis(values, order[:, :1], 1)[:, 0]
    return 1 - first, order[:, min(1, len(scores.classes) - 1)]


def check_part(part: float) -> None:
    """Refuses what is no part of the items."""
    if not 0 < part < 1:  # NaN is not either
        raise EcgFusionError(f"-refer {part:g} is no part of the records: take a number between 0 and 1, such as 0.1")


def referred_rows(scores: Scores, thresholds: Thresholds | None, part: float) -> np.ndarray:
    """The rows of the items in most doubt, the most first; of equal ones that whose name comes first.

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
    rows: np.ndarray = np.lexsort((scores.item_id, -doubts(scores, thresholds)[0]))[:n]
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
    doubt, nearest = doubts(scores, thresholds)
    wrong = (decisions(scores, thresholds) != scores.labels).any(1)
    return Referral(
        part=part,
        rows=rows,
        doubts=doubt[rows],
        doubtful=tuple(scores.classes[i] for i in nearest[rows]),
        n_wrong=(int(wrong[rows].sum()), int(wrong.sum())),
        rest=rest,
    )
