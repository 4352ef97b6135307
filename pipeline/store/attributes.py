"""What HDF5 keeps of a value that made a store, and back."""

import json
from typing import Any

import h5py
import numpy as np


def to_attribute(value: Any) -> Any:
    """What HDF5 keeps of a value: text, numbers and flat lists of them as they are, anything else as JSON."""
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, list | tuple) and value:
        if all(isinstance(part, str) for part in value):
            return np.array(value, dtype=h5py.string_dtype())
        if all(isinstance(part, int | float) for part in value):
            return np.array(value)
    return json.dumps(value)


def from_attribute(value: Any) -> Any:
    """The inverse of ``to_attribute``; tuples come back as lists."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, str) and (value.startswith(("[", "{", '"')) or value in ("null", "true", "false")):
        return json.loads(value)
    return value
