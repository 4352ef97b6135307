"""Whether an HDF5 file has the form of a store, told from its metadata alone, before anything is read of it.

HDF5 can point into other files, unpack on reading and declare shapes that no file holds; a store does none of it, but
that the signals and images of a partition in shards lie in files that it names (``sharded``).
"""

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

import h5py
import numpy as np

from pipeline.store.checksums import SHARD_BYTES, SHARDS

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,100}")  # most names by far, of which a store may hold a million
_GROUPS = ("labels", "labelled", "images", "checksums", "features")
_DEEPEST = 2  # groups above a dataset: checksums/images/gaf
_WIDEST_ATTRIBUTE = 2**16  # bytes, HDF5's own bound for what lies in a header
_TYPES: dict[str, type] = {
    "signals": np.int16,
    "images": np.uint8,
    "labels": np.uint8,
    "labelled": np.uint8,
    "finished": np.int64,
}
_TYPES |= {"checksums": np.uint64, "features": np.float32, SHARD_BYTES: np.int64}


def check_structure(path: Path, file: h5py.File) -> None:
    """Refuses what ``create_images.py`` never writes; which files hold the signals of shards is not looked at here.

    Raises:
        ValueError: a link, storage elsewhere, a filter, an unusual layout, type or shape; the message says which.
    """
    in_shards = SHARDS in file and SHARD_BYTES in file
    _check_group(file, path.stat().st_size, in_shards)
    if in_shards and not (len(file[SHARDS].shape) == 1 and file[SHARDS].shape == file[SHARD_BYTES].shape):
        raise ValueError(f"{SHARDS} has the shape {file[SHARDS].shape}")
    n_items = file["signals"].shape[0]
    for name in ("item_id", "record_id", "patient_id", "fold", "start", "length", "age", "sex"):
        if file[name].shape != (n_items,):
            raise ValueError(f"{name} has the shape {file[name].shape} for {n_items} items")
    for name, dimensions in (("signals", 3), *((f"images/{each}", 4) for each in file.get("images", {}))):
        if len(file[name].shape) != dimensions or file[name].shape[0] != n_items:
            raise ValueError(f"{name} has the shape {file[name].shape} for {n_items} items")
    for name, sums in _sums(file.get("checksums", {})):
        if sums.shape != (n_items,) or name not in file:
            raise ValueError(f"checksums/{name} has the shape {sums.shape} for {n_items} items")
    for name, dataset in file.get("features", {}).items():
        if len(dataset.shape) != 2 or dataset.shape[0] != n_items:
            raise ValueError(f"features/{name} has the shape {dataset.shape} for {n_items} items")
    for name in ("labels", "labelled"):
        for task, dataset in file.get(name, {}).items():
            if len(dataset.shape) != (2 if name == "labels" else 1) or dataset.shape[0] != n_items:
                raise ValueError(f"{name}/{task} has the shape {dataset.shape} for {n_items} items")


def large_datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Signals and images of a shard, of which nothing else is read: ``signals``, ``images/gaf`` and so on.

    Raises:
        ValueError: one is a link, lies in another file, or is packed or laid out otherwise than a store's.
    """
    found, size, names = {}, os.stat(file.filename).st_size, ["signals"]
    if "images" in file:
        _require_hard_link(file, "images", h5py.Group)
        names += [f"images/{name}" for name in file["images"]]
    for name in names:
        _require_hard_link(file, name, h5py.Dataset)
        _check_storage(file[name], name, size, in_shards=False)
        found[name] = file[name]
    return found


def _require_hard_link(file: h5py.File, name: str, kind: type) -> None:
    if not isinstance(file.get(name, getlink=True), h5py.HardLink) or file.get(name, getclass=True) is not kind:
        raise ValueError(f"{name} is a link, or nothing that a store holds")


def _sums(group: h5py.Group) -> Iterator[tuple[str, h5py.Dataset]]:
    for name, member in group.items():
        inside = member.items() if isinstance(member, h5py.Group) else [("", member)]
        yield from ((f"{name}/{inner}".rstrip("/"), dataset) for inner, dataset in inside)


def _check_group(group: h5py.Group, size: int, in_shards: bool, depth: int = 0) -> None:
    _check_attributes(group)
    for name in group:
        where = f"{group.name.rstrip('/')}/{name}".lstrip("/")
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{where} is a link")
        kind = group.get(name, getclass=True)
        if kind is h5py.Group and depth < _DEEPEST and where.split("/")[0] in _GROUPS:
            _check_group(group[name], size, in_shards, depth + 1)
        elif kind is h5py.Dataset:
            _check_dataset(group[name], where, size, in_shards and where.startswith(("signals", "images/")))
        else:
            raise ValueError(f"{where} is nothing that a store holds")


def _check_dataset(dataset: h5py.Dataset, where: str, size: int, in_shards: bool) -> None:
    _check_attributes(dataset)
    _check_storage(dataset, where, size, in_shards)


def _check_storage(dataset: h5py.Dataset, where: str, size: int, in_shards: bool) -> None:
    properties = dataset.id.get_create_plist()
    if properties.get_external_count():
        raise ValueError(f"{where} lies in another file")
    virtual = in_shards and properties.get_layout() == h5py.h5d.VIRTUAL
    if (not virtual and properties.get_layout() != h5py.h5d.CONTIGUOUS) or properties.get_nfilters():
        raise ValueError(f"/{where} is not contiguous")
    text = h5py.check_string_dtype(dataset.dtype) is not None
    if not text and dataset.dtype.kind not in "iuf":
        raise ValueError(f"{where} is of the type {dataset.dtype}")
    if dataset.shape is None or (not virtual and math.prod(dataset.shape) * dataset.dtype.itemsize > size):
        raise ValueError(f"it is truncated: {where} has the shape {dataset.shape}")
    wanted = _TYPES.get(where.split("/")[0])
    if wanted is not None and dataset.dtype != np.dtype(wanted):
        raise ValueError(f"{where} is {dataset.dtype}, not {np.dtype(wanted)}")


def _check_attributes(of: h5py.Group | h5py.Dataset) -> None:
    for name in of.attrs:
        kind = of.attrs.get_id(name)
        text = h5py.check_string_dtype(kind.dtype) is not None
        if not text and kind.dtype.kind not in "iufb":
            raise ValueError(f"the attribute {name} is of the type {kind.dtype}")
        if math.prod(kind.shape) * kind.dtype.itemsize > _WIDEST_ATTRIBUTE * 64:
            raise ValueError(f"the attribute {name} has the shape {kind.shape}")


def plain_name(name: str) -> bool:
    """Whether a name can be that of a file in a folder, and lead nowhere else, on any operating system."""
    if _PLAIN.fullmatch(name):
        return True
    windows = PureWindowsPath(name)  # takes / and \ for separators
    lone = bool(name) and windows.name == name and not windows.anchor and PurePosixPath(name).name == name
    return lone and name not in (".", "..") and name.isprintable() and len(name.encode()) <= 200
