"""The options that say how pictures are made: one group, shared by every command that makes them."""

import argparse
from typing import TYPE_CHECKING, Any

from pipeline.command_line import CommandParser, positive_float, positive_int
from pipeline.errors import EcgFusionError

if TYPE_CHECKING:
    from pipeline.representations import ImageRecipe


def add_image_options(parser: CommandParser) -> None:
    """Adds the options to a command; those that are not given stay None."""
    group = parser.add_argument_group("how pictures are made")
    parser.option("size", group, type=positive_int, help="side of a picture in pixels")
    parser.option(
        "scale",
        group,
        choices=("record", "fixed"),
        help="record: each lead's own least and greatest value; fixed: the range of --range_mv, so that amplitude "
        "survives; by default each form has the one that suits it",
    )
    parser.option("range_mv", group, type=positive_float, help="the fixed range reaches from −range_mv to it, mV")
    parser.option("gaf_method", group, choices=("summation", "difference"))
    parser.option("mtf_bins", group, type=positive_int, help="amplitude bins of the MTF")
    parser.option("mtf_strategy", group, choices=("quantile", "uniform"), help="how those bins are cut")
    parser.option("rp_dimension", group, type=positive_int, help="points of one state of the recurrence plot")
    parser.option("rp_delay", group, type=positive_int, help="points between the points of a state")
    parser.option("rp_threshold", group, type=_threshold, help="none (distances), point, distance, or a distance")
    parser.option("rp_percentage", group, type=positive_float, help="percentage for the thresholds point and distance")
    parser.option("stft_window", group, type=positive_float, help="length of the Hann window, s")
    parser.option("stft_hop", group, type=positive_float, help="step of the window, s")
    parser.option("stft_max_hz", group, type=positive_float, help="frequency at the upper edge, Hz")
    parser.option(
        "stft_db_range",
        group,
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="range of the fixed scale, dB",
    )


IMAGE_OPTIONS = [
    "size",
    "scale",
    "range_mv",
    "gaf_method",
    "mtf_bins",
    "mtf_strategy",
    "rp_dimension",
    "rp_delay",
    "rp_threshold",
    "rp_percentage",
    "stft_window",
    "stft_hop",
    "stft_max_hz",
    "stft_db_range",
]


def given_image_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of the group that the user typed, as fields of ``ImageRecipe``."""
    given = {name: getattr(arguments, name) for name in IMAGE_OPTIONS}
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if value is not None
    }


def image_recipe(base: dict[str, Any], given: dict[str, Any]) -> "ImageRecipe":
    """The recipe of ``base`` with the user's options over it; a wrong value is one sentence."""
    from pipeline.representations import ImageRecipe

    forms = base.get("representations", ImageRecipe().representations)
    for name in given:
        form = name.partition("_")[0]
        if form in ("gaf", "mtf", "rp", "stft") and form not in forms:
            raise EcgFusionError(f"-{name} is for {form}, which is not drawn here: leave it out, or add {form}")
    values = {**base, **given}
    if values.get("rp_threshold") == "none":
        values["rp_threshold"] = None
    try:
        recipe = ImageRecipe(**values)
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None
    if "range_mv" in given and "fixed" not in {recipe.parameters(form)["scale"] for form in forms if form != "stft"}:
        raise EcgFusionError("-range_mv is for the fixed scale: add -scale fixed, or leave it out")
    if "rp_percentage" in given and recipe.rp_threshold not in ("point", "distance"):
        raise EcgFusionError("-rp_percentage is for -rp_threshold point or distance: add one, or leave it out")
    return recipe


def check_size(recipe: "ImageRecipe", n_samples: int, sampling_rate: float) -> None:
    """Refuses pictures that are too large for leads of ``n_samples``, with the largest size that fits."""
    try:
        if n_samples >= recipe.smallest_length(sampling_rate):
            return
        largest = recipe.largest_size(n_samples, sampling_rate)
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None
    remedy = f"take -size {largest} or less" if largest else "take other options of the forms"
    raise EcgFusionError(f"{n_samples} samples are too few for pictures of size {recipe.size}: {remedy}")


def _threshold(text: str) -> str | float:
    if text in ("none", "point", "distance"):
        return text
    try:
        return positive_float(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text} is not none, point, distance or a number above 0") from None
