"""The options that say how images are made: one group, shared by every command that makes them."""

import argparse
from typing import TYPE_CHECKING, Any

from pipeline.commands.parser import CommandParser, positive_float, positive_int
from pipeline.errors import EcgFusionError

if TYPE_CHECKING:
    from pipeline.representations import ImageRecipe, LeadMapRecipe


def _threshold(text: str) -> str | float:
    if text in ("none", "point", "distance"):
        return text
    try:
        return positive_float(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text} is not none, point, distance or a number above 0") from None


IMAGE_OPTIONS: dict[str, dict[str, Any]] = {
    "size": {"type": positive_int, "help": "side of an image in pixels (default 256)"},
    "scale": {
        "choices": ("record", "fixed"),
        "help": "record: each lead's own least and greatest value; fixed: the range of --range_mv, so that amplitude "
        "survives (default record for gaf and mtf, fixed for rp and stft)",
    },
    "range_mv": {
        "type": positive_float,
        "help": "the fixed range reaches from −range_mv to it, mV (default 1; 3 for -representation lead_map)",
    },
    "gaf_method": {
        "choices": ("summation", "difference"),
        "help": "Gramian angular summation or difference field (default summation)",
    },
    "mtf_bins": {"type": positive_int, "help": "amplitude bins of the MTF (default 10)"},
    "mtf_strategy": {
        "choices": ("quantile", "uniform"),
        "help": "bins of equally many points, or of equal width (default quantile)",
    },
    "rp_dimension": {"type": positive_int, "help": "points of one state of the recurrence plot (default 1)"},
    "rp_delay": {"type": positive_int, "help": "steps from point to point of a state (default 1)"},
    "rp_threshold": {
        "type": _threshold,
        "help": "none: grey distances; else white where two states are close: a distance, or distance (--rp_percentage "
        "of the largest), or point (that of all pairs) (default none)",
    },
    "rp_percentage": {"type": positive_float, "help": "percentage for the thresholds point and distance (default 10)"},
    "stft_window": {"type": positive_float, "help": "length of the window, s (default 0.32)"},
    "stft_hop": {"type": positive_float, "help": "step of the window, s (default 0.04)"},
    "stft_max_hz": {"type": positive_float, "help": "frequency at the upper edge, Hz (default 50)"},
    "stft_db_range": {
        "type": float,
        "nargs": 2,
        "metavar": ("LOW", "HIGH"),
        "help": "range of the fixed scale, dB re 1 mV² (default -80 0)",
    },
    "stft_taper": {"choices": ("hann", "hamming"), "help": "how the window falls to its ends (default hann)"},
}
"""The options, each a field of ``ImageRecipe``; one that a single representation has is for that one alone."""

REPRESENTATION_NAMES = "gaf mtf rp stft"
"""What the help says there is: ``REPRESENTATIONS`` says it too, but its import takes seconds (a test compares)."""


def add_image_options(parser: CommandParser) -> None:
    """Adds the options to a command; those that are not given stay None."""
    group = parser.add_argument_group(
        "how images are made", "train.py takes a store's own options, where it holds images"
    )
    for name, keywords in IMAGE_OPTIONS.items():
        parser.option(name, group, **keywords)


def given_image_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of the group that the user typed, as fields of ``ImageRecipe``."""
    given = {name: getattr(arguments, name) for name in IMAGE_OPTIONS}
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if value is not None
    }


def image_recipe(base: dict[str, Any], given: dict[str, Any]) -> "ImageRecipe":
    """The recipe of ``base`` with the user's options over it; a wrong value is one sentence."""
    from pipeline.representations import REPRESENTATIONS, ImageRecipe

    drawn = base.get("representations", ImageRecipe().representations)
    for option in given:
        owners = [name for name, representation in REPRESENTATIONS.items() if option in representation.options.values()]
        if len(owners) == 1 and owners[0] not in drawn:
            raise EcgFusionError(
                f"-{option} is for {owners[0]}, which is not drawn here: leave it out, or add {owners[0]}"
            )
    values = {**base, **given}
    if values.get("rp_threshold") == "none":
        values["rp_threshold"] = None
    try:
        recipe = ImageRecipe(**values)
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None
    ranged = [recipe.parameters(name)["scale"] for name in drawn if "range_mv" in recipe.parameters(name)]
    if "range_mv" in given and "fixed" not in ranged:
        raise EcgFusionError("-range_mv is for the fixed scale: add -scale fixed, or leave it out")
    if "rp_percentage" in given and recipe.rp_threshold not in ("point", "distance"):
        raise EcgFusionError("-rp_percentage is for -rp_threshold point or distance: add one, or leave it out")
    return recipe


def lead_map_recipe(base_size: int | None, given: dict[str, Any], n_leads: int) -> "LeadMapRecipe":
    """The recipe of a lead map, with the user's options; what it does not have is one sentence.

    Args:
        base_size: what the store's images have, where the user gives none.
        given: from ``given_image_options``.
        n_leads: leads that are drawn.
    """
    from pipeline.representations import LEAD_MAP, LeadMapRecipe, require_rows

    for name, value in given.items():
        if name not in ("size", "range_mv") and (name, value) != ("scale", "fixed"):
            raise EcgFusionError(
                f"-{name} {value} is not for -representation {LEAD_MAP}, which has -size and -range_mv: leave it out"
            )
    values = {name: value for name, value in given.items() if name != "scale"}
    try:
        recipe = LeadMapRecipe(**({"size": base_size} if base_size else {}) | values)
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None
    try:
        require_rows(n_leads, recipe.size)
    except ValueError as problem:
        raise EcgFusionError(f"{problem} Take -size {n_leads} or more") from None
    return recipe


def check_size(recipe: "ImageRecipe | LeadMapRecipe", n_samples: int, sampling_rate: float, longer: str = "") -> None:
    """Refuses images that are too large for leads of ``n_samples``, with the largest size that fits.

    Args:
        recipe: the images.
        n_samples: samples of a lead.
        sampling_rate: Hz.
        longer: how the user could get longer leads, as the end of a sentence.
    """
    try:
        smallest = recipe.smallest_length(sampling_rate)
        if n_samples >= smallest:
            _check_bins(recipe, n_samples)
            return
        largest = recipe.largest_size(n_samples, sampling_rate)
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None
    remedy = f"take -size {largest} or less" if largest else "take shorter windows or delays"
    raise EcgFusionError(
        f"{n_samples} samples are too few for images of size {recipe.size}, which need {smallest}: {remedy}{longer}"
    )


def _check_bins(recipe: "ImageRecipe | LeadMapRecipe", n_samples: int) -> None:
    """Refuses more bins than there are samples to lie in them, whose transitions no memory would hold."""
    if "mtf" in getattr(recipe, "representations", ()) and getattr(recipe, "mtf_bins", 0) > n_samples:
        raise EcgFusionError(f"-mtf_bins is more than the {n_samples} samples of a lead: take fewer")
