"""What moved a score, on ECG paper: colour under the trace where a part speaks for a class, or against it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import EcgFusionError
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


def plot_explanation(
    signal_mv: np.ndarray,
    values: np.ndarray,
    sampling_rate: float,
    leads: Sequence[str],
    *,
    moments: np.ndarray | None = None,
    unit: str = "",
    title: str | None = None,
    notes: Sequence[str] = (),
    layout: str | None = None,
    filtered: str | None = None,
    notice: str = "",
) -> "Figure":
    """A recording on paper, orange behind what speaks for the class, blue behind what speaks against it.

    Args:
        signal_mv: what was explained, mV.
        values: what each sample of each lead is worth, above zero for the class; of any method.
        sampling_rate: Hz.
        leads: their names.
        moments: what each moment is worth in all leads together, a strip of its own; None for no such.
        unit: what the values are, behind the legend.
        title: above it.
        notes: in a margin; none for no margin.
        layout: as of ``plot_ecg``.
        filtered: what the footer says of filters.
        notice: the end of the footer.

    Shape:
        signal_mv and values (leads, time), moments (time,).

    Raises:
        EcgFusionError: the values are not those of the signal, or no numbers.
    """
    _check(signal_mv, values, moments)
    sheet = lay_out(signal_mv, sampling_rate, leads, layout, "II", _SPEED, _GAIN)
    lines = note_lines([*notes, *sheet.notes])
    strip = 0.0 if moments is None else _MOMENTS
    height = TITLE + max(sheet.height + strip + _LEGEND, _LINE * len(lines) + 2) + FOOTER
    figure = new_page(2 * MARGIN + sheet.width + (NOTES if lines else 0.0), height)
    write(figure, MARGIN, TITLE / 2, title or "", fontsize=9)
    axes = draw_sheet(figure, sheet, MARGIN, TITLE, _SPEED, _GAIN)
    largest = float(np.abs(values).max()) or 1.0
    colour_strips(axes, sheet, values / largest, leads)
    if moments is not None:
        draw_moments(figure, moments, sampling_rate, sheet, TITLE + sheet.height + 4)
    draw_legend(figure, largest, TITLE + sheet.height + strip + 6, unit)
    for number, line in enumerate(lines):
        write(figure, MARGIN + sheet.width + 4, TITLE + 2 + _LINE * number, line)
    told = footer(sampling_rate, _SPEED, _GAIN, filtered)
    write(figure, MARGIN, height - FOOTER / 2, f"{told}    {notice}".rstrip())
    return figure


def _check(signal_mv: np.ndarray, values: np.ndarray, moments: np.ndarray | None) -> None:
    if np.shape(values) != np.shape(signal_mv):
        raise EcgFusionError(f"the values {np.shape(values)} are not those of the signal {np.shape(signal_mv)}")
    if moments is not None and np.shape(moments) != np.shape(signal_mv)[-1:]:
        raise EcgFusionError(f"the moments {np.shape(moments)} are not those of the signal {np.shape(signal_mv)}")
    if not np.isfinite(values).all() or (moments is not None and not np.isfinite(moments).all()):
        raise EcgFusionError("some of the values are no numbers: set them to 0 where nothing is known")


def colour_strips(axes: "Axes", sheet: Sheet, parts: np.ndarray, leads: Sequence[str]) -> None:
    """Colour behind each strip of a sheet.

    Args:
        axes: of ``draw_sheet``.
        sheet: what is drawn there.
        parts: (leads, time) from -1, against the class, to 1, for it.
        leads: their names.
    """
    for strip in sheet.strips:
        zero, half = sheet.zeros[strip.row], (strip.x[1] - strip.x[0]) / 2 if len(strip.x) > 1 else 0.5
        some = parts[list(leads).index(strip.lead), strip.first : strip.first + len(strip.x)]
        extent = (strip.x[0] - half, strip.x[-1] + half, zero + _HALF, zero - _HALF)
        axes.imshow(shades(some), extent=extent, aspect="auto", interpolation="nearest", zorder=1.5)
    axes.set(xlim=(0, sheet.width), ylim=(sheet.height, 0))


def shades(parts: np.ndarray) -> np.ndarray:
    """(time,) from -1 to 1 as one row of red, green, blue and opacity: (1, time, 4)."""
    colours = np.where((parts > 0)[:, None], FOR, AGAINST)
    return np.concatenate([colours, _STRONGEST_COLOUR * np.abs(parts)[:, None]], axis=1)[None]


def draw_moments(figure: "Figure", moments: np.ndarray, sampling_rate: float, sheet: Sheet, top: float) -> None:
    """A strip for all leads together, (time,), in time as a row of the paper is; ``top`` in mm."""
    n = min(len(moments), round((sheet.width - sheet.lead_in) / _SPEED * sampling_rate))
    axes = axes_at(figure, MARGIN + sheet.lead_in, top, n / sampling_rate * _SPEED, 5.0)
    largest = float(np.abs(moments).max()) or 1.0
    axes.imshow(shades(moments[:n] / largest), extent=(0, n / sampling_rate, 0, 1), aspect="auto")
    axes.set_yticks([])
    axes.tick_params(axis="x", labelsize=5, length=2, pad=1)
    write(figure, MARGIN, top + 2.5, f"all, ±{largest:.2g}", fontsize=6)


def draw_legend(figure: "Figure", largest: float, top: float, unit: str = "") -> None:
    """From -largest to largest in colours; ``top`` in mm."""
    axes = axes_at(figure, MARGIN + 34, top + 2, 60, 3.0)
    axes.imshow(shades(np.linspace(-1, 1, 101)), extent=(-largest, largest, 0, 1), aspect="auto")
    axes.set_yticks([])
    axes.tick_params(axis="x", labelsize=5, length=2, pad=1)
    write(figure, MARGIN + 32, top + 3.5, "against it", horizontalalignment="right")
    write(figure, MARGIN + 96, top + 3.5, f"for it{': ' + unit if unit else ''}")
