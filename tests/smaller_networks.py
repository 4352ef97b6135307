"""The largest networks made smaller, for tests that train or write one to see that it can be, which any size shows."""

from functools import cache
from typing import Any

import torch

from models import create_model, describe_model, list_models

SMALLER: dict[str, dict[str, Any]] = {
    "s4d": {"d_model": 32},
    "inception_former": {"variant": "tiny"},
    "db_ecgnet": {"width": 16},
    "meta_ecgnet": {"width": 16},
    "mvms": {"views": "one"},
    "se_ecgnet": {"width": 32},
    "token_selection": {"width": 16},
}
"""By name: the options that do it."""


def smaller(name: str) -> str:
    """The words of train.py that make a network smaller; none where it is small."""
    words = " ".join(f"{option}={value}" for option, value in SMALLER.get(name, {}).items())
    return f" -set {words}" if words else ""


@cache
def one_of_each_family() -> list[str]:
    """The smallest network of each family and modality, for what a training does and no network has a part in."""
    entries = sorted(
        (describe_model(name) for name in list_models()), key=lambda entry: _size(entry.name), reverse=True
    )
    return list({(entry.family, entry.modality): entry.name for entry in entries}.values())


def _size(name: str) -> int:
    """Weights of a network as small as it gets here."""
    with torch.device("meta"):
        network = create_model(name, in_channels=1, n_classes=1, **SMALLER.get(name, {}))
    return sum(parameter.numel() for parameter in network.parameters())
