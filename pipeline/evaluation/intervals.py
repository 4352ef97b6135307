"""How far a figure would move with other patients: intervals of a table, paired comparison, Holm's correction."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.evaluation import proportions
from pipeline.evaluation.agreement_intervals import AgreementResamples
from pipeline.evaluation.resampling import Judged, Resampler, TableMeasurer, columns, rows_of
from pipeline.evaluation.row_intervals import (
    RowIntervals,
    Support,
    mean_intervals,
    mean_of_one,
    row_intervals,
    support_of,
    whole_draws,
)
from pipeline.listening import progress_bar

LEVEL = proportions.LEVEL
Span = proportions.Span
DEFAULT_RESAMPLES = 1000
RESAMPLES = range(40, 100_001)
"""Fewer do not reach the 2.5th percentile, and more would take gigabytes."""

Key = tuple[str, str]
"""What a row is (``class``, ``macro``, ``micro``, ``no class``, ``agreement``) and its name, which may be any word."""

FEW_PATIENTS = 25
"""Rows with fewer, of either side, are marked: their intervals hold the truth, and are wide."""

_ROUNDING = 1e-9


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
    """The intervals of one table.

    Attributes:
        classes: Class name to figure to interval; a class without one is absent. Figures are those of
            ``resampling.columns()`` that the row has, the counts among them.
        macro: Those of the mean over these same classes.
        macro_values: That mean itself.
        micro: Those of the pooled counts and of all item-class pairs.
        norm: Those of "no class found".
        few_positives: Rows without an interval, for want of patients with a positive.
        few_negatives: Likewise, with a negative.
        withheld: Row to figure to why it has no interval, though the row has others.
        marked: Rows with an interval and fewer than ``FEW_PATIENTS`` patients of one side.
        resampling: How they were drawn.
        n_patients: How many patients were drawn from.
        n_alone: How many items have no patient_id, and are their own patients.
        n_redrawn: How many resamples were drawn again, because they lacked a class.
        draws: The macro and the micro row of every resample; macro rows spread as ``whole_draws`` has it.
        none_name: What "no class found" is called.
        agreement: Those of the figures of the confusion matrix, where the classes exclude each other.
        agreement_draws: These figures of every resample, in the order of ``agreement.agreement_figures``; None where
            the classes do not exclude each other.

    Shape:
        ``draws`` is ``(resamples, 2, columns)``, ``agreement_draws`` ``(resamples, figures)``.
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
    withheld: dict[Key, dict[str, str]] = field(default_factory=dict)
    marked: tuple[Key, ...] = ()
    agreement: dict[str, Span] = field(default_factory=dict)
    agreement_draws: np.ndarray | None = None

    def as_json(self) -> dict[str, Any]:
        """All of it but the draws as plain dicts; each interval is ``[low, high]``, None if it is withheld."""
        return {
            "level": LEVEL,
            "method": "Wilson for counts, logit for AUROC and AP, with variances over resamples of patients",
            "resamples": self.resampling.n,
            "seed": self.resampling.seed,
            "n_patients": self.n_patients,
            "n_items_without_patient_id": self.n_alone,
            "n_redrawn": self.n_redrawn,
            "classes": {name: self._as_lists(("class", name), spans) for name, spans in self.classes.items()},
            "macro": self._as_lists(("macro", ""), self.macro),
            "macro_of_these_classes": self.macro_values,
            "micro": self._as_lists(("micro", ""), self.micro),
            **(
                {self.none_name: self._as_lists(("no class", self.none_name), self.norm)}
                if self.norm and self.none_name
                else {}
            ),
            **(
                {"agreement": self._as_lists(("agreement", ""), self.agreement)}
                if self.agreement_draws is not None
                else {}
            ),
            "too_few_positive_patients": list(self.few_positives),
            "too_few_negative_patients": list(self.few_negatives),
            "fewer_than_25_patients": [name or kind for kind, name in self.marked],
            "withheld": {
                "classes": {name: reasons for (kind, name), reasons in self.withheld.items() if kind == "class"},
                **{kind: reasons for (kind, _), reasons in self.withheld.items() if kind != "class"},
            },
        }

    def _as_lists(self, row: Key, spans: dict[str, Span]) -> dict[str, list[float] | None]:
        lists: dict[str, list[float] | None] = {name: list(span) for name, span in spans.items()}
        return lists | dict.fromkeys(self.withheld.get(row, {}))


