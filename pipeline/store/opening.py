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
    raw = RemoteFile(ranges or Ranges(remote_path(path)))
    try:
        with h5py.File(raw, "r") as file:
            yield file
    except Exception:
        if raw.problem is not None:  # of which HDF5 says only that a read failed
            raise raw.problem from None
        raise
