"""Scores and thresholds to every figure of a table."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation import metrics
from pipeline.evaluation.agreement import agreement
from pipeline.evaluation.alignment import differences
from pipeline.evaluation.calibration_figures import Calibration
from pipeline.evaluation.conformal import Conformal
from pipeline.evaluation.confusion import Confusion, confusion_of, taken
from pipeline.evaluation.decision import Decisions
from pipeline.evaluation.intervals import Intervals, Resampling, bootstrap
from pipeline.evaluation.metrics import Counts
from pipeline.evaluation.referral import Referral
from pipeline.evaluation.resampling import Judged
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.subgroups import Subgroups
from pipeline.evaluation.subject import Subject
from pipeline.evaluation.thresholds import Thresholds, decisions, get_thresholds
from pipeline.labels import none_name_of
from pipeline.listening import Event

NOTES = {
    "test": "",
    "dev": "optimistic: chosen on these items",
    "train": "optimistic: trained on these items",
}
"""What heads the table of each partition."""


_KEYS = {"subject", "note", "task", "kind", "n_items", "classes", "macro", "micro", "accuracy", "thresholds"} | {
    "calibration",
    "referral",
    "conformal",
    "subgroups",
    "decision",
}
"""What "no class found" cannot be called in the JSON, whose keys they are."""


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        figures: Name to value, from 0 to 1; NaN where it is 0/0, absent where it does not apply.
        counts: ``TP``, ``FN``, ``FP`` and ``TN``; None for a mean over classes.
    """

    figures: dict[str, float]
    counts: dict[str, int] | None = None


@dataclass(frozen=True)
class Evaluation:
    """Every figure of one set of scores.

    Attributes:
        task: Name of the task, None if unknown.
        kind: ``multilabel`` or ``multiclass``.
        n_items: Number of labelled items, which is TP + FN + FP + TN of every class.
        note: What to say over the table, empty for a fair one; the scores' own remark is part of it.
        classes: A row a class.
        macro: Mean over the classes that have a positive; also ``g_mean_of_means``, the older study's G-mean,
            which is that of the macro sensitivity and the macro specificity.
        micro: Figures of the pooled counts; AUROC and average precision over all item-class pairs.
        norm: "No class found" as a class of its own, where the task has a name for it; in neither mean.
        thresholds: None where the class with the highest score is found, as in multiclass tasks unless thresholds were
            asked for, by which each class is then judged against the rest.
        without_positives: Classes left out of the macro mean.
        without_negatives: Classes without specificity, G-mean and AUROC.
        n_patients_in_dev: How many patients are in the dev scores too.
        intervals: What other patients might have given, None if nothing was resampled.
        none_name: The name of "no class found", such as NORM.
        subject: What was judged, on what and when; None where nobody has said it.
        confusion: Which class was taken for which, the highest score deciding; None for multilabel.
        agreement: Name to figure of the confusion matrix, as in ``agreement.AGREEMENT``; none for multilabel.
        calibration: What temperatures did to the scores, which are all of those with them; None without.
        referral: The items that the model is least sure of, and the figures of the rest; None where nobody asked.
        conformal: Sets of answers at a wanted coverage; None where nobody asked.
        subgroups: The figures of groups of items, a column each; none where nobody asked.
        decision: Decision curves; None where nobody asked.
    """

    task: str | None
    kind: str
    n_items: int
    note: str
    classes: dict[str, Row]
    macro: Row
    micro: Row
    norm: Row | None
    thresholds: Thresholds | None
    without_positives: tuple[str, ...]
    without_negatives: tuple[str, ...]
    n_patients_in_dev: int = 0
    intervals: Intervals | None = None
    none_name: str | None = None
    subject: Subject | None = None
    confusion: Confusion | None = None
    agreement: dict[str, float] = field(default_factory=dict)
    calibration: Calibration | None = None
    referral: Referral | None = None
    conformal: Conformal | None = None
    subgroups: tuple[Subgroups, ...] = ()
    decision: Decisions | None = None

    @property
    def accuracy(self) -> float | None:
        """The share of the items whose class has the highest score; None for multilabel."""
        return self.agreement.get("accuracy")

    @property
    def worse_than_chance(self) -> tuple[str, ...]:
        """Classes whose scores are the wrong way round, or another class's: those without are above those with it."""
        rows = [(name, row.figures["auroc"], row.counts or {}) for name, row in self.classes.items()]
        return tuple(
            name for name, area, n in rows if metrics.is_worse_than_chance(area, n["TP"] + n["FN"], n["FP"] + n["TN"])
        )

    def as_json(self) -> dict[str, Any]:
        """All of it as plain dicts, unrounded, with None for NaN."""
        chosen, none = self.thresholds, self.none_name
        return {
            **({"subject": self.subject.as_json()} if self.subject else {}),
            "note": self.note,
            "task": self.task,
            "kind": self.kind,
            "n_items": self.n_items,
            "classes": {name: _as_json(row) for name, row in self.classes.items()},
            "macro": _as_json(self.macro),
            "micro": _as_json(self.micro),
            **({none: _as_json(self.norm)} if self.norm and none and none not in _KEYS else {}),
            "accuracy": self.accuracy,
            **(
                {"confusion": self.confusion.as_json(), "agreement": _without_nan(self.agreement)}
                if self.confusion
                else {}
            ),
            "thresholds": dict(chosen.values) if chosen else None,
            "threshold_choice": chosen.choice if chosen else None,
            "n_dev_items": chosen.n_dev if chosen else 0,
            "n_patients_in_dev": self.n_patients_in_dev,
            "named": {
                "without_positives": list(self.without_positives),
                "without_negatives": list(self.without_negatives),
                "threshold_not_chosen": list(chosen.not_chosen) if chosen else [],
                "worse_than_chance": list(self.worse_than_chance),
            },
            **({"intervals": self.intervals.as_json() | self._accuracy_interval()} if self.intervals else {}),
            **({"calibration": self.calibration.as_json()} if self.calibration else {}),
            **({"referral": self.referral.as_json()} if self.referral else {}),
            **({"conformal": self.conformal.as_json()} if self.conformal else {}),
            **({"decision": self.decision.as_json()} if self.decision else {}),
            **({"subgroups": [each.as_json() for each in self.subgroups]} if self.subgroups else {}),
        }

    def _accuracy_interval(self) -> dict[str, list[float]]:
        spans = self.intervals.agreement if self.intervals else {}
        return {"accuracy": list(spans["accuracy"])} if "accuracy" in spans else {}


