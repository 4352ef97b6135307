"""--check: each damage named."""

import shutil

import h5py
import pytest

import create_images
from pipeline.errors import EcgFusionError
from pipeline.store.check import damage_of_store
from pipeline.store.reading import store_path


def test_a_damaged_item_is_named(small_store_folder, tmp_path, capsys):
    path = tmp_path / "dev.h5"
    shutil.copy(store_path(small_store_folder, "dev"), path)
    assert not list(damage_of_store(path))
    with h5py.File(path, "r+") as file:
        file["signals"][1] = 0
    assert len(list(damage_of_store(path))) == 1
    with pytest.raises(EcgFusionError, match="1 damaged"):
        create_images.main(["--check", "--out", str(tmp_path), "--data", str(tmp_path)])
    assert "signals of" in capsys.readouterr().out


def test_nothing_to_check_is_said(tmp_path):
    with pytest.raises(EcgFusionError, match="nothing to check"):
        create_images.main(["--check", "--out", str(tmp_path), "--data", str(tmp_path)])
