"""Decision curves drawn: the net benefit of the model, of acting on all and of acting on nobody, a panel a class."""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pipeline.commands.escaping import mathtext
from pipeline.evaluation.decision import GRID, DecisionCurve, Decisions
from pipeline.machine.files import replace_atomically
from pipeline.report.glyphs import drawable

MOST_DRAWN = 24  # classes; the most frequent ones of more
_ACROSS = 4
_PANEL = (3.5, 3.1)  # inches


def draw_decisions(path: Path, found: Decisions, head: Sequence[str] = ()) -> None:
    """Saves a panel a class.

    Args:
        path: where, ``.png``.
        found: the curves.
        head: what stands over it, as over the table.
    """
    names = list(found.curves)
    order = np.argsort([-curve.of_all[0] for curve in found.curves.values()], kind="stable")[:MOST_DRAWN]
    shown = sorted(order.tolist())
    across = min(_ACROSS, len(shown))
    down = math.ceil(len(shown) / across)
    width, above = max(across * _PANEL[0], 5.5), 0.28 * (len(head) + 3)
    height = down * _PANEL[1] + above
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        down, across, top=1 - above / height, bottom=0.55 / height, left=0.75 / width, right=1 - 0.15 / width,
        wspace=0.36, hspace=0.45,
    )  # fmt: skip
    for place, number in enumerate(shown):
        axes = figure.add_subplot(grid[divmod(place, across)])
        _draw_curve(axes, found.curves[names[number]], drawable(names[number], number + 1))
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", ncols=3, fontsize=8, frameon=False, bbox_to_anchor=(0.995, 0.999))
    left = "" if len(shown) == len(names) else f"; the {len(shown)} most frequent of {len(names)} classes"
    lines = [*head, f"decision curves; bars: 95 % intervals over patients{left}"]
    wrapped = [line for part in lines for line in textwrap.wrap(mathtext(part), max(int(width * 15), 40))]
    figure.text(0.1 / width, 1 - 0.3 / height, "\n".join(wrapped), va="top", fontsize=8)
    replace_atomically(path, lambda temporary: figure.savefig(temporary, dpi=110, format="png"))


def _draw_curve(axes: Axes, curve: DecisionCurve, title: str) -> None:
    axes.plot(GRID, np.zeros(len(GRID)), color="#555555", linewidth=1, linestyle="--", label="on nobody")
    axes.plot(GRID, curve.of_all, color="#b26a00", linewidth=1.2, label="on all")
    axes.plot(GRID, curve.model, color="#1557a0", linewidth=1.6, label="by the model")
    for point in curve.points:
        if point.span:
            axes.plot([point.threshold] * 2, point.span, color="#1557a0", linewidth=1, alpha=0.7)
    top = max(float(curve.of_all[0]), float(curve.model.max()), *(p.span[1] for p in curve.points if p.span), 0.01)
    # acting on all falls without end, and would leave nothing to see of the rest
    bottom = -max(0.25 * top, min(-1.1 * float(curve.model.min()), top))
    axes.set(xlim=(0, 1), ylim=(bottom, 1.1 * top), xlabel="acting from this probability on", ylabel="net benefit")
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=7)
    axes.xaxis.label.set_fontsize(8)
    axes.yaxis.label.set_fontsize(8)
    axes.spines[["top", "right"]].set_visible(False)
