"""A partition in shards: its file holds everything small, and its signals and images lie in files beside it.

To HDF5 they are virtual datasets, which any program reads. Here each shard is mapped for itself, as a store of one file
is, since nothing of the HDF5 library may stay open. What the file points at is looked at first: the files that it names
itself, in one folder beside it, and nothing else.
"""

import math
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.machine.files import file_errors_told, require_file
from pipeline.store.checksums import SHARD_BYTES, SHARDS, ItemSums
from pipeline.store.mapped import Mapped
from pipeline.store.structure import large_datasets, plain_name

_MOST_MAPPED = 64  # shards of one array at once: each map holds a file open, and a program may open 1024
_NAME = re.compile(r"(?P<folder>[^/\\]+\.shards)/\d{5,9}\.h5")


def shards_folder(path: Path) -> Path:
    """Where the shards of a partition lie, beside its file."""
    return path.with_name(f"{path.stem}.shards")


def shard_name(path: Path, number: int) -> str:
    """What a partition's file calls one of its shards, relative to itself."""
    return f"{shards_folder(path).name}/{number:05d}.h5"


@dataclass(frozen=True)
class Shard:
    """One file of a partition: where it lies, and which of the partition's items it holds."""

    path: Path
    first: int
    n_items: int


class ShardSums(ItemSums):
    """The sums of one array that lies in shards; a damaged item is named with the shard that holds it."""

    def __init__(self, path: Path, name: str, known: np.ndarray, shards: Sequence[Shard]) -> None:
        super().__init__(path, name, known)
        self._shards, self._firsts = shards, np.array([shard.first for shard in shards])

    def _file_of(self, row: int) -> Path:
        return self._shards[int(np.searchsorted(self._firsts, row, side="right")) - 1].path

    def _remedy(self, row: int) -> str:
        return remedy(self._path, self._file_of(row))


