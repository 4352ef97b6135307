"""A store across a network is the one that was copied there: rows by number, some ahead, each compared with its sum."""

import pickle
import shutil
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from file_server import FileServer, part_dropped
from remote_places import Bucket, web_of

from pipeline.errors import EcgFusionError
from pipeline.store import remote_rows
from pipeline.store.mapped import Mapped
from pipeline.store.reading import Store, open_partition, open_store
from pipeline.store.remote_rows import RemoteRows


@pytest.fixture
def web(reference_stores: Path, tmp_path: Path) -> Iterator[FileServer]:
    """A web server that has a copy of the small stores."""
    shutil.copytree(reference_stores, tmp_path / "stores")
    with web_of(tmp_path) as server:
        yield server


@pytest.fixture
def here(reference_stores: Path) -> Store:
    return open_store(reference_stores / "train.h5")


def arrays(store: Store) -> list[RemoteRows]:
    found = [store.signals, *store.images.values()]
    assert all(isinstance(each, RemoteRows) for each in found)
    return found  # type: ignore[return-value]


def test_a_store_is_the_same_wherever_it_lies(here: Store, web: FileServer, bucket: Bucket, reference_stores: Path):
    bucket.put("rows/train.h5", (reference_stores / "train.h5").read_bytes())
    for folder in (f"{web.url}/stores", "s3://ecg/rows"):
        there = open_partition(Path(folder), "train")
        assert str(there.path) == f"{folder}/train.h5"
        assert there.attributes == here.attributes
        for name, values in here.columns.items():
            np.testing.assert_array_equal(values, there.columns[name])
        for one, other in zip([here.signals, *here.images.values()], arrays(there), strict=True):
            assert (one.shape, one.dtype) == (other.shape, other.dtype)
            np.testing.assert_array_equal(one.open(), np.asarray(other.open()))


@pytest.mark.parametrize(
    "key",
    [
        *(0, -1, np.int64(3), slice(2, 7), slice(None, None, 3), np.array([5, 1, 5]), (2, [0, 3]), (slice(1, 3), 2)),
        (np.array([4, 2]), slice(None), slice(5, 9)),
    ],
    ids=str,
)
def test_rows_are_those_of_an_array(key: Any, here: Store, web: FileServer):
    rows = open_store(f"{web.url}/stores/train.h5").signals.open()
    np.testing.assert_array_equal(rows[key], np.asarray(here.signals.open())[key])
    assert len(rows) == here.n_items


def test_a_row_that_is_not_there_is_refused(web: FileServer):
    rows = open_store(f"{web.url}/stores/train.h5").signals.open()
    for wrong in (len(rows), -len(rows) - 1):
        with pytest.raises(IndexError):
            rows[wrong]


def answers_to(web: FileServer, ask: Callable[[], object]) -> int:
    """How many parts are asked for meanwhile."""
    before = len(web.parts)
    ask()
    return len(web.parts) - before


def test_rows_in_order_come_ahead_and_others_alone(here: Store, web: FileServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remote_rows, "_NEAR", 0)
    monkeypatch.setattr(remote_rows, "_LEAST_AHEAD", 2 * 24_000)
    signals = open_store(f"{web.url}/stores/train.h5").signals
    assert signals.shape[1:] == (12, 1000)
    rows = signals.open()
    assert answers_to(web, lambda: [rows[row] for row in range(signals.shape[0])]) < 6  # 2, 4, 8 … rows
    assert answers_to(web, lambda: [rows[row] for row in range(signals.shape[0])]) == 0  # they are kept
    other = pickle.loads(pickle.dumps(signals)).open()  # as another process has it
    assert answers_to(web, lambda: other[20]) == 1
    assert answers_to(web, lambda: other[3]) == 1
    assert answers_to(web, lambda: other.read_ahead(np.array([9, 3, 25, 10]))) == 2  # 9 and 10 together, and 25
    assert answers_to(web, lambda: [other[row] for row in (25, 9, 10)]) == 0


def test_no_more_is_kept_than_there_is_room_for(web: FileServer, here: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remote_rows, "_MOST_KEPT", 3 * 24_000)
    rows = open_store(f"{web.url}/stores/train.h5").signals.open()
    order = np.random.default_rng(0).permutation(len(rows))
    for row in [*order, *order]:
        np.testing.assert_array_equal(rows[row], here.signals.open()[row])
        assert len(rows._kept) <= 3  # type: ignore[attr-defined]
    np.testing.assert_array_equal(rows[order], np.asarray(here.signals.open())[order])


def test_a_damaged_row_is_refused_when_it_is_read(web: FileServer):
    path = web.folder / "stores" / "train.h5"
    mapped = open_store(path).signals
    assert isinstance(mapped, Mapped)
    mapped.open_to_write()[4, 2, 7] += 1
    store = open_store(f"{web.url}/stores/train.h5")
    rows = store.signals.open()
    rows[3], rows[5]
    item = store.columns["item_id"][4]
    with pytest.raises(EcgFusionError, match=f"is damaged: the signals of item {item} are not what was written: copy"):
        rows[4]
    with pytest.raises(EcgFusionError, match="is damaged"):
        rows[2:6]


def test_a_store_that_changes_while_it_is_read_is_refused(web: FileServer):
    path = web.folder / "stores" / "train.h5"
    rows = open_store(f"{web.url}/stores/train.h5").signals.open()
    rows[0]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(EcgFusionError, match="changed while it was read: see that nobody writes it"):
        rows[9]


def test_a_server_that_goes_on_dropping_ends_it(web: FileServer):
    rows = open_store(f"{web.url}/stores/train.h5").signals.open()
    web.faults["stores/train.h5"] = iter([part_dropped])
    rows[0]
    web.faults["stores/train.h5"] = repeat(part_dropped)
    with pytest.raises(EcgFusionError, match=r"train\.h5 broke off while it was read: check the network"):
        rows[9]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b"no HDF5" * 100), "is not a readable store (.*): copy it there anew"),
        (lambda path: path.write_bytes(path.read_bytes()[:-5000]), "is not a readable store (.*): copy it there anew"),
        (lambda path: path.unlink(), "make the store with create_images.py, and copy it there"),
        (lambda path: _link(path), "is a link"),
    ],
    ids=["foreign", "cut", "gone", "links"],
)
def test_what_is_no_store_is_refused_as_here(web: FileServer, damage, said: str):
    damage(web.folder / "stores" / "train.h5")
    with pytest.raises(EcgFusionError, match=said.replace("(.*)", r"\(.*\)")):
        open_store(f"{web.url}/stores/train.h5")


def _link(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["features/other"] = h5py.ExternalLink("/etc/passwd", "x")
