"""A recipe is checked when it is made and comes back whole from what a store keeps of it."""

import json
from dataclasses import asdict, replace

import pytest
import torch

from pipeline.representations import REPRESENTATIONS, ImageRecipe, draw_images

RECIPES = [
    ImageRecipe(),
    ImageRecipe(("stft", "gaf"), 64, "record", stft_window=0.5, stft_db_range=(-70.0, 3.0)),
    ImageRecipe(("mtf", "rp"), scale="fixed", range_mv=1.5, mtf_bins=6, mtf_strategy="uniform"),
    ImageRecipe(("rp",), rp_dimension=3, rp_delay=2, rp_threshold="point", rp_percentage=5.0),
    ImageRecipe(("rp",), rp_threshold=0.25),
    ImageRecipe(("gaf", "rp"), scale=(("rp", "fixed"),), gaf_method="difference"),
    ImageRecipe(()),
]


def kept(recipe):
    """What comes back of the attributes of a store."""
    return json.loads(json.dumps({name: recipe.parameters(name) for name in recipe.representations}))


@pytest.mark.parametrize("recipe", RECIPES[:-1])
def test_round_trip_through_json(recipe):
    again = ImageRecipe.from_parameters(kept(recipe))
    assert again == recipe
    assert hash(again) == hash(recipe)


@pytest.mark.parametrize("recipe", RECIPES)
def test_fields_make_the_same_recipe(recipe):
    assert ImageRecipe(**asdict(recipe)) == recipe
    assert replace(recipe, size=recipe.size) == recipe


def test_parameters_hold_every_option_of_the_function():
    for name, representation in REPRESENTATIONS.items():
        later = ImageRecipe(stft_taper="hamming")  # an option that is left out where it is as it was before
        assert {"size", "scale", "value_range", *representation.options} == later.parameters(name).keys()


def test_default_scales_are_those_of_the_registry():
    recipe = ImageRecipe()
    for name, representation in REPRESENTATIONS.items():
        assert recipe.parameters(name)["scale"] == representation.default_scale


def test_fewer_representations_keep_their_scales_and_new_ones_have_their_default():
    recipe = replace(ImageRecipe(("gaf", "rp"), scale="fixed"), representations=("stft", "rp", "mtf"))
    assert recipe.scale == (("stft", "fixed"), ("rp", "fixed"), ("mtf", "record"))


def test_ranges_follow_from_options():
    assert ImageRecipe(("gaf",)).parameters("gaf")["value_range"] == [-1, 1]
    assert ImageRecipe(rp_dimension=4).parameters("rp")["value_range"] == [0, 2]
    assert ImageRecipe(rp_dimension=4, rp_threshold=0.1).parameters("rp")["value_range"] == [0, 1]
    assert ImageRecipe(stft_db_range=(-60.0, 6.0)).parameters("stft")["value_range"] == [-60, 6]
    assert ImageRecipe(scale="record").parameters("stft")["value_range"] == [0, 1]


@pytest.mark.parametrize("recipe", RECIPES[:-1])
def test_smallest_length_is_the_first_that_can_be_drawn(recipe):
    recipe = replace(recipe, size=16)
    n = recipe.smallest_length(100.0)
    assert draw_images(torch.randn(n), 100.0, recipe).shape[-1] == 16
    with pytest.raises(ValueError, match=f"{n} samples and the lead has {n - 1}"):
        draw_images(torch.randn(n - 1), 100.0, recipe)


@pytest.mark.parametrize("recipe", RECIPES[:-1])
@pytest.mark.parametrize("n", [1, 3, 31, 32, 50, 187, 1000])
def test_largest_size_is_the_last_that_fits(recipe, n):
    size = recipe.largest_size(n, 100.0)
    fits = [s for s in range(1, n + 2) if replace(recipe, size=s).smallest_length(100.0) <= n]
    assert size == max(fits, default=0)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"representations": ("gaf", "spwvd")}, "'spwvd'"),
        ({"representations": ("gaf", "gaf")}, "different"),
        ({"representations": "gaf"}, "different"),
        ({"size": 0}, "size"),
        ({"scale": "global"}, "'global'"),
        ({"range_mv": 0.0}, "range_mv"),
        ({"range_mv": float("nan")}, "range_mv"),
        ({"gaf_method": "sum"}, "'sum'"),
        ({"mtf_bins": 1}, "bins"),
        ({"rp_delay": 0}, "delay"),
        ({"stft_db_range": (0.0, 0.0)}, "db_range"),
        ({"stft_db_range": (1.0,)}, "db_range"),
    ],
)
def test_wrong_values_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        ImageRecipe(**wrong)


def test_an_option_of_a_later_version_is_written_where_it_is_not_as_before():
    earlier = kept(ImageRecipe(("stft",)))
    assert "taper" not in earlier["stft"]
    assert ImageRecipe.from_parameters(earlier) == ImageRecipe(("stft",), stft_taper="hann")
    later = kept(ImageRecipe(("stft",), stft_taper="hamming"))
    assert later["stft"]["taper"] == "hamming"
    assert ImageRecipe.from_parameters(later) == ImageRecipe(("stft",), stft_taper="hamming")


def test_foreign_parameters_are_refused():
    for change in ({"size": 128}, {"value_range": [0.0, 1.0]}, {"bits": 8}):
        parameters = kept(ImageRecipe())
        parameters["gaf"] |= change
        with pytest.raises(ValueError, match=r"gaf|size"):
            ImageRecipe.from_parameters(parameters)
    parameters = kept(ImageRecipe())
    del parameters["stft"]["window"]
    with pytest.raises(ValueError, match="stft"):
        ImageRecipe.from_parameters(parameters)
