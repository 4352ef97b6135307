"""An HDF5 file open for reading, wherever it lies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from pipeline.machine.places import is_remote, remote_path
from pipeline.machine.remote import Ranges, RemoteFile


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
        with h5py.File(raw, "r") as file:
            yield file
    except Exception:
        problem, raw.problem = raw.problem, None
        if problem is None:
            raise
    if problem is not None:
        # of which HDF5 says only that a read failed. Without its frames, which hold what HDF5 knows the place by: HDF5
        # would hold the place for good, and let go of it when Python is gone already
        raise problem.with_traceback(None)
