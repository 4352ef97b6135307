"""Two models on the same items, class by class: how far their AUROC differs, and where they disagree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.intervals import Resampling, Span, numbered
from pipeline.evaluation.metrics import auroc
from pipeline.evaluation.paired import paired_interval
from pipeline.evaluation.ranking import Ranking
from pipeline.evaluation.resampling import Judged, Resampler, rows_of
from pipeline.evaluation.scores import Scores

WORDS = ("both", "only the first", "only the second", "neither")


@dataclass(frozen=True)
class ClassDifference:
    """AUROC of the first model minus that of the second, of one class.

    Attributes:
        value: The difference; NaN where the class has no AUROC.
        span: Its 95 % interval over patients, of this class alone; None where too few patients stand behind it.
    """

    value: float
    span: Span | None


@dataclass(frozen=True)
class Apart:
    """An item and class of which two models say very different things.

    Attributes:
        row: Of the item.
        class_name: Of the class.
        first: What the first says.
        second: What the second says.
        bears: Whether the item bears the class.
    """

    row: int
    class_name: str
    first: float
    second: float
    bears: bool


def class_differences(first: Scores, second: Scores, resampling: Resampling | None) -> dict[str, ClassDifference]:
    """Class name to difference, on the same resamples of patients; not corrected for the number of classes.

    Args:
        first: Scores of one model.
        second: Aligned scores of another.
        resampling: How patients are drawn; None for no intervals.
    """
    pairs = [
        [auroc(each.labels[:, i], each.scores[:, i]) for each in (first, second)] for i in range(len(first.classes))
    ]
    spans = _spans(first, second, resampling) if resampling else {}
    return {name: ClassDifference(a - b, spans.get(name)) for name, (a, b) in zip(first.classes, pairs, strict=True)}


def _spans(first: Scores, second: Scores, resampling: Resampling) -> dict[str, Span]:
    patients, _ = numbered(first.item_id, first.patient_id)
    rows = rows_of(Judged(first.labels, first.scores, first.labels), patients)
    kept = np.flatnonzero(rows.kept[: len(first.classes)])
    rankings = [[Ranking(each.labels[:, i], each.scores[:, i]) for each in (first, second)] for i in kept]
    draws = []
    for weights in Resampler(patients, rows, resampling.seed).blocks(resampling.n) if len(kept) else ():
        areas = [[ranking.curve(weights).auroc() for ranking in pair] for pair in rankings]
        draws.append(np.array([a - b for a, b in areas]).T)
    if not draws:
        return {}
    ends = paired_interval(np.concatenate(draws))
    return {
        first.classes[i]: (float(low), float(high))
        for i, low, high in zip(kept.tolist(), ends[0], ends[1], strict=True)
    }


def right_counts(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How many items both models, only the first, only the second, and neither are right of.

    Args:
        labels: 1 where the item bears the class.
        first: True where the first model finds it.
        second: True where the second does.

    Shape:
        ``(items, classes)`` each, to ``(classes, 4)``, in the order of ``WORDS``.

    >>> right_counts(np.array([[1], [0], [1]]), np.array([[1], [1], [0]]), np.array([[1], [0], [0]])).tolist()
    [[1, 0, 1, 1]]
    """
    truth = np.asarray(labels, bool)
    a, b = (np.asarray(found, bool) == truth for found in (first, second))
    return np.stack([(each).sum(0) for each in (a & b, a & ~b, ~a & b, ~a & ~b)], axis=1)


def furthest_apart(first: Scores, second: Scores, n: int, classes: Sequence[str] | None = None) -> tuple[Apart, ...]:
    """The items of which the models' probabilities differ most, each with its class of the largest difference.

    Args:
        first: Scores of one model.
        second: Aligned scores of another.
        n: How many.
        classes: To look at; None for all.
    """
    columns = [i for i, name in enumerate(first.classes) if classes is None or name in classes]
    differences = np.abs(first.scores[:, columns].astype(np.float64) - second.scores[:, columns])
    which = differences.argmax(1)
    rows = np.argsort(-differences.max(1), kind="stable")[:n].tolist()
    return tuple(_apart(first, second, row, columns[which[row]]) for row in rows)


def _apart(first: Scores, second: Scores, row: int, column: int) -> Apart:
    ours, theirs = (float(each.scores[row, column]) for each in (first, second))
    return Apart(row, first.classes[column], ours, theirs, bool(first.labels[row, column]))
