"""Workers of Dask make the shards: processes here, one of which dies; and what is wrong with a scheduler is told."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from in_shards import Deadly, make_in_shards, small_shards
from small_stores import SMALL, make

import create_images
from pipeline.commands.parser import run_command
from pipeline.errors import EcgFusionError
from pipeline.listening import Listener, listening
from pipeline.sources import open_source
from pipeline.store import cluster as module
from pipeline.store.checksums import DIGEST
from pipeline.store.cluster import Cluster, cluster
from pipeline.store.create import create_stores
from pipeline.store.merging import merge_store
from pipeline.store.options import check_scheduler
from pipeline.store.reading import open_store, store_path

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def workers() -> Iterator[Cluster]:
    """Two processes."""
    with cluster("local:2") as started:
        yield started


def test_a_worker_that_dies_is_replaced_and_nothing_is_lost_or_twice(
    workers, synthetic_folder, reference_stores, tmp_path
):
    pids = set(workers._client.run(os.getpid).values())
    make_in_shards(synthetic_folder, tmp_path, "--partition", "train", workers=Deadly(workers, tmp_path))
    path = store_path(tmp_path, "train")
    assert (tmp_path / "died in train signals").exists()
    for stage in ("train signals", "train images"):
        done = (tmp_path / f"did {stage}").read_text().split()
        assert set(done) == {"00000", "00001", "00002", "00003"}
        assert done.count("00001") == 1
    assert set(workers._client.run(os.getpid).values()) != pids
    store, expected = open_store(path), open_store(store_path(reference_stores, "train"))
    assert store.attributes[DIGEST] == expected.attributes[DIGEST]
    assert merge_store(path)
    assert path.read_bytes() == expected.path.read_bytes()


def test_what_is_wrong_comes_back_as_a_sentence_and_the_bar_is_of_the_whole(workers, copied_folder, tmp_path):
    record = open_store(store_path(make(copied_folder, tmp_path / "one", "--partition", "dev"), "dev")).columns[
        "record_id"
    ][1]
    (file,) = (copied_folder / "records100").rglob(f"{int(record):05d}_lr.dat")
    file.write_bytes(b"")
    bars: list[tuple] = []

    class Ear(Listener):
        def bar(self, iterable, name, **keywords):
            bars.append((name, keywords["total"]))
            return super().bar(iterable, name, **keywords)

    options: dict[str, Any] = {"partition": "dev", "representations": "gaf", "size": 16, "scheduler": "local:2"}
    source = open_source("ptbxl", copied_folder, 100.0)
    with listening(Ear()), small_shards(workers), pytest.raises(EcgFusionError, match="1 bad record, named above"):
        create_stores(source, tmp_path / "many", **options)
    assert bars == [("dev signals", 4)]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("local:0", "take from 1 to 1024 workers"),
        ("local:5000", "take from 1 to 1024 workers"),
        ("local", "is not understood: write local:2 for two workers on this machine, or the address"),
        ("local:two", "is not understood"),
        ("10.0.0.1", "is not understood"),
    ],
)
def test_a_name_that_can_be_none_is_refused(name, sentence):
    with pytest.raises(EcgFusionError, match=sentence):
        check_scheduler(name)


def test_where_nobody_answers_nothing_is_left(synthetic_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS_TO_CONNECT", 0.5)
    with pytest.raises(EcgFusionError, match=r"no scheduler answers at tcp://127.0.0.1:1 \(.*\): start one with dask"):
        make(synthetic_folder, tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1")
    assert not (tmp_path / "out").exists()


def test_without_dask_the_extra_is_named(synthetic_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = [
        "create_images.py",
        "--data",
        synthetic_folder,
        "--out",
        tmp_path / "out",
        *SMALL,
        "--scheduler",
        "local:2",
    ]
    monkeypatch.setattr("sys.argv", [str(word) for word in words])
    with pytest.raises(SystemExit, match=r'not installed: pip install "ecgfusion\[cluster\]"$'):
        run_command(create_images.main)
    assert not (tmp_path / "out").exists()


def test_a_merge_without_shards_to_come_is_refused_from_python(synthetic_folder, tmp_path):
    with pytest.raises(EcgFusionError, match="--merge makes one file of the shards that --scheduler makes"):
        create_stores(open_source("ptbxl", synthetic_folder, 100.0), tmp_path, merge=True)
