"""Figures of one model minus those of another, on the same resamples of patients."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from pipeline.evaluation.bca import Correction, correction, finite
from pipeline.evaluation.paired import holm, paired_interval, paired_p_value
from pipeline.evaluation.proportions import Span

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Difference:
    """One figure of the first model minus that of the second, on the same resamples of patients.

    Attributes:
        value: The difference itself, from -1 to 1.
        span: Its interval; it leaves out 0 exactly where ``p`` is at most 0.05.
        p: p-value of no difference.
        p_holm: The same, corrected for all pairs of the comparison.
        span_holm: The interval, widened as p is raised; it leaves out 0 exactly where ``p_holm`` is at most 0.05.
    """

    value: float
    span: Span
    p: float
    p_holm: float
    span_holm: Span

    @property
    def is_within_noise(self) -> bool:
        """Whether other patients might well have turned it round."""
        return self.span_holm[0] <= 0 <= self.span_holm[1]

    def as_json(self) -> dict[str, Any]:
        """All of it, unrounded."""
        return {
            "difference": self.value,
            "interval": list(self.span),
            "interval_holm": list(self.span_holm),
            "p": self.p,
            "p_holm": self.p_holm,
            "within_noise": self.is_within_noise,
        }


@dataclass(frozen=True, eq=False)
class Sampled:
    """Some figures of one model.

    Attributes:
        values: The figures themselves.
        draws: Those of every resample of patients, the same for all models.
        left_out: Those of every replicate of a jackknife, for BCa; None for plain percentiles.

    Shape:
        ``(...)``, ``(resamples, ...)`` and ``(replicates, ...)``.
    """

    values: np.ndarray
    draws: np.ndarray
    left_out: np.ndarray | None = None

    def minus(self, other: "Sampled") -> "Sampled":
        """The differences of two models."""
        have_both = self.left_out is not None and other.left_out is not None
        left_out = self.left_out - other.left_out if have_both else None  # type: ignore[operator]
        return Sampled(self.values - other.values, self.draws - other.draws, left_out)

    @property
    def correction(self) -> Correction | None:
        """How BCa moves its percentiles; None for plain ones."""
        if self.left_out is None:
            return None
        return finite(correction(self.values, self.draws, self.left_out))


def compared(
    pairs: Sequence[tuple[Key, Key]], models: Mapping[Key, Sampled], widest: np.ndarray | float
) -> list[np.ndarray]:
    """What is known of the differences of each pair.

    Args:
        pairs: The first and the second of each; Holm's correction is for all of them.
        models: What they are names of.
        widest: The most that each figure can differ.

    Shape:
        ``models`` of ``(...)``, ``widest`` as their last axis, to (value, both ends, both ends by Holm, p and p by
        Holm; ...) of each pair.
    """
    changes = [models[first].minus(models[second]) for first, second in pairs]
    p = np.stack([paired_p_value(each.draws, each.correction) for each in changes]) if pairs else np.empty(0)
    p = np.maximum(p, np.finfo(float).tiny)
    corrected = holm(p)
    found = []
    for i, change in enumerate(changes):
        spans = [
            paired_interval(change.draws, times, widest, change.correction) for times in (1.0, corrected[i] / p[i])
        ]
        found.append(np.stack([change.values, *spans[0], *spans[1], p[i], corrected[i]]))
    return found


def named(names: Sequence[str], values: np.ndarray) -> dict[str, Difference]:
    """Figure to difference, where it has one; ``values`` as of ``compared``, of these figures."""
    columns = zip(names, values.T.tolist(), strict=True)
    return {
        name: Difference(value, (low, high), p, p_holm, (lowest, highest))
        for name, (value, low, high, lowest, highest, p, p_holm) in columns
        if not np.isnan([value, low]).any()
    }
