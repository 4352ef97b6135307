"""The HDF5 file of a partition: its layout, and what is refused."""

import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from pipeline.errors import EcgFusionError
from pipeline.representations import ImageRecipe
from pipeline.signals.counts import PADDING
from pipeline.sources import Labels, open_source
from pipeline.store import mapped as mapped_arrays
from pipeline.store.attributes import from_attribute, to_attribute
from pipeline.store.reading import (
    NUMBER_COLUMNS,
    SCHEMA_VERSION,
    TEXT_COLUMNS,
    digest_of_items,
    open_store,
    store_path,
)
from pipeline.store.writing import StoreWriter, complete, differing, lay_out, part_path, recorded_attributes

PARTITIONS = ("train", "dev", "test")
FORMS = ("gaf", "mtf", "rp", "stft")


def small_items(n: int) -> pd.DataFrame:
    ids = [f"r{number}" for number in range(n)]
    return pd.DataFrame(
        {
            "item_id": ids,
            "record_id": ids,
            "patient_id": ["p"] * n,
            "fold": 1,
            "start": 0.0,
            "length": 0.5,
            "age": np.nan,
            "sex": -1,
        }
    )


def lay_out_small(path: Path, n: int = 5, **recipe) -> None:
    labels = Labels(("Ä", "B"), "multilabel", np.eye(n, 2, dtype=np.uint8), np.arange(n) % 2 == 0)
    attributes = {"gain": 1000.0, "sampling_rate": 10.0, "leads": ["I", "II"], "image_leads": ["I"], "tasks": ["t"]}
    lay_out(path, attributes | recipe, small_items(n), {"t": labels}, (2, 5), (1, 3, 3), {"gaf": {"size": 3}})


# the contract


@pytest.mark.parametrize("partition", PARTITIONS)
def test_any_hdf5_program_reads_it(small_store_folder, synthetic_folder, partition):
    source = open_source("ptbxl", synthetic_folder)
    with h5py.File(store_path(small_store_folder, partition), "r") as file:
        n = len(file["item_id"])
        assert file["signals"].shape == (n, 12, 1000)
        assert file["signals"].dtype == np.int16
        assert file["signals"].attrs["gain"] == 1000
        assert set(file["images"]) == set(FORMS)
        for form in FORMS:
            assert file["images"][form].shape == (n, 3, 32, 32)
            assert file["images"][form].dtype == np.uint8
            low, high = from_attribute(file["images"][form].attrs["value_range"])
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


@pytest.mark.parametrize("partition", PARTITIONS)
def test_mapped_arrays_are_what_hdf5_reads(small_store_folder, partition):
    path = store_path(small_store_folder, partition)
    store = open_store(path)
    with h5py.File(path, "r") as file:
        np.testing.assert_array_equal(store.signals.open(), file["signals"][()])
        for form in FORMS:
            np.testing.assert_array_equal(store.images[form].open(), file["images"][form][()])
    with pytest.raises(ValueError, match="read-only"):
        store.signals.open()[0] = 0


def test_rows_are_those_of_the_table(small_store_folder, synthetic_folder):
    source = open_source("ptbxl", synthetic_folder)
    n_items = 0
    for partition in PARTITIONS:
        store = open_store(store_path(small_store_folder, partition))
        n_items += store.n_items
        items = source.items.set_index("item_id").loc[store.columns["item_id"]]
        assert store.columns["patient_id"].tolist() == items["patient_id"].tolist()
        for name in NUMBER_COLUMNS:
            np.testing.assert_array_equal(store.columns[name], items[name].to_numpy(NUMBER_COLUMNS[name]))
        rows = source.items.index[source.items["item_id"].isin(store.columns["item_id"])].to_numpy()
        for task, labels in source.labels.items():
            np.testing.assert_array_equal(store.task(task).values, labels.values[rows])
            np.testing.assert_array_equal(store.task(task).labelled, labels.labelled[rows])
            assert store.task(task).classes == labels.classes
        assert store.lengths.tolist() == [1000] * store.n_items
        assert store.attributes["items_digest"] == digest_of_items(store.columns["item_id"])
    assert n_items == len(source.items)


def test_an_unknown_task_is_told_the_known_ones(small_store_folder):
    with pytest.raises(EcgFusionError, match="has no task diseases: choose one of disease, superdiagnostic"):
        open_store(store_path(small_store_folder, "dev")).task("diseases")


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
    assert "is not a readable store" in refusal(tmp_path / "x.h5")


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


# written


