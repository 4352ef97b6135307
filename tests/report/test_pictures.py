"""Images of a page hold what they show, dark where the levels are low, and ask nobody for it."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from pipeline.report.pictures import address, images
from pipeline.representations import LEAD_MAP_KEY, REPRESENTATIONS


@pytest.mark.parametrize("name", [*REPRESENTATIONS, LEAD_MAP_KEY])
def test_each_representation_is_drawn_for_each_lead(name: str):
    grey = np.arange(2 * 8 * 8, dtype=np.uint8).reshape(2, 1, 8, 8)
    ((first, second),) = images(grey, ("I", "V2"), {name: {}})
    assert (first.lead, second.lead, first.height, first.width) == ("I", "V2", 8, 8)
    assert first.title == second.title != ""
    kind, _, content = first.source.partition(",")
    assert kind == "data:image/png;base64"
    drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("L")).astype(int)
    assert drawn.shape == (8, 8)
    assert (np.diff(drawn.ravel()) >= 0).all()  # viridis grows lighter with the level
    assert drawn[0, 0] < drawn[-1, -1]


def test_a_flat_image_is_drawn_too():
    ((only,),) = images(np.full((1, 1, 4, 4), 7, np.uint8), ("I",), {"gaf": {}})
    assert only.source.startswith("data:image/png")


def test_an_address_holds_its_content():
    assert address("text/plain", b"<&>") == "data:text/plain;base64," + base64.b64encode(b"<&>").decode()