@dataclass(frozen=True)
class Sharded:
    """A large array of a store that lies in shards; opened as one that lies in one file is.

    Attributes:
        path: the partition's file.
        name: of the array: ``signals`` or ``images/gaf``.
        shards: where its items lie.
        shape: of all of it.
        dtype: of all of it.
        sums: of its items.
    """

    path: Path
    name: str
    shards: tuple[Shard, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    sums: ItemSums | None = field(default=None, compare=False)
    _places: dict[int, Mapped] = field(default_factory=dict, compare=False, repr=False)

    def open(self) -> np.ndarray:
        """All of it, to be indexed by items first; nothing of a shard is open before an item of it is asked for."""
        return cast(np.ndarray, ShardedRows(self))

    def read_ahead(self, rows: np.ndarray) -> None:
        """Makes several items ready that are about to be read; see ``Mapped``."""
        for number, places in self.by_shard(rows):
            self.place(number).read_ahead(rows[places] - self.shards[number].first)

    def check(self, rows: np.ndarray, opened: np.ndarray) -> None:
        """Refuses items that are not what was written; see ``Mapped``."""
        if self.sums is not None:
            self.sums.check(rows, opened)

    def by_shard(self, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """The number of each shard that holds some of these items, and the places of these in ``rows``."""
        firsts = np.array([shard.first for shard in self.shards])
        numbers = np.searchsorted(firsts, rows, side="right") - 1
        for number in np.unique(numbers).tolist():
            yield number, np.flatnonzero(numbers == number)

    def place(self, number: int) -> Mapped:
        """Where a shard holds its part of the array, which is looked at once.

        Raises:
            EcgFusionError: it is no shard of this partition, or damaged.
        """
        if number not in self._places:
            self._places[number] = self._find(self.shards[number])
        return self._places[number]

    def _find(self, shard: Shard) -> Mapped:
        try:
            status = os.stat(shard.path)
            found = _arrays_of(shard.path, status.st_size, status.st_mtime_ns)[self.name]
            if found.shape != (shard.n_items, *self.shape[1:]) or found.dtype != self.dtype:
                raise ValueError(f"{self.name} has the shape {found.shape}")
            if found.offset + math.prod(found.shape) * found.dtype.itemsize > status.st_size:
                raise ValueError("it is truncated")
        except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as problem:  # as h5py meets it
            what = " ".join(str(problem).split())
            raise EcgFusionError(
                f"{shard.path} is no shard of {self.path} ({what}): {remedy(self.path, shard.path)}"
            ) from None
        return found


@lru_cache(2**14)
def _arrays_of(shard: Path, *_: int) -> dict[str, Mapped]:
    """Where a shard holds its large arrays; a file of another size or time is looked at anew."""
    require_file(shard)
    with h5py.File(shard, "r") as file:
        return {name: Mapped.of(shard, dataset) for name, dataset in large_datasets(file).items()}


class ShardedRows:
    """An array in shards, opened: ``rows[3]``, ``rows[[5, 2]]``, ``rows[10:20]``, ``rows[3, leads, :500]``.

    One item is a view of its shard, several are copied together. What stands behind the items in an index is that of
    numpy where one item is asked for; of several it may hold slices and whole numbers.
    """

    def __init__(self, array: Sharded) -> None:
        self._array, self.shape, self.dtype = array, array.shape, array.dtype
        self.ndim = len(array.shape)
        self._map: Callable[[int], np.ndarray] = lru_cache(_MOST_MAPPED)(lambda number: array.place(number).open())

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        items, behind = (key[0], key[1:]) if isinstance(key, tuple) else (key, ())
        if isinstance(items, int | np.integer):
            return self._item(int(items), behind)
        rows = np.arange(len(self))[items]
        of_one = np.empty(self.shape[1:], bool)[behind].shape  # no memory is touched
        gathered = np.empty((len(rows), *of_one), self.dtype)
        for number, places in self._array.by_shard(rows):
            within = rows[places] - self._array.shards[number].first
            gathered[places] = self._map(number)[(within, *behind)]
        return gathered

    def _item(self, row: int, behind: tuple[Any, ...]) -> np.ndarray:
        if not -len(self) <= row < len(self):
            raise IndexError(f"item {row} of {len(self)}")
        row %= len(self)
        ((number, _),) = self._array.by_shard(np.array([row]))
        found: np.ndarray = self._map(number)[(row - self._array.shards[number].first, *behind)]
        return found

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All of it in memory, for whoever asks numpy for that."""
        return np.asarray(self[:], dtype)


def shards_of(path: Path, file: h5py.File) -> tuple[Shard, ...]:
    """The shards of a partition's file, in the order of its items; none where all of it lies in the file.

    Args:
        path: the file.
        file: the same, opened; its structure has been checked.

    Raises:
        EcgFusionError: a shard is missing, or has another length than when the file was written.
        ValueError: the file points at anything but files that it names, in one folder beside it, each whole and in its
            place.
    """
    if SHARDS not in file:
        return ()
    names = [str(name) for name in file[SHARDS].asstr()[()]]
    of_arrays = {name: _tiles(name, file[name], names) for name in _large(file)}
    counts = of_arrays["signals"]
    if any(other != counts for other in of_arrays.values()):
        raise ValueError("its arrays are cut into shards in different ways")
    sizes, bytes_each = file[SHARD_BYTES][()].tolist(), sum(_bytes_of_item(file[name]) for name in of_arrays)
    if any(count * bytes_each > size for count, size in zip(counts, sizes, strict=False)):
        raise ValueError("a shard has fewer bytes than its items take")
    _check_files(path, names, sizes)
    firsts = np.cumsum([0, *counts[:-1]]).tolist()
    return tuple(Shard(path.parent / name, *of) for name, *of in zip(names, firsts, counts, strict=True))


def _bytes_of_item(dataset: h5py.Dataset) -> int:
    return int(math.prod(dataset.shape[1:])) * int(dataset.dtype.itemsize)


def _large(file: h5py.File) -> list[str]:
    return ["signals", *(f"images/{name}" for name in file.get("images", {}))]


def _tiles(name: str, dataset: h5py.Dataset, shards: Sequence[str]) -> list[int]:
    """How many rows of an array lie in each shard; it is made of them whole, one behind the other."""
    if not dataset.is_virtual:
        raise ValueError(f"{name} does not lie in the shards that the file names")
    sources, counts, end = dataset.virtual_sources(), [], 0
    for source, shard in zip(sources, shards, strict=False):
        (first, *before), (last, *behind) = source.vspace.get_select_bounds()
        n_rows = last + 1 - first
        whole = before == [0] * len(before) and behind == [size - 1 for size in dataset.shape[1:]]
        if source.file_name != shard:
            raise ValueError(f"{name} points at {source.file_name!r}, which is not the shard {shard}")
        as_many = source.vspace.get_select_npoints() == n_rows * math.prod(dataset.shape[1:])
        all_of_it = source.src_space.get_select_type() == h5py.h5s.SEL_ALL  # its shape is looked at in the shard
        if source.dset_name.lstrip("/") != name or first != end or not (whole and as_many and all_of_it):
            raise ValueError(f"{name} is not made of whole shards in their order")
        counts.append(n_rows)
        end = last + 1
    if len(sources) != len(shards) or end != dataset.shape[0]:
        raise ValueError(f"{name} is not made of the {len(shards)} shards that the file names")
    return counts


def _check_files(path: Path, names: Sequence[str], sizes: Sequence[int]) -> None:
    """Refuses shards that lie elsewhere, are links, are missing or have another length."""
    matches = [_NAME.fullmatch(name) for name in names]
    wrong = next((name for name, match in zip(names, matches, strict=True) if not match), None)
    if wrong is not None or len(names) != len(sizes) or len(set(names)) != len(names):
        raise ValueError(f"its shard {wrong!r} is no file in a folder of shards beside it" if wrong else "shards recur")
    for folder in {match["folder"] for match in matches if match}:
        if not plain_name(folder):
            raise ValueError(f"{folder!r} cannot name a folder")
        if os.path.islink(path.parent / folder):
            raise ValueError(f"the folder of its shards {folder} is a link")
    for name, size in zip(names, sizes, strict=True):
        shard = path.parent / name
        try:
            with file_errors_told(shard, "read"):
                found = os.lstat(shard)
        except FileNotFoundError:
            raise EcgFusionError(
                f"{path} lies in shards, and {shard} is missing: put it back, or {remedy(path, shard)}"
            ) from None
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"its shard {name} is {'a link' if stat.S_ISLNK(found.st_mode) else 'no file'}")
        if found.st_size != size:
            raise EcgFusionError(
                f"{shard} is damaged: it has {found.st_size:,} bytes, not the {size:,} of when {path.name} was "
                f"written: {remedy(path, shard)}"
            )


def remedy(path: Path, shard: Path) -> str:
    """What to do about a shard that is damaged or missing."""
    there = f"{shard} and {path}" if shard.exists() else str(path)
    return f"remove {there}, and the command that made them makes again what is missing"
