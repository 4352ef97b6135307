"""Large arrays of a store: contiguous in its file, or in memory; both open in the same way."""

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import h5py
import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.store.checksums import ItemSums


class StoredArray(Protocol):
    """What a reader of a store asks of its signals and images, wherever they lie."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    def open(self) -> np.ndarray:
        """All of it, to be indexed by rows first."""

    def read_ahead(self, rows: np.ndarray) -> None:
        """Makes several items ready that are about to be read."""

    def check(self, rows: np.ndarray, opened: np.ndarray) -> None:
        """Refuses items that are not what was written, each when it is read for the first time; see ``Mapped``."""


@dataclass(frozen=True)
class Held:
    """An array in memory, opened as one on disk is."""

    array: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    def open(self) -> np.ndarray:
        """The array itself."""
        return self.array

    def read_ahead(self, rows: np.ndarray) -> None:
        """Nothing: it is there."""

    def check(self, rows: np.ndarray, opened: np.ndarray) -> None:
        """Nothing: no disk has had it."""


@dataclass(frozen=True)
class Mapped:
    """A contiguous dataset inside a file, to be mapped into memory when it is needed.

    Attributes:
        path: the file.
        offset: of the dataset in it, bytes.
        shape: of the dataset.
        dtype: of the dataset.
        sums: of its items; None where a store of an earlier program has none.
    """

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype
    sums: ItemSums | None = field(default=None, compare=False)

    def open(self) -> np.ndarray:
        """The dataset as an array on disk, to be read; a plain one, since a memmap takes its time for each row."""
        return np.asarray(np.memmap(self.path, self.dtype, "r", self.offset, self.shape))

    def open_to_write(self) -> np.memmap:
        """The dataset as an array on disk that can be changed."""
        return np.memmap(self.path, self.dtype, "r+", self.offset, self.shape)

    def read_ahead(self, rows: np.ndarray) -> None:
        """Asks the system to fetch several items from the disk at once, which a map does page after page.

        Where the file is not in memory, random items come about three times sooner so.
        """
        if len(rows) < 2 or not hasattr(os, "RWF_NOWAIT"):
            return
        n_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        with open(self.path, "rb", buffering=0) as file:
            for row in rows:
                offset = self.offset + int(row) * n_bytes
                if not _begins_in_memory(file.fileno(), offset):
                    os.posix_fadvise(file.fileno(), offset, n_bytes, os.POSIX_FADV_WILLNEED)

    def check(self, rows: np.ndarray, opened: np.ndarray) -> None:
        """Refuses items that are not what was written; each is looked at once, when it is read for the first time.

        Args:
            rows: row numbers of what is about to be used.
            opened: what ``open`` gave: its pages are then at hand for who reads on.

        Raises:
            EcgFusionError: an item is damaged; it is named.
        """
        if self.sums is not None:
            self.sums.check(rows, opened)

    @classmethod
    def of(cls, path: Path, dataset: h5py.Dataset, sums: ItemSums | None = None) -> "Mapped":
        """Where a dataset lies in its file."""
        return cls(path, offset_of(path, dataset), dataset.shape, dataset.dtype, sums)


def offset_of(path: Path, dataset: h5py.Dataset) -> int:
    """Where a contiguous dataset begins in its file, bytes.

    Raises:
        EcgFusionError: it is not contiguous.
    """
    offset: int | None = dataset.id.get_offset()
    if offset is None:
        raise EcgFusionError(f"{path}: {dataset.name} is not contiguous; make the store with create_images.py")
    return offset


def _begins_in_memory(file: int, offset: int) -> bool:
    """Whether a place of a file can be read without its disk; asking for what is there anyway would take longer."""
    try:
        return os.preadv(file, [bytearray(1)], offset, os.RWF_NOWAIT) == 1
    except OSError:
        return False
