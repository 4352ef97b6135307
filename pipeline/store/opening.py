"""An HDF5 file open for reading, wherever it lies."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import h5py

from pipeline.machine.places import is_remote, remote_path
from pipeline.machine.remote_ranges import Ranges, RemoteFile


class _Collector:
    """Python's collector of garbage, which rests while h5py reads across a network.

    h5py holds one lock of the whole process while it waits for an answer. The thread that fetches it would wait for
    that lock, and both for ever, if a collection that began there met something of h5py's that is to be closed.
    """

    def __init__(self) -> None:
        self._lock, self._n_readers, self._was_on = Lock(), 0, False

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        with self._lock:
            if not self._n_readers:
                self._was_on = gc.isenabled()
                gc.disable()
            self._n_readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_readers -= 1
                if not self._n_readers and self._was_on:
                    gc.enable()


_COLLECTOR = _Collector()


@contextmanager
def opened_hdf5(path: Path, ranges: Ranges | None = None) -> Iterator[h5py.File]:
    """An HDF5 file wherever it lies, open for reading.

    Args:
        path: the file.
        ranges: of it, where they are there already.

    Raises:
        OSError: it is no HDF5 file; and what else h5py meets.
        EcgFusionError: the place fails to give it.
    """
    if not is_remote(path):
        with h5py.File(path, "r") as file:
            yield file
        return
    raw, problem = RemoteFile(ranges or Ranges(remote_path(path))), None
    try:
        with _COLLECTOR.at_rest(), h5py.File(raw, "r") as file:
            yield file
    except Exception:
        problem, raw.problem = raw.problem, None
        if problem is None:
            raise
    if problem is not None:
        # of which HDF5 says only that a read failed. Without its frames, which hold what HDF5 knows the place by: HDF5
        # would hold the place for good, and let go of it when Python is gone already
        raise problem.with_traceback(None)
