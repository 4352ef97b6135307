"""How a store comes to be: laid out at once, filled in place, finished by a rename.

HDF5 lays the file out and closes it; the data is then written at the datasets' offsets, so that a kill at any
moment finds no HDF5 structure half changed. Rows count as finished only when they are on disk, in order, and a
second run goes on behind them. A store is complete when all rows of both stages are.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.listening import progress_bar
from pipeline.machine.files import file_errors_told, require_file
from pipeline.store.attributes import from_attribute, to_attribute
from pipeline.store.checksums import DIGEST, SHARD_BYTES, SHARDS, SUMS, digest_of_contents, sums_of
from pipeline.store.mapped import Mapped
from pipeline.store.reading import NUMBER_COLUMNS, SCHEMA_VERSION, STAGES, TEXT_COLUMNS

# more than attributes and names take, and the ids, numbers and labels of an item
_BYTES_OF_A_FRAME, _BYTES_OF_AN_ITEM = 2**17, 2**10

ORDER = "attributes"
"""The attribute of what names the shards that says in which order those of the file were written; HDF5 keeps none."""


def part_path(path: Path) -> Path:
    """The name that a store bears until it is complete."""
    return path.with_name(path.name + ".part")


def differing(recipe: Mapping[str, Any], attributes: Mapping[str, Any]) -> list[str]:
    """What a file was made with, where it is not what the recipe says: ``images gaf size 256, not 128``."""
    found = _flat({key: from_attribute(attributes.get(key, "null")) for key in recipe})
    wanted = _flat({key: from_attribute(to_attribute(value)) for key, value in recipe.items()})
    return [
        f"{key} {found.get(key, 'left out')}, not {wanted.get(key, 'left out')}"
        for key in sorted(found.keys() | wanted.keys())
        if found.get(key) != wanted.get(key)
    ]


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{before}{key} ") if isinstance(value, dict) else {before + key: value}
    return flat


def recorded_attributes(path: Path) -> dict[str, Any]:
    """The attributes of a store that may be unfinished, as HDF5 keeps them."""
    require_file(path)
    try:
        with h5py.File(path, "r") as file:
            return {key: from_numpy(value) for key, value in file.attrs.items()}
    except OSError as problem:
        what = " ".join(str(problem).split())
        raise EcgFusionError(f"{path} is not a readable store ({what}): remove it and try again") from None


def from_numpy(value: Any) -> Any:
    """A numpy scalar as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


@dataclass(frozen=True)
class Columns:
    """The small part of a store.

    Attributes:
        items: one row an item, the columns of ``ItemTable.rows``.
        labels: task name to labels, rows as in ``items``.
        features: name to numbers of each item, (items, numbers) float32.
    """

    items: pd.DataFrame
    labels: Mapping[str, Labels]
    features: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class WrittenShard:
    """A finished shard of a partition.

    Attributes:
        name: what the partition's file calls it, relative to itself.
        path: where it lies.
        n_items: how many it holds.
    """

    name: str
    path: Path
    n_items: int


def lay_out(
    path: Path,
    recipe: Mapping[str, Any],
    columns: Columns,
    signal_shape: Sequence[int],
    image_shape: Sequence[int],
    images: Mapping[str, Mapping[str, Any]],
    shards: Sequence[WrittenShard] = (),
) -> None:
    """Writes everything but signals and images, and reserves their place, or points at the shards that hold them.

    Args:
        path: the file to write.
        recipe: attributes that say what made it.
        columns: what it says of each item.
        signal_shape: (leads, time).
        image_shape: (leads, height, width).
        images: representation to its parameters.
        shards: those that hold all items, in their order; none where the file is to hold them itself.

    Raises:
        FileError: the disk is too full, or does not take files of that size.
    """
    items = columns.items
    with file_errors_told(path, "write"):
        n_bytes = (
            0 if shards else len(items) * (2 * int(np.prod(signal_shape)) + int(np.prod(image_shape)) * len(images))
        )
        _check_room(path, n_bytes, _BYTES_OF_A_FRAME + len(items) * _BYTES_OF_AN_ITEM)
        with h5py.File(path, "w") as file:
            for key, value in recipe.items():
                file.attrs[key] = to_attribute(value)
            file.attrs["schema_version"] = SCHEMA_VERSION
            for name in TEXT_COLUMNS:
                file.create_dataset(name, data=items[name].to_numpy(object), dtype=h5py.string_dtype())
            for name, dtype in NUMBER_COLUMNS.items():
                file.create_dataset(name, data=items[name].to_numpy(dtype))
            for task, task_labels in columns.labels.items():
                _write_labels(file, task, task_labels)
            for name, numbers in columns.features.items():
                file.create_dataset(f"features/{name}", data=np.asarray(numbers, np.float32))
            file.create_dataset("finished", data=np.full(len(STAGES), len(items) if shards else 0, np.int64))
            for name in ("signals", *(f"images/{each}" for each in images)):
                _reserve(file, f"{SUMS}/{name}", (len(items),), np.uint64)
            _reserve(file, "signals", (len(items), *signal_shape), np.int16, shards).attrs["gain"] = recipe["gain"]
            for name, parameters in images.items():
                dataset = _reserve(file, f"images/{name}", (len(items), *image_shape), np.uint8, shards)
                for key, value in parameters.items():
                    dataset.attrs[key] = to_attribute(value)
            if shards:
                _name_shards(file, shards)
                file[SHARDS].attrs[ORDER] = to_attribute(list(recipe))
            file.attrs[DIGEST] = digest_of_contents(file)


