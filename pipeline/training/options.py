"""Which options of ``train.py`` a network takes: what cannot work is refused, and so is what would do nothing."""

import math
from collections.abc import Mapping
from typing import Any

from models import ModelEntry, describe_model
from models.registry import in_collections
from pipeline.errors import EcgFusionError
from pipeline.runs.card import FUSIONS
from pipeline.training import defaults

_RANGES: dict[str, tuple[float, float]] = {
    "dropout": (0, 1),
    "learning_rate": (0, 1e6),
    "weight_decay": (0, math.inf),
    "momentum": (0, 1),
    "clip_norm": (0, math.inf),
    "seed": (0, 2**63),
    "workers": (0, 257),
    "auxiliary": (0, math.inf),
}
"""From the first number to just below the second."""

NETWORK_OPTIONS = ("nb_filters", "dropout", "head", "hidden_size", "n_layers", "pretrained")

FUSION_ONLY = (
    "branches",
    "combine",
    "fuse_on",
    "fit_on",
    "finetune",
    "branch_learning_rate",
    "auxiliary",
    "branch_dropout",
    "n_heads",
    "max_tokens",
)


def check_network(given: Mapping[str, Any]) -> None:
    """Refuses an unknown network, the options of other networks, and those of fusions."""
    entry = known_model(given["model"])
    for name in NETWORK_OPTIONS:
        if name in given and name not in entry.options:
            raise EcgFusionError(_not_taken(name, entry))
    for name in FUSION_ONLY:
        if name in given:
            raise EcgFusionError(
                f"-{name} is for fusions (-model late or intermediate), not {given['model']}: leave it out"
            )


def _not_taken(name: str, entry: ModelEntry) -> str:
    taken = [f"-{option}" for option in NETWORK_OPTIONS if option in entry.options]
    namesakes = in_collections(entry.name) if name == "pretrained" else []
    instead = f", or take -model {' or '.join(namesakes)}" if namesakes else ""
    return f"{entry.name} has no -{name}; it has {', '.join(taken) or 'none'}: leave -{name} out{instead}"


def known_model(name: str) -> ModelEntry:
    """The entry of a network; an unknown name is one sentence with the near ones, fusions among them."""
    try:
        return describe_model(name, beside=FUSIONS)
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None


def check_ranges(given: Mapping[str, Any]) -> None:
    """Refuses numbers that no training can use."""
    for name, (least, end) in _RANGES.items():
        if name in given and not least <= given[name] < end:  # NaN is in no range
            below = f" and below {end:g}" if math.isfinite(end) else ""
            raise EcgFusionError(f"-{name} {given[name]} does not work: take a number of at least {least:g}{below}")


def check_options(given: Mapping[str, Any], image_options: Mapping[str, Any], modality: str) -> None:
    """No option is accepted and ignored."""
    for name in ("representation", "on_the_fly", *image_options):
        if (name in given or name in image_options) and modality == "signal":
            raise EcgFusionError(f"-{name} is for networks on images, and {given['model']} takes signals: leave it out")
    if "normalise" in given and modality == "image":
        raise EcgFusionError(f"-normalise is for networks on signals, and {given['model']} takes images: see -scale")
    check_momentum(given)
    if "beat" in given and ("crop" in given or "stride" in given):
        raise EcgFusionError("-beat shows one beat, of which nothing is cropped: leave it out, or -crop and -stride")
    if len(given.get("representation", ())) > 1 and {"lead_map", "leads"} & {*given["representation"]}:
        raise EcgFusionError("-representation lead_map is one image of all leads: give it alone, without others")
    if "stride" in given and "crop" not in given:
        raise EcgFusionError("-stride is the step between crops: give -crop too, or leave it out")
    if "stride" in given and given["stride"] > given["crop"]:
        raise EcgFusionError(f"-stride {given['stride']:g} is longer than -crop, so that parts would never be scored")


def check_momentum(given: Mapping[str, Any]) -> None:
    """Refuses a momentum that no optimizer would use."""
    if "momentum" in given and given.get("optimizer", defaults.OPTIMIZER) != "sgd":
        raise EcgFusionError("-momentum is for -optimizer sgd: give that too, or leave it out")
