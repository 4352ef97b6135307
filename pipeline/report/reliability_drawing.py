"""The reliability diagram: the share that bears a class over what its probability says, before and after."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from pipeline.evaluation.calibration_figures import Calibration
from pipeline.evaluation.reliability import N_BINS, Bins
from pipeline.report.glyphs import drawable
from pipeline.report.panels import save_panels

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

    def draw(figure: Figure, place: SubplotSpec, number: int) -> None:
        inner = place.subgridspec(2, 1, height_ratios=(3, 1), hspace=0.08)
        curve, bars = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
        _draw_class(curve, bars, calibration, classes[number], drawable(classes[number], number + 1))

    frequencies = calibration.scores.labels.sum(0, dtype=np.int64)
    lines = [*head, f"bars: 95 % intervals, over patients where they are known; bins of 1/{N_BINS}"]
    save_panels(path, frequencies, draw, lines, panel=(3.5, 4.3), left=0.62, spaces=(0.3, 0.32))


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
