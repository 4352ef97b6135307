"""Shards become the file that one machine writes, whenever the merge is stopped, or a sentence says why not."""

import shutil
from pathlib import Path

import h5py
import pytest
from in_shards import make_in_shards
from kills import Killed, kill_at_call

import create_images
from pipeline.errors import EcgFusionError
from pipeline.store import merging
from pipeline.store.merging import merge_store
from pipeline.store.reading import open_store, store_path
from pipeline.store.sharded import shards_folder
from pipeline.store.writing import StoreWriter, part_path


@pytest.fixture
def path(sharded: Path, tmp_path: Path) -> Path:
    """A copy that a test may merge."""
    return store_path(shutil.copytree(sharded, tmp_path / "stores"), "train")


def test_the_command_merges_finished_stores(path, reference_stores, capsys):
    create_images.main(["--merge", "--out", str(path.parent)])
    assert path.read_bytes() == store_path(reference_stores, "train").read_bytes()
    assert [each.name for each in path.parent.iterdir()] == ["train.h5"]
    create_images.main(["--merge", "--out", str(path.parent)])
    out = capsys.readouterr().out
    assert "train.h5: merged into one file" in out
    assert "train.h5 is one file already: nothing to merge" in out


def test_with_a_scheduler_it_merges_what_it_makes(synthetic_folder, tmp_path, reference_stores):
    make_in_shards(synthetic_folder, tmp_path, "--partition", "dev", "--merge")
    assert store_path(tmp_path, "dev").read_bytes() == store_path(reference_stores, "dev").read_bytes()
    assert not shards_folder(store_path(tmp_path, "dev")).exists()


@pytest.mark.parametrize("call", [1, 4, 7])
def test_killed_it_goes_on(path, reference_stores, monkeypatch, call):
    monkeypatch.setattr(merging, "_BYTES_AT_ONCE", 100_000)
    monkeypatch.setattr(merging, "_BYTES_BETWEEN_SYNCS", 1)
    with monkeypatch.context() as killing:
        kill_at_call(killing, StoreWriter, "write", call)
        with pytest.raises(Killed):
            merge_store(path)
    assert open_store(path).n_items == 31  # until it is complete, the shards are the store
    assert merge_store(path)
    assert path.read_bytes() == store_path(reference_stores, "train").read_bytes()


def test_a_damaged_item_is_not_copied(path):
    with h5py.File(shards_folder(path) / "00001.h5", "r+") as file:
        file["signals"][3, 0, 0] ^= 1
    with pytest.raises(EcgFusionError, match=r"00001\.h5 is damaged: the signals of item"):
        merge_store(path)
    assert open_store(path).n_items == 31


def test_what_does_not_fit_or_is_another_is_refused(path, monkeypatch):
    usage = shutil.disk_usage(path.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=791_615))
    with pytest.raises(EcgFusionError, match=r"791,615 bytes free, and a merged copy of .* takes 791,616 more"):
        merge_store(path)
    monkeypatch.undo()
    shutil.copy(shards_folder(path) / "00001.h5", part_path(path))
    with pytest.raises(EcgFusionError, match=r"train\.h5\.part is no merged copy of .*: remove it"):
        merge_store(path)


def test_merging_alone_goes_with_no_option_of_making(capsys):
    with pytest.raises(EcgFusionError, match=r"--size does not go with --merge, which makes no store: leave it out"):
        create_images.main(["--merge", "--size", "64"])
