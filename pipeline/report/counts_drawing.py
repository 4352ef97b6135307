"""Counts drawn: who was found and who missed of those who have a class, and who was left alone of the others."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.evaluation.figures import Evaluation
from pipeline.report.charts import INK, RIGHT, SMALL, WRONG, finish, most_frequent, new_chart
from pipeline.report.glyphs import drawable

MOST_CLASSES = 30
"""Of more the most frequent ones."""
_ROW, _AROUND = 8.5, 25.0  # mm
_NARROW = 12.0  # percent: a bar in which a number has no room

Spans = Mapping[str, Mapping[str, tuple[float, float]]]


def plot_counts(
    counts: Evaluation | Mapping[str, Mapping[str, int]], *, intervals: Spans | None = None, title: str | None = None
) -> Figure:
    """A row a class: TP and FN as shares of those who have it, TN and FP as shares of those who have it not.

    Args:
        counts: an evaluation, which has intervals itself; or class to ``TP``, ``FN``, ``FP`` and ``TN``.
        intervals: class to the ends of the 95 % intervals of its ``sensitivity`` and ``specificity``.
        title: above it.
    """
    if isinstance(counts, Evaluation):
        intervals = intervals or (counts.intervals.classes if counts.intervals else None)
        counts = {name: row.counts for name, row in counts.classes.items() if row.counts}
    names = list(counts)
    shown = most_frequent([counts[name]["TP"] + counts[name]["FN"] for name in names], MOST_CLASSES)
    figure = new_chart(170, _AROUND + _ROW * len(shown), title)
    left, right = figure.subplots(1, 2, sharey=True)
    rows = [names[number] for number in shown]
    _draw_side(left, [counts[name] for name in rows], ("TP", "FN"), _spans(rows, intervals, "sensitivity"))
    _draw_side(right, [counts[name] for name in rows], ("TN", "FP"), _spans(rows, intervals, "specificity"))
    left.set_yticks(range(len(rows)), [drawable(name, number + 1) for name, number in zip(rows, shown, strict=True)])
    left.set(xlabel="of those who have it, %: sensitivity", ylim=(len(rows) - 0.5, -0.5))
    right.set(xlabel="of those who have it not, %: specificity")
    some = f"the {len(rows)} most frequent of {len(names)} classes" if len(rows) < len(names) else None
    legends = (("found, TP", "missed, FN"), ("left alone, TN", "false alarm, FP"))
    for axes, words in zip((left, right), legends, strict=True):
        finish(axes)
        handles = axes.containers[:2]
        where = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "ncols": 2, "fontsize": SMALL, "frameon": False}
        axes.legend(handles, words, title=some if axes is left else None, title_fontsize=SMALL, **where)
    return figure


def _spans(rows: Sequence[str], intervals: Spans | None, figure: str) -> list[tuple[float, float] | None]:
    return [(intervals or {}).get(name, {}).get(figure) for name in rows]


def _draw_side(
    axes: Axes,
    counts: Sequence[Mapping[str, int]],
    cells: tuple[str, str],
    spans: Sequence[tuple[float, float] | None],
) -> None:
    """Stacked bars of two cells; ``spans`` are of the share of the first."""
    good, bad = (np.array([row[cell] for row in counts]) for cell in cells)
    whole = np.maximum(good + bad, 1)
    shares, rest, at = 100 * good / whole, 100 * bad / whole, np.arange(len(counts))
    axes.barh(at, shares, height=0.62, color=RIGHT)
    axes.barh(at, rest, height=0.62, left=shares, color=WRONG, hatch="////", edgecolor="white", linewidth=0)
    axes.set(xlim=(0, 100))
    for row in range(len(counts)):
        _write(axes, row, shares[row], f"{good[row]:,}", 1.5, "left", "white" if shares[row] > _NARROW else INK)
        _write(axes, row, rest[row], f"{bad[row]:,}", 98.5, "right", INK)
        span = spans[row]
        if span is not None and np.isfinite(span).all():
            low, high = (100 * end for end in span)
            axes.plot([low, high], [row + 0.4] * 2, color=INK, linewidth=1.1, marker="|", markersize=4, clip_on=False)


def _write(axes: Axes, row: int, share: float, text: str, x: float, side: str, colour: str) -> None:
    box = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    on_bar = colour == "white"
    axes.text(x, row, text, ha=side, va="center", fontsize=SMALL, color=colour, bbox=None if on_bar else box)
