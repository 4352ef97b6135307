"""Split-conformal sets: which answers cannot be ruled out at a wanted coverage, class by class, calibrated on dev."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.proportions import LEVEL, Span
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.shares import share_span

ANSWERS = ("yes", "no", "either", "neither")
"""What a set says of a class that an item may bear beside others; ``neither``: it is like none of dev."""


@dataclass(frozen=True, eq=False)
class Side:
    """An answer that may be in the sets: that an item bears a class, or that it does not.

    Attributes:
        n_dev: Dev items for which it is true.
        limit: Of the probability of the class, up to which, or down to which, it is in; None where dev has too few
            items to rule it out, so that it always is.
        n: Judged items for which it is true.
        n_covered: Those whose set has it.
        span: 95 % interval of their share, over patients where they are known; None without any.
        expected: Where that share lies in 95 of 100 such draws of dev and of judged items, which are alike; None where
            it is always in, or without any.
    """

    n_dev: int
    limit: float | None
    n: int
    n_covered: int
    span: Span | None
    expected: Span | None

    @property
    def coverage(self) -> float:
        """The share of the items for which it is true whose set has it; NaN without any."""
        return self.n_covered / self.n if self.n else float("nan")


@dataclass(frozen=True, eq=False)
class Conformal:
    """Sets of every item, and how often they hold the truth.

    Attributes:
        wanted: Coverage, of each side by itself.
        kind: ``multilabel`` or ``multiclass``.
        n_dev: Dev items.
        borne: Class name to the side that bears it.
        absent: Class name to the side that does not; none of ``multiclass``.
        has: Whether "bears it" is in the set of an item.
        lacks: Whether "does not" is; None of ``multiclass``, whose sets are of classes.
        covered: How many sets hold all that is true of their item, its share's interval.

    Shape:
        has, lacks ``(items, classes)`` bool.
    """

    wanted: float
    kind: str
    n_dev: int
    borne: Mapping[str, Side]
    absent: Mapping[str, Side]
    has: np.ndarray
    lacks: np.ndarray | None
    covered: tuple[int, Span]

    @property
    def fewest(self) -> int:
        """Dev items that a side needs for this coverage."""
        wanted = Fraction(str(self.wanted))
        return ceil(wanted / (1 - wanted))

    @property
    def too_few(self) -> tuple[tuple[str, str], ...]:
        """Side and class of those that dev has too few items of."""
        sides = (("with", self.borne), ("without", self.absent))
        return tuple((side, name) for side, of in sides for name, found in of.items() if found.limit is None)

    def answers(self) -> np.ndarray:
        """What the set of each item says of each class, as numbers of ``ANSWERS``; of ``multilabel`` alone.

        Shape:
            ``(items, classes)`` int64.
        """
        if self.lacks is None:
            raise ValueError("sets of classes that exclude each other have no such answers")
        return np.select([self.has & ~self.lacks, ~self.has & self.lacks, self.has & self.lacks], [0, 1, 2], 3)

    def sizes(self) -> dict[int, int]:
        """How many sets are of each size: of classes, or of ``multilabel`` of both answers of all classes."""
        each = self.has.sum(1) if self.lacks is None else self.has.sum(1) + self.lacks.sum(1)
        sizes, n = np.unique(each, return_counts=True)
        return dict(zip(sizes.tolist(), n.tolist(), strict=True))

    def as_json(self) -> dict[str, Any]:
        """The figures, unrounded; the sets of single items are left out."""
        sizes = self.sizes()
        return {
            "wanted": self.wanted,
            "calibrated_on": "dev",
            "n_dev_items": self.n_dev,
            "with": {name: _side_json(side) for name, side in self.borne.items()},
            **({"without": {name: _side_json(side) for name, side in self.absent.items()}} if self.absent else {}),
            "items_wholly_covered": self.covered[0],
            "items_wholly_covered_span": list(self.covered[1]),
            "set_sizes": {str(size): n for size, n in sizes.items()},
            "mean_set_size": sum(size * n for size, n in sizes.items()) / sum(sizes.values()),
        }


def _side_json(side: Side) -> dict[str, Any]:
    return asdict(side) | {"coverage": side.coverage if side.n else None}


def check_coverage(wanted: float) -> None:
    """Refuses what is no coverage."""
    if not 0.5 <= wanted < 1:  # NaN is not either
        raise EcgFusionError(f"-conformal {wanted:g} is no coverage: take a number from 0.5 to below 1, such as 0.9")


def conformal(scores: Scores, dev: Scores, wanted: float) -> Conformal:
    """Sets of every item, at limits that dev gave; each class, and each side of it, has its own.

    Where classes exclude each other, a set has every class whose probability reaches the limit of that class: the
    probability that the wanted share of dev items of the class reach, counted as if the new item were one of them.
    Where an item may bear several, each class has a set of its own of "bears it" and "does not". So of the items that
    bear a class, and of those that do not, the wanted share is covered, however rare it is, if items are exchangeable.

    Args:
        scores: What is judged.
        dev: Scores of all dev items, of the same model at the same temperatures.
        wanted: Coverage, from 0.5 to below 1.

    Raises:
        EcgFusionError: It is no coverage.

    Reference:
        Vovk, Conditional validity of inductive conformal predictors, ACML 2012 (a class by itself: label-conditional);
        Sadinle, Lei and Wasserman, Least ambiguous set-valued classifiers with bounded error levels, JASA 2019 (the
        probability as the score).
    """
    check_coverage(wanted)
    several = scores.kind == "multilabel"
    has, lacks = np.ones(scores.labels.shape, bool), np.ones(scores.labels.shape, bool)
    borne, absent = {}, {}
    for i, name in enumerate(scores.classes):
        bears = dev.labels[:, i] == 1
        limit = _limit(-dev.scores[bears, i].astype(np.float64), wanted)
        if limit is not None:
            has[:, i] = scores.scores[:, i] >= -limit
        borne[name] = _side(has[:, i], scores.labels[:, i] == 1, scores, int(bears.sum()), wanted, limit, -1)
        if several:
            limit = _limit(dev.scores[~bears, i].astype(np.float64), wanted)
            if limit is not None:
                lacks[:, i] = scores.scores[:, i] <= limit
            absent[name] = _side(lacks[:, i], scores.labels[:, i] == 0, scores, int((~bears).sum()), wanted, limit, 1)
    # of classes that exclude each other, lacks is always true
    right = np.all(np.where(scores.labels == 1, has, lacks), axis=1)
    return Conformal(
        wanted=wanted,
        kind=scores.kind,
        n_dev=len(dev.labels),
        borne=borne,
        absent=absent,
        has=has,
        lacks=lacks if several else None,
        covered=(int(right.sum()), share_span(right, scores.patient_id)),
    )


def _rank(n: int, wanted: float) -> int:
    """Which of n dev items, the most conforming first, is the last that a set must hold; above n there is none."""
    return ceil(Fraction(str(wanted)) * (n + 1))  # exact, where 0.9 × 10 in floats may be above 9


def _limit(strangeness: np.ndarray, wanted: float) -> float | None:
    """The strangeness up to which an item is like those of dev; None where these are too few to tell."""
    rank = _rank(len(strangeness), wanted)
    return None if rank > len(strangeness) else float(np.sort(strangeness)[rank - 1])


def _side(
    held: np.ndarray, true: np.ndarray, scores: Scores, n_dev: int, wanted: float, limit: float | None, sign: int
) -> Side:
    n, hits = int(true.sum()), held[true]
    patients = None if scores.patient_id is None else scores.patient_id[true]
    expected = None
    if n and limit is not None:
        rank = _rank(n_dev, wanted)
        from scipy.stats import betabinom  # here, because a plain table needs none

        low, high = betabinom(n, rank, n_dev + 1 - rank).interval(LEVEL)
        expected = float(low / n), float(high / n)
    return Side(
        n_dev=n_dev,
        limit=None if limit is None else sign * limit,
        n=n,
        n_covered=int(hits.sum()),
        span=share_span(hits, patients) if n else None,
        expected=expected,
    )
