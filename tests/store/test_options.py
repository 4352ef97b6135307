"""The choices of create_images.py as a value, and by keyword."""

from pathlib import Path
from typing import Any

import pytest

import create_images
from pipeline.commands.image_options import IMAGE_OPTIONS
from pipeline.errors import EcgFusionError
from pipeline.representations import ImageRecipe
from pipeline.sources import open_source
from pipeline.store.options import StoreKeywords, StoreOptions, parse_band


@pytest.fixture(scope="module")
def source(synthetic_folder):
    return open_source("ptbxl", synthetic_folder)


def test_keywords_are_the_fields_and_those_of_images():
    named = set(StoreKeywords.__annotations__)
    assert named == set(StoreOptions.__dataclass_fields__) - {"source", "out", "image_options"} | set(IMAGE_OPTIONS)
    assert set(IMAGE_OPTIONS) < set(ImageRecipe.__dataclass_fields__)


def test_the_command_has_the_same_defaults(source):
    arguments = vars(create_images.parse([]))
    # a band of None is one that somebody chose
    given: Any = {name: arguments[name] for name in StoreKeywords.__annotations__ if name != "band"}
    assert StoreOptions.of(source, arguments["out"], given) == StoreOptions(source, Path("data/ptbxl-images"))


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"folds": "train=1-8 dev=9"}, "folds", ("train=1-8", "dev=9")),
        ({"folds": {"train": range(1, 9), "dev": [9]}}, "folds", ("train=1-8", "dev=9")),
        ({"leads": "II V1"}, "leads", ("II", "V1")),
        ({"leads": ["II"]}, "leads", ("II",)),
        ({"partition": "dev"}, "partition", ("dev",)),
        ({"representations": "gaf"}, "representations", ("gaf",)),
        ({"representations": ()}, "representations", ()),
        ({"band": None}, "band", None),
        ({"band": "none"}, "band", None),
        ({"band": "1 45"}, "band", (1.0, 45.0)),
        ({"band": (1, 45)}, "band", (1.0, 45.0)),
        ({"size": 64, "gaf_method": None}, "image_options", {"size": 64}),
    ],
    ids=repr,
)
def test_words_come_as_one_text_or_several(source, given, field, value):
    assert getattr(StoreOptions.of(source, "o", given), field) == value


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"sise": 64}, "stores have no option sise: did you mean size"),
        ({"fols": "train=1"}, "stores have no option fols: did you mean folds"),
        ({"xyz": 1}, "stores have no option xyz: choose from partition, folds"),
        ({"image_options": {}}, "stores have no option image_options"),
        ({"partition": "valid"}, "there is no partition valid: choose from train, dev, test"),
        ({"sampling_rate": 0}, "--sampling_rate 0 is not a number above 0"),
        ({"sampling_rate": "fast"}, "--sampling_rate 'fast' is not a number above 0"),
        ({"sampling_rate": float("nan")}, "--sampling_rate nan is not a number above 0"),
        ({"workers": 0}, "--workers 0 is not a whole number of at least 1"),
        ({"limit": 2.5}, "--limit 2.5 is not a whole number of at least 1"),
        ({"limit": True}, "--limit True is not a whole number"),
        ({"band": 40}, "--band 40 is not understood: write 0.5 40, or none"),
        ({"band": (1, 2, 3)}, "--band 1 2 3 is not understood"),
    ],
    ids=repr,
)
def test_what_makes_no_sense_is_one_sentence(source, given, sentence):
    with pytest.raises(EcgFusionError, match=sentence):
        StoreOptions.of(source, "o", given)


def test_a_band_is_two_numbers_or_none():
    assert parse_band(["0.5", "40"]) == (0.5, 40.0)
    assert parse_band(["none"]) is None
    with pytest.raises(EcgFusionError, match=r"--band 0\.5 is not understood"):
        parse_band(["0.5"])
