"""The confusion matrix drawn: the count of each cell, and its share of the row in percent and as a shade."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.evaluation.confusion import Confusion
from pipeline.machine.files import replace_atomically
from pipeline.report.glyphs import drawable, drawable_line

_DARK = 0.55  # a share from which on the digits are white
_CELL = 0.62  # inches
_MOST_WRITTEN = 40  # classes; of more, cells are shades alone, in a picture that grows no more
_CHARACTER = 0.1  # inches, of the names beside it
_LEAST = 4.2  # inches of the matrix, however few its classes are


def draw_confusion(path: Path, confusion: Confusion, head: Sequence[str] = ()) -> None:
    """Saves a figure of a confusion matrix, the truth in rows.

    Args:
        path: where, ``.png``.
        confusion: the matrix.
        head: what stands over it, as over the table.
    """
    n = len(confusion.classes)
    names = [drawable(name, i) for i, name in enumerate(confusion.classes, 1)]
    side = max(_LEAST, _CELL * min(n, _MOST_WRITTEN))
    figure = Figure(figsize=(side, side))
    axes = figure.add_subplot()
    font = float(np.clip(side, 10, 14))
    title = "\n".join(line for part in head for line in textwrap.wrap(drawable_line(part), int(side * 130 / font)))
    axes.set_title(title, fontsize=font, pad=10)
    shown = axes.imshow(np.nan_to_num(confusion.shares), vmin=0, vmax=1, cmap="Blues")
    _name(axes, names if n <= _MOST_WRITTEN else [], font)
    if n <= _MOST_WRITTEN:
        _write(axes, confusion)
    bar = figure.colorbar(shown, cax=axes.inset_axes((1.02, 0.0, 0.03, 1.0)))
    bar.set_label("share of the row", fontsize=font)
    # names may be long, and take their place beside the matrix instead of shrinking it
    replace_atomically(path, lambda temporary: figure.savefig(temporary, dpi=130, format="png", bbox_inches="tight"))


def _name(axes: Axes, names: Sequence[str], font: float) -> None:
    places = range(len(names))
    is_upright = max(map(len, names), default=0) * _CHARACTER > 0.9 * max(_CELL, _LEAST / max(len(names), 1))
    axes.set_xticks(places, names, rotation=90 if is_upright else 0)
    axes.set_yticks(places, names)
    axes.set_xlabel("found: the class with the highest score", fontsize=font)
    axes.set_ylabel("truth", fontsize=font)
    axes.tick_params(length=0)
    # white lines between the cells
    axes.set_xticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1)
    axes.tick_params(which="minor", length=0)


def _write(axes: Axes, confusion: Confusion) -> None:
    font = 12.0 if len(confusion.classes) < 6 else 8.5
    for (row, column), count in np.ndenumerate(confusion.counts):
        share = confusion.shares[row, column]
        colour = "white" if share > _DARK else "black" if count else "#a0a0a0"
        percent = "<1%" if share < 0.005 else ">99%" if 0.995 <= share < 1 else f"{share:.0%}"
        text = f"{count}\n{percent}" if count else "0"
        written = axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=font, linespacing=1.1)
        written.set_in_layout(False)  # it lies within its cell; to measure hundreds takes seconds
