"""A store that is there already is left alone, and nothing else is ever written into its file."""

import shutil

import h5py
import pytest
from small_stores import make

from pipeline.errors import EcgFusionError
from pipeline.machine.locks import locked
from pipeline.sources.synthetic import write_dataset
from pipeline.store.reading import store_path
from pipeline.store.writing import part_path


def test_a_complete_store_is_left_alone(synthetic_folder, tmp_path, capsys):
    make(synthetic_folder, tmp_path, "--partition", "dev")
    path = store_path(tmp_path, "dev")
    before = path.stat()
    capsys.readouterr()
    make(synthetic_folder, tmp_path, "--partition", "dev", "--workers", "2")
    said = capsys.readouterr()
    assert f"{path} is complete: nothing to do" in said.out
    assert "bytes to come" not in said.out
    after = path.stat()
    assert (after.st_mtime_ns, after.st_ino, after.st_size) == (before.st_mtime_ns, before.st_ino, before.st_size)


@pytest.mark.parametrize("finished", [True, False], ids=["a store", "a part"])
@pytest.mark.parametrize(
    ("words", "difference"),
    [
        (["--size", "32"], "images gaf size 16, not 32"),
        (["--band", "1", "45"], r"band \[0.5, 40.0\], not \[1.0, 45.0\]"),
        (["--band", "none"], r"band \[0.5, 40.0\], not None"),
        (["--leads", "I"], r"image_leads \['I', 'II', 'V2'\], not \['I'\]"),
        (["--representations", "gaf"], "images mtf size 16, not left out"),
        (["--sampling_rate", "50", "--band", "0.5", "20"], "sampling_rate 100.0, not 50.0"),
        (["--limit", "2"], "limit None, not 2"),
        (["--folds", "train=1-7", "dev=9", "test=10"], "folds train "),
        (["--min_likelihood", "50"], "min_likelihood 0.0, not 50.0"),
        (["--mtf_bins", "5"], "images mtf n_bins 10, not 5"),
        (["--scale", "fixed"], "images gaf scale record, not fixed"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_other_parameters_refuse_to_mix(reference_stores, synthetic_folder, tmp_path, words, difference, finished):
    path = store_path(tmp_path, "dev")
    shutil.copy(store_path(reference_stores, "dev"), path if finished else part_path(path))
    with pytest.raises(EcgFusionError, match=f"was made with other parameters .*{difference}.*: choose another --out"):
        make(synthetic_folder, tmp_path, "--partition", "dev", *words)


def test_another_data_set_refuses_to_mix(synthetic_folder, reference_stores, tmp_path):
    write_dataset(tmp_path / "other", n_records=40, seed=1)
    with pytest.raises(EcgFusionError, match="source_version unknown"):
        make(tmp_path / "other", reference_stores, "--partition", "dev")


@pytest.mark.parametrize("name", ["dev.h5", "dev.h5.part"])
def test_a_foreign_file_in_its_place_is_refused(synthetic_folder, tmp_path, name):
    (tmp_path / name).write_bytes(b"garbage" * 99)
    with pytest.raises(EcgFusionError, match=r"is not a readable store|h5\.part is damaged"):
        make(synthetic_folder, tmp_path, "--partition", "dev")
    with h5py.File(tmp_path / name, "w") as file:
        file["x"] = 1
    with pytest.raises(
        EcgFusionError, match=r"is an HDF5 file of another program|h5\.part (is damaged|was made with other parameters)"
    ):
        make(synthetic_folder, tmp_path, "--partition", "dev")
    assert h5py.is_hdf5(tmp_path / name)


def test_two_at_once_on_one_store(synthetic_folder, tmp_path):
    with locked(store_path(tmp_path, "dev"), "busy"):
        make(synthetic_folder, tmp_path, "--partition", "test")  # another store is nobody's concern
        with pytest.raises(EcgFusionError, match=r"dev\.h5 is being written by another process"):
            make(synthetic_folder, tmp_path, "--partition", "dev")
    make(synthetic_folder, tmp_path, "--partition", "dev")
