"""Decision curves drawn: the net benefit of the model, of acting on all and of acting on nobody, a panel a class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from pipeline.evaluation.decision import GRID, DecisionCurve, Decisions
from pipeline.report.glyphs import drawable
from pipeline.report.panels import save_panels


def draw_decisions(path: Path, found: Decisions, head: Sequence[str] = ()) -> None:
    """Saves a panel a class.

    Args:
        path: where, ``.png``.
        found: the curves.
        head: what stands over it, as over the table.
    """
    names = list(found.curves)

    def draw(figure: Figure, place: SubplotSpec, number: int) -> None:
        name = names[number]
        _draw_curve(figure.add_subplot(place), found.curves[name], drawable(name, number + 1))

    frequencies = np.array([curve.of_all[0] for curve in found.curves.values()])
    lines = [*head, "decision curves; bars: 95 % intervals over patients"]
    save_panels(path, frequencies, draw, lines, panel=(3.5, 3.1), left=0.75, spaces=(0.36, 0.45))


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
