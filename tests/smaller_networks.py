"""The largest networks made smaller, for tests that train or write one to see that it can be, which any size shows."""

from typing import Any

SMALLER: dict[str, dict[str, Any]] = {
    "s4d": {"d_model": 32},
    "inception_former": {"variant": "tiny"},
    "db_ecgnet": {"width": 16},
    "meta_ecgnet": {"width": 16},
    "mvms": {"views": "one"},
    "se_ecgnet": {"width": 32},
    "im_ecg": {"width": 4},
    "token_selection": {"width": 16},
    "ecgtransform": {"hidden_size": 64},
}
"""By name: the options that do it."""


def smaller(name: str) -> str:
    """The words of train.py that make a network smaller; none where it is small."""
    words = " ".join(f"{option}={value}" for option, value in SMALLER.get(name, {}).items())
    return f" -set {words}" if words else ""
