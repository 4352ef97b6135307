"""The confusion matrix drawn: the count of each cell, and its share of the row in percent and as a shade."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font

from pipeline.commands.escaping import mathtext
from pipeline.evaluation.confusion import Confusion
from pipeline.machine.files import replace_atomically

_LONGEST_NAME = 24
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
    figure, axes = plt.subplots(figsize=(side, side))
    font = float(np.clip(side, 10, 14))
    title = "\n".join(line for part in head for line in textwrap.wrap(_title(part), int(side * 130 / font)))
    axes.set_title(title, fontsize=font, pad=10)
    shown = axes.imshow(np.nan_to_num(confusion.shares), vmin=0, vmax=1, cmap="Blues")
    _name(axes, names if n <= _MOST_WRITTEN else [], font)
    if n <= _MOST_WRITTEN:
        _write(axes, confusion)
    bar = figure.colorbar(shown, cax=axes.inset_axes((1.02, 0.0, 0.03, 1.0)))
    bar.set_label("share of the row", fontsize=font)
    # names may be long, and take their place beside the matrix instead of shrinking it
    replace_atomically(path, lambda temporary: figure.savefig(temporary, dpi=130, format="png", bbox_inches="tight"))
    plt.close(figure)


def drawable(name: str, number: int) -> str:
    """A name as the font can draw it, shortened; the number of its class where it cannot.

    >>> drawable("AFIB", 1), drawable("窦性心律", 2), drawable("first degree atrioventricular block", 3)
    ('AFIB', 'class 2', 'first degree atrioventr…')
    """
    plain = mathtext(name)
    if not all(map(_has_glyph, plain)):
        return f"class {number}"
    return plain if len(plain) <= _LONGEST_NAME else mathtext(name[: _LONGEST_NAME - 1]) + "…"


def _title(text: str) -> str:
    """A text with a question mark for what the font has not."""
    return "".join(each if _has_glyph(each) else "?" for each in mathtext(text))


def _has_glyph(character: str) -> bool:
    return bool(get_font(findfont(FontProperties())).get_char_index(ord(character)))


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
