"""An electrocardiogram on its paper, true to the millimetre: 25 mm to the second and 10 mm to the millivolt."""

import io
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.commands.escaping import mathtext
from pipeline.signals.leads import LEADS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = (("I", "II", "III"), ("aVR", "aVL", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))
"""The leads of each quarter of the paper, from top to bottom."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 14.0, 4.0, 10.0, 8.0  # margins, mm
_ROW, _LOWEST_ROW, _LABEL = 8.0, 20.0, 9.0  # mm beside the waves of a row, the least that it has, a lead's name
_MM = 1 / 25.4  # inches
_COLOURS = {
    False: {"paper": "#fffdfb", "fine": "#f7dcd5", "strong": "#eab5a8", "ink": "#15191c"},
    True: {"paper": "#182024", "fine": "#2a2f32", "strong": "#493b39", "ink": "#e6ecec"},
}


def plot_ecg(
    signal_mv: np.ndarray,
    sampling_rate: float,
    leads: Sequence[str],
    *,
    layout: str = "3x4",
    rhythm: str | None = "II",
    title: str | None = None,
    notes: Sequence[str] = (),
    speed: float = 25.0,
    gain: float = 10.0,
    dark: bool = False,
) -> "Figure":
    """A recording on paper, with a calibration pulse of 1 mV and 0.2 s before each row.

    Args:
        signal_mv: the recording, mV.
        sampling_rate: Hz.
        leads: names.
        layout: ``3x4`` has a quarter of each of the twelve leads, three below each other, and the rhythm below them;
            ``rows`` has a row for each lead.
        rhythm: the lead of the last row of ``3x4``; None for none.
        title: above it; None for none.
        notes: below it, beside speed and gain.
        speed: mm to the second.
        gain: mm to the millivolt.
        dark: for a dark screen.

    Shape:
        signal_mv (leads, time).

    Raises:
        ValueError: an unknown layout, or ``3x4`` of other leads.
    """
    from matplotlib.figure import Figure

    rows = list(_rows(np.asarray(signal_mv, dtype=np.float64), tuple(leads), layout, rhythm))
    seconds = signal_mv.shape[1] / sampling_rate
    heights = [max(_LOWEST_ROW, gain * float(np.ptp(np.concatenate(waves))) + _ROW) for _, waves in rows]
    width, height = _LEFT + seconds * speed + _RIGHT, _TOP + sum(heights) + _BOTTOM
    colours = _COLOURS[dark]
    figure = Figure(figsize=(width * _MM, height * _MM), facecolor=colours["paper"])
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    _draw_grid(axes, width, height, colours)
    bottom = height - _TOP
    for (names, waves), of_row in zip(rows, heights, strict=True):
        bottom -= of_row
        top = max(float(x.max()) for x in waves)
        zero = bottom + of_row - _ROW / 2 - gain * top  # where 0 mV lies
        _draw_row(axes, names, waves, zero, speed / sampling_rate, speed, gain, colours["ink"])
    words: dict[str, Any] = {"color": colours["ink"], "fontsize": 8, "verticalalignment": "center"}
    axes.text(_LEFT, height - _TOP / 2, mathtext(title or " "), **words)
    told = "   ".join([f"{speed:g} mm/s   {gain:g} mm/mV", *map(mathtext, notes)])
    axes.text(_LEFT, _BOTTOM / 2, told, **words | {"fontsize": 7})
    return figure


def ecg_svg(signal_mv: np.ndarray, sampling_rate: float, leads: Sequence[str], **how: object) -> str:
    """The same as SVG without any reference to elsewhere, the same text every time; ``how`` is of :func:`plot_ecg`."""
    from matplotlib import rc_context

    figure = plot_ecg(signal_mv, sampling_rate, leads, **how)  # type: ignore[arg-type]
    file = io.StringIO()
    with rc_context({"svg.hashsalt": "ecg", "svg.fonttype": "path", "path.simplify_threshold": 0.05}):
        figure.savefig(file, format="svg", metadata={"Date": None}, facecolor=figure.get_facecolor())
    text = file.getvalue()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], count=1, flags=re.DOTALL)
    width, height = (float(inches) / _MM for inches in figure.get_size_inches())
    return re.sub(r'width="\S+pt" height="\S+pt"', f'width="{width:g}mm" height="{height:g}mm"', text, count=1)


def _rows(
    signal: np.ndarray, leads: tuple[str, ...], layout: str, rhythm: str | None
) -> Iterator[tuple[list[str], list[np.ndarray]]]:
    """The names and the waves that stand beside each other in each row."""
    if layout == "rows":
        yield from (([lead], [x]) for lead, x in zip(leads, signal, strict=True))
        return
    if layout != "3x4" or not set(LEADS) <= set(leads):
        raise ValueError(f"there is no layout {layout} of the leads {' '.join(leads)}")
    quarters = np.array_split(signal, len(COLUMNS), axis=1)
    for row in range(3):
        names = [column[row] for column in COLUMNS]
        yield names, [quarter[leads.index(name)] for quarter, name in zip(quarters, names, strict=True)]
    if rhythm is not None:
        yield [rhythm], [signal[leads.index(rhythm)]]


def _draw_grid(axes: "Axes", width: float, height: float, colours: dict[str, str]) -> None:
    """Lines at each millimetre, stronger ones at each fifth, counted from the beginning of the waves."""
    for step, colour, points in ((1.0, colours["fine"], 0.35), (5.0, colours["strong"], 0.5)):
        across = np.arange(_LEFT % step, width, step)
        upwards = np.arange(0, height, step)
        gap = np.full(len(across) + len(upwards), np.nan)  # a line ends there, so that all are one
        x = np.stack([np.r_[across, 0 * upwards], np.r_[across, 0 * upwards + width], gap], axis=1)
        y = np.stack([np.r_[0 * across, upwards], np.r_[0 * across + height, upwards], gap], axis=1)
        axes.plot(x.ravel(), y.ravel(), color=colour, linewidth=points, solid_capstyle="butt")


def _draw_row(
    axes: "Axes",
    names: Sequence[str],
    waves: Sequence[np.ndarray],
    zero: float,
    step: float,
    speed: float,
    gain: float,
    ink: str,
) -> None:
    how: dict[str, Any] = {"color": ink, "linewidth": 0.8, "solid_joinstyle": "round"}
    pulse = np.array([0.0, 0.06, 0.06, 0.26, 0.26, 0.32]) * speed + _LEFT - 0.36 * speed - 0.5
    axes.plot(pulse, zero + gain * np.array([0, 0, 1, 1, 0, 0]), **how)
    first = 0
    for name, x in zip(names, waves, strict=True):
        time = _LEFT + step * np.arange(first, first + len(x))
        axes.plot(time, zero + gain * x, **how)
        place: dict[str, Any] = {"fontsize": 8, "color": ink, "verticalalignment": "bottom"}
        below = float(x[: max(1, round(_LABEL / step))].max())  # the name stands clear of the waves
        axes.text(time[0] + 0.8, zero + gain * below + 1, mathtext(name), **place)
        if first:
            axes.plot([time[0]] * 2, [zero - 2, zero + 2], **how)
        first += len(x)
