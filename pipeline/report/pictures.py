"""Drawings that lie within a page: paper as SVG, images as PNG, each as an address that holds all of it."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib import colormaps
from PIL import Image

from pipeline.report.drawings import colour_limits
from pipeline.report.paper import ecg_svg
from pipeline.representations import LEAD_MAP_KEY, REPRESENTATIONS
from pipeline.scoring.answers import Seen

MOST_SECONDS = 10.0
"""Of a recording on paper: what a page is wide."""


def address(kind: str, content: bytes) -> str:
    """What a link or an image names to have this content without asking anybody."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def paper(seen: Seen, title: str, *, dark: bool = False) -> str:
    """The recording as its file has it on ECG paper, SVG: the first ten seconds where it is longer."""
    recording = seen.recording
    n_shown = min(recording.signal.shape[1], round(MOST_SECONDS * recording.sampling_rate))
    svg: str = ecg_svg(
        recording.signal[:, :n_shown],
        recording.sampling_rate,
        recording.leads,
        title=title,
        dark=dark,
        filtered="as recorded, not filtered",
        narrow=True,
    )
    return svg


@dataclass(frozen=True)
class Drawn:
    """One image of a lead.

    Attributes:
        lead: its name; of an image of all leads, all of them.
        title: of the representation.
        source: its address.
        height: in pixels.
        width: in pixels.
    """

    lead: str
    title: str
    source: str
    height: int
    width: int


def images(grey: np.ndarray, leads: tuple[str, ...], parameters: Mapping[str, Mapping[str, Any]]) -> list[list[Drawn]]:
    """The images of a branch, a list for each representation.

    Args:
        grey: levels.
        leads: of each row.
        parameters: of each representation, by name.

    Shape:
        grey (leads, representations, height, width) uint8.
    """
    found = []
    for column, name in enumerate(parameters):
        title, axes = _called(name)
        found.append([_drawn(each[column], lead, title, axes) for each, lead in zip(grey, leads, strict=True)])
    return found


def _called(name: str) -> tuple[str, str]:
    """The title of a representation, and what its axes are."""
    if name == LEAD_MAP_KEY:
        return "lead map", "frequency-time"  # whose whole range is used
    return REPRESENTATIONS[name].title, REPRESENTATIONS[name].axes


def _drawn(grey: np.ndarray, lead: str, title: str, axes: str) -> Drawn:
    low, high = colour_limits(grey / 255, (0.0, 1.0), axes)
    levels = np.clip((grey / 255 - low) / (high - low), 0, 1)
    image = Image.fromarray(np.rint(255 * levels).astype(np.uint8))
    image.putpalette(_palette())
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=3)
    height, width = grey.shape
    return Drawn(lead, title, address("image/png", file.getvalue()), height, width)


@lru_cache(maxsize=1)
def _palette() -> bytes:
    colours: np.ndarray = colormaps["viridis"](np.arange(256), bytes=True)
    return colours[:, :3].tobytes()