@dataclass(frozen=True)
class Evaluated(Event):
    """A table of figures, and a sentence on what they are of."""

    evaluation: Evaluation
    sentence: str


def evaluate(
    scores: Scores,
    dev: Scores | None = None,
    threshold: str | float | None = None,
    note: str = "",
    resampling: Resampling | None = None,
    chosen: Thresholds | None = None,
) -> Evaluation:
    """Every figure of ``scores``, with thresholds that they had no part in.

    Args:
        scores: What is judged.
        dev: What thresholds are chosen on; shares no item with ``scores``.
        threshold: A criterion, a number from 0 to 1, or None for the default criterion; for multiclass scores None
            lets the highest one win, and anything else judges each class against the rest.
        note: What to say over the table.
        resampling: How to draw intervals, or None for none.
        chosen: Thresholds that were chosen before, which are then the ones; None to choose as ``threshold`` says.

    Raises:
        EcgFusionError: If dev does not fit, or a criterion is asked for and there is no dev to choose on.
    """
    if dev is not None:
        _check_dev(scores, dev)
    return _evaluate(scores, dev, threshold, note, resampling, chosen)


def evaluate_dev(
    dev: Scores,
    threshold: str | float | None = None,
    resampling: Resampling | None = None,
    chosen: Thresholds | None = None,
) -> Evaluation:
    """Every figure of dev scores, with thresholds chosen on these same items, and a note that says so."""
    return _evaluate(dev, dev, threshold, NOTES["dev"], resampling, chosen)


