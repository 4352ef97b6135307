"""Sums by which a store knows damage: an XXH3 of each item's signals and images, a SHA-256 of everything small.

The sums of items are written with the items, and compared when an item is read for the first time; the digest is
written when the store is laid out, and compared when it is opened. Stores of earlier programs have neither.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xxhash

from pipeline.errors import EcgFusionError
from pipeline.store.opening import opened_hdf5

DIGEST = "contents_digest"
SUMS = "checksums"
_LARGE = ("signals", "images/")
SHARDS, SHARD_BYTES = "shards", "shard_bytes"
_UNSUMMED = ("finished", f"{SUMS}/", SHARDS, SHARD_BYTES)


class ItemSums:
    """The sums of one large array of a store, and which of its items have been found to bear theirs.

    A process looks at each item once. A copy in another process looks for itself.

    Args:
        path: the store.
        name: of the array: ``signals`` or ``images/gaf``.
        known: (items,) uint64.
    """

    def __init__(self, path: Path, name: str, known: np.ndarray) -> None:
        self._path, self.name, self.known = path, name, known
        self._to_check = np.ones(len(known), bool)

    def check(self, rows: np.ndarray, opened: np.ndarray) -> None:
        """Refuses the first of some items that is not what was written; see ``Mapped.check``."""
        new = rows[self._to_check[rows]]
        if not len(new):
            return
        for row in new.tolist():
            if self.differs(row, opened):
                raise EcgFusionError(
                    f"{self.sentence(row)}: {self._remedy(row)}; create_images.py --check names all that is damaged"
                )
            self._to_check[row] = False

    def differs(self, row: int, opened: np.ndarray) -> bool:
        """Whether an item does not bear its sum."""
        return bool(xxhash.xxh3_64_intdigest(opened[row]) != self.known[row])

    def sentence(self, row: int) -> str:
        """What is wrong with a damaged item, without a remedy."""
        what = self.name.replace("images/", "images of ")
        with opened_hdf5(self._path) as file:
            name = file["item_id"].asstr()[row]
        return f"{self._file_of(row)} is damaged: the {what} of item {name} are not what was written"

    def _file_of(self, row: int) -> Path:
        """Where an item lies."""
        return self._path

    def _remedy(self, row: int) -> str:
        return "remove it and make it anew"


def sums_of(rows: np.ndarray) -> np.ndarray:
    """A 64-bit XXH3 of each row's bytes, (rows,) uint64."""
    return np.array([xxhash.xxh3_64_intdigest(row.data.cast("B")) for row in np.ascontiguousarray(rows)], np.uint64)


def digest_of_contents(file: h5py.File) -> str:
    """A digest of all attributes and columns, and of the form of signals and images."""
    digest = hashlib.sha256()
    for part in _contents(file):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _contents(file: h5py.File) -> Iterator[bytes]:
    yield _attributes(file)
    for name in sorted(datasets_of(file)):
        if name.startswith(_UNSUMMED):
            continue
        dataset = file[name]
        text = h5py.check_string_dtype(dataset.dtype) is not None
        yield f"{name} {dataset.shape} {'text' if text else dataset.dtype.str}".encode()
        yield _attributes(dataset)
        if name.startswith(_LARGE):
            continue
        yield json.dumps(list(dataset.asstr()[()])).encode() if text else dataset[()].tobytes()


def datasets_of(file: h5py.File) -> list[str]:
    """The names of all datasets of a store, those of groups with ``/``."""
    names = []
    for name, member in file.items():
        names += [f"{name}/{inner}" for inner in member] if isinstance(member, h5py.Group) else [name]
    return names


def _attributes(of: h5py.File | h5py.Dataset) -> bytes:
    return json.dumps({key: _plain(value) for key, value in sorted(of.attrs.items()) if key != DIGEST}).encode()


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
