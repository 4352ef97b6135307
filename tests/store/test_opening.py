"""An HDF5 file opens where it lies, and what its place fails at is said as that."""

import gc
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from threading import Thread

import h5py
import numpy as np
import pytest
from file_server import FileServer, part_dropped
from remote_places import Bucket, web_of

from pipeline.errors import EcgFusionError
from pipeline.machine.places import place
from pipeline.machine.remote_ranges import Ranges, RemoteFile
from pipeline.store.opening import opened_hdf5

VALUES = np.arange(400_000).reshape(4, -1)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[FileServer]:
    """A web server that has ``a.h5``."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["values"] = VALUES
        file.attrs["name"] = "some"
    with web_of(tmp_path) as server:
        yield server


def test_it_is_the_same_file_wherever_it_lies(web: FileServer, bucket: Bucket):
    address = bucket.put("opening/a.h5", (web.folder / "a.h5").read_bytes())
    for path in (web.folder / "a.h5", place(f"{web.url}/a.h5"), place(address)):
        with opened_hdf5(path) as file:
            np.testing.assert_array_equal(file["values"][()], VALUES)
            assert file.attrs["name"] == "some"


def test_what_the_place_fails_at_is_not_the_file_s_fault(web: FileServer):
    web.faults["a.h5"] = repeat(part_dropped)
    with (
        pytest.raises(EcgFusionError, match=r"a\.h5 broke off while it was read"),
        opened_hdf5(place(f"{web.url}/a.h5")),
    ):
        pass


def test_what_fails_is_let_go(web: FileServer):
    """What HDF5 still holds when Python ends, it lets go of by calling Python, and the process dies of it."""
    web.faults["a.h5"] = repeat(part_dropped)
    with pytest.raises(EcgFusionError), opened_hdf5(place(f"{web.url}/a.h5")):
        pass
    gc.collect()
    gc.collect()  # of what the first one has let go of
    assert not [held for held in gc.get_objects() if type(held) is RemoteFile]


def test_a_collection_while_the_place_is_waited_for_locks_nothing(web: FileServer, monkeypatch: pytest.MonkeyPatch):
    """h5py's lock is held then, and another thread that collects one of its files would wait for that for ever."""
    read, waiting, files = Ranges.read, [], [h5py.File(web.folder / "a.h5", "r")]

    def fetched(ranges: Ranges, start: int, end: int) -> bytes:
        def churn() -> None:
            knot: list[object] = files[:]
            knot.append(knot)  # which only a collection undoes
            files.clear()
            del knot
            assert [[] for _ in range(20_000)]  # enough of them to begin one

        other = Thread(target=churn, daemon=True)
        other.start()
        other.join(10)
        waiting.append(other.is_alive())
        return read(ranges, start, end)

    monkeypatch.setattr(Ranges, "read", fetched)
    with opened_hdf5(place(f"{web.url}/a.h5")) as file:
        assert file.attrs["name"] == "some"
    assert waiting
    assert not any(waiting)
    assert gc.isenabled()
    gc.collect()


def test_the_collector_stays_as_it_was(web: FileServer):
    gc.disable()
    try:
        with opened_hdf5(place(f"{web.url}/a.h5")), opened_hdf5(place(f"{web.url}/a.h5")):
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
    with opened_hdf5(place(f"{web.url}/a.h5")):
        with opened_hdf5(place(f"{web.url}/a.h5")):
            pass
        assert not gc.isenabled()  # the outer one still reads
    assert gc.isenabled()


def test_what_is_no_hdf5_is_h5py_s_own_error(web: FileServer):
    (web.folder / "a.h5").write_bytes(b"some text" * 100)
    with pytest.raises(OSError, match="signature"), opened_hdf5(place(f"{web.url}/a.h5")):
        pass
