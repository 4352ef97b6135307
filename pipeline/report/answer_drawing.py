"""One recording and what a run says of it, on one page: the paper, the answers and the images that the run saw."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.commands.escaping import mathtext
from pipeline.report.drawings import draw_panel
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
from pipeline.report.paper_layout import lay_out
from pipeline.scoring.answers import Answer, Images, Seen

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CLASSES, MOST_PANELS = 30, 48
"""Of a page: the most probable classes, and the first images of a branch."""
_PANEL, _PITCH, _LINE_OF_PANELS = 34.0, 62.0, 50.0  # mm
_BAR, _NAMES, _BARS = 5.0, 34.0, 120.0  # mm: a class's height, its name, a probability of 1
_SPEED, _GAIN, _LINE = 25.0, 10.0, 3.6


def draw_answer(path: Path, answer: Answer, seen: Seen, format: str | None = None) -> None:
    """Saves the page of a recording.

    Args:
        path: where.
        answer: what the run says.
        seen: what it saw.
        format: ``svg`` or ``png``; None for what the path ends with.
    """
    save_ecg(path, answer_figure(answer, seen), format)


def answer_figure(answer: Answer, seen: Seen) -> "Figure":
    """The page of a recording; arguments as of :func:`draw_answer`."""
    recording = seen.recording
    sheet = lay_out(recording.signal, recording.sampling_rate, recording.leads, None, "II", _SPEED, _GAIN)
    lines = note_lines([*_notes(answer), *sheet.notes])
    width = 2 * MARGIN + max(sheet.width, _NAMES + _BARS + 36) + NOTES
    room = max(1, int((width - 2 * MARGIN) // _PITCH))
    names = sorted(answer.probabilities, key=lambda name: -answer.probabilities[name])[:MOST_CLASSES]
    upper = max(sheet.height + 4 + 12 + _BAR * len(names) + 8, _LINE * len(lines) + 4)
    blocks = [(branch, list(_panels(images))) for branch, images in seen.images.items()]
    per_lines = {branch: _per_line(room, len(seen.images[branch][2])) for branch, _ in blocks}
    lower = sum(8 + _LINE_OF_PANELS * -(-len(panels) // per_lines[branch]) for branch, panels in blocks)
    height = TITLE + upper + lower + FOOTER
    figure = new_page(width, height)
    write(
        figure,
        MARGIN,
        TITLE / 2,
        f"{answer.record_id}    answered by {Path(answer.run).name or answer.run}",
        fontsize=9,
    )
    draw_sheet(figure, sheet, MARGIN, TITLE, _SPEED, _GAIN)
    for number, line in enumerate(lines):
        write(figure, width - MARGIN - NOTES + 4, TITLE + 2 + _LINE * number, line)
    _draw_bars(figure, answer, names, TITLE + sheet.height + 10)
    top, is_whole = TITLE + upper, answer.spreads is None and answer.beats is None
    duration = seen.signal.shape[1] / seen.sampling_rate if is_whole else None  # else images are of the first part
    for branch, panels in blocks:
        part = "" if is_whole else ", of the first of several parts of the recording"
        n_there = len(seen.images[branch][1]) * len(seen.images[branch][2])
        left_out = f": the first {len(panels)} of {n_there} images" if len(panels) < n_there else ""
        write(figure, MARGIN, top + 2, f"what {branch} saw{part}{left_out}", fontsize=8)
        for place, (lead, name, image, options) in enumerate(panels):
            row, column = divmod(place, per_lines[branch])
            axes = axes_at(figure, MARGIN + 11 + _PITCH * column, top + 9 + _LINE_OF_PANELS * row, _PANEL, _PANEL)
            draw_panel(axes, image, name, options, duration, seen.sampling_rate, lead, fontsize=5)
        top += 8 + _LINE_OF_PANELS * -(-len(panels) // per_lines[branch])
    told = footer(recording.sampling_rate, _SPEED, _GAIN, "as recorded, not filtered")
    write(figure, MARGIN, height - FOOTER / 2, f"{told}    {answer.notice}")
    return figure


def _notes(answer: Answer) -> Iterator[str]:
    yield f"Findings: {', '.join(answer.findings) or 'none is at its threshold'}"
    for name in answer.findings:
        yield f"   {name} {answer.probabilities[name]:.3f}"
    yield f"{answer.seconds:g} s, {len(answer.leads)} leads"
    yield from (f"– {remark}" for remark in answer.remarks)
    if len(answer.probabilities) > MOST_CLASSES:
        yield f"The {MOST_CLASSES} most probable of {len(answer.probabilities)} classes are drawn."
    yield answer.notice


def _per_line(room: int, n_representations: int) -> int:
    """Images a line: those of whole leads, where there is room for one."""
    whole = max(1, n_representations)
    return room // whole * whole or room


def _panels(images: Images) -> Iterator[tuple[str, str, np.ndarray, dict[str, object]]]:
    """Lead, representation, grey levels and parameters of the images of a branch, as many as there is room for."""
    grey, leads, parameters = images
    of_all = ((lead, row, name, column) for row, lead in enumerate(leads) for column, name in enumerate(parameters))
    for (lead, row, name, column), _ in zip(of_all, range(MOST_PANELS), strict=False):
        yield lead, name, grey[row, column], dict(parameters[name])


def _draw_bars(figure: "Figure", answer: Answer, names: list[str], top: float) -> None:
    """A bar a class, dark where it is a finding, with its threshold, the range of an ensemble and that of the parts."""
    marks = ["bar: probability"]
    axes = axes_at(figure, MARGIN + _NAMES, top, _BARS, _BAR * len(names))
    axes.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5), facecolor="none")
    at = np.arange(len(names))
    values = [answer.probabilities[name] for name in names]
    shades = ["#30404a" if name in answer.findings else "#b3bec4" for name in names]
    axes.barh(at, values, height=0.55, color=shades)
    axes.set_yticks(at, [mathtext(name if len(name) <= 24 else name[:23] + "…") for name in names], fontsize=7)
    axes.tick_params(axis="x", labelsize=6)
    for place, name in enumerate(names):
        axes.text(1.02, place, f"{answer.probabilities[name]:.3f}", fontsize=7, verticalalignment="center")
        if answer.thresholds is not None:
            axes.plot([answer.thresholds[name]] * 2, [place - 0.45, place + 0.45], color="#c2410c", linewidth=1.4)
        if answer.intervals is not None:
            axes.plot(
                answer.intervals[name], [place - 0.12] * 2, color="#0f6fb5", marker="|", markersize=4, linewidth=1
            )
        if answer.spreads is not None:
            axes.plot(answer.spreads[name], [place + 0.15] * 2, color="#7a7a7a", linestyle=":", linewidth=1.2)
    marks += ["upright: threshold"] if answer.thresholds is not None else []
    marks += ["whisker: members or branches"] if answer.intervals is not None else []
    marks += ["dotted: parts of the recording"] if answer.spreads is not None else []
    write(figure, MARGIN + _NAMES, top - 3, "    ".join(marks))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
