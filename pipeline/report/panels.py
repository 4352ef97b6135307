"""A sheet of panels, one a class, with a legend and lines above them."""

import math
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from pipeline.commands.escaping import mathtext
from pipeline.machine.files import replace_atomically

MOST_DRAWN = 24  # classes; the most frequent ones of more
_ACROSS = 4


def save_panels(
    path: Path,
    frequencies: np.ndarray,
    draw: Callable[[Figure, SubplotSpec, int], object],
    lines: Sequence[str],
    *,
    panel: tuple[float, float],
    left: float,
    spaces: tuple[float, float],
) -> None:
    """Saves a sheet; of many classes it shows the most frequent ones, and says so.

    Args:
        path: where, ``.png``.
        frequencies: of the classes, in any unit.
        draw: draws the class of a number into its place; the first axes of all give the legend.
        lines: what stands over the panels.
        panel: width and height of one, inches.
        left: inches beside the first.
        spaces: between panels, beside and below each other, as parts of one.

    Shape:
        frequencies (classes,).
    """
    shown = sorted(np.argsort(-frequencies, kind="stable")[:MOST_DRAWN].tolist())
    across = min(_ACROSS, len(shown))
    down = math.ceil(len(shown) / across)
    width, above = max(across * panel[0], 5.5), 0.28 * (len(lines) + 2)
    height = down * panel[1] + above
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        down, across, top=1 - above / height, bottom=0.55 / height, left=left / width, right=1 - 0.15 / width,
        wspace=spaces[0], hspace=spaces[1],
    )  # fmt: skip
    for place, number in enumerate(shown):
        draw(figure, grid[divmod(place, across)], number)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", ncols=3, fontsize=8, frameon=False, bbox_to_anchor=(0.995, 0.999))
    n = len(frequencies)
    some = "" if len(shown) == n else f"; the {len(shown)} most frequent of {n} classes"
    said = [*lines[:-1], f"{lines[-1]}{some}"]
    wrapped = [line for part in said for line in textwrap.wrap(mathtext(part), max(int(width * 15), 40))]
    figure.text(0.1 / width, 1 - 0.3 / height, "\n".join(wrapped), va="top", fontsize=8)
    replace_atomically(path, lambda temporary: figure.savefig(temporary, dpi=110, format="png"))
