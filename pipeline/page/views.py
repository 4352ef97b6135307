"""Figures → what the page shows of them: the table of counts, and each class by itself."""

from collections.abc import Mapping

import numpy as np

from pipeline.evaluation.figures import Evaluation, Row
from pipeline.evaluation.intervals import Intervals, Key, Span
from pipeline.evaluation.metrics import headings
from pipeline.evaluation.threshold_steps import log_odds, pr_points, range_of, roc_points, steps_of
from pipeline.evaluation.thresholds import FALLBACK, get_thresholds
from pipeline.page.known import Known
from pipeline.page.model import ClassView, Line, Valued
from pipeline.report.tables import sizes_of

MOST_CLASSES = 40
"""That are shown one by one; the most frequent ones of more."""
_BINS = 40
_Spans = Mapping[str, Span]


def lines_of(evaluation: Evaluation) -> tuple[Line, ...]:
    """The table of counts: the classes, the means, and "no class found"."""
    intervals = evaluation.intervals
    thresholds = evaluation.thresholds.values if evaluation.thresholds else {}
    of_classes: Mapping[str, _Spans] = intervals.classes if intervals else {}
    lines = [
        _line(name, "class", row, of_classes.get(name, {}), ("class", name), intervals, thresholds.get(name))
        for name, row in evaluation.classes.items()
    ]
    macro, micro, norm = (intervals.macro, intervals.micro, intervals.norm) if intervals else ({}, {}, {})
    are_all = intervals is not None and len(intervals.classes) == len(evaluation.classes)
    lines.append(_line("macro", "mean", evaluation.macro, macro if are_all else {}, ("macro", ""), intervals))
    lines.append(_line("micro", "mean", evaluation.micro, micro, ("micro", ""), intervals))
    if evaluation.norm:
        name = evaluation.none_name or ""
        lines.append(_line(name, "none", evaluation.norm, norm, ("no class", name), intervals))
    return tuple(lines)


def _line(
    name: str,
    kind: str,
    row: Row,
    spans: _Spans,
    key: Key,
    intervals: Intervals | None,
    threshold: float | None = None,
) -> Line:
    n, share = sizes_of(row) if kind != "mean" else (None, None)
    counts = {cell: Valued(count, spans.get(cell)) for cell, count in (row.counts or {}).items()}
    figures = {of: Valued(row.figures[of], spans.get(of)) for of in headings() if of in row.figures}
    is_rare = intervals is not None and key in intervals.marked
    return Line(name, kind, n, share, counts, figures, threshold, is_rare)


def class_views(known: Known, lines: tuple[Line, ...]) -> tuple[ClassView, ...]:
    """The classes one by one, in the order of the table."""
    scores, thresholds = known.judged, known.evaluation.thresholds
    starts = dict(thresholds.values) if thresholds else _starts(known)
    order = np.argsort(-scores.labels.sum(0, dtype=np.int64), kind="stable")[:MOST_CLASSES]
    of_classes = [line for line in lines if line.kind == "class"]
    return tuple(
        _view(
            scores.labels[:, i], scores.scores[:, i], of_classes[i], starts[scores.classes[i]], thresholds is not None
        )
        for i in sorted(order.tolist())
    )


def _starts(known: Known) -> dict[str, float]:
    """Where the highest score decides, the threshold that dev would choose for each class against the rest."""
    if known.dev is None or known.evaluation.calibration:
        return dict.fromkeys(known.scores.classes, FALLBACK)
    return dict(get_thresholds(known.scores.classes, known.dev).values)


def _view(labels: np.ndarray, scores: np.ndarray, line: Line, start: float, is_decisive: bool) -> ClassView:
    edges = np.linspace(*range_of(scores, start), _BINS + 1)
    inside = log_odds(scores).clip(edges[0], edges[-1])
    with_it, without = (np.histogram(inside[labels == value], edges)[0] for value in (1, 0))
    steps = steps_of(labels, scores, start)
    points = roc_points(labels, scores), pr_points(labels, scores)
    return ClassView(line.name, line, steps, start, is_decisive, edges, with_it, without, *points)
