"""An explanation on paper: its colours stand where the trace does."""

import numpy as np
import pytest

from pipeline.explain.drawing import plot_explanation, save_explanation
from pipeline.explain.explanation import Explanation
from pipeline.report.attribution_drawing import AGAINST, FOR


def test_colour_stands_behind_the_samples_that_it_is_of(explanation: Explanation):
    page = plot_explanation(explanation)
    paper = page.axes[0]
    assert len(paper.images) == len(explanation.leads)
    for lead, image in enumerate(paper.images):
        shades, values = np.asarray(image.get_array())[0], explanation.values[lead]
        assert len(shades) == 300
        strongest = np.abs(values).argmax()
        assert shades[:, 3].argmax() == strongest
        np.testing.assert_allclose(shades[strongest, :3], FOR if values[strongest] > 0 else AGAINST)
        left, right, below, above = image.get_extent()
        assert right - left == pytest.approx(300 / 100 * 25)  # 25 mm to the second
        assert below > above  # mm from the upper edge
        line = next(each for each in paper.lines if each.get_gid() == f"trace-{lead}")
        assert left == pytest.approx(np.asarray(line.get_xdata())[0] - 0.125)
    assert any("what moved MI (0.750)" in text.get_text() for text in page.texts)


def test_a_map_of_nothing_is_drawn_too(explanation: Explanation, tmp_path):
    still = Explanation(**{**vars(explanation), "values": np.zeros((2, 300)), "moments": np.zeros(300)})
    assert still.strongest == ()
    save_explanation(tmp_path / "a.svg", still)
    assert 'id="trace-1"' in (tmp_path / "a.svg").read_text()
