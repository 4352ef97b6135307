"""A recording on ECG paper as SVG of the page's own colours: 25 mm to the second, 10 mm to the millivolt."""

import numpy as np

from pipeline.page.frame import chart
from pipeline.page.markup import Markup, tag
from pipeline.page.model import Picture
from pipeline.report.paper_layout import Sheet, Strip, lay_out

SPEED, GAIN = 25.0, 10.0  # mm to the second, mm to the millivolt
_STEP_MM = 0.1  # samples nearer than this are drawn as the least and the greatest of them
_LONGEST = 16


def paper(key: str, picture: Picture) -> tuple[Markup, tuple[str, ...]]:
    """The drawing, and sentences on what in it is not as one would think."""
    n_shown = min(picture.signal.shape[1], round(10 * picture.sampling_rate))
    signal = picture.signal[:, :n_shown]
    sheet = lay_out(signal, picture.sampling_rate, picture.leads, None, "II", SPEED, GAIN)
    notes = sheet.notes
    if n_shown < picture.signal.shape[1]:
        notes += (f"The first 10 s of {picture.signal.shape[1] / picture.sampling_rate:g} s.",)
    told = f"Leads {', '.join(picture.leads)}; {SPEED:g} mm/s, {GAIN:g} mm/mV"
    parts = [*_squares(key, sheet), *_pulses(sheet), *(part for strip in sheet.strips for part in _strip(strip, sheet))]
    drawing = chart(
        f"{key}-paper",
        sheet.width,
        sheet.height,
        f"Electrocardiogram of {picture.title}",
        told,
        parts,
        kind="ecg",
        mm=True,
    )
    return drawing, notes


def _squares(key: str, sheet: Sheet) -> list[Markup]:
    """Small and large squares, as a pattern that is said once."""
    small = tag("path", d="M1 0V5M2 0V5M3 0V5M4 0V5M0 1H5M0 2H5M0 3H5M0 4H5", class_="fine")
    large = tag("path", d="M0 0H5V5H0Z", class_="strong")
    pattern = tag("pattern", small, large, id=f"{key}-squares", width=5, height=5, patternUnits="userSpaceOnUse")
    size = {"width": sheet.width, "height": sheet.height}
    return [
        tag("defs", pattern),
        tag("rect", class_="ground", **size),
        tag("rect", fill=f"url(#{key}-squares)", **size),
    ]


def _pulses(sheet: Sheet) -> list[Markup]:
    start = sheet.lead_in - 5.0 - 0.2 * SPEED
    return [
        tag("path", d=f"M{start - 2.5:.2f} {zero:.2f}h2.5v{-GAIN:.2f}h{0.2 * SPEED:.2f}v{GAIN:.2f}h2.5", class_="trace")
        for zero in sheet.zeros
    ]


def _strip(strip: Strip, sheet: Sheet) -> list[Markup]:
    zero, x, y = sheet.zeros[strip.row], *_fewer(strip.x, strip.y)
    name = strip.lead if len(strip.lead) <= _LONGEST else f"{strip.lead[: _LONGEST - 1]}…"
    near = strip.y[strip.x < strip.x[0] + 3 + 2 * len(name)]
    near = near[np.isfinite(near)]
    above = max(2.0, float(near.max()) if near.size else 0.0) + 1.5  # clear of the waves below it
    parts = [tag("path", d=_path(x, zero - y), class_="trace")]
    if strip.begins:
        parts.append(tag("path", d=f"M{strip.x[0]:.2f} {zero - 3:.2f}v6", class_="trace"))
    return [*parts, tag("text", name, x=float(strip.x[0]) + 1, y=zero - above, class_="lead")]


def _fewer(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of samples that stand closer than the eye sees, the least and the greatest of each few, in their order."""
    few = int(_STEP_MM * 2 / (x[1] - x[0])) if len(x) > 1 else 1
    if few <= 2:
        return x, y
    n = len(x) // few * few
    rows = np.where(np.isfinite(y[:n]), y[:n], 0.0).reshape(-1, few)
    ends = np.sort(np.stack([rows.argmin(1), rows.argmax(1)], axis=1), axis=1)
    kept = np.unique(np.concatenate([(ends + few * np.arange(len(rows))[:, None]).ravel(), [0, len(x) - 1]]))
    return x[kept], y[kept]


def _path(x: np.ndarray, y: np.ndarray) -> str:
    """Steps from sample to sample in hundredths of a millimetre; what is no number leaves a gap."""
    good = np.isfinite(y)
    places = np.round(np.stack([x, np.where(good, y, 0.0)], axis=1) * 100).astype(int)
    parts: list[str] = []
    before: np.ndarray | None = None
    for place, is_good in zip(places, good, strict=True):
        if not is_good:
            before = None
            continue
        if before is None:
            parts.append(f"M{_mm(place[0])} {_mm(place[1])}l0 0 ")
        else:
            parts.append(f"{_mm(place[0] - before[0])} {_mm(place[1] - before[1])} ")
        before = place
    return "".join(parts).replace(" -", "-").strip()


def _mm(hundredths: int) -> str:
    """Hundredths of a millimetre, as short as SVG has it."""
    text = f"{hundredths / 100:.2f}".rstrip("0").rstrip(".")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
