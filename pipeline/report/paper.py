"""An electrocardiogram on its paper, true to the millimetre: 25 mm to the second and 10 mm to the millivolt."""

import io
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.commands.escaping import mathtext
from pipeline.machine.files import replace_atomically
from pipeline.report.paper_layout import Sheet, lay_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MM = 1 / 25.4
"""Inches."""
DPI = 200
"""Of a PNG, which says so itself."""
COMPRESS = 3
"""Of a PNG, as zlib counts: the usual 6 takes as long as all else of a page."""
MARGIN, TITLE, FOOTER, NOTES = 8.0, 9.0, 7.0, 62.0  # mm
_NARROW = 1.0
_LINE, _LETTERS = 3.6, 46  # of notes: mm a line, letters a line
_SAVING = Lock()  # matplotlib's settings, fonts and parsers are those of the whole process
COLOURS = {
    False: {"paper": "#fffdfb", "fine": "#f7dcd5", "strong": "#eab5a8", "ink": "#15191c"},
    True: {"paper": "#182024", "fine": "#2a2f32", "strong": "#493b39", "ink": "#e6ecec"},
}


def plot_ecg(
    signal_mv: np.ndarray,
    sampling_rate: float,
    leads: Sequence[str],
    *,
    layout: str | None = None,
    rhythm: str | None = "II",
    title: str | None = None,
    notes: Sequence[str] = (),
    speed: float = 25.0,
    gain: float = 10.0,
    dark: bool = False,
    filtered: str | None = None,
    unit: str = "mV",
    narrow: bool = False,
) -> "Figure":
    """A recording on paper, with a calibration pulse of 1 mV and 0.2 s before each row.

    Args:
        signal_mv: the recording, mV; samples that are no numbers leave a gap.
        sampling_rate: Hz.
        leads: names, any.
        layout: ``3x4`` or ``6x2``, rows by columns that follow each other in time, of the first 10 s; ``rows`` has
            a row a lead, and long recordings go on below; None for ``3x4`` of the twelve leads, ``rows`` of others.
        rhythm: the lead of the last row below columns, where the recording has it; None for none.
        title: above it; None for none.
        notes: findings and remarks, in a margin.
        speed: mm to the second.
        gain: mm to the millivolt.
        dark: for a dark screen.
        filtered: what the footer says of filters.
        unit: what 1 of the signal is called.
        narrow: as wide as its squares, and notes below them: 10 s fit on A4 across.

    Shape:
        signal_mv (leads, time).

    Raises:
        EcgFusionError: an unknown layout, or no signal.
    """
    sheet = lay_out(signal_mv, sampling_rate, leads, layout, rhythm, speed, gain)
    margin = _NARROW if narrow else MARGIN
    letters = max(_LETTERS, int(0.7 * sheet.width)) if narrow else _LETTERS
    lines = note_lines([*notes, *sheet.notes], letters)
    width = 2 * margin + sheet.width + (NOTES if lines and not narrow else 0.0)
    beside = _LINE * len(lines) + 2 if lines else 0.0
    height = TITLE + (sheet.height + beside if narrow else max(sheet.height, beside)) + FOOTER
    figure = new_page(width, height, dark)
    draw_sheet(figure, sheet, margin, TITLE, speed, gain, dark)
    write(figure, margin, TITLE / 2, title or "", dark, fontsize=9)
    left, top = (margin, TITLE + sheet.height + 3) if narrow else (margin + sheet.width + 4, TITLE + 2)
    for number, line in enumerate(lines):
        write(figure, left, top + _LINE * number, line, dark)
    told = footer(sampling_rate, speed, gain, filtered, unit)
    write(figure, margin, height - FOOTER / 2, told, dark)
    return figure


def footer(sampling_rate: float, speed: float, gain: float, filtered: str | None, unit: str = "mV") -> str:
    """Scale, rate and filter in a line."""
    parts = [f"{speed:g} mm/s", f"{gain:g} mm/{unit}", f"{sampling_rate:g} Hz", *([filtered] if filtered else [])]
    return "    ".join(parts)


def note_lines(notes: Sequence[str], letters: int = _LETTERS) -> list[str]:
    """Sentences as lines of a margin."""
    return [line for note in notes for line in textwrap.wrap(note, letters, subsequent_indent="   ") or [""]]


def new_page(width: float, height: float, dark: bool = False) -> "Figure":
    """An empty figure of so many millimetres, which no global state knows of."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width * MM, height * MM), facecolor=COLOURS[dark]["paper"])


def axes_at(figure: "Figure", left: float, top: float, width: float, height: float) -> "Axes":
    """Axes whose upper left corner is so many millimetres from the page's."""
    page_width, page_height = figure.get_size_inches() / MM
    return figure.add_axes(
        (left / page_width, 1 - (top + height) / page_height, width / page_width, height / page_height)
    )