def _name_shards(file: h5py.File, shards: Sequence[WrittenShard]) -> None:
    """Says which files hold the items, and the sums of these, by which a shard that is another is known."""
    file.create_dataset(SHARDS, data=[shard.name for shard in shards], dtype=h5py.string_dtype())
    file.create_dataset(SHARD_BYTES, data=np.array([shard.path.stat().st_size for shard in shards], np.int64))
    first = 0
    for shard in shards:
        with h5py.File(shard.path, "r") as other:
            for name in ("signals", *(f"images/{each}" for each in file.get("images", {}))):
                file[f"{SUMS}/{name}"][first : first + shard.n_items] = other[f"{SUMS}/{name}"][()]
        first += shard.n_items


def _check_room(path: Path, reserved: int, written: int) -> None:
    """Tries what HDF5 is about to do, since its own failure is a page of messages."""
    with open(path, "wb") as file:
        file.write(bytes(written))
        file.truncate(reserved + written)


def _write_labels(file: h5py.File, task: str, labels: Labels) -> None:
    dataset = file.create_dataset(f"labels/{task}", data=labels.values)
    dataset.attrs["classes"] = np.array(labels.classes, dtype=h5py.string_dtype())
    dataset.attrs["kind"] = labels.kind
    if labels.none_name is not None:
        dataset.attrs["none_name"] = labels.none_name
    if labels.made_of is not None:
        dataset.attrs["made_of"] = json.dumps(labels.made_of)
    file.create_dataset(f"labelled/{task}", data=labels.labelled.astype(np.uint8))


def _reserve(
    file: h5py.File, name: str, shape: tuple[int, ...], dtype: type, shards: Sequence[WrittenShard] = ()
) -> h5py.Dataset:
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if shards:
        _point(properties, name, shape, shards)
    else:
        properties.set_layout(h5py.h5d.CONTIGUOUS)
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    properties.set_obj_track_times(False)  # equal contents make equal files
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    kind = h5py.h5t.py_create(np.dtype(dtype))
    space = h5py.h5s.create_simple(shape)
    return h5py.Dataset(h5py.h5d.create(file.id, name.encode(), kind, space, dcpl=properties, lcpl=links))


def _point(properties: h5py.h5p.PropDCID, name: str, shape: tuple[int, ...], shards: Sequence[WrittenShard]) -> None:
    """Makes a dataset of the same datasets of all shards, one behind the other."""
    first = 0
    for shard in shards:
        there, extent = h5py.h5s.create_simple(shape), (shard.n_items, *shape[1:])
        there.select_hyperslab((first, *([0] * len(shape[1:]))), extent)
        properties.set_virtual(there, shard.name.encode(), name.encode(), h5py.h5s.create_simple(extent))
        first += shard.n_items


