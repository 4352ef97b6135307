"""The HDF5 file of a partition: its layout, and what is refused."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.representations import ImageRecipe
from pipeline.signals.counts import PADDING
from pipeline.sources import open_source
from pipeline.sources.items import Whole
from pipeline.store import reading
from pipeline.store.attributes import from_attribute
from pipeline.store.reading import (
    NUMBER_COLUMNS,
    SCHEMA_VERSION,
    TEXT_COLUMNS,
    digest_of_items,
    open_partition,
    open_store,
    store_path,
)
from pipeline.store.writing import part_path

PARTITIONS = ("train", "dev", "test")
REPRESENTATIONS = ("gaf", "mtf", "rp", "stft")


# the contract


@pytest.mark.parametrize("partition", PARTITIONS)
def test_any_hdf5_program_reads_it(small_store_folder, synthetic_folder, partition):
    source = open_source("ptbxl", synthetic_folder)
    with h5py.File(store_path(small_store_folder, partition), "r") as file:
        n = len(file["item_id"])
        assert file["signals"].shape == (n, 12, 1000)
        assert file["signals"].dtype == np.int16
        assert file["signals"].attrs["gain"] == 1000
        assert set(file["images"]) == set(REPRESENTATIONS)
        for name in REPRESENTATIONS:
            assert file["images"][name].shape == (n, 3, 32, 32)
            assert file["images"][name].dtype == np.uint8
            low, high = from_attribute(file["images"][name].attrs["value_range"])
            assert low < high
        for name in TEXT_COLUMNS:
            assert h5py.check_string_dtype(file[name].dtype).encoding == "utf-8"
            assert file[name].shape == (n,)
        for name, dtype in NUMBER_COLUMNS.items():
            assert file[name].dtype == dtype
            assert file[name].shape == (n,)
        assert set(file["labels"]) == set(file["labelled"]) == set(source.labels)
        for task, labels in source.labels.items():
            assert file["labels"][task].shape == (n, len(labels.classes))
            assert file["labels"][task].dtype == file["labelled"][task].dtype == np.uint8
            assert [str(name) for name in file["labels"][task].attrs["classes"]] == list(labels.classes)
            assert file["labels"][task].attrs["kind"] == "multilabel"
            assert file["labelled"][task].shape == (n,)
        for dataset in (file["signals"], *file["images"].values()):
            assert dataset.chunks is dataset.compression is None
            assert dataset.id.get_offset() is not None


def test_its_attributes_say_what_made_it(small_store_folder, synthetic_folder):
    store = open_store(store_path(small_store_folder, "dev"))
    assert store.attributes["source"] == "ptbxl"
    assert store.attributes["source_version"].startswith("unknown (table ")
    assert store.attributes["partition"] == "dev"
    assert store.attributes["folds"] == {"train": [1, 2, 3, 4, 5, 6, 7, 8], "dev": [9], "test": [10]}
    assert store.attributes["leads"] == store.leads
    assert len(store.leads) == 12
    assert store.image_leads == ["I", "II", "V2"]
    assert store.sampling_rate == 100
    assert store.attributes["band"] == [0.5, 40]
    assert "Butterworth" in store.attributes["filter"]
    assert store.gain == 1000
    assert store.attributes["schema_version"] == SCHEMA_VERSION
    assert store.attributes["bad_records"] == []
    recipe = ImageRecipe.from_parameters(store.image_parameters)
    assert recipe == ImageRecipe(size=32)


def test_rows_are_those_of_the_table(small_store_folder, synthetic_folder):
    source = open_source("ptbxl", synthetic_folder)
    n_items = 0
    for partition in PARTITIONS:
        store = open_store(store_path(small_store_folder, partition))
        n_items += store.n_items
        items = Whole().table(source).rows.set_index("item_id").loc[store.columns["item_id"]]
        assert store.columns["patient_id"].tolist() == items["patient_id"].tolist()
        for name in NUMBER_COLUMNS:
            np.testing.assert_array_equal(store.columns[name], items[name].to_numpy(NUMBER_COLUMNS[name]))
        rows = source.records.index[source.records["record_id"].isin(store.columns["record_id"])].to_numpy()
        for task, labels in source.labels.items():
            np.testing.assert_array_equal(store.task(task).values, labels.values[rows])
            np.testing.assert_array_equal(store.task(task).labelled, labels.labelled[rows])
            assert store.task(task).classes == labels.classes
        assert store.lengths.tolist() == [1000] * store.n_items
        assert store.attributes["items_digest"] == digest_of_items(store.columns["item_id"])
    assert n_items == len(source.records)


def test_an_unknown_task_is_told_the_known_ones(small_store_folder):
    with pytest.raises(EcgFusionError, match="has no task diseases: choose one of disease, superdiagnostic"):
        open_store(store_path(small_store_folder, "dev")).task("diseases")


def test_the_digest_is_of_a_set():
    assert digest_of_items(["1", "2"]) == digest_of_items(["2", "1"]) != digest_of_items(["12"])


# refused


@pytest.fixture
def copied(small_store_folder, tmp_path) -> Path:
    return Path(shutil.copy(store_path(small_store_folder, "dev"), tmp_path / "dev.h5"))


def refusal(path: Path) -> str:
    with pytest.raises(EcgFusionError) as refused:
        open_store(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_missing_store_is_told_its_command(tmp_path):
    command = f"python create_images.py --partition dev --out {tmp_path}"
    assert refusal(tmp_path / "dev.h5").endswith(f"make it with {command}")
    part_path(tmp_path / "dev.h5").touch()
    assert "give the command that began it again, with the same options" in refusal(tmp_path / "dev.h5")


def test_no_command_makes_stores_among_recordings(synthetic_folder, tmp_path):
    folder = shutil.copytree(synthetic_folder, tmp_path / "ptbxl")
    said = refusal(folder / "train.h5")
    beside = tmp_path / "ptbxl-images"
    assert f"{folder} holds recordings: name the folder of its stores, {beside}, when python create_images.py" in said
    assert f"--partition train --out {beside} --data {folder} has made them there" in said
    beside.mkdir()
    (beside / "train.h5").touch()
    assert refusal(folder / "train.h5").endswith(f"name the folder of its stores, {beside}")


def test_a_newer_store_is_refused(copied):
    with h5py.File(copied, "r+") as file:
        file.attrs["schema_version"] = SCHEMA_VERSION + 1
    assert f"by a newer ecgfusion (schema {SCHEMA_VERSION + 1}): update this one" in refusal(copied)


@pytest.mark.parametrize("attributes", [{}, {"schema_version": "1.2"}, {"schema_version": "[1]", "title": "x"}])
def test_a_file_of_another_program_is_refused(tmp_path, attributes):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["signals"] = np.zeros(3)
        file.attrs.update(attributes)
    assert "is an HDF5 file of another program" in refusal(tmp_path / "x.h5")


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + bytes(3000)])
def test_garbage_is_refused(tmp_path, content):
    (tmp_path / "x.h5").write_bytes(content)
    assert "is not a readable store" in refusal(tmp_path / "x.h5")


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "x.h5").mkdir()
    assert "x.h5 is a folder: name a file" in refusal(tmp_path / "x.h5")


def test_a_truncated_store_is_refused_wherever_it_ends(copied):
    data = copied.read_bytes()
    cuts = [*np.random.default_rng(0).integers(1, len(data), 20), len(data) - 1]
    for cut in cuts:
        copied.write_bytes(data[:cut])
        assert "is not a readable store" in refusal(copied)


@pytest.mark.parametrize("name", ["signals", "item_id", "finished", "age", "labels/disease", "labelled/form", "labels"])
def test_a_store_that_lacks_a_part_is_refused(copied, name):
    with h5py.File(copied, "r+") as file:
        del file[name]
    assert "is not a readable store" in refusal(copied)


@pytest.mark.parametrize("stage", [0, 1])
def test_an_incomplete_store_is_refused(copied, stage):
    with h5py.File(copied, "r+") as file:
        file["finished"][stage] -= 1
    assert "is incomplete: remove it and give python create_images.py --partition dev" in refusal(copied)


def test_a_compressed_store_is_refused_for_now(copied):
    with h5py.File(copied, "r+") as file:
        signals = file["signals"][()]
        del file["signals"]
        file.create_dataset("signals", data=signals, chunks=(1, *signals.shape[1:]), compression="gzip")
    assert "/signals is not contiguous" in refusal(copied)


def test_padding_is_no_sample(small_store_folder):
    for partition in PARTITIONS:
        assert (open_store(store_path(small_store_folder, partition)).signals.open() != PADDING).all()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("M\nI", "cannot be printed"),
        ("", "a class has an empty name"),
        ("=cmd|x", "begins like a formula"),
        ("NORM", "NORM"),
    ],
)
def test_names_of_classes_are_checked_where_a_store_is_opened(small_store_folder, tmp_path, name, problem):
    path = Path(shutil.copy(store_path(small_store_folder, "dev"), tmp_path))
    with h5py.File(path, "r+") as file:
        classes = file["labels/disease"].attrs["classes"]
        file["labels/disease"].attrs["classes"] = np.array([name, *classes[1:]], h5py.string_dtype())
    with pytest.raises(EcgFusionError, match=rf"dev\.h5 is not a readable store .*{problem}"):
        open_store(path)


def test_a_store_under_the_name_of_another_partition_is_refused(small_store_folder: Path, tmp_path: Path):
    shutil.copy(small_store_folder / "test.h5", tmp_path / "dev.h5")
    with pytest.raises(EcgFusionError, match=r"dev\.h5 holds the partition test: rename it"):
        open_partition(tmp_path, "dev")
    assert open_partition(small_store_folder, "dev").attributes["partition"] == "dev"


def test_a_store_with_sums_and_no_digest_is_no_earlier_one(copied):
    with h5py.File(copied, "r+") as file:
        del file.attrs["contents_digest"]
    assert "the digest of its tables is gone" in refusal(copied)


def test_it_is_looked_through_once_and_again_when_it_has_changed(small_store_folder, tmp_path, monkeypatch):
    path, looked, digest = Path(shutil.copy(small_store_folder / "dev.h5", tmp_path)), [], reading.digest_of_contents
    monkeypatch.setattr(reading, "digest_of_contents", lambda file: looked.append(file) or digest(file))
    for _ in range(2):  # while its last change is so young that the next one could have the same time
        open_store(path)
    assert len(looked) == 2
    monkeypatch.setattr(reading, "_TOLD_APART_NS", 0)
    for _ in range(3):
        open_store(path)
    assert len(looked) == 3
    with h5py.File(path, "a") as file:
        file["fold"][0] += 1
    with pytest.raises(EcgFusionError, match="its tables are not what was written"):
        open_store(path)
