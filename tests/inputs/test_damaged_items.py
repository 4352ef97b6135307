"""An item that is not what was written is refused by whoever reads it, and only by those."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import pytest
from batches_of_stores import all_batches, image_spec, signal_spec

from pipeline.errors import EcgFusionError
from pipeline.inputs import placement
from pipeline.inputs.batches import Batch, Pick, scoring_picks
from pipeline.inputs.items import StoredImages, StoreItems
from pipeline.inputs.placement import store_items
from pipeline.inputs.scale import standard_deviation
from pipeline.inputs.spec import InputSpec
from pipeline.store.export import export_store
from pipeline.store.reading import Store, open_store, store_path
from pipeline.training.contents import contents

DAMAGED = 3


def damaged(folder: Path, out: Path, name: str) -> Store:
    """A store whose item ``DAMAGED`` has one other bit in ``signals`` or in images."""
    path = Path(shutil.copy(store_path(folder, "dev"), out / "dev.h5"))
    with h5py.File(path, "r+") as file:
        last = (DAMAGED, *(size - 1 for size in file[name].shape[1:]))
        file[name][last] ^= 1
    return open_store(path)


def batches(spec: Callable[[Store], InputSpec], workers: int = 0, **changed) -> Callable[[Store, np.ndarray], object]:
    return lambda store, rows: all_of(store_items(store, rows, replace(spec(store), **changed)), workers)


def all_of(items: StoreItems, workers: int) -> list[Batch]:
    return all_batches(items, scoring_picks(items, 2), workers)


def every(dataset: Any) -> list[Any]:
    return [dataset[i] for i in range(len(dataset))]


READERS = {
    "held signals": ("signals", batches(signal_spec)),
    "median beats": ("signals", batches(signal_spec, beat=(0.32, 0.48), n_samples=80)),
    "images of signals": ("signals", batches(image_spec, on_the_fly=True)),
    "stored images": ("images/gaf", batches(image_spec)),
    "stored images, read ahead": ("images/gaf", batches(image_spec, workers=2)),
    "the deviation": ("signals", lambda store, rows: standard_deviation(store, rows, ("I",))),
    "digests of signals": ("signals", lambda store, rows: contents(labelling(store, rows), "t", [signal_spec(store)])),
    "digests of images": ("images/gaf", lambda store, rows: contents(labelling(store, rows), "t", [image_spec(store)])),
    "a dataset of signals": ("signals", lambda store, rows: every(labelling(store, rows).dataset("t"))),
    "a dataset of images": ("images/gaf", lambda store, rows: every(labelling(store, rows).dataset("t", "gaf"))),
}


def labelling(store: Store, rows: np.ndarray) -> Store:
    labels = store.task("disease")
    labelled = np.isin(np.arange(store.n_items), rows)
    return replace(store, labels={"t": replace(labels, labelled=labelled)})


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_refuses_a_damaged_item_and_reads_the_others(small_store_folder, tmp_path, reader):
    name, read = READERS[reader]
    store = damaged(small_store_folder, tmp_path, name)
    what = {"signals": "signals", "images/gaf": "images of gaf"}[name]
    read(store, np.delete(np.arange(store.n_items), DAMAGED))
    for _ in range(2):  # as often as it is read
        with pytest.raises(EcgFusionError) as refused:
            read(store, np.arange(store.n_items))
        item = store.columns["item_id"][DAMAGED]
        assert f"{store.path} is damaged: the {what} of item {item} are not what" in str(refused.value)
        assert "\n" not in str(refused.value)


def test_signals_from_disk_are_checked(small_store_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(placement, "_SHARE_OF_MEMORY", 0.0)
    store = damaged(small_store_folder, tmp_path, "signals")
    for workers in (0, 2):
        items = store_items(store, np.arange(store.n_items), signal_spec(store))
        with pytest.raises(EcgFusionError, match="is damaged: the signals of item"):
            all_of(items, workers)


def test_an_export_is_checked(small_store_folder, tmp_path):
    with pytest.raises(EcgFusionError, match="is damaged: the images of rp"):
        export_store(damaged(small_store_folder, tmp_path, "images/rp"), tmp_path / "files")


def test_an_item_is_looked_at_once(small_store_folder, monkeypatch):
    store = open_store(store_path(small_store_folder, "dev"))
    looked: list[int] = []
    sums = cast(Any, store.images["gaf"]).sums
    monkeypatch.setattr(sums, "differs", lambda row, _: looked.append(row))
    items = StoredImages(store, np.arange(store.n_items), replace(image_spec(store), representations={"gaf": {}}))
    for rows in ([2, 0], [0, 1, 2], [3], [3, 0]):
        items[Pick(np.array(rows), np.zeros(len(rows), np.int64))]
    assert looked == [2, 0, 1, 3]
