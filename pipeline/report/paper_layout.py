"""What stands where on ECG paper: rows of strips, wrapped where they are long, far enough apart not to touch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.signals.leads import LEADS

ROW_SECONDS = 10.0
"""What a row of paper at 25 mm/s is long; at another speed it is as many millimetres."""
MOST_ROWS = 36
MOST_MV = 10.0
"""What is further from a lead's median is cut off, and a note says so."""
_OFF_CENTRE_MV = 1.0  # a lead whose median is further from 0 is drawn about its median
_LEAST_MM, _CLEAR_MM, _EDGE_MM, _LABEL_MM = 20.0, 3.0, 5.0, 6.0
_SQUARE = 5.0


@dataclass(frozen=True)
class Strip:
    """A piece of one lead.

    Attributes:
        lead: its name.
        x: its samples' distance from the left edge, mm.
        y: above its row's zero, mm.
        row: in which row it stands.
        begins: whether it begins within the row, beside another strip.
        first: which sample of the recording is its first.
    """

    lead: str
    x: np.ndarray
    y: np.ndarray
    row: int
    begins: bool
    first: int


@dataclass(frozen=True)
class Sheet:
    """The squared part of a page.

    Attributes:
        strips: what is drawn.
        zeros: of each row, where 0 mV lies below the upper edge, mm.
        lead_in: where the first sample of a row stands, mm; before it is the calibration pulse.
        width: mm.
        height: mm.
        notes: sentences on what is not as one would think.
    """

    strips: tuple[Strip, ...]
    zeros: tuple[float, ...]
    lead_in: float
    width: float
    height: float
    notes: tuple[str, ...]


def lay_out(
    signal_mv: np.ndarray,
    sampling_rate: float,
    leads: Sequence[str],
    layout: str | None,
    rhythm: str | None,
    speed: float,
    gain: float,
) -> Sheet:
    """Where each lead stands; arguments as of ``plot_ecg``.

    Raises:
        EcgFusionError: the layout is unknown, or there is no signal.
    """
    x = np.asarray(signal_mv, dtype=np.float64)
    if x.ndim != 2 or not x.size or len(x) != len(leads):
        raise EcgFusionError(f"a drawing needs (leads, time) of {len(leads)} leads, and this is {x.shape}")
    if not (sampling_rate > 0 and speed > 0 and gain > 0):
        raise EcgFusionError("sampling rate, speed and gain of a drawing are above 0")
    x, notes = _fit_for_paper(x, leads)
    layout = layout or ("3x4" if set(LEADS) <= set(leads) else "rows")
    row_samples = max(1, round(ROW_SECONDS * 25.0 / speed * sampling_rate))
    if layout == "rows":
        cells, shown = _rows(x.shape, row_samples)
    else:
        cells, shown = _grid(x.shape, leads, layout, rhythm, row_samples)
    if shown < x.shape[1]:
        notes += (f"The first {shown / sampling_rate:g} s of {x.shape[1] / sampling_rate:g} s.",)
    lead_in = 2 * _SQUARE + 0.2 * speed
    step = speed / sampling_rate
    strips = tuple(
        Strip(
            leads[lead],
            lead_in + step * np.arange(at, at + stop - first),
            gain * x[lead, first:stop],
            row,
            at > 0,
            first,
        )
        for lead, row, first, stop, at in cells
    )
    zeros, height = _heights(strips, gain)
    length = max(step * (at + stop - first) for _, _, first, stop, at in cells)
    return Sheet(strips, zeros, lead_in, _up(lead_in + length + _EDGE_MM), height, notes)


Cell = tuple[int, int, int, int, int]  # lead, row, first sample, last + 1, sample of the row at which it stands


def _rows(shape: tuple[int, ...], row_samples: int) -> tuple[list[Cell], int]:
    """A row a lead; what is longer than a row goes on below all of them, as far as there is room."""
    n_leads, n_samples = shape
    systems = min(-(-n_samples // row_samples), max(1, MOST_ROWS // n_leads))
    shown = min(n_samples, systems * row_samples)
    cells = [
        (lead, system * n_leads + lead, system * row_samples, min(shown, (system + 1) * row_samples), 0)
        for system in range(systems)
        for lead in range(n_leads)
    ]
    return cells, shown


def _grid(
    shape: tuple[int, ...], leads: Sequence[str], layout: str, rhythm: str | None, row_samples: int
) -> tuple[list[Cell], int]:
    """Columns that follow each other in time, the usual leads first; below them whole rows.

    These are of the rhythm, and of leads for which the columns have no room.
    """
    size = re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", layout)
    if size is None:
        raise EcgFusionError(f"there is no layout {layout}: 3x4, 6x2 or rows")
    n_rows, n_columns = int(size[1]), int(size[2])
    shown = min(shape[1], row_samples)
    edges = np.linspace(0, shown, n_columns + 1).round().astype(int).tolist()
    usual = [list(leads).index(name) for name in LEADS if name in leads]
    order = usual + [lead for lead in range(len(leads)) if lead not in usual]
    cells = []
    room = n_rows * n_columns
    for place, lead in enumerate(order[:room]):
        column, row = divmod(place, n_rows)
        if edges[column + 1] > edges[column]:
            cells.append((lead, row, edges[column], edges[column + 1], edges[column]))
    whole = [list(leads).index(rhythm)] if rhythm is not None and rhythm in leads else []
    below = min(n_rows, len(order))
    cells += [(lead, below + row, 0, shown, 0) for row, lead in enumerate(whole + order[room:])]
    return cells, shown


def _fit_for_paper(x: np.ndarray, leads: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """About the median where that is far from zero, and within what paper holds; a sentence for each that is not."""
    notes = []
    found = []
    for lead, wave in zip(leads, x, strict=True):
        good = wave[np.isfinite(wave)]
        wave = np.where(np.isfinite(wave), wave, np.nan)
        middle = float(np.median(good)) if good.size else 0.0
        if good.size < wave.size:
            notes.append(f"{lead}: samples are missing.")
        if abs(middle) > _OFF_CENTRE_MV:
            wave = wave - middle
            notes.append(f"{lead} is drawn about its median, {middle:.3g} mV.")
        if good.size and np.nanmax(np.abs(wave)) > MOST_MV:
            wave = np.clip(wave, -MOST_MV, MOST_MV)
            notes.append(f"{lead} is cut off at {MOST_MV:g} mV.")
        found.append(wave)
    return np.stack(found), tuple(notes)


def _heights(strips: Sequence[Strip], gain: float) -> tuple[tuple[float, ...], float]:
    """Zeros upon strong lines, so far apart that no wave, pulse or label reaches another row; and the height."""
    n_rows = 1 + max(strip.row for strip in strips)
    above, below = np.full(n_rows, float(gain)), np.zeros(n_rows)  # the pulse
    for strip in strips:
        good = strip.y[np.isfinite(strip.y)]
        if good.size:
            above[strip.row] = max(above[strip.row], good.max())
            below[strip.row] = max(below[strip.row], -good.min())
    above += _LABEL_MM
    zeros = [_up(above[0] + _EDGE_MM)]
    for row in range(1, n_rows):
        zeros.append(_up(zeros[-1] + max(_LEAST_MM, below[row - 1] + above[row] + _CLEAR_MM - _LABEL_MM / 2)))
    return tuple(zeros), _up(zeros[-1] + below[-1] + _EDGE_MM)


def _up(mm: float) -> float:
    """To the next strong line."""
    return float(_SQUARE * np.ceil(round(mm / _SQUARE, 6)))
