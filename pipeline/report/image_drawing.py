"""Images as a network sees them, with axes and the values of their colours: a row a lead, a column a representation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pipeline.errors import EcgFusionError
from pipeline.report.drawings import draw_panel
from pipeline.report.paper import FOOTER, MARGIN, TITLE, axes_at, new_page, write

_PANEL, _PITCH, _LINE = 40.0, 68.0, 56.0  # mm: an image; with its labels and its bar, across and down
_LEFT, _ABOVE, _MOST_ACROSS = 12.0, 7.0, 4

Made = tuple[str, Mapping[str, Any]]


def plot_images(
    images: np.ndarray,
    made: Mapping[str, Mapping[str, Any]] | Sequence[Made],
    leads: Sequence[str],
    sampling_rate: float,
    *,
    seconds: float | None = None,
    titles: Sequence[str] | None = None,
    title: str | None = None,
) -> Figure:
    """The images of one recording.

    Args:
        images: grey levels.
        made: representation and what made its images (``ImageRecipe.parameters(name)``), in their order; pairs where
            one stands there twice.
        leads: their names.
        sampling_rate: of the signal that they are of, Hz.
        seconds: how long that is, s; None where time is to have no numbers.
        titles: of the representations; None for their own.
        title: above it.

    Shape:
        images (leads, representations, height, width).

    Raises:
        EcgFusionError: the images are not so many.
    """
    columns = list(made.items()) if isinstance(made, Mapping) else list(made)
    if images.ndim != 4 or images.shape[:2] != (len(leads), len(columns)):
        raise EcgFusionError(
            f"images of {len(leads)} leads in {len(columns)} representations are (leads, representations, height, "
            f"width), and these are {images.shape}"
        )
    lines = -(-len(columns) // _MOST_ACROSS) if len(leads) == 1 else 1  # of a lead
    across = -(-len(columns) // lines)
    above = TITLE if title else 0.0
    height = above + _LINE * len(leads) * lines + FOOTER / 2
    figure = new_page(2 * MARGIN + _PITCH * across, height)
    write(figure, MARGIN, TITLE / 2, title or "", fontsize=9)
    for place in range(len(leads) * len(columns)):
        (row, column), (lead, number) = divmod(place, across), divmod(place, len(columns))
        name, options = columns[number]
        left, top = MARGIN + _LEFT + _PITCH * column, above + _ABOVE + _LINE * row
        axes = axes_at(figure, left, top, _PANEL, _PANEL)
        draw_panel(axes, images[lead, number], name, options, seconds, sampling_rate, leads[lead], fontsize=6)
        if titles is not None:
            axes.set_title(titles[number], fontsize=7, y=1.0)
    return figure