def bootstrap(
    judged: Judged, classes: Sequence[str], item_id: np.ndarray, patient_id: np.ndarray | None, resampling: Resampling
) -> Intervals:
    """The intervals of every cell of a table, from resamples of whole patients; thresholds stay as they are.

    Resamples give the variance, and `proportions` makes intervals of it. Percentiles would be too narrow where patients
    are few: of five with a class, they hold the AUROC in 84 of 100 cases and the sensitivity in 74.

    Args:
        judged: The model's items.
        classes: Names of its columns.
        item_id: Unique names of the items.
        patient_id: The patient of each item; an item without one is its own.
        resampling: How many resamples, and their seed.

    Reference:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. We draw again what lacks a class.
    """
    patients, n_alone = patients_of(item_id, patient_id)
    rows = rows_of(judged, patients)
    measurer = TableMeasurer(judged, rows.kept[: len(classes)])
    resampler = Resampler(patients, rows, resampling.seed)
    blocks = progress_bar(resampler.blocks(resampling.n), "resampling patients", unit="blocks", leave=False, delay=2.0)
    agreement = None if judged.taken is None else AgreementResamples(judged.labels, judged.taken, classes, patients)
    measured = []
    for weights in blocks:
        measured.append(measurer.measure(weights))
        if agreement:
            agreement.add(weights)
    draws = np.concatenate(measured)
    draws[:, :-1][:, ~rows.kept] = np.nan
    plain = measurer.measure(np.ones((len(patients), 1)))[0]
    names = [*classes, "micro", *([judged.none_name] if judged.none_name else [])]
    behind = _supports(judged, patients)
    found = [
        row_intervals(plain[i], draws[:, i], behind[i], pooled=i == len(classes)) if kept else RowIntervals()
        for i, kept in enumerate(rows.kept)
    ]
    macro = _macro(plain[-1], draws[:, -1], found[: len(classes)], behind)
    in_macro = [behind[i] for i in np.flatnonzero(rows.kept[: len(classes)])]
    draws[:, -1] = whole_draws(plain[-1], draws[:, -1], in_macro)
    keys = [
        *(("class", name) for name in classes),
        ("micro", ""),
        *([("no class", n)] if (n := judged.none_name) else []),
    ]
    withheld = {key: each.withheld for key, each in zip([*keys, ("macro", "")], [*found, macro], strict=True)}
    agreed = agreement.intervals() if agreement else None
    if agreed:
        withheld["agreement", ""] = agreed.found.withheld
    few = [kept and support.rarer < FEW_PATIENTS for support, kept in zip(behind, rows.kept, strict=True)]
    return Intervals(
        classes={name: own.spans for name, own in zip(classes, found, strict=False) if own.spans},
        macro=macro.spans,
        macro_values={name: float(v) for name, v in zip(columns(), plain[-1], strict=True) if not np.isnan(v)},
        micro=found[len(classes)].spans,
        norm=found[len(classes) + 1].spans if judged.none_name else {},
        few_positives=tuple(np.array(names)[rows.few_positives].tolist()),
        few_negatives=tuple(np.array(names)[rows.few_negatives].tolist()),
        resampling=resampling,
        n_patients=int(patients.max()) + 1,
        n_alone=n_alone,
        n_redrawn=resampler.n_redrawn,
        draws=draws[:, [-1, len(classes)]],
        none_name=judged.none_name,
        withheld={key: reasons for key, reasons in withheld.items() if reasons},
        marked=tuple(key for key, is_few in zip(keys, few, strict=True) if is_few),
        agreement=agreed.found.spans if agreed else {},
        agreement_draws=agreed.draws if agreed else None,
    )


def _macro(
    values: np.ndarray, draws: np.ndarray, classes: Sequence[RowIntervals], behind: Sequence[Support]
) -> RowIntervals:
    kept = [i for i, row in enumerate(classes) if row.spans]
    if len(kept) == 1:
        return mean_of_one(classes[kept[0]])
    return mean_intervals(values, draws, [behind[i] for i in kept]) if kept else RowIntervals()


def _supports(judged: Judged, patients: np.ndarray) -> list[Support]:
    """What stands behind each row: the classes, all of them pooled, none of them if that has a name."""
    true, found = np.asarray(judged.labels, bool), np.asarray(judged.found, bool)
    pairs = [*zip(np.split(true, true.shape[1], 1), np.split(found, true.shape[1], 1), strict=True), (true, found)]
    if judged.none_name:
        pairs.append((~np.asarray(true.any(1))[:, None], ~np.asarray(found.any(1))[:, None]))
    return [support_of(*pair, patients) for pair in pairs]


def paired_interval(
    differences: np.ndarray, times: np.ndarray | float = 1.0, widest: np.ndarray | float = 1.0
) -> np.ndarray:
    """The values of a difference that resamples do not refute, the counterpart of ``paired_p_value``.

    It leaves out 0 exactly where the p-value, times ``times``, is at most 0.05, for any number of resamples and any
    ties: both ends are resamples themselves, not points between two of them. Where they are too few for that level,
    nothing is left out.

    Args:
        differences: Figure of one model minus that of another, on the same resamples.
        times: What the p-value of each column is multiplied by, as Holm does.
        widest: The most that a figure can differ.

    Shape:
        ``(resamples, ...)`` to ``(2, ...)``: low and high; NaN where a resample has none.
    """
    n = len(differences)
    # the first of so many on each side counts as "none lower", so the ends are the k-th lowest and the k-th highest
    left_out = np.floor((1 - LEVEL) / np.asarray(times) * (n + 1) / 2 + _ROUNDING).astype(int)
    left_out = np.broadcast_to(left_out, differences.shape[1:])[None]
    ordered = np.sort(differences, 0)
    low = np.take_along_axis(ordered, np.maximum(left_out - 1, 0), 0)[0]
    high = np.take_along_axis(ordered, np.minimum(n - left_out, n - 1), 0)[0]
    ends = np.stack([np.where(left_out[0] > 0, low, -widest), np.where(left_out[0] > 0, high, widest)])
    return np.where(np.isnan(differences).any(0), np.nan, ends)


def paired_p_value(differences: np.ndarray) -> np.ndarray:
    """The two-sided p-value of no difference: twice the share of paired resamples on the rarer side of 0.

    It is at most 0.05 exactly where ``paired_interval`` of the same differences leaves out 0, and is
    2 / (resamples + 1) at the least, since the sample itself counts as one that shows nothing.

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


def patients_of(item_id: np.ndarray, patient_id: np.ndarray | None) -> tuple[np.ndarray, int]:
    """The patient of each item as a number in the order of the names, and how many items are their own patient."""
    named = np.zeros(len(item_id), bool) if patient_id is None else patient_id != ""
    # numbers depend on names alone, so that the rows' order does not move the draws
    pairs = np.stack([named.astype(np.str_), item_id if patient_id is None else np.where(named, patient_id, item_id)])
    return np.unique(pairs, axis=1, return_inverse=True)[1].ravel(), int((~named).sum())
