"""One record drawn: each lead's trace on paper above its images, with axes in s and Hz."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.commands.escaping import mathtext
from pipeline.report.paper import FOOTER, MARGIN, TITLE, axes_at, draw_sheet, footer, new_page, save_ecg, write
from pipeline.report.paper_layout import lay_out
from pipeline.representations import LEAD_MAP_KEY, REPRESENTATIONS

_DARKEST, _BRIGHTEST = 0.01, 0.98
"""Shares of an image's pixels."""
_NARROWEST, _WIDEST, _BESIDE, _BELOW = 62.0, 92.0, 28.0, 18.0  # mm: a panel with its labels and its bar; these alone
_LEFT, _ABOVE = 12.0, 7.0  # mm: room for the labels of an image
_SPEED, _GAIN, _DPI = 25.0, 10.0, 165  # at which four images of 256 pixels are as they are


def draw_record(
    path: Path,
    title: str,
    traces: np.ndarray,
    leads: Sequence[str],
    sampling_rate: float,
    images: np.ndarray,
    parameters: Mapping[str, Mapping[str, Any]],
    unit: str = "mV",
    filtered: str | None = None,
) -> None:
    """Saves a figure of one record.

    Args:
        path: where, ``.png``.
        title: over the figure.
        traces: signals in mV.
        leads: their names.
        sampling_rate: Hz.
        images: grey levels.
        parameters: name of each representation to what made its images, in the order of the images.
        unit: of the traces, where it is another one.
        filtered: what the footer says of filters.

    Shape:
        traces (leads, time), images (leads, representations, size, size).
    """
    figure = record_figure(title, traces, leads, sampling_rate, images, parameters, unit, filtered)
    save_ecg(path, figure, "png", dpi=_DPI)


def record_figure(
    title: str,
    traces: np.ndarray,
    leads: Sequence[str],
    sampling_rate: float,
    images: np.ndarray,
    parameters: Mapping[str, Mapping[str, Any]],
    unit: str = "mV",
    filtered: str | None = None,
) -> Figure:
    """The figure of one record; arguments as of :func:`draw_record`."""
    sheets = [
        lay_out(trace[None], sampling_rate, [lead], "rows", None, _SPEED, _GAIN)
        for trace, lead in zip(traces, leads, strict=True)
    ]
    paper = max([sheet.width for sheet in sheets] + [150.0])
    pitch = float(np.clip(paper / max(1, len(parameters)), _NARROWEST, _WIDEST))
    panel = pitch - _BESIDE
    below = panel + _BELOW if parameters else 4.0
    width = max(paper, pitch * len(parameters))
    height = TITLE + sum(sheet.height + below for sheet in sheets) + FOOTER
    figure = new_page(2 * MARGIN + width, height)
    write(figure, MARGIN, TITLE / 2, title, fontsize=9)
    told = [footer(sampling_rate, _SPEED, _GAIN, filtered, unit), *dict.fromkeys(n for s in sheets for n in s.notes)]
    write(figure, MARGIN, height - FOOTER / 2, "    ".join(told))
    top, duration = TITLE, traces.shape[1] / sampling_rate
    for row, sheet in enumerate(sheets):
        draw_sheet(figure, sheet, MARGIN, top, _SPEED, _GAIN)
        top += sheet.height
        for column, (name, options) in enumerate(parameters.items()):
            axes = axes_at(figure, MARGIN + _LEFT + pitch * column, top + _ABOVE, panel, panel)
            draw_panel(axes, images[row, column], name, options, duration, sampling_rate, fontsize=6)
        top += below
    return figure


def draw_panel(
    axes: Axes,
    image: np.ndarray,
    name: str,
    options: Mapping[str, Any],
    duration: float | None,
    sampling_rate: float,
    lead: str = "",
    fontsize: float = 7.0,
) -> None:
    """An image with its axes and the values of its colours.

    Args:
        axes: where, as wide as high.
        image: grey levels.
        name: of the representation.
        options: what made it.
        duration: of what is shown, s; None where it is not known, and time has no numbers.
        sampling_rate: Hz.
        lead: its name, for the title.
        fontsize: of the labels, points.

    Shape:
        image (height, width).
    """
    axes.tick_params(labelsize=fontsize)
    if name == LEAD_MAP_KEY:
        axes.imshow(image, vmin=0, vmax=255, aspect="auto", interpolation="none", cmap="viridis")
        axes.set(xticks=[], yticks=[])
        axes.set_xlabel("time", fontsize=fontsize)
        axes.set_title("lead map, a lead above the next", fontsize=fontsize + 1, y=1.0)
        return
    representation = REPRESENTATIONS[name]
    low, high = options["value_range"]
    end = 1.0 if duration is None else duration
    is_spectrum = representation.axes == "frequency-time"
    if is_spectrum:  # low frequencies at the bottom
        extent, rows = (0.0, end, 0.0, min(options.get("max_hz", math.inf), sampling_rate / 2)), "frequency (Hz)"
    else:  # time downwards, as a matrix is written
        extent, rows = (0.0, end, end, 0.0), "time (s)"
    values = low + image.astype(float) / 255 * (high - low)
    darkest, brightest = colour_limits(values, (low, high), representation.axes)
    shown = axes.imshow(
        values, extent=extent, vmin=darkest, vmax=brightest, aspect="auto", interpolation="none", cmap="viridis"
    )
    axes.set_xlabel("time (s)", fontsize=fontsize)
    axes.set_ylabel(rows, fontsize=fontsize)
    if duration is None:
        axes.set(xticks=[], xlabel="time", **({} if is_spectrum else {"yticks": [], "ylabel": "time"}))
    title = f"{mathtext(lead)} {representation.title}" if lead else representation.title
    axes.set_title(title, fontsize=fontsize + 1, y=1.0)  # said, so that no label is measured for it
    beyond = (values.min() < darkest, values.max() > brightest)
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[beyond]
    place = axes.inset_axes((1.04, 0.08, 0.05, 0.84))  # a part of the panel, so that the next one keeps clear of it
    bar = axes.figure.colorbar(shown, cax=place, extend=extend)
    bar.locator = MaxNLocator(4)
    bar.minorticks_off()
    bar.ax.tick_params(labelsize=fontsize)
    bar.set_label(representation.units.get(options["scale"], ""), fontsize=fontsize)


def colour_limits(values: np.ndarray, value_range: tuple[float, float], axes: str) -> tuple[float, float]:
    """The values that are darkest and brightest in a panel.

    A spectrogram has its whole range, for its decibels fill it. Most of a Markov transition field or a recurrence plot
    lies near the bottom of what is possible, where a panel would be all but black: there
    the colours go to what few pixels reach, and the ends of the bar say that others go beyond.

    Args:
        values: of the image.
        value_range: the least and greatest possible.
        axes: the representation's.
    """
    if axes == "frequency-time":
        return value_range
    low, high = np.quantile(values, _DARKEST), np.quantile(values, _BRIGHTEST)
    if high - low < (value_range[1] - value_range[0]) / 255:  # but one level, or two: a lead without a signal
        return value_range
    return float(low), float(high)
