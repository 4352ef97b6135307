"""What is to be stored: sizes before a record is read, and signals as every part of the program prepares them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.signals.counts import to_counts
from pipeline.signals.filters import band_pass, resample
from pipeline.sources import open_source
from pipeline.store.job import Job, SignalRecipe
from pipeline.store.options import StoreOptions
from pipeline.store.plan import plan_stores
from pipeline.store.reading import digest_of_items, open_store, store_path
from pipeline.store.writing import differing, recorded_attributes

NOISE = np.random.default_rng(0).normal(0, 0.3, (3, 2, 1000))


@pytest.fixture(scope="module")
def dev(synthetic_folder) -> Job:
    given: Any = {"representations": "gaf mtf", "size": 16, "partition": "dev"}
    return plan_stores(StoreOptions.of(open_source("ptbxl", synthetic_folder), "o", given))[0]


def test_signals_are_filtered_then_resampled_then_rounded():
    counts = SignalRecipe((1.0, 40.0), 125.0, 1000.0).counts(NOISE, 500.0)
    assert counts.dtype == np.int16
    expected = to_counts(resample(band_pass(NOISE, 500.0, (1.0, 40.0)), 500.0, 125.0), 1000.0)
    np.testing.assert_array_equal(counts, expected)
    for together, alone in zip(counts, NOISE, strict=True):
        np.testing.assert_array_equal(together, SignalRecipe((1.0, 40.0), 125.0, 1000.0).counts(alone, 500.0))


@pytest.mark.parametrize(
    ("value", "sentence"), [(np.nan, "missing sample"), (np.inf, "missing sample"), (40, "beyond")]
)
def test_a_sample_that_is_none_is_refused(value, sentence):
    changed = NOISE.copy()
    changed[1, 1, 7] = value
    with pytest.raises(ValueError, match=sentence):
        SignalRecipe(None, 500.0, 1000.0).counts(changed, 500.0)


def test_it_knows_its_size_before_a_record_is_read(dev, reference_stores):
    made = open_store(store_path(reference_stores, "dev"))
    assert dev.path == Path("o/dev.h5")
    assert dev.n_samples == made.signals.shape[2]
    assert dev.image_shape == made.images["gaf"].shape[1:]
    n_bytes = made.signals.open().nbytes + sum(images.open().nbytes for images in made.images.values())
    assert dev.bytes_to_come == n_bytes
    assert made.path.stat().st_size > n_bytes


def test_its_recipe_is_what_the_store_was_made_with(dev, reference_stores):
    assert differing(dev.recipe(), recorded_attributes(store_path(reference_stores, "dev"))) == []
    assert dev.recipe()["items_digest"] == digest_of_items(dev.items["item_id"])


def test_what_is_usual_is_not_compared(dev):
    assert dev.usual() == {"default_task": "disease", "default_leads": ["I", "II", "V2"]}
    assert not dev.usual().keys() & dev.recipe().keys()
