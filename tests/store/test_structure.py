"""What HDF5 can do and a store does not: refused on opening, from the metadata alone."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.store.reading import open_store, store_path
from pipeline.store.structure import plain_name


@pytest.fixture
def copied(small_store_folder, tmp_path) -> Path:
    return Path(shutil.copy(store_path(small_store_folder, "dev"), tmp_path / "dev.h5"))


def refused(path: Path) -> str:
    with pytest.raises(EcgFusionError) as problem:
        open_store(path)
    assert "\n" not in str(problem.value)
    return str(problem.value)


@pytest.mark.parametrize("link", [h5py.SoftLink("/fold"), h5py.ExternalLink("/etc/hostname", "/x")])
def test_links_are_refused(copied, link):
    with h5py.File(copied, "r+") as file:
        del file["start"]
        file["start"] = link
    assert "start is a link" in refused(copied)


def test_storage_in_another_file_and_giant_shapes_are_refused(copied):
    with h5py.File(copied, "r+") as file:
        del file["signals"]
        file.create_dataset("signals", (9, 12, 1000), np.int16, external=[("other.bin", 0, 9 * 24000)])
    assert "signals lies in another file" in refused(copied)
    with h5py.File(copied, "r+") as file:
        del file["signals"], file["age"]
        file.create_dataset("age", (2**32,), np.float32, chunks=(2**16,), compression="gzip")
    assert "age is not contiguous" in refused(copied)


@pytest.mark.parametrize("kind", [">i2", "f4"])
def test_signals_of_another_type_are_refused(copied, kind):
    with h5py.File(copied, "r+") as file:
        signals = file["signals"][()]
        del file["signals"]
        file.create_dataset("signals", data=signals.astype(kind))
    assert refused(copied)


def test_exchanged_names_a_flipped_label_and_turned_leads_are_refused(copied):
    before = copied.read_bytes()
    with h5py.File(copied, "r+") as file:
        file["item_id"][...] = file["item_id"][()][::-1]
    assert "not what was written" in refused(copied)
    copied.write_bytes(before)
    with h5py.File(copied, "r+") as file:
        file["labels/disease"][0, 0] ^= 1
    assert "not what was written" in refused(copied)
    copied.write_bytes(before)
    with h5py.File(copied, "r+") as file:
        file.attrs["leads"] = list(file.attrs["leads"][::-1])
    assert "not what was written" in refused(copied)


def test_a_name_that_leads_out_is_refused(copied):
    with h5py.File(copied, "r+") as file:
        file["item_id"][0] = "../../x"
    assert "cannot name a file" in refused(copied)
    assert not any(map(plain_name, ["", ".", "..", "a/b", "a\\b", "C:", "/x", "a\nb", "x" * 201]))
    assert all(map(plain_name, ["17110", "A0001", "100_0.5", "é"]))
