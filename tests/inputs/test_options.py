"""What a user may say of a network's input."""

from dataclasses import fields

from pipeline.commands.image_options import IMAGE_OPTIONS
from pipeline.inputs.options import InputOptions


def test_each_option_on_images_can_be_given():
    assert set(IMAGE_OPTIONS) <= {each.name for each in fields(InputOptions)}


def test_of_images_is_what_was_given_of_them_alone():
    assert InputOptions(leads=("I",), crop=2.5, beat=True).of_images == {}
    given = InputOptions(leads=("I",), size=64, scale="fixed")
    assert given.of_images == {"size": 64, "scale": "fixed"}


def test_zero_is_something_that_was_given():
    assert InputOptions(rp_threshold=0.0).of_images == {"rp_threshold": 0.0}