class StoreWriter:
    """Fills a store that has been laid out. Rows may come from any thread; finished rows are counted in order.

    Args:
        path: of the store.
        keep_cached: whether finished images may stay in the system's cache. A training that follows reads them
            there; but where they are larger than it, they would drive out what others keep there, and in a virtual
            machine each page that the cache takes anew costs more than its writing.
    """

    def __init__(self, path: Path, keep_cached: bool = True) -> None:
        self.path, self._keep_cached = path, keep_cached
        with h5py.File(path, "r") as file:
            names = ["signals", *(f"images/{name}" for name in file.get("images", {}))]
            self._places = {name.removeprefix("images/"): Mapped.of(path, file[name]) for name in names}
            self._finished = Mapped.of(path, file["finished"])
            sums = names if SUMS in file else []  # parts of earlier programs have none
            self._sums = {name.removeprefix("images/"): Mapped.of(path, file[f"{SUMS}/{name}"]) for name in sums}
        # HDF5 leaves the file as short as what it wrote; the reserved places must be there to be mapped
        end = max(
            place.offset + int(np.prod(place.shape)) * place.dtype.itemsize
            for place in (*self._places.values(), *self._sums.values())
        )
        with file_errors_told(path, "write"):
            self._descriptor = os.open(path, os.O_RDWR)
            if os.fstat(self._descriptor).st_size < end:
                os.ftruncate(self._descriptor, end)

    def __enter__(self) -> "StoreWriter":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def write(self, name: str, first: int, rows: np.ndarray) -> None:
        """Writes rows of ``signals`` or of a representation, the first of them at ``first``."""
        place = self._places[name]
        rows = np.ascontiguousarray(rows, place.dtype)
        self._put(place, first, rows)
        if name in self._sums:
            self._put(self._sums[name], first, sums_of(rows))

    def _put(self, place: Mapped, first: int, rows: np.ndarray) -> None:
        data = rows.data.cast("B")
        offset = place.offset + first * int(np.prod(place.shape[1:])) * place.dtype.itemsize
        with file_errors_told(self.path, "write"):
            while data:
                written = os.pwrite(self._descriptor, data, offset)
                data, offset = data[written:], offset + written

    def read_signals(self, first: int, last: int) -> np.ndarray:
        """Rows of signals that have been written, int16."""
        return np.array(self._places["signals"].open()[first:last])

    def finished(self, stage: str) -> int:
        """How many rows of a stage, ``signals`` or ``images``, are on disk."""
        return int(self._finished.open()[STAGES.index(stage)])

    def take_back_damaged(self) -> int | None:
        """Counts rows as unfinished from the first on that is not what was written; gives that one, if there is one.

        A count that is too high, by a fault of the disk or by hand, would leave items of zeros in the store.
        """
        first_damaged: int | None = None
        for stage in STAGES:
            n_items, marked = len(self._places["signals"].open()), self.finished(stage)
            sound = marked if 0 <= marked <= n_items else 0
            for name, sums in self._sums.items():
                if (name == "signals") == (stage == "signals"):
                    sound = self._first_damaged(name, sums, sound)
            if stage == "images":
                sound = min(sound, self.finished("signals"))
            if sound != marked:
                self.mark_finished(stage, sound)
                first_damaged = sound if first_damaged is None else min(first_damaged, sound)
        return first_damaged

    def _first_damaged(self, name: str, sums: Mapped, rows: int) -> int:
        """The number of the first row that does not bear its sum, ``rows`` where all do."""
        stored, known = self._places[name].open(), sums.open()
        for row in progress_bar(range(rows), f"check {name}"):
            if sums_of(stored[row : row + 1])[0] != known[row]:
                return int(row)
        return rows

    def mark_finished(self, stage: str, rows: int) -> None:
        """Counts rows as finished, after their data has reached the disk; see ``keep_cached``."""
        with file_errors_told(self.path, "write"):
            os.fdatasync(self._descriptor)
        if stage == "images" and not self._keep_cached and hasattr(os, "posix_fadvise"):
            signals = self._places["signals"]
            behind = signals.offset + int(np.prod(signals.shape)) * signals.dtype.itemsize
            os.posix_fadvise(self._descriptor, behind, 0, os.POSIX_FADV_DONTNEED)
        count = self._finished.open_to_write()
        count[STAGES.index(stage)] = rows
        count.flush()


def complete(part: Path, path: Path, check: Callable[[Path], object]) -> None:
    """Makes a filled part the store: a check, fsync, a rename."""
    check(part)
    with file_errors_told(path, "write"):
        _sync(part)
        part.replace(path)
        _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
