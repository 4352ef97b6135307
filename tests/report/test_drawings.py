"""A record drawn: panels whose colours show something, labels that keep clear of each other, names that are names."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from pipeline.report import drawings
from pipeline.representations import REPRESENTATIONS, ImageRecipe, draw_images

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def beats() -> np.ndarray:
    """Ten seconds at 100 Hz: a QRS, a P wave and a T wave each 0.83 s, in mV."""
    times = np.arange(1000) / 100 % 0.83
    waves = ((0.1, 0.2, 0.02), (-0.2, 0.27, 0.01), (1.2, 0.3, 0.012), (0.3, 0.55, 0.05))
    each = [height * np.exp(-0.5 * ((times - at) / width) ** 2) for height, at, width in waves]
    return np.sum(each, axis=0)


def drawn(
    n_leads: int,
    size: int,
    names: tuple[str, ...],
    title="a record",
    **more: Any,
):
    """The figure of a record."""
    x = np.stack([beats() * (0.1 + 0.1 * lead) for lead in range(n_leads)]).astype(np.float32)
    recipe = ImageRecipe(size=size, representations=names)
    images = draw_images(torch.from_numpy(x), 100.0, recipe).numpy()
    parameters = {name: recipe.parameters(name) for name in names}
    return drawings.record_figure(title, x, LEADS[:n_leads], 100.0, images, parameters, **more)


@pytest.mark.parametrize(("n_leads", "size"), [(1, 64), (3, 256), (12, 32)])
def test_no_two_labels_lie_upon_each_other(n_leads, size):
    figure = drawn(n_leads, size, tuple(REPRESENTATIONS))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    texts = [each for each in figure.findobj(Text) if each.get_visible() and each.get_text().strip()]
    shown = [each.get_window_extent(renderer) for each in texts if each.axes is None or each.axes.axison]
    inside = [box for box in shown if box.width and box.height and figure.bbox.overlaps(box)]
    assert len(inside) > 20
    # ticks beyond an axis' ends are not drawn, but have a place, which is within their own axis
    labels = [t for t in texts if t in [a for x in figure.axes for a in (x.title, x.xaxis.label, x.yaxis.label)]]
    for one, other in combinations([label.get_window_extent(renderer) for label in labels], 2):
        assert not one.overlaps(other)
    panels = [axes.get_tightbbox(renderer) for axes in figure.axes if axes.images]
    for one, other in combinations(panels, 2):
        assert not one.overlaps(other)


def test_amplitudes_from_0_to_1_are_no_millivolts():
    for more, unit in ({}, "mV"), ({"unit": "amplitude"}, "amplitude"):
        figure = drawn(1, 32, ("gaf",), **more)
        assert any(f"10 mm/{unit} " in text.get_text() for text in figure.texts)


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_a_panel_is_not_nearly_black(name):
    figure = drawn(3, 128, (name,))
    panels = [axes.images[0] for axes in figure.axes if axes.images]
    panels = [shown for shown in panels if shown.get_array().shape == (128, 128)]
    assert len(panels) == 3
    for shown in panels:
        levels = np.clip(shown.norm(shown.get_array()).filled(0), 0, 1)
        assert np.mean(levels > 0.25) > 0.1
        assert np.mean(levels >= 1) < 0.1


def test_a_lead_without_a_signal_has_the_whole_range():
    assert drawings.colour_limits(np.full((8, 8), 0.5), (0.0, 1.0), "time-time") == (0.0, 1.0)
    assert drawings.colour_limits(np.eye(100), (0.0, 1.0), "time-time") == (
        0.0,
        1.0,
    )  # a thresholded plot, all but empty
    assert drawings.colour_limits(np.linspace(-80, -60, 100), (-80.0, 0.0), "frequency-time") == (-80.0, 0.0)
    low, high = drawings.colour_limits(np.linspace(0, 0.1, 1001), (0.0, 1.0), "time-time")
    assert (low, high) == pytest.approx((0.001, 0.098))


def test_dollars_and_control_characters_are_drawn_as_they_are():
    figure = drawn(1, 32, ("rp",), title="$\\frac{ $x$ \x1b[31m")
    assert figure.texts[0].get_text() == "\\$\\frac{ \\$x\\$ \\x1b[31m"


@pytest.mark.parametrize("n_names", range(1, 1 + len(REPRESENTATIONS)))
def test_images_do_not_reach_beyond_the_paper(n_names):
    figure = drawn(1, 32, tuple(REPRESENTATIONS)[:n_names])
    renderer = FigureCanvasAgg(figure).get_renderer()
    paper, *others = figure.axes
    right = paper.get_window_extent(renderer).x1
    assert all(axes.get_tightbbox(renderer).x1 <= right for axes in others if axes.images)
    assert all(text.get_window_extent(renderer).x1 <= figure.bbox.x1 for text in figure.findobj(Text))


def test_the_footer_says_what_the_signal_has_been_through():
    for told in ("filtered, 0.5 to 40 Hz", "not filtered", None):
        *_, footer = drawn(1, 32, (), filtered=told).texts
        assert footer.get_text().endswith(told or "100 Hz")
