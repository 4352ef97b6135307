"""The largest networks made smaller, for tests that train or write one to see that it can be, which any size shows."""

from typing import Any

from models import describe_model, list_models

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


def one_of_each_family() -> list[str]:
    """A network of each family and modality, for what a training does and no network has a part in."""
    entries = [describe_model(name) for name in list_models()]
    return list({(entry.family, entry.modality): entry.name for entry in reversed(entries)}.values())
