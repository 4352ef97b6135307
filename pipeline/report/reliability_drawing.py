"""The reliability diagram: the share that bears a class over what its probability says, before and after."""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pipeline.commands.escaping import mathtext
from pipeline.evaluation.calibration_figures import Calibration
from pipeline.evaluation.reliability import N_BINS, Bins
from pipeline.machine.files import replace_atomically
from pipeline.report.glyphs import drawable

MOST_DRAWN = 24  # classes; the most frequent ones of more
_ACROSS = 4
_PANEL = (3.5, 4.3)  # inches
_COLOURS = {"before": "#b26a00", "after": "#1557a0"}
_MARKS = {"before": "o", "after": "s"}


def draw_reliability(path: Path, calibration: Calibration, head: Sequence[str] = ()) -> None:
    """Saves a panel a class: below its curve, the items of each bin, counted after.

    Args:
        path: where, ``.png``.
        calibration: the figures.
        head: what stands over it, as over the table.
    """
    classes = calibration.scores.classes
    order = np.argsort(-calibration.scores.labels.sum(0, dtype=np.int64), kind="stable")[:MOST_DRAWN]
    shown = sorted(order.tolist())
    across = min(_ACROSS, len(shown))
    down = math.ceil(len(shown) / across)
    width, above = max(across * _PANEL[0], 5.5), 0.28 * (len(head) + 3)
    height = down * _PANEL[1] + above
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        down, across, top=1 - above / height, bottom=0.55 / height, left=0.62 / width, right=1 - 0.15 / width,
        wspace=0.3, hspace=0.32,
    )  # fmt: skip
    for place, number in enumerate(shown):
        inner = grid[divmod(place, across)].subgridspec(2, 1, height_ratios=(3, 1), hspace=0.08)
        curve, bars = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
        _draw_class(curve, bars, calibration, classes[number], drawable(classes[number], number + 1))
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", ncols=3, fontsize=8, frameon=False, bbox_to_anchor=(0.995, 0.999))
    left = "" if len(shown) == len(classes) else f"; the {len(shown)} most frequent of {len(classes)} classes"
    lines = [*head, f"bars: 95 % intervals, over patients where they are known; bins of 1/{N_BINS}{left}"]
    wrapped = [line for part in lines for line in textwrap.wrap(mathtext(part), max(int(width * 15), 40))]
    figure.text(0.1 / width, 1 - 0.3 / height, "\n".join(wrapped), va="top", fontsize=8)
    replace_atomically(path, lambda temporary: figure.savefig(temporary, dpi=110, format="png"))


def _draw_class(curve: Axes, bars: Axes, calibration: Calibration, name: str, title: str) -> None:
    curve.plot([0, 1], [0, 1], color="#888888", linewidth=1, linestyle=":", label="says what is")
    for when, each in (("before", calibration.before), ("after", calibration.after)):
        _draw_bins(curve, each.bins[name], when)
    errors = [f"{each.ece[name]:.3f}" for each in (calibration.before, calibration.after)]
    temperature = calibration.temperatures.values[name]
    curve.set_title(f"{title}: T {temperature:.2f}, ECE {' → '.join(errors)}", fontsize=9)
    curve.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="share that bears it")
    curve.tick_params(labelbottom=False)
    bins = calibration.after.bins[name]
    values = calibration.scores.scores[:, calibration.scores.classes.index(name)]
    places = np.searchsorted(np.linspace(0, 1, N_BINS + 1)[1:-1], values)
    held, n = np.unique(places, return_counts=True)
    bars.bar((held + 0.5) / N_BINS, n, 0.9 / N_BINS, color=_COLOURS["after"], alpha=0.5)
    bars.set_yscale("log")
    bars.set(xlim=(-0.02, 1.02), ylim=(0.7, 12 * int(bins.n.max())), xlabel="mean probability", ylabel="items")
    for place, count in zip(held, n, strict=True):
        bars.text((place + 0.5) / N_BINS, count * 1.25, str(count), ha="center", va="bottom", fontsize=6, rotation=90)
    for axes in (curve, bars):
        axes.tick_params(labelsize=7)
        axes.xaxis.label.set_fontsize(8)
        axes.yaxis.label.set_fontsize(8)
        axes.spines[["top", "right"]].set_visible(False)


def _draw_bins(axes: Axes, bins: Bins, when: str) -> None:
    reach = np.abs(bins.spans.T - bins.borne)
    axes.errorbar(
        bins.said, bins.borne, yerr=reach, color=_COLOURS[when], marker=_MARKS[when], markersize=3.5, linewidth=1,
        elinewidth=0.8, capsize=1.5, alpha=0.55 if when == "before" else 1.0, label=when,
    )  # fmt: skip
