"""An explanation on ECG paper: colour under the trace where a part speaks for the class, or against it."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.commands.escaping import mathtext
from pipeline.explain.explanation import Explanation
from pipeline.report.paper import (
    FOOTER,
    MARGIN,
    NOTES,
    TITLE,
    axes_at,
    draw_sheet,
    footer,
    new_page,
    note_lines,
    save_ecg,
    write,
)
from pipeline.report.paper_layout import Sheet, lay_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FOR, AGAINST = (0.85, 0.37, 0.01), (0.10, 0.42, 0.66)
"""Orange and blue, which colour-blind eyes tell apart."""
_SPEED, _GAIN, _LINE = 25.0, 10.0, 3.6
_HALF, _MOMENTS, _LEGEND = 9.0, 12.0, 16.0  # mm: colour above and below 0 mV, the strip of all leads, the legend
_STRONGEST_COLOUR = 0.75  # of 1, opaque


def plot_explanation(explanation: Explanation, layout: str | None = None) -> "Figure":
    """The page of an explanation.

    Args:
        explanation: what is drawn.
        layout: as of ``plot_ecg``.
    """
    one = explanation
    sheet = lay_out(one.signal, one.sampling_rate, one.leads, layout, "II", _SPEED, _GAIN)
    lines = note_lines([*_notes(one), *sheet.notes])
    width = 2 * MARGIN + sheet.width + NOTES
    below = _MOMENTS + _LEGEND
    height = TITLE + max(sheet.height + below, _LINE * len(lines) + 2) + FOOTER
    figure = new_page(width, height)
    said = f"{one.record_id}    what moved {one.class_name} ({one.probability:.3f})    {Path(one.run).name or one.run}"
    write(figure, MARGIN, TITLE / 2, said, fontsize=9)
    axes = draw_sheet(figure, sheet, MARGIN, TITLE, _SPEED, _GAIN)
    largest = float(np.abs(one.values).max()) or 1.0
    _colour(axes, sheet, one.values / largest, one.leads)
    _draw_moments(figure, one, sheet, TITLE + sheet.height + 4)
    _draw_legend(figure, largest, TITLE + sheet.height + _MOMENTS + 6)
    for number, line in enumerate(lines):
        write(figure, MARGIN + sheet.width + 4, TITLE + 2 + _LINE * number, line)
    told = footer(one.sampling_rate, _SPEED, _GAIN, "filtered as the run sees it")
    write(figure, MARGIN, height - FOOTER / 2, f"{told}    {one.notice}")
    return figure


def save_explanation(path: Path, explanation: Explanation, layout: str | None = None) -> None:
    """Saves the page, as SVG or PNG by the path's ending."""
    save_ecg(path, plot_explanation(explanation, layout))


def _colour(axes: "Axes", sheet: Sheet, parts: np.ndarray, leads: tuple[str, ...]) -> None:
    """Colour behind each strip; ``parts`` (leads, time) from -1 to 1."""
    for strip in sheet.strips:
        zero, half = sheet.zeros[strip.row], (strip.x[1] - strip.x[0]) / 2 if len(strip.x) > 1 else 0.5
        some = parts[leads.index(strip.lead), strip.first : strip.first + len(strip.x)]
        extent = (strip.x[0] - half, strip.x[-1] + half, zero + _HALF, zero - _HALF)
        axes.imshow(_shades(some), extent=extent, aspect="auto", interpolation="nearest", zorder=1.5)
    axes.set(xlim=(0, sheet.width), ylim=(sheet.height, 0))


def _shades(parts: np.ndarray) -> np.ndarray:
    """(time,) from -1 to 1 as one row of red, green, blue and opacity."""
    shades = np.where((parts > 0)[:, None], FOR, AGAINST)
    return np.concatenate([shades, _STRONGEST_COLOUR * np.abs(parts)[:, None]], axis=1)[None]


def _draw_moments(figure: "Figure", one: Explanation, sheet: Sheet, top: float) -> None:
    """A strip for all leads together, in time as a row of the paper is."""
    n = min(len(one.moments), round((sheet.width - sheet.lead_in) / _SPEED * one.sampling_rate))
    length = n / one.sampling_rate * _SPEED
    axes = axes_at(figure, MARGIN + sheet.lead_in, top, length, 5.0)
    largest = float(np.abs(one.moments).max()) or 1.0
    axes.imshow(_shades(one.moments[:n] / largest), extent=(0, n / one.sampling_rate, 0, 1), aspect="auto")
    axes.set_yticks([])
    axes.tick_params(axis="x", labelsize=5, length=2, pad=1)
    write(figure, MARGIN, top + 2.5, f"all, ±{largest:.2g}", fontsize=6)


def _draw_legend(figure: "Figure", largest: float, top: float) -> None:
    axes = axes_at(figure, MARGIN + 34, top + 2, 60, 3.0)
    axes.imshow(_shades(np.linspace(-1, 1, 101)), extent=(-largest, largest, 0, 1), aspect="auto")
    axes.set_yticks([])
    axes.tick_params(axis="x", labelsize=5, length=2, pad=1)
    write(figure, MARGIN + 32, top + 3.5, mathtext("against it"), horizontalalignment="right")
    write(figure, MARGIN + 96, top + 3.5, "for it: fall of its log-odds where the part is a straight line")


def _notes(one: Explanation) -> list[str]:
    strongest = [f"   {each.lead} {each.start_s:.2f}–{each.end_s:.2f} s: {each.change:+.2g}" for each in one.strongest]
    return [
        f"Parts of {one.window_s:g} s, each replaced in one lead by a straight line; what moved the log-odds of "
        f"{one.class_name} most:",
        *(strongest or ["   nothing did"]),
        "What is shown is what this run looks at, not a cause.",
        *(f"– {remark}" for remark in one.remarks),
        one.notice,
    ]