def write(figure: "Figure", left: float, top: float, words: str, dark: bool = False, **how: Any) -> None:
    """Text as it is, its left end so many millimetres from the page's upper left corner."""
    page_width, page_height = figure.get_size_inches() / MM
    look: dict[str, Any] = {"fontsize": 7, "color": COLOURS[dark]["ink"], "verticalalignment": "center"} | how
    figure.text(left / page_width, 1 - top / page_height, mathtext(words) if words else "", **look)


def draw_sheet(
    figure: "Figure", sheet: Sheet, left: float, top: float, speed: float, gain: float, dark: bool = False
) -> "Axes":
    """Squares, pulses, waves and names of a sheet, so many millimetres from the page's upper left corner."""
    colours = COLOURS[dark]
    axes = axes_at(figure, left, top, sheet.width, sheet.height)
    axes.set(xlim=(0, sheet.width), ylim=(sheet.height, 0))
    axes.set_axis_off()
    _draw_grid(axes, sheet, colours)
    how: dict[str, Any] = {"color": colours["ink"], "linewidth": 0.7, "solid_joinstyle": "round"}
    start = sheet.lead_in - 5.0 - 0.2 * speed
    pulse = start + np.array([-2.5, 0, 0, 0.2 * speed, 0.2 * speed, 0.2 * speed + 2.5])
    for row, zero in enumerate(sheet.zeros):
        axes.plot(pulse, zero - gain * np.array([0, 0, 1, 1, 0, 0]), gid=f"calibration-{row}", **how)
    for number, strip in enumerate(sheet.strips):
        zero = sheet.zeros[strip.row]
        axes.plot(strip.x, zero - strip.y, gid=f"trace-{number}", **how)
        if strip.begins:
            axes.plot([strip.x[0]] * 2, [zero - 3, zero + 3], **how)
        name = strip.lead if len(strip.lead) <= 16 else strip.lead[:15] + "…"
        near = strip.y[strip.x < strip.x[0] + 3 + 2 * len(name)]
        near = near[np.isfinite(near)]
        axes.text(
            strip.x[0] + 1,
            zero - max(2.0, near.max() if near.size else 0.0) - 1.5,  # clear of the waves below it
            mathtext(name),
            fontsize=8,
            color=colours["ink"],
            verticalalignment="bottom",
        )
    return axes


def _draw_grid(axes: "Axes", sheet: Sheet, colours: dict[str, str]) -> None:
    """Lines at each millimetre, stronger ones at each fifth; all of a kind are one path."""
    for step, colour, points, name in ((1, colours["fine"], 0.3, "1mm"), (5, colours["strong"], 0.55, "5mm")):
        across, down = np.arange(0, sheet.width + 0.5, step), np.arange(0, sheet.height + 0.5, step)
        gap = np.full(len(across) + len(down), np.nan)  # a line ends there
        x = np.stack([np.r_[across, 0 * down], np.r_[across, 0 * down + sheet.width], gap], axis=1)
        y = np.stack([np.r_[0 * across, down], np.r_[0 * across + sheet.height, down], gap], axis=1)
        axes.plot(x.ravel(), y.ravel(), color=colour, linewidth=points, clip_on=False, gid=f"grid-{name}", zorder=1)


def ecg_svg(signal_mv: np.ndarray, sampling_rate: float, leads: Sequence[str], **how: Any) -> str:
    """The same as SVG without any reference to elsewhere, the same text every time; ``how`` is of :func:`plot_ecg`."""
    return figure_svg(plot_ecg(signal_mv, sampling_rate, leads, **how))


def figure_svg(figure: "Figure") -> str:
    """A page as SVG whose size is said in mm; letters are outlines."""
    from matplotlib import rc_context

    file = io.StringIO()
    settings: dict[Any, Any] = {"svg.hashsalt": "ecg", "svg.fonttype": "path"}
    with _SAVING, rc_context(settings):
        figure.savefig(file, format="svg", dpi=72, metadata={"Date": None}, facecolor=figure.get_facecolor())
    text = file.getvalue()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], count=1, flags=re.DOTALL)
    width, height = (float(inches) / MM for inches in figure.get_size_inches())
    return re.sub(r'width="\S+pt" height="\S+pt"', f'width="{width:g}mm" height="{height:g}mm"', text, count=1)


def save_ecg(path: Path | str, figure: "Figure", format: str | None = None, dpi: int = DPI) -> None:
    """Saves a page; the same figure gives the same bytes.

    Args:
        path: where.
        figure: of :func:`plot_ecg`, or any page in mm.
        format: ``svg`` or ``png``; None for what the path ends with.
        dpi: of a PNG.
    """
    path = Path(path)
    kind = (format or path.suffix.removeprefix(".")).lower()
    if kind == "svg":
        text = '<?xml version="1.0" encoding="utf-8"?>\n' + figure_svg(figure)
        replace_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
        return
    if kind != "png":
        raise ValueError(f"a drawing is svg or png, not {kind}")
    with _SAVING:
        replace_atomically(
            path,
            lambda temporary: figure.savefig(
                temporary,
                format="png",
                dpi=dpi,
                metadata={"Software": None},
                facecolor=figure.get_facecolor(),
                pil_kwargs={"compress_level": COMPRESS},
            ),
        )