def _evaluate(
    scores: Scores,
    dev: Scores | None,
    threshold: str | float | None,
    note: str,
    resampling: Resampling | None,
    chosen: Thresholds | None = None,
) -> Evaluation:
    is_multiclass = scores.kind == "multiclass"
    thresholds = chosen
    if thresholds is None and (threshold is not None or not is_multiclass):
        thresholds = get_thresholds(scores.classes, dev, threshold)
    found = decisions(scores, thresholds)
    confusion = confusion_of(scores) if is_multiclass else None
    counts = metrics.count(scores.labels, found)
    figures = _class_figures(scores, counts)
    without = [tuple(np.array(scores.classes)[n == 0].tolist()) for n in (counts.positives, counts.negatives)]
    return Evaluation(
        task=scores.task or ("disease" if none_name_of(None, scores.classes) and scores.none_name else None),
        kind=scores.kind,
        n_items=len(scores.labels),
        note="; ".join(filter(None, [note, scores.remark])),
        classes=_class_rows(scores.classes, counts, figures),
        macro=_macro_row(counts, figures),
        micro=_micro_row(scores, counts.pooled),
        norm=_norm_row(scores.labels, found) if scores.none_name else None,
        none_name=scores.none_name,
        thresholds=thresholds,
        without_positives=without[0],
        without_negatives=without[1],
        n_patients_in_dev=0 if dev is None or dev is scores else _shared_patients(scores, dev),
        intervals=_intervals(scores, found, resampling) if resampling else None,
        confusion=confusion,
        agreement=agreement(confusion.counts, scores.classes) if confusion else {},
    )


def _intervals(scores: Scores, found: np.ndarray, resampling: Resampling) -> Intervals:
    highest = taken(scores.scores) if scores.kind == "multiclass" else None
    judged = Judged(scores.labels, scores.scores, found, scores.none_name, highest)
    return bootstrap(judged, scores.classes, scores.item_id, scores.patient_id, resampling)


def _check_dev(scores: Scores, dev: Scores) -> None:
    remedy = "give dev and test scores of one model, in one order of classes"
    for what, ours, theirs in differences(scores, dev):
        raise EcgFusionError(f"{dev.name} has {what} {theirs}, but {scores.name} {ours}: {remedy}")
    shared = np.intersect1d(scores.item_id, dev.item_id)
    if len(shared):
        which = f"{len(shared)} items, {str(shared[0])!r} first"
        remedy = "choose thresholds on items that are not judged"
        raise EcgFusionError(f"{dev.name} and {scores.name} share {which}: {remedy}")


def _shared_patients(scores: Scores, dev: Scores) -> int:
    if scores.patient_id is None or dev.patient_id is None:
        return 0
    return len(np.intersect1d(scores.patient_id, dev.patient_id))


def _class_figures(scores: Scores, counts: Counts) -> dict[str, np.ndarray]:
    figures = {name: figure(counts) for name, figure in metrics.FIGURES.items()}
    for name, ranking in metrics.RANKINGS.items():
        columns = zip(scores.labels.T, scores.scores.T, strict=True)
        figures[name] = np.array([ranking(labels, values) for labels, values in columns])
    return figures


def _class_rows(classes: tuple[str, ...], counts: Counts, figures: dict[str, np.ndarray]) -> dict[str, Row]:
    rows = {}
    for i, name in enumerate(classes):
        own = Counts(counts.tp[i], counts.fn[i], counts.fp[i], counts.tn[i])
        rows[name] = Row({figure: float(values[i]) for figure, values in figures.items()}, _cells(own))
    return rows


def _macro_row(counts: Counts, figures: dict[str, np.ndarray]) -> Row:
    means = {name: metrics.macro(values, counts) for name, values in figures.items()}
    return Row(means | {"g_mean_of_means": math.sqrt(means["sensitivity"] * means["specificity"])})


def _micro_row(scores: Scores, pooled: Counts) -> Row:
    pairs = scores.labels.ravel(), scores.scores.ravel()
    rankings = {name: ranking(*pairs) for name, ranking in metrics.RANKINGS.items()}
    return Row(_count_figures(pooled) | rankings, _cells(pooled))


def _norm_row(labels: np.ndarray, found: np.ndarray) -> Row:
    counts = metrics.count(labels.max(1) == 0, found.max(1) == 0)
    return Row(_count_figures(counts), _cells(counts))


def _count_figures(counts: Counts) -> dict[str, float]:
    return {name: float(figure(counts)) for name, figure in metrics.FIGURES.items()}


def _cells(counts: Counts) -> dict[str, int]:
    return {"TP": int(counts.tp), "FN": int(counts.fn), "FP": int(counts.fp), "TN": int(counts.tn)}


def _as_json(row: Row) -> dict[str, Any]:
    return (row.counts or {}) | _without_nan(row.figures)


def _without_nan(figures: dict[str, float]) -> dict[str, Any]:
    return {name: None if math.isnan(value) else value for name, value in figures.items()}
