"""How far a figure would move with other patients: bootstrap intervals, paired comparison, Holm's correction."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluation.resampling import Judged, Resampler, TableMeasurer, columns, rows_of
from pipeline.listening import progress_bar

LEVEL = 0.95
DEFAULT_RESAMPLES = 1000
RESAMPLES = range(40, 100_001)
"""Fewer do not reach the 2.5th percentile, and more would take gigabytes."""

Span = tuple[float, float]
"""The lower and the upper end of an interval."""


@dataclass(frozen=True)
class Resampling:
    """How a bootstrap is to be drawn.

    Attributes:
        n: Number of resamples.
        seed: Of the draws; one seed draws the same patients for every model.
    """

    n: int = DEFAULT_RESAMPLES
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Intervals:
    """The percentile intervals of one table.

    Attributes:
        classes: Class name to figure to interval; a class without one is absent. Figures are those of
            ``resampling.columns()`` that the row has, the counts among them.
        macro: Those of the mean over these same classes.
        macro_values: That mean itself.
        micro: Those of the pooled counts and of all item-class pairs.
        norm: Those of "no class found".
        few_positives: Rows without an interval, for want of patients with a positive.
        few_negatives: Likewise, with a negative.
        resampling: How they were drawn.
        n_patients: How many patients were drawn from.
        n_alone: How many items have no patient_id, and are their own patients.
        n_redrawn: How many resamples were drawn again, because they lacked a class.
        draws: The macro and the micro row of every resample.
        none_name: What "no class found" is called.

    Shape:
        ``draws`` is ``(resamples, 2, columns)``.
    """

    classes: dict[str, dict[str, Span]]
    macro: dict[str, Span]
    macro_values: dict[str, float]
    micro: dict[str, Span]
    norm: dict[str, Span]
    few_positives: tuple[str, ...]
    few_negatives: tuple[str, ...]
    resampling: Resampling
    n_patients: int
    n_alone: int
    n_redrawn: int
    draws: np.ndarray
    none_name: str | None = None

    def as_json(self) -> dict[str, Any]:
        """All of it but the draws as plain dicts; each interval is ``[low, high]``."""
        return {
            "level": LEVEL,
            "method": "percentile bootstrap over patients",
            "resamples": self.resampling.n,
            "seed": self.resampling.seed,
            "n_patients": self.n_patients,
            "n_items_without_patient_id": self.n_alone,
            "n_redrawn": self.n_redrawn,
            "classes": {name: _as_lists(spans) for name, spans in self.classes.items()},
            "macro": _as_lists(self.macro),
            "macro_of_these_classes": self.macro_values,
            "micro": _as_lists(self.micro),
            **({self.none_name: _as_lists(self.norm)} if self.norm and self.none_name else {}),
            "too_few_positive_patients": list(self.few_positives),
            "too_few_negative_patients": list(self.few_negatives),
        }


def bootstrap(
    judged: Judged, classes: Sequence[str], item_id: np.ndarray, patient_id: np.ndarray | None, resampling: Resampling
) -> Intervals:
    """The intervals of every cell of a table, over resamples of whole patients; thresholds stay as they are.

    Args:
        judged: The model's items.
        classes: Names of its columns.
        item_id: Unique names of the items.
        patient_id: The patient of each item; an item without one is its own.
        resampling: How many resamples, and their seed.

    Reference:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. We draw again what lacks a class.
    """
    patients, n_alone = _numbered(item_id, patient_id)
    rows = rows_of(judged, patients)
    measurer = TableMeasurer(judged, rows.kept[: len(classes)])
    resampler = Resampler(patients, rows, resampling.seed)
    blocks = progress_bar(resampler.blocks(resampling.n), "resampling patients", unit="blocks", leave=False, delay=2.0)
    draws = np.concatenate([measurer.measure(weights) for weights in blocks])
    draws[:, :-1][:, ~rows.kept] = np.nan
    spans = [_spans(row) for row in draws.swapaxes(0, 1)]
    names = [*classes, "micro", *([judged.none_name] if judged.none_name else [])]
    plain = measurer.measure(np.ones((len(patients), 1)))[0, -1]
    return Intervals(
        classes={name: own for name, own in zip(classes, spans, strict=False) if own},
        macro=spans[-1],
        macro_values={name: float(value) for name, value in zip(columns(), plain, strict=True) if not np.isnan(value)},
        micro=spans[len(classes)],
        norm=spans[len(classes) + 1] if judged.none_name else {},
        few_positives=tuple(np.array(names)[rows.few_positives].tolist()),
        few_negatives=tuple(np.array(names)[rows.few_negatives].tolist()),
        resampling=resampling,
        n_patients=int(patients.max()) + 1,
        n_alone=n_alone,
        n_redrawn=resampler.n_redrawn,
        draws=draws[:, [-1, len(classes)]],
        none_name=judged.none_name,
    )


def interval(draws: np.ndarray) -> np.ndarray:
    """The percentile interval of draws.

    Shape:
        ``(resamples, ...)`` to ``(2, ...)``: low and high.
    """
    values: np.ndarray = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return values


def paired_p_value(differences: np.ndarray) -> np.ndarray:
    """The two-sided p-value of no difference: twice the share of paired resamples on the rarer side of 0.

    It agrees with the percentile interval of the same differences, and is 2 / (resamples + 1) at the least, since
    the sample itself counts as one that shows nothing.

    Args:
        differences: Figure of one model minus that of another, on the same resamples.

    Shape:
        ``(resamples, ...)`` to ``(...)``.

    Reference:
        Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 4.4.
    """
    rarer = np.minimum((differences <= 0).sum(0), (differences >= 0).sum(0))
    values: np.ndarray = np.minimum(1.0, 2 * (rarer + 1) / (len(differences) + 1))
    return values


def holm(p_values: np.ndarray) -> np.ndarray:
    """The p-values of several tests, corrected so that the chance of any false finding keeps its level.

    Shape:
        ``(tests, ...)`` both; the columns are corrected apart.

    Reference:
        Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 1979.
    """
    order = np.argsort(p_values, axis=0, kind="stable")
    n_left = np.arange(len(p_values), 0, -1).reshape(-1, *[1] * (p_values.ndim - 1))
    stepped = np.maximum.accumulate(np.take_along_axis(p_values, order, 0) * n_left, 0)
    corrected = np.empty_like(stepped)
    np.put_along_axis(corrected, order, np.minimum(stepped, 1.0), 0)
    return corrected


def resamples_for(n_tests: int) -> int:
    """The fewest resamples with which one of several tests can be beyond noise after Holm's correction."""
    return math.ceil(2 * n_tests / (1 - LEVEL) - 1e-9) - 1


def _numbered(item_id: np.ndarray, patient_id: np.ndarray | None) -> tuple[np.ndarray, int]:
    """The patient of each item as a number in the order of the names, and how many items are their own patient."""
    named = np.zeros(len(item_id), bool) if patient_id is None else patient_id != ""
    # numbers depend on names alone, so that the rows' order does not move the draws
    pairs = np.stack([named.astype(np.str_), item_id if patient_id is None else np.where(named, patient_id, item_id)])
    return np.unique(pairs, axis=1, return_inverse=True)[1].ravel(), int((~named).sum())


def _spans(draws: np.ndarray) -> dict[str, Span]:
    """Figure to interval of one row, none where there is none; ``(resamples, columns)``."""
    ends = zip(columns(), *interval(draws), strict=True)
    return {name: (float(low), float(high)) for name, low, high in ends if not np.isnan(low)}


def _as_lists(spans: dict[str, Span]) -> dict[str, list[float]]:
    return {name: list(span) for name, span in spans.items()}
