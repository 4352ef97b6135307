"""Sums by which a store knows damage: a CRC-32 of each item's signals and images, a SHA-256 of everything small.

The sums of items are written with the items, so that a run that goes on finds what is not what it was; the digest is
written when the store is laid out. Stores of earlier programs have neither.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

DIGEST = "contents_digest"
SUMS = "checksums"
_LARGE = ("signals", "images/")
_UNSUMMED = ("finished", f"{SUMS}/")


def sums_of(rows: np.ndarray) -> np.ndarray:
    """A CRC-32 of each row's bytes, (rows,) uint32."""
    return np.array([zlib.crc32(row.data.cast("B")) for row in np.ascontiguousarray(rows)], np.uint32)


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
