"""A representation that nobody has heard of: with one line in the registry it is drawn, named, seen and verified."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.commands.image_options import image_recipe
from pipeline.errors import EcgFusionError
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.spec import InputSpec
from pipeline.report import drawings
from pipeline.representations import REPRESENTATIONS, ImageRecipe, Representation, draw_images, to_uint8
from pipeline.representations.registry import Reference
from pipeline.store.verify import reference_images


def products(x, size, scale="record", known_finite=False):
    """Products of the first samples: in [−1, 1] of leads within ±1 mV."""
    first = x[..., :size]
    return first[..., :, None] * first[..., None, :]


TOY = Representation(
    products,
    lambda **_: (-1.0, 1.0),
    lambda size, **_: size,
    title="products",
    axes="frequency-time",
    reference=Reference("nobody", lambda x, _, parameters: products(x, parameters["size"])),
    units={"record": "mV²"},
)
X = torch.linspace(-1, 1, 120, dtype=torch.float64).reshape(2, 60)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(REPRESENTATIONS, "toy", TOY)


def test_a_recipe_takes_it():
    recipe = ImageRecipe(("gaf", "toy"), 16)
    parameters = {name: recipe.parameters(name) for name in recipe.representations}
    assert parameters["toy"] == {"size": 16, "scale": "record", "value_range": [-1.0, 1.0]}
    assert ImageRecipe.from_parameters(parameters) == recipe
    assert recipe.smallest_length(100.0) == 16
    assert recipe.largest_size(60, 100.0) == 60
    assert image_recipe({"representations": ("toy",)}, {"size": 16}).representations == ("toy",)
    with pytest.raises(EcgFusionError, match="-mtf_bins is for mtf, which is not drawn here"):
        image_recipe({"representations": ("toy",)}, {"mtf_bins": 4})


def test_it_is_drawn_beside_one_that_has_a_kernel():
    drawn = draw_images(X, 100.0, ImageRecipe(("gaf", "toy"), 16))
    assert torch.equal(drawn[:, 0], draw_images(X, 100.0, ImageRecipe(("gaf",), 16))[:, 0])
    assert torch.equal(drawn[:, 1], to_uint8(products(X, 16), (-1.0, 1.0)))


def test_a_network_sees_it():
    made_by = {"toy": ImageRecipe(("toy",), 16).parameters("toy")}
    spec = InputSpec("image", ("I", "II"), 100.0, 1000.0, 60, representations=made_by, on_the_fly=True)
    counts = (X * 1000).round()
    seen = InputMaker(spec)(counts.short()[None])
    assert torch.equal(seen[0], draw_images(counts / 1000, 100.0, ImageRecipe(("toy",), 16))[:, 0] / 255)


def test_its_reference_is_what_verify_compares_with():
    parameters = ImageRecipe(("toy",), 16).parameters("toy")
    drawn = draw_images(X, 100.0, ImageRecipe(("toy",), 16))[:, 0].numpy()
    np.testing.assert_array_equal(reference_images("toy", X.numpy(), 100.0, parameters), drawn)
    assert reference_images("nameless", X.numpy(), 100.0, parameters) is None


def test_a_drawing_has_its_title_its_axes_and_its_unit(tmp_path: Path):
    recipe = ImageRecipe(("toy", "rp"), 16)
    grey = draw_images(X, 100.0, recipe).numpy()
    parameters = {name: recipe.parameters(name) for name in recipe.representations}
    figure = drawings.record_figure("a record", X.numpy(), ("I", "II"), 100.0, grey, parameters)
    drawings.draw_record(tmp_path / "record.png", "a record", X.numpy(), ("I", "II"), 100.0, grey, parameters)
    assert (tmp_path / "record.png").stat().st_size > 0
    axes = {one.get_title(): one for one in figure.axes if one.get_title()}
    assert set(axes) == {TOY.title, REPRESENTATIONS["rp"].title}
    toy, plot = axes["products"], axes["recurrence plot"]
    assert (toy.get_xlabel(), toy.get_ylabel(), toy.get_ylim()) == ("time (s)", "frequency (Hz)", (0.0, 50.0))
    assert (plot.get_xlabel(), plot.get_ylabel(), plot.get_ylim()) == ("time (s)", "time (s)", (0.6, 0.0))
    bars = [bar.get_ylabel() for one in figure.axes for bar in one.child_axes]
    assert bars.count("mV²") == 2  # beside the bars of two leads
