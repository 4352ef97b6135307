"""Arrays of a store on disk and in memory: both open in the same way."""

import os
import pickle

import h5py
import numpy as np
import pytest

from pipeline.store import mapped as mapped_arrays
from pipeline.store.mapped import Held
from pipeline.store.reading import open_store, store_path

FORMS = ("gaf", "mtf", "rp", "stft")


@pytest.mark.parametrize("partition", ["train", "dev", "test"])
def test_mapped_arrays_are_what_hdf5_reads(small_store_folder, partition):
    path = store_path(small_store_folder, partition)
    store = open_store(path)
    with h5py.File(path, "r") as file:
        np.testing.assert_array_equal(store.signals.open(), file["signals"][()])
        for form in FORMS:
            np.testing.assert_array_equal(store.images[form].open(), file["images"][form][()])
    with pytest.raises(ValueError, match="read-only"):
        store.signals.open()[0] = 0


@pytest.mark.skipif(not hasattr(os, "RWF_NOWAIT"), reason="this system cannot be asked what it holds in memory")
@pytest.mark.parametrize("in_memory", [True, False])
def test_items_are_fetched_ahead_where_they_are_not_in_memory_and_stay_what_they_are(store, monkeypatch, in_memory):
    asked, advise = [], os.posix_fadvise
    monkeypatch.setattr(os, "posix_fadvise", lambda _, *how: asked.append(how) or advise(_, *how))
    monkeypatch.setattr(mapped_arrays, "_begins_in_memory", lambda *_: in_memory)
    mapped, rows = store.images["rp"], np.array([4, 0, 2])
    before = np.array(mapped.open())
    mapped.read_ahead(rows)
    n_bytes = before[0].nbytes
    places = [(mapped.offset + row * n_bytes, n_bytes, os.POSIX_FADV_WILLNEED) for row in rows]
    assert asked == ([] if in_memory else places)
    np.testing.assert_array_equal(mapped.open(), before)


def test_a_mapped_array_is_pickled_as_its_place_in_the_file(store):
    words = pickle.dumps(store.images["gaf"])
    assert len(words) < 1000
    np.testing.assert_array_equal(pickle.loads(words).open(), store.images["gaf"].open())


def test_an_array_in_memory_has_the_same_face(store):
    mapped = store.signals
    held = Held(np.array(mapped.open()))
    assert (held.shape, held.dtype) == (mapped.shape, mapped.dtype)
    held.read_ahead(np.array([2, 0]))
    np.testing.assert_array_equal(held.open(), mapped.open())
