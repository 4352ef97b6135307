"""A partition in shards as one file: the same, to the byte, that one machine writes."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.listening import progress_bar, warn
from pipeline.machine.locks import locked
from pipeline.store.attributes import from_attribute
from pipeline.store.checksums import DIGEST, SHARDS
from pipeline.store.going_on import check_begun
from pipeline.store.mapped import StoredArray
from pipeline.store.reading import Store, open_store
from pipeline.store.sharded import Sharded, shards_folder
from pipeline.store.writing import ORDER, Columns, StoreWriter, complete, lay_out, part_path, recorded_attributes

_BYTES_AT_ONCE, _BYTES_BETWEEN_SYNCS = 2**24, 2**28


def merge_store(path: Path) -> bool:
    """Makes one file of a partition in shards; says whether there was anything to do.

    A merge that was killed goes on. The shards are removed when the file is complete.

    Args:
        path: of the finished store.

    Raises:
        EcgFusionError: the store or a shard is damaged, the disk is too full, or another process is at work on it.
    """
    with locked(path, f"{path} is being written by another process: wait for it"):
        store, part = open_store(path), part_path(path)
        if not isinstance(store.signals, Sharded):
            return False
        _check_disk(store, part)
        _begin(store, part)
        with StoreWriter(part) as writer:
            damaged = writer.take_back_damaged()
            if damaged is not None:
                warn(f"{part} is damaged from item {damaged} on: these are copied again")
            _copy(writer, "signals", {"signals": store.signals}, f"merge {path.stem} signals", store.n_items)
            _copy(writer, "images", store.images, f"merge {path.stem} images", store.n_items)
        complete(part, path, open_store)
        for shard in store.signals.shards:
            shard.path.unlink()
        if not any(shards_folder(path).iterdir()):
            shards_folder(path).rmdir()
    return True


def _check_disk(store: Store, part: Path) -> None:
    needed = sum(store.n_items * _bytes_of_item(array) for array in (store.signals, *store.images.values()))
    needed -= part.stat().st_blocks * 512 if part.exists() else 0
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise EcgFusionError(
            f"{part.parent} has {free:,} bytes free, and a merged copy of {store.path} takes {needed:,} more until its "
            f"shards are removed: free some space, or leave it in shards"
        )


def _bytes_of_item(array: StoredArray) -> int:
    return int(np.prod(array.shape[1:], dtype=np.int64)) * array.dtype.itemsize


def _begin(store: Store, part: Path) -> None:
    """Lays the file out as it was laid out for the shards, unless a merge has begun it already."""
    if part.exists():
        check_begun(part)
        if recorded_attributes(part).get(DIGEST) != store.attributes[DIGEST]:
            raise EcgFusionError(
                f"{part} is no merged copy of {store.path}: remove it, and give the same command again"
            )
        return
    with h5py.File(store.path, "r") as file:
        recipe = {name: value for name, value in _as_written(file).items() if name not in (DIGEST, "schema_version")}
    image_shape = next((array.shape[1:] for array in store.images.values()), (0, 0, 0))
    laid = part.with_name(part.name + ".new")
    tables = Columns(pd.DataFrame(dict(store.columns)), store.labels, store.features)
    lay_out(laid, recipe, tables, store.signals.shape[1:], image_shape, recipe["images"])
    laid.replace(part)


def _as_written(file: h5py.File) -> Mapping[str, Any]:
    """The attributes, decoded, in the order in which they were written, which a file of the same bytes has."""
    said = [str(name) for name in file[SHARDS].attrs[ORDER]]
    names = [name for name in dict.fromkeys([*said, *file.attrs]) if name in file.attrs]
    return {name: from_attribute(file.attrs[name]) for name in names}


def _copy(writer: StoreWriter, stage: str, arrays: Mapping[str, StoredArray], name: str, n_items: int) -> None:
    """Copies what is left of a stage, behind a bar, each item compared with its sum."""
    bytes_each = sum(map(_bytes_of_item, arrays.values()))
    at_once = max(1, _BYTES_AT_ONCE // max(bytes_each, 1))
    opened, marked = {each: array.open() for each, array in arrays.items()}, writer.finished(stage)
    with progress_bar(name=name, total=n_items, initial=marked, unit="items") as bar:
        for first in range(marked, n_items, at_once):
            rows = np.arange(first, min(first + at_once, n_items))
            for each, array in arrays.items():
                array.read_ahead(rows)
                array.check(rows, opened[each])
                writer.write(each, first, opened[each][rows])
            if (first - marked) * bytes_each >= _BYTES_BETWEEN_SYNCS:
                writer.mark_finished(stage, len(rows) + first)
                marked = len(rows) + first
            bar.update(len(rows))
    writer.mark_finished(stage, n_items)
