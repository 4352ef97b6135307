"""What charts have in common: colours that colour-blind eyes tell apart, a page in mm, whose classes are drawn."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.report.glyphs import drawable_line

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Of Okabe and Ito, without the yellow, which white paper swallows."""
STROKES = ("-", "--", "-.", ":")
"""The first of all colours, then the next: a grey print tells neighbours apart by their figures alone."""
RIGHT, WRONG = "#0072b2", "#e69f00"
"""Of what was judged rightly and wrongly."""
INK, FAINT = "#15191c", "#8a8f93"
SIZE, SMALL = 8.0, 7.0  # points
_MM = 1 / 25.4  # inches


def new_chart(width: float, height: float, title: str | None = None) -> Figure:
    """An empty figure of so many millimetres, which no global state knows of."""
    figure = Figure(figsize=(width * _MM, height * _MM), layout="constrained", facecolor="white")
    if title:
        figure.suptitle(drawable_line(title), x=0.01, ha="left", fontsize=SIZE + 1, color=INK)
    return figure


def finish(axes: Axes) -> None:
    """The look of all charts: small letters, no frame above and to the right."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=SMALL)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_fontsize(SIZE)


def stroke(number: int) -> dict[str, str]:
    """Colour and dashes of a line."""
    return {"color": PALETTE[number % len(PALETTE)], "linestyle": STROKES[number // len(PALETTE) % len(STROKES)]}


def most_frequent(n_positive: Sequence[int], most: int) -> list[int]:
    """Positions of the classes that are drawn, in their order: those that most items bear."""
    order = np.argsort(-np.asarray(n_positive), kind="stable")[:most]
    return sorted(order.tolist())


def span_words(span: tuple[float, float] | None, sign: str = "") -> str:
    """An interval as it stands in a legend; nothing where there is none.

    >>> span_words((0.5, 0.75)), span_words((-0.5, 0.25), "+"), span_words(None)
    (' (0.500–0.750)', ' (−0.500 to +0.250)', '')
    """
    if span is None or not all(map(math.isfinite, span)):
        return ""
    low, high = (f"{end:{sign}.3f}".replace("-", "−") for end in span)
    return f" ({low} to {high})" if sign else f" ({low}–{high})"
