"""How a store comes to be: laid out at once, filled in any order, finished when all rows are on the disk."""

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from pipeline.errors import EcgFusionError
from pipeline.sources import Labels
from pipeline.store.attributes import from_attribute
from pipeline.store.reading import open_store
from pipeline.store.writing import Columns, StoreWriter, complete, differing, lay_out, part_path, recorded_attributes


def small_items(n: int) -> pd.DataFrame:
    ids = [f"r{number}" for number in range(n)]
    return pd.DataFrame(
        {
            "item_id": ids,
            "record_id": ids,
            "patient_id": ["p"] * n,
            "fold": 1,
            "start": 0.0,
            "length": 0.5,
            "age": np.nan,
            "sex": -1,
        }
    )


def lay_out_small(path: Path, n: int = 5, **recipe) -> None:
    labels = Labels(("Ä", "B"), "multilabel", np.eye(n, 2, dtype=np.uint8), np.arange(n) % 2 == 0)
    attributes = {"gain": 1000.0, "sampling_rate": 10.0, "leads": ["I", "II"], "image_leads": ["I"], "tasks": ["t"]}
    lay_out(path, attributes | recipe, Columns(small_items(n), {"t": labels}), (2, 5), (1, 3, 3), {"gaf": {"size": 3}})


def test_rows_may_come_in_any_order_and_are_counted_when_they_are_there(tmp_path):
    path = tmp_path / "x.h5"
    lay_out_small(path)
    signals = np.random.default_rng(0).integers(-9, 9, (5, 2, 5)).astype(np.int16)
    images = np.random.default_rng(1).integers(0, 256, (5, 1, 3, 3)).astype(np.uint8)
    with StoreWriter(path) as writer:
        assert writer.finished("signals") == writer.finished("images") == 0
        writer.write("signals", 3, signals[3:])
        writer.write("gaf", 1, images[1:])
        writer.write("signals", 0, signals[:3])
        writer.write("gaf", 0, images[:1])
        np.testing.assert_array_equal(writer.read_signals(1, 4), signals[1:4])
        writer.mark_finished("signals", 5)
    with pytest.raises(EcgFusionError, match="is incomplete"):
        open_store(path)
    with StoreWriter(path) as writer:
        assert (writer.finished("signals"), writer.finished("images")) == (5, 0)
        writer.mark_finished("images", 5)
    store = open_store(path)
    np.testing.assert_array_equal(store.signals.open(), signals)
    np.testing.assert_array_equal(store.images["gaf"].open(), images)
    assert store.labels["t"].classes == ("Ä", "B")
    assert store.labels["t"].labelled.tolist() == [True, False, True, False, True]
    assert np.isnan(store.columns["age"]).all()


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system takes no advice on files")
def test_pictures_that_have_left_the_systems_cache_are_on_the_disk(tmp_path, monkeypatch):
    """Written block by block, each of several pages, and let go behind each; what HDF5 reads is what was written."""
    path, n, asked, advise = tmp_path / "x.h5", 12, [], os.posix_fadvise
    monkeypatch.setattr(os, "posix_fadvise", lambda *how: asked.append(how[3]) or advise(*how))
    labels = Labels(("a", "b"), "multilabel", np.eye(n, 2, dtype=np.uint8), np.ones(n, bool))
    recipe = {"gain": 1000.0, "sampling_rate": 10.0, "leads": ["I"], "image_leads": ["I"], "tasks": ["t"]}
    lay_out(path, recipe, Columns(small_items(n), {"t": labels}), (1, 5), (1, 200, 200), {"gaf": {"size": 200}})
    images = np.random.default_rng(0).integers(0, 256, (n, 1, 200, 200)).astype(np.uint8)
    with StoreWriter(path, keep_cached=False) as writer:
        writer.write("signals", 0, np.arange(n * 5).reshape(n, 1, 5))
        writer.mark_finished("signals", n)
        assert not asked  # they are read again for the pictures
        for first in range(0, n, 4):
            writer.write("gaf", first, images[first : first + 4])
            writer.mark_finished("images", first + 4)
    assert asked == 3 * [os.POSIX_FADV_DONTNEED]
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["images/gaf"], images)
        np.testing.assert_array_equal(file["signals"][()].ravel(), np.arange(n * 5))


def test_laying_out_twice_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        lay_out_small(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_part_becomes_the_store_only_if_it_passes_the_check(tmp_path):
    path = tmp_path / "x.h5"
    lay_out_small(part_path(path))
    with pytest.raises(EcgFusionError, match="is incomplete"):
        complete(part_path(path), path, open_store)
    assert not path.exists()
    with StoreWriter(part_path(path)) as writer:
        for stage in ("signals", "images"):
            writer.mark_finished(stage, 5)
    complete(part_path(path), path, open_store)
    assert not part_path(path).exists()
    assert open_store(path).n_items == 5


def test_ten_thousand_bad_records_fit_the_attribute(tmp_path):
    bad = [[str(number), f"/a/folder/records100/{number} is missing"] for number in range(10_000)]
    lay_out_small(tmp_path / "x.h5", bad_records=bad)
    assert from_attribute(recorded_attributes(tmp_path / "x.h5")["bad_records"]) == bad


def test_what_differs_is_named(tmp_path):
    recipe: dict[str, Any] = {"band": [0.5, 40.0], "images": {"gaf": {"size": 256}}, "limit": None, "source": "ptbxl"}
    lay_out_small(tmp_path / "x.h5", **recipe)
    recorded = recorded_attributes(tmp_path / "x.h5")
    assert differing(recipe, recorded) == []
    other = {"band": None, "images": {"gaf": {"size": 128}, "rp": {"size": 128}}, "limit": 5, "source": "ptbxl"}
    assert differing(other, recorded) == [
        "band [0.5, 40.0], not None",
        "images gaf size 256, not 128",
        "images rp size left out, not 128",
        "limit None, not 5",
    ]
