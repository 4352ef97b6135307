"""--check: each damage named, and what cannot be checked."""

import shutil
from pathlib import Path

import h5py
import pytest

import create_images
from pipeline.errors import EcgFusionError
from pipeline.store.check import UncheckedError, damage_of_store
from pipeline.store.checksums import DIGEST, SUMS
from pipeline.store.reading import open_store, store_path


def check(folder: Path) -> None:
    create_images.main(["--check", "--out", str(folder), "--data", str(folder)])


def copied(small_store_folder: Path, folder: Path, partition: str = "dev") -> Path:
    return Path(shutil.copy(store_path(small_store_folder, partition), folder / f"{partition}.h5"))


def as_of_before(path: Path) -> Path:
    """The store as an earlier program made it."""
    with h5py.File(path, "r+") as file:
        del file.attrs[DIGEST], file[SUMS]
    return path


def test_a_damaged_item_is_named(small_store_folder, tmp_path, capsys):
    path = copied(small_store_folder, tmp_path)
    assert not list(damage_of_store(path))
    name = open_store(path).columns["item_id"][1]
    with h5py.File(path, "r+") as file:
        file["signals"][1] = 0
        file["images/rp"][1, 2, 3, 4] ^= 1
    assert [sentence.partition(": ")[2] for sentence in damage_of_store(path)] == [
        f"the signals of item {name} are not what was written: make it anew",
        f"the images of rp of item {name} are not what was written: make it anew",
    ]
    with pytest.raises(EcgFusionError, match="2 damaged"):
        check(tmp_path)
    assert f"the signals of item {name}" in capsys.readouterr().out


def test_nothing_to_check_is_said(tmp_path):
    with pytest.raises(EcgFusionError, match="nothing to check"):
        check(tmp_path)


def test_a_store_without_sums_is_not_called_sound(small_store_folder, tmp_path, capsys):
    path = as_of_before(copied(small_store_folder, tmp_path))
    with pytest.raises(UncheckedError, match="bears no checksums, so that damage to it cannot be told"):
        list(damage_of_store(path))
    with pytest.raises(EcgFusionError, match="nothing could be checked"):
        check(tmp_path)
    sound = copied(small_store_folder, tmp_path, "test")
    capsys.readouterr()
    check(tmp_path)
    said = capsys.readouterr().out
    assert f"{path} bears no checksums" in said
    assert said.endswith(f"no damage in {sound}\n")


def test_that_a_store_has_no_sums_is_said_once(small_store_folder, tmp_path, told):
    path = as_of_before(copied(small_store_folder, tmp_path))
    for _ in range(3):
        open_store(path)
    assert [event.sentence for event in told] == [
        f"{path} was made by an earlier ecgfusion, without checksums: damage to it would not be noticed"
    ]


@pytest.mark.parametrize("name", [SUMS, f"{SUMS}/signals", f"{SUMS}/images/gaf"])
def test_sums_that_are_gone_are_damage(small_store_folder, tmp_path, name):
    path = copied(small_store_folder, tmp_path)
    with h5py.File(path, "r+") as file:
        del file[name]
    with pytest.raises(EcgFusionError, match="not a readable store"):
        open_store(path)
