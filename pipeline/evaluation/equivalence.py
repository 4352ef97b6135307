"""Whether two models are as good as each other within a margin: two one-sided tests on paired resamples."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.class_tests import class_pairs, class_samples
from pipeline.evaluation.differences import Difference, Sampled, compared, named
from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.paired import holm, p_not_above, p_not_below, paired_interval
from pipeline.evaluation.proportions import LEVEL, Span

TOST_LEVEL = 2 * LEVEL - 1
"""Of the interval that lies within the margin exactly where both one-sided tests are below 0.05."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Equivalence:
    """A difference of two AUROCs and a margin.

    Attributes:
        value: The difference itself.
        span: Its 90 % interval, which lies within the margin exactly where ``p`` is at most 0.05.
        p: The larger p-value of two one-sided tests: the difference is beyond the margin, on one side or the other.
        p_holm: The same, corrected for all that is tested together.
        span_holm: The interval, widened as p is raised.
        is_different: Whether the usual test, corrected likewise, says that the difference is not 0.
    """

    value: float
    span: Span
    p: float
    p_holm: float
    span_holm: Span
    is_different: bool

    @property
    def is_equivalent(self) -> bool:
        """Whether the difference is shown to be within the margin."""
        return self.p_holm <= 1 - LEVEL + 1e-12

    @property
    def verdict(self) -> str:
        """``equivalent``, ``different`` or ``not shown``, which is neither; a difference may be real and small."""
        if self.is_equivalent:
            return "equivalent, though different" if self.is_different else "equivalent"
        return "different" if self.is_different else "not shown"

    def as_json(self) -> dict[str, Any]:
        """All of it, unrounded."""
        return {
            "difference": self.value,
            "interval_90": list(self.span),
            "interval_90_holm": list(self.span_holm),
            "p": self.p,
            "p_holm": self.p_holm,
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class PairEquivalence:
    """Two models: their macro-AUC, and the AUROC of each class that was resampled."""

    first: str
    second: str
    macro: Equivalence | None
    classes: dict[str, Equivalence]

    @property
    def rows(self) -> list[tuple[str, str, Equivalence]]:
        """All that was tested: ``macro`` or ``class``, the class's name, and the test."""
        macro = [("macro", "", self.macro)] if self.macro else []
        return [*macro, *(("class", name, own) for name, own in self.classes.items())]


def check_margin(margin: float) -> float:
    """The margin as it is.

    Raises:
        EcgFusionError: It is not above 0 and below 1.
    """
    if not 0 < margin < 1:
        raise EcgFusionError(
            f"-equivalence {margin:g} is no margin of an AUC: give a number above 0 and below 1, such as 0.005"
        )
    return margin


def equivalences(
    pairs: Sequence[tuple[str, str]],
    models: Mapping[str, Evaluation],
    macro: Mapping[str, Sampled],
    margin: float,
) -> tuple[PairEquivalence, ...]:
    """The tests of every pair; macro-AUCs are corrected for the pairs, classes for all classes of all pairs.

    Args:
        pairs: Names of two models each.
        models: Their evaluations, resampled.
        macro: The macro-AUC of each.
        margin: How far two models may differ and be as good as each other, above 0.

    Reference:
        Schuirmann, A comparison of the two one-sided tests procedure and the power approach, Journal of
        Pharmacokinetics and Biopharmaceutics 1987.
    """
    check_margin(margin)
    of_macro = _tested(pairs, macro, margin)
    samples = class_samples(models)
    both = class_pairs(pairs, samples)
    of_classes = dict(zip(both, _tested(both, samples, margin), strict=True))
    found = []
    for (first, second), each in zip(pairs, of_macro, strict=True):
        own = {a[1]: tested for (a, b), tested in of_classes.items() if (a[0], b[0]) == (first, second) and tested}
        found.append(PairEquivalence(first, second, each, own))
    return tuple(found)


def _tested(pairs: Sequence[tuple[Key, Key]], models: Mapping[Key, Sampled], margin: float) -> list[Equivalence | None]:
    """The test of each pair; None where a model has no resamples."""
    if not pairs:
        return []
    changes = [models[first].minus(models[second]) for first, second in pairs]
    p = np.array([_p_value(each, margin) for each in changes])
    corrected = holm(p)
    usual = [named(["auroc"], each[:, None]).get("auroc") for each in compared(pairs, models, 1.0)]
    return [_one(*each) for each in zip(changes, p, corrected, usual, strict=True)]


def _p_value(change: Sampled, margin: float) -> float:
    below, above = (
        test(change.draws, bound, change.correction) for test, bound in ((p_not_above, -margin), (p_not_below, margin))
    )
    return max(float(np.maximum(below, above)), float(np.finfo(float).tiny))


def _one(change: Sampled, p: float, p_holm: float, usual: Difference | None) -> Equivalence | None:
    if usual is None:
        return None
    spans = [
        paired_interval(change.draws, times, 1.0, change.correction, TOST_LEVEL) for times in (1.0, float(p_holm / p))
    ]
    (low, high), (lowest, highest) = (map(float, each) for each in spans)
    return Equivalence(usual.value, (low, high), float(p), float(p_holm), (lowest, highest), not usual.is_within_noise)