def test_rows_may_come_in_any_order_and_are_counted_when_they_are_there(tmp_path):
    path = tmp_path / "x.h5"
    lay_out_small(path)
    signals = np.random.default_rng(0).integers(-9, 9, (5, 2, 5)).astype(np.int16)
    images = np.random.default_rng(1).integers(0, 256, (5, 1, 3, 3)).astype(np.uint8)
    with StoreWriter(path) as writer:
        assert writer.finished("signals") == writer.finished("images") == 0
        writer.write("signals", 3, signals[3:])
        writer.write("gaf", 1, images[1:])
        writer.write("signals", 0, signals[:3])
        writer.write("gaf", 0, images[:1])
        np.testing.assert_array_equal(writer.read_signals(1, 4), signals[1:4])
        writer.mark_finished("signals", 5)
    assert "is incomplete" in refusal(path)
    with StoreWriter(path) as writer:
        assert (writer.finished("signals"), writer.finished("images")) == (5, 0)
        writer.mark_finished("images", 5)
    store = open_store(path)
    np.testing.assert_array_equal(store.signals.open(), signals)
    np.testing.assert_array_equal(store.images["gaf"].open(), images)
    assert store.labels["t"].classes == ("Ä", "B")
    assert store.labels["t"].labelled.tolist() == [True, False, True, False, True]
    assert np.isnan(store.columns["age"]).all()


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system takes no advice on files")
def test_pictures_that_have_left_the_systems_cache_are_on_the_disk(tmp_path, monkeypatch):
    """Written block by block, each of several pages, and let go behind each; what HDF5 reads is what was written."""
    path, n, asked, advise = tmp_path / "x.h5", 12, [], os.posix_fadvise
    monkeypatch.setattr(os, "posix_fadvise", lambda *how: asked.append(how[3]) or advise(*how))
    labels = Labels(("a", "b"), "multilabel", np.eye(n, 2, dtype=np.uint8), np.ones(n, bool))
    recipe = {"gain": 1000.0, "sampling_rate": 10.0, "leads": ["I"], "image_leads": ["I"], "tasks": ["t"]}
    lay_out(path, recipe, small_items(n), {"t": labels}, (1, 5), (1, 200, 200), {"gaf": {"size": 200}})
    images = np.random.default_rng(0).integers(0, 256, (n, 1, 200, 200)).astype(np.uint8)
    with StoreWriter(path, keep_cached=False) as writer:
        writer.write("signals", 0, np.arange(n * 5).reshape(n, 1, 5))
        writer.mark_finished("signals", n)
        assert not asked  # they are read again for the pictures
        for first in range(0, n, 4):
            writer.write("gaf", first, images[first : first + 4])
            writer.mark_finished("images", first + 4)
    assert asked == 3 * [os.POSIX_FADV_DONTNEED]
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["images/gaf"], images)
        np.testing.assert_array_equal(file["signals"][()].ravel(), np.arange(n * 5))


@pytest.mark.skipif(not hasattr(os, "RWF_NOWAIT"), reason="this system cannot be asked what it holds in memory")
@pytest.mark.parametrize("in_memory", [True, False])
def test_items_are_fetched_ahead_where_they_are_not_in_memory_and_stay_what_they_are(store, monkeypatch, in_memory):
    asked, advise = [], os.posix_fadvise
    monkeypatch.setattr(os, "posix_fadvise", lambda _, *how: asked.append(how) or advise(_, *how))
    monkeypatch.setattr(mapped_arrays, "_begins_in_memory", lambda *_: in_memory)
    mapped, rows = store.images["rp"], np.array([4, 0, 2])
    before = np.array(mapped.open())
    mapped.read_ahead(rows)
    n_bytes = before[0].nbytes
    places = [(mapped.offset + row * n_bytes, n_bytes, os.POSIX_FADV_WILLNEED) for row in rows]
    assert asked == ([] if in_memory else places)
    np.testing.assert_array_equal(mapped.open(), before)


def test_laying_out_twice_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        lay_out_small(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_part_becomes_the_store_only_if_it_passes_the_check(tmp_path):
    path = tmp_path / "x.h5"
    lay_out_small(part_path(path))
    with pytest.raises(EcgFusionError, match="is incomplete"):
        complete(part_path(path), path, open_store)
    assert not path.exists()
    with StoreWriter(part_path(path)) as writer:
        for stage in ("signals", "images"):
            writer.mark_finished(stage, 5)
    complete(part_path(path), path, open_store)
    assert not part_path(path).exists()
    assert open_store(path).n_items == 5


def test_ten_thousand_bad_records_fit_the_attribute(tmp_path):
    bad = [[str(number), f"/a/folder/records100/{number} is missing"] for number in range(10_000)]
    lay_out_small(tmp_path / "x.h5", bad_records=bad)
    assert from_attribute(recorded_attributes(tmp_path / "x.h5")["bad_records"]) == bad


def test_what_differs_is_named(tmp_path):
    recipe = {"band": [0.5, 40.0], "images": {"gaf": {"size": 256}}, "limit": None, "source": "ptbxl"}
    lay_out_small(tmp_path / "x.h5", **recipe)
    recorded = recorded_attributes(tmp_path / "x.h5")
    assert differing(recipe, recorded) == []
    other = {"band": None, "images": {"gaf": {"size": 128}, "rp": {"size": 128}}, "limit": 5, "source": "ptbxl"}
    assert differing(other, recorded) == [
        "band [0.5, 40.0], not None",
        "images gaf size 256, not 128",
        "images rp size left out, not 128",
        "limit None, not 5",
    ]


def test_padding_is_no_sample(small_store_folder):
    for partition in PARTITIONS:
        assert (open_store(store_path(small_store_folder, partition)).signals.open() != PADDING).all()
