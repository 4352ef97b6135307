"""What HDF5 keeps of a value comes back as it was."""

import h5py
import pytest

from pipeline.store.attributes import from_attribute, to_attribute


@pytest.mark.parametrize(
    "value",
    [
        "text",
        "",
        "unknown (table 1)",
        3,
        2.5,
        True,
        None,
        [],
        [1, 2],
        [0.5, 40.0],
        ["I", "aVR"],
        [["5", "x is missing"]],
        {"train": [1, 2], "dev": []},
        {},
    ],
    ids=repr,
)
def test_an_attribute_comes_back(tmp_path, value):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["x"] = to_attribute(value)
    with h5py.File(tmp_path / "x.h5", "r") as file:
        found = from_attribute(file.attrs["x"])
    assert found == value
    assert type(found) is type(value)
