"""ROC curves: what each threshold of a class would find, and a ring where its own threshold stands."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.evaluation.curves import operating_point, points
from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.metrics import auroc
from pipeline.evaluation.scores import Scores, load_scores
from pipeline.report.charts import FAINT, SMALL, finish, most_frequent, new_chart, span_words, stroke
from pipeline.report.glyphs import drawable

MOST_CURVES = 14
"""Classes; of more the most frequent ones."""
_SQUARE, _LETTER = 104.0, 1.5  # mm: the curves, and a letter of the legend beside them


def plot_roc(
    scores: np.ndarray | Scores | Path | str,
    labels: np.ndarray | None = None,
    classes: Sequence[str] | None = None,
    *,
    evaluation: Evaluation | None = None,
    thresholds: Mapping[str, float] | None = None,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    title: str | None = None,
) -> Figure:
    """The curve of each class, its AUROC in the legend.

    Args:
        scores: probabilities; or a scores file, or what is in it, which has labels and classes itself.
        labels: of an array of probabilities, 1 where an item bears a class.
        classes: names of its columns; None for class 1 and so on.
        evaluation: of the same scores; gives thresholds and intervals.
        thresholds: class to threshold; a ring marks it.
        intervals: class to the ends of its AUROC's 95 % interval.
        title: above it.

    Shape:
        scores and labels (items, classes), or (items,) of one class.

    Raises:
        EcgFusionError: the scores are none.
    """
    found = _scores(scores, labels, classes)
    if evaluation is not None:
        thresholds = thresholds or (evaluation.thresholds.values if evaluation.thresholds else None)
        of_classes = evaluation.intervals.classes if evaluation.intervals else {}
        intervals = intervals or {name: spans["auroc"] for name, spans in of_classes.items() if "auroc" in spans}
    figure = new_chart(_SQUARE, 92, title)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle=":", label="chance")
    shown = most_frequent(found.labels.sum(0, dtype=np.int64).tolist(), MOST_CURVES)
    for place, number in enumerate(shown):
        _draw_curve(axes, found, number, stroke(place), thresholds or {}, intervals or {})
    axes.set(xlabel="false positive rate, 1 − specificity", ylabel="sensitivity", aspect="equal")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    finish(axes)
    longest = max(len(text) for text in axes.get_legend_handles_labels()[1])
    figure.set_figwidth((_SQUARE + _LETTER * longest) / 25.4)
    legend = figure.legend(
        loc="outside right center", fontsize=SMALL, frameon=False, title=_head(found, shown, intervals)
    )
    legend.get_title().set_fontsize(SMALL)
    return figure


def _scores(scores: np.ndarray | Scores | Path | str, labels: np.ndarray | None, names: Sequence[str] | None) -> Scores:
    if isinstance(scores, Scores):
        return scores
    if isinstance(scores, Path | str):
        return load_scores(Path(scores))
    table = np.asarray(scores)
    table = table[:, None] if table.ndim == 1 else table
    truth = np.zeros(0) if labels is None else np.asarray(labels).reshape(len(table), -1)
    item_id = np.arange(len(table)).astype(str)
    return Scores(
        table, truth, item_id, tuple(names or (f"class {i + 1}" for i in range(table.shape[1]))), "multilabel"
    )


def _draw_curve(
    axes: Axes,
    scores: Scores,
    number: int,
    look: Mapping[str, Any],
    thresholds: Mapping[str, float],
    intervals: Mapping[str, tuple[float, float]],
) -> None:
    name, truth, values = scores.classes[number], scores.labels[:, number], scores.scores[:, number]
    said = drawable(name, number + 1)
    if truth.min() == truth.max():
        axes.plot([], [], **look, label=f"{said}: {'no negative' if truth.max() else 'no positive'}")
        return
    curve = points(truth, values)
    label = f"{said} {auroc(truth, values):.3f}{span_words(intervals.get(name))}"
    axes.plot(curve.false_positive_rate, curve.sensitivity, linewidth=1.3, label=label, **look)
    if name in thresholds:
        x, y = operating_point(truth, values, thresholds[name])
        axes.plot(x, y, "o", markersize=6, markerfacecolor="white", markeredgewidth=1.4, color=look["color"], zorder=3)


def _head(scores: Scores, shown: Sequence[int], intervals: Mapping[str, tuple[float, float]] | None) -> str:
    some = (
        ""
        if len(shown) == len(scores.classes)
        else f"\nthe {len(shown)} most frequent of {len(scores.classes)} classes"
    )
    return f"AUROC{' (95 % interval)' if intervals else ''}{some}"
