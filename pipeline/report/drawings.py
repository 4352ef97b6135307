"""One record drawn: each lead's trace above its images, with axes in s, mV and Hz."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.gridspec import GridSpecFromSubplotSpec
from matplotlib.ticker import MultipleLocator

from pipeline.commands.escaping import mathtext
from pipeline.machine.files import replace_atomically
from pipeline.representations import REPRESENTATIONS, Representation

_DARKEST, _BRIGHTEST = 0.01, 0.98
"""Shares of an image's pixels."""


def draw_record(
    path: Path,
    title: str,
    traces: np.ndarray,
    leads: Sequence[str],
    sampling_rate: float,
    images: np.ndarray,
    parameters: Mapping[str, Mapping[str, Any]],
    unit: str = "mV",
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

    Shape:
        traces (leads, time), images (leads, representations, size, size).
    """
    n_representations = len(parameters)
    figure = plt.figure(figsize=(max(8.0, 3.6 * n_representations), 4.6 * len(leads) + 0.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.06)  # type: ignore[union-attr, call-arg]
    figure.suptitle(mathtext(title))
    outer = figure.add_gridspec(len(leads), 1)
    duration = traces.shape[1] / sampling_rate
    limits = _millivolt_limits(traces)
    for row, lead in enumerate(leads):
        inner = GridSpecFromSubplotSpec(2, max(1, n_representations), outer[row], height_ratios=(1, 2.2))
        _draw_trace(figure.add_subplot(inner[0, :]), traces[row], lead, sampling_rate, limits, unit)
        for column, (name, options) in enumerate(parameters.items()):
            axes = figure.add_subplot(inner[1, column])
            _draw_image(axes, images[row, column], REPRESENTATIONS[name], options, duration, sampling_rate)
    replace_atomically(path, lambda temporary: figure.savefig(temporary, dpi=110, format="png"))
    plt.close(figure)


def _millivolt_limits(traces: np.ndarray) -> tuple[float, float]:
    low, high = float(traces.min()), float(traces.max())
    margin = 0.1 * (high - low) or 0.5
    return low - margin, high + margin


def _draw_trace(
    axes: Axes, trace: np.ndarray, lead: str, sampling_rate: float, limits: tuple[float, float], unit: str
) -> None:
    axes.plot(np.arange(len(trace)) / sampling_rate, trace, color="black", linewidth=0.8)
    axes.set(xlim=(0, len(trace) / sampling_rate), ylim=limits, xlabel="time (s)", ylabel=unit)
    axes.set_title(f"lead {mathtext(lead)}", loc="left", fontsize=10)
    # the paper's grid: large squares of 0.2 s and 0.5 mV
    axes.xaxis.set_minor_locator(MultipleLocator(0.2))
    axes.yaxis.set_minor_locator(MultipleLocator(0.5))
    axes.grid(which="both", color="#f2b8b5", linewidth=0.5)


def _draw_image(
    axes: Axes,
    image: np.ndarray,
    representation: Representation,
    options: Mapping[str, Any],
    duration: float,
    sampling_rate: float,
) -> None:
    low, high = options["value_range"]
    if representation.axes == "frequency-time":  # low frequencies at the bottom
        extent, rows = (0.0, duration, 0.0, min(options.get("max_hz", math.inf), sampling_rate / 2)), "frequency (Hz)"
    else:  # time downwards, as a matrix is written
        extent, rows = (0.0, duration, duration, 0.0), "time (s)"
    values = low + image.astype(float) / 255 * (high - low)
    darkest, brightest = colour_limits(values, (low, high), representation.axes)
    shown = axes.imshow(
        values, extent=extent, vmin=darkest, vmax=brightest, aspect="auto", interpolation="nearest", cmap="viridis"
    )
    axes.set_box_aspect(1)
    axes.set(xlabel="time (s)", ylabel=rows)
    axes.set_title(representation.title, fontsize=9)
    beyond = (values.min() < darkest, values.max() > brightest)
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[beyond]
    place = axes.inset_axes((1.04, 0.08, 0.05, 0.84))  # a part of the panel, so that the next one keeps clear of it
    bar = axes.figure.colorbar(shown, cax=place, extend=extend)
    bar.ax.tick_params(labelsize=8)
    bar.set_label(representation.units.get(options["scale"], ""))


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
