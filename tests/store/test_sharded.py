"""A store in shards is read as one in one file; what it points at is looked at before anything is read of it."""

import os
import pickle
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from in_shards import point_at
from remote_places import web_of
from small_stores import make

import pipeline.store.sharded
from pipeline.errors import EcgFusionError
from pipeline.inputs.batches import Pick
from pipeline.inputs.items import StreamedSignals
from pipeline.inputs.placement import store_items
from pipeline.inputs.spec import InputSpec
from pipeline.store.check import damage_of_store
from pipeline.store.export import export_store
from pipeline.store.reading import open_store, store_path
from pipeline.store.sharded import Sharded, shards_folder
from pipeline.store.verify import verify_store


@pytest.fixture
def path(sharded: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return store_path(shutil.copytree(sharded, tmp_path / "stores"), "train")


def arrays(path: Path) -> dict:
    store = open_store(path)
    return {"signals": store.signals, **store.images}


def test_every_index_gives_what_one_file_gives(sharded, reference_stores):
    for name, array in arrays(store_path(sharded, "train")).items():
        assert isinstance(array, Sharded)
        assert [shard.n_items for shard in array.shards] == [10, 10, 10, 1]
        ours, theirs = array.open(), arrays(store_path(reference_stores, "train"))[name].open()
        assert (len(ours), ours.shape, ours.dtype) == (31, theirs.shape, theirs.dtype)
        keys = [0, -1, np.int64(30), [9, 10, 0, -1], slice(5, 25, 3), slice(3), np.arange(31) % 2 == 0, slice(0, 0)]
        for key in (*keys, (12, [0, 2]), (12, slice(1, 3), slice(4)), ([3, 20], 1), (slice(8, 12), slice(2)), ([], 1)):
            np.testing.assert_array_equal(ours[key], theirs[key])
        np.testing.assert_array_equal(np.asarray(ours), theirs)
        np.testing.assert_array_equal(np.stack(list(ours)), theirs)
        for wrong in (31, -32):
            with pytest.raises(IndexError):
                ours[wrong]


def test_other_programs_read_it_through_hdf5(sharded, reference_stores):
    with h5py.File(store_path(sharded, "train")) as ours, h5py.File(store_path(reference_stores, "train")) as theirs:
        for name in ("signals", "images/gaf", "images/mtf", "checksums/signals", "checksums/images/gaf", "finished"):
            np.testing.assert_array_equal(ours[name][()], theirs[name][()])
        assert ours.attrs["contents_digest"] == theirs.attrs["contents_digest"]


def test_networks_see_the_same_resident_and_from_disk(sharded, reference_stores):
    rows, pick = np.array([30, 3, 12, 11, 29]), Pick(np.array([4, 0, 2]), np.zeros(3, np.int64))
    signal = InputSpec("signal", ("II", "V1"), 100.0, 1000.0, 1000)
    image = InputSpec("image", ("II",), 100.0, 1000.0, 1000, representations={"mtf": {}, "gaf": {}})
    ours, theirs = (open_store(store_path(folder, "train")) for folder in (sharded, reference_stores))
    for spec in (signal, image):
        assert store_items(ours, rows, spec)[pick].raw.equal(store_items(theirs, rows, spec)[pick].raw)
    streamed = StreamedSignals(ours, rows, signal)
    expected = store_items(theirs, rows, signal)[pick].raw
    assert streamed[pick].raw.equal(expected)
    assert pickle.loads(pickle.dumps(streamed))[pick].raw.equal(expected)


def test_a_few_maps_are_enough(path, monkeypatch):
    """A program may open 1024 files, and a large partition has hundreds of shards for each array."""
    monkeypatch.setattr(pipeline.store.sharded, "_MOST_MAPPED", 1)
    signals = open_store(path).signals.open()
    n_before = len(os.listdir("/proc/self/fd"))
    for row in (0, 15, 25, 30, 5):
        signals[row]
    assert len(os.listdir("/proc/self/fd")) <= n_before + 1


def test_it_is_checked_verified_and_exported(path, tmp_path, monkeypatch):
    store = open_store(path)
    assert list(damage_of_store(path)) == []
    monkeypatch.setattr("pipeline.store.verify.reference_images", lambda name, x, *_: np.zeros((len(x), 16, 16), int))
    assert re.search(r"over 31 records: gaf 255, mtf \d+", verify_store(store, 40))
    assert "186 images" in export_store(store, tmp_path / "files")


def test_it_may_be_moved_with_its_shards(path, tmp_path):
    moved = path.parent.rename(tmp_path / "elsewhere")
    assert open_store(store_path(moved, "train")).signals.open()[30].any()


def test_an_item_that_is_another_is_named_with_its_shard(path):
    shard = shards_folder(path) / "00001.h5"
    with h5py.File(shard, "r+") as file:
        file["images/gaf"][3, 0, 0, 0] ^= 1
    (sentence,) = damage_of_store(path)
    name = open_store(path).columns["item_id"][13]
    assert sentence == f"{shard} is damaged: the images of gaf of item {name} are not what was written: make it anew"
    gaf = open_store(path).images["gaf"]
    gaf.check(np.array([12, 14]), gaf.open())
    with pytest.raises(EcgFusionError, match=rf"{shard} is damaged: .*: remove {shard} and {path}, and the command"):
        gaf.check(np.array([13]), gaf.open())


def test_a_shard_of_another_partition_is_refused(path, synthetic_folder, tmp_path):
    """Of the same length, and each item bearing its own sum."""
    folder = shards_folder(path)
    shutil.copy(folder / "00000.h5", folder / "00001.h5")
    signals = open_store(path).signals
    with pytest.raises(EcgFusionError, match=r"00001\.h5 is damaged: the signals of item .* are not what was written"):
        signals.check(np.array([10]), signals.open())
    other = make(synthetic_folder, tmp_path / "other", "--partition", "dev", "--representations", "gaf")
    n_bytes = (folder / "00002.h5").stat().st_size
    content = store_path(other, "dev").read_bytes()
    (folder / "00002.h5").write_bytes(content + bytes(n_bytes - len(content)))
    with pytest.raises(EcgFusionError, match=r"00002\.h5 is no shard of .* \(signals has the shape"):
        signals.open()[20]


REMEDY = "the command that made them makes again what is missing"


def test_a_missing_shard_is_one_sentence(path):
    shard = shards_folder(path) / "00002.h5"
    shard.unlink()
    with pytest.raises(
        EcgFusionError, match=rf"^{path} lies in shards, and {shard} is missing: put it back, or remove"
    ):
        open_store(path)


def test_a_truncated_shard_is_one_sentence(path):
    shard = shards_folder(path) / "00002.h5"
    os.truncate(shard, shard.stat().st_size - 1)
    with pytest.raises(EcgFusionError, match=rf"^{shard} is damaged: it has .* bytes, not the .* {REMEDY}$"):
        open_store(path)


def test_a_link_in_the_place_of_a_shard_or_of_their_folder_is_refused(path, tmp_path):
    shard = shards_folder(path) / "00002.h5"
    shutil.move(shard, tmp_path / "kept.h5")
    shard.symlink_to(tmp_path / "kept.h5")
    with pytest.raises(EcgFusionError, match=r"its shard train\.shards/00002\.h5 is a link"):
        open_store(path)
    shutil.move(shards_folder(path), tmp_path / "kept")
    shards_folder(path).symlink_to(tmp_path / "kept")
    with pytest.raises(EcgFusionError, match=r"the folder of its shards train\.shards is a link"):
        open_store(path)


@pytest.mark.parametrize(
    "target",
    [
        "/etc/passwd",
        "../train.shards/00001.h5",
        "train.shards/../../00001.h5",
        "train.shards/00001.txt",
        "00001.h5",
        ".",
        "..shards/00001.h5/",
    ],
)
def test_a_shard_that_lies_elsewhere_is_refused(path, target):
    for name in ("signals", "images/gaf", "images/mtf"):
        point_at(path, name, target, 1)
    with pytest.raises(
        EcgFusionError, match=r"is not a readable store \(its shard .* is no file in a folder of shards"
    ):
        open_store(path)


@pytest.mark.parametrize("name", ["signals", "images/mtf"])
@pytest.mark.parametrize("target", ["/etc/passwd", "train.shards/00009.h5", "train.shards/00000.h5"])
def test_an_array_that_points_at_a_shard_that_is_not_named_is_refused(path, name, target):
    point_at(path, name, target, 1, listed=False)
    with pytest.raises(EcgFusionError, match=rf"\({name} points at '{target}', which is not the shard"):
        open_store(path)


def test_an_array_in_the_file_itself_or_without_a_list_is_refused(path):
    with h5py.File(path, "r+") as file:
        values = file["images/gaf"][()]
        del file["images/gaf"]
        file["images/gaf"] = values
    with pytest.raises(EcgFusionError, match=r"images/gaf does not lie in the shards that the file names"):
        open_store(path)
    with h5py.File(path, "r+") as file:
        del file["shards"]
    with pytest.raises(EcgFusionError, match=r"/images/mtf is not contiguous"):
        open_store(path)


def test_a_flipped_bit_in_the_file_is_refused_or_harmless(path):
    content, random = path.read_bytes(), np.random.default_rng(0)
    whole = {name: np.asarray(array.open()) for name, array in arrays(path).items()}
    outcomes = []
    for offset in random.integers(0, len(content), 30):
        damaged = bytearray(content)
        damaged[offset] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        outcomes.append(outcome(path, whole))
    assert set(outcomes) == {"equal", "refused"}


def outcome(path: Path, whole: dict[str, np.ndarray]) -> str:
    """Whether a store is refused in one sentence, or its arrays are what they were."""
    try:
        for name, array in arrays(path).items():
            opened = array.open()
            array.check(np.arange(31), opened)
            np.testing.assert_array_equal(opened, whole[name])
    except EcgFusionError as problem:
        return str(problem) if "\n" in str(problem) else "refused"
    return "equal"


def test_across_a_network_it_is_to_be_merged_first(sharded: Path):
    with web_of(sharded) as server, pytest.raises(EcgFusionError, match=r"train\.h5 lies in shards.*--merge before"):
        open_store(f"{server.url}/train.h5")
