"""A store over arrays in memory: what create_images.py makes of the same millivolts, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from batches_of_stores import ROWS, all_batches, assert_equal, image_spec, signal_spec
from small_stores import make, stores

from pipeline.errors import EcgFusionError
from pipeline.inputs.batches import scoring_picks
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.placement import store_items
from pipeline.labels import Labels
from pipeline.signals.counts import PADDING
from pipeline.sources import open_source
from pipeline.sources.synthetic import write_dataset
from pipeline.store.arrays import ArrayStore
from pipeline.store.reading import Store

NOISE = np.random.default_rng(0).normal(0, 0.3, (3, 2, 1000))


def of_the_same(store: Store, folder: Path, rate: float) -> ArrayStore:
    """The millivolts that a store was made of, as arrays."""
    source = open_source("ptbxl", folder, rate)
    rows = source.records.set_index("record_id", drop=False).loc[store.columns["record_id"]]
    band = store.attributes["band"]
    return ArrayStore.of(
        [np.asarray(signal) for signal in source.read(rows)],
        source.sampling_rate,
        [lead.upper() for lead in source.leads],
        stored_rate=store.sampling_rate,
        band=band and tuple(band),
        item_ids=rows["record_id"].tolist(),
        labels=store.labels,
    )


@pytest.fixture(scope="module")
def held(store, synthetic_folder) -> ArrayStore:
    return of_the_same(store, synthetic_folder, store.sampling_rate)


def test_its_counts_are_those_of_the_file(held, store):
    assert held.signals.dtype == store.signals.dtype
    assert held.signals.open().tobytes() == store.signals.open().tobytes()
    assert (held.n_items, held.leads, held.gain) == (store.n_items, store.leads, store.gain)
    assert held.sampling_rate == store.sampling_rate
    np.testing.assert_array_equal(held.lengths, store.lengths)
    for name in ("sampling_rate", "source_sampling_rate", "band", "filter", "gain", "items_digest", "tasks"):
        assert held.attributes[name] == store.attributes[name]
    assert set(held.columns) == set(store.columns)
    assert {name: column.dtype for name, column in held.columns.items()} == {
        name: column.dtype for name, column in store.columns.items()
    }


@pytest.mark.parametrize(
    ("words", "rate"),
    [
        (["--sampling_rate", "50", "--band", "1", "20"], 100),
        (["--band", "none"], 100),
        (["--sampling_rate", "250", "--band", "0", "40"], 500),
    ],
    ids=["50 Hz", "unfiltered", "250 Hz"],
)
def test_they_are_at_any_rate_and_band(tmp_path, words, rate):
    write_dataset(tmp_path / "ptbxl", n_records=6, seed=3, rates=(rate,))
    make(tmp_path / "ptbxl", tmp_path / "o", *words, "--folds", "train=1-10", "--partition", "train")
    (store,) = stores(tmp_path / "o").values()
    held = of_the_same(store, tmp_path / "ptbxl", rate)
    assert held.signals.open().tobytes() == store.signals.open().tobytes()
    assert held.attributes["band"] == store.attributes["band"]


@pytest.mark.parametrize("crop", [None, 2.5])
def test_signals_come_in_the_same_batches(held, store, crop):
    spec = signal_spec(store, crop, crop and crop / 2)
    ours, theirs = store_items(held, ROWS, spec), store_items(store, ROWS, spec)
    assert_equal(all_batches(ours, scoring_picks(ours, 3)), all_batches(theirs, scoring_picks(theirs, 3)))


def test_median_beats_come_in_the_same_batches(held, store):
    spec = replace(signal_spec(store), beat=(0.25, 0.4), n_samples=65)
    ours, theirs = store_items(held, ROWS[:2], spec), store_items(store, ROWS[:2], spec)
    assert_equal(all_batches(ours, scoring_picks(ours, 2)), all_batches(theirs, scoring_picks(theirs, 2)))


def test_what_is_read_from_a_file_s_images_is_drawn_of_its_signals(held, store):
    """A network trained on stored images sees the same of an array."""
    spec = image_spec(store)
    assert held.images == {}
    seen = []
    for of, how in ((held, spec.of_signals()), (store, spec)):
        items = store_items(of, ROWS, how)
        (batch,) = all_batches(items, scoring_picks(items, len(ROWS)))
        seen.append(InputMaker(how)(batch.raw, batch.length))
    assert torch.equal(*seen)
    assert spec.of_signals().of_signals() == spec.of_signals()
    assert signal_spec(store).of_signals() == signal_spec(store)


def test_one_array_and_a_list_of_its_items_are_alike():
    one, several = (ArrayStore.of(x, 250, ["V1", "lead II"], band=(0.5, 40)) for x in (NOISE, list(NOISE)))
    assert one.signals.open().tobytes() == several.signals.open().tobytes()
    assert one.signals.shape == (3, 2, 400)
    assert one.leads == ["V1", "II"]
    assert one.columns["item_id"].tolist() == ["0", "1", "2"]


def test_items_of_unequal_length_end_in_padding():
    parts = [NOISE[0], NOISE[1, :, :333]]
    store = ArrayStore.of(parts, 500, ["I", "II"])
    assert store.lengths.tolist() == [200, round(333 / 5)]
    for row, part in enumerate(parts):
        alone = ArrayStore.of([part], 500, ["I", "II"]).signals.open()[0]
        np.testing.assert_array_equal(store.signals.open()[row, :, : alone.shape[1]], alone)
        assert (store.signals.open()[row, :, alone.shape[1] :] == PADDING).all()


def test_without_labels_every_item_is_scored():
    store = ArrayStore.of(NOISE, 100, ["I", "II"])
    task = store.task("disease")
    assert (task.classes, task.values.shape, task.labelled.tolist()) == ((), (3, 0), [True] * 3)


def test_with_labels_a_task_has_its_own(held, store):
    assert held.task("disease") is store.labels["disease"]
    with pytest.raises(EcgFusionError, match="the array has no task diseases: choose one of disease"):
        held.task("diseases")


def with_value(value: float) -> np.ndarray:
    changed = NOISE.copy()
    changed[1, 0, 500] = value
    return changed


LABELS = {"t": Labels(("A",), "multilabel", np.zeros((2, 1), np.uint8), np.ones(2, bool))}
REFUSED = [
    ((NOISE[0, 0], 100, ["I"]), {}, r"the array has the shape \(1000,\): give \(items, leads, time\)"),
    ((NOISE[0], 100, ["I", "II"]), {}, r"the array has the shape \(2, 1000\)"),
    ((NOISE[None], 100, ["I", "II"]), {}, r"the array has the shape \(1, 3, 2, 1000\)"),
    ((list(NOISE[0]), 100, ["I", "II"]), {}, r"item 0 of the array has the shape \(1000,\): give \(leads, time\)"),
    (([], 100, ["I"]), {}, "the array holds no item"),
    ((NOISE, 100, ["I"]), {}, "item 0 of the array has 2 rows for 1 leads"),
    ((NOISE.transpose(0, 2, 1), 100, ["I", "II"]), {}, "item 0 of the array has 1000 rows for 2 leads"),
    ((NOISE, 100, ["I", "V7"]), {}, "there is no lead V7: the leads are I II III aVR"),
    ((NOISE, 100, ["AVR", "avr"]), {}, "the leads aVR aVR name one twice"),
    ((with_value(np.nan), 100, ["I", "II"]), {}, "item 1 of the array has a missing sample"),
    ((with_value(np.inf), 100, ["I", "II"]), {}, "item 1 of the array has a missing sample"),
    ((with_value(40), 100, ["I", "II"]), {"band": None}, r"item 1 of the array reaches 40.0 mV, beyond the ±32.8 mV"),
    ((NOISE[..., :1], 100, ["I", "II"]), {}, "item 0 of the array has 1 samples, too few at 100 Hz"),
    ((NOISE[..., :0], 100, ["I", "II"]), {}, "item 0 of the array has 0 samples, too few"),
    (((NOISE * 1000).astype(np.int16), 100, ["I", "II"]), {}, "item 0 of the array is int16: give millivolts"),
    ((NOISE, 50, ["I", "II"]), {}, "the array is at 50 Hz and 100 are wanted"),
    ((NOISE, 0, ["I", "II"]), {}, "0 is not a number above 0"),
    ((NOISE, 100, ["I", "II"]), {"stored_rate": np.nan}, "nan is not a number above 0"),
    ((NOISE, 100, ["I", "II"]), {"band": (40, 1)}, "a band from 40 to 1 Hz is empty"),
    ((NOISE, 100, ["I", "II"]), {"band": (1, 50)}, "a band up to 50 Hz needs more than 100 samples a second"),
    ((NOISE, 100, ["I", "II"]), {"item_ids": ["a", "b"]}, "has 3 items and 2 item names"),
    ((NOISE, 100, ["I", "II"]), {"item_ids": ["a", "b", "a"]}, "names the item a twice"),
    ((NOISE, 100, ["I", "II"]), {"patient_ids": ["a"]}, "has 3 items and 1 patient names"),
    ((NOISE, 100, ["I", "II"]), {"labels": LABELS}, "has 3 items and 2 labels of t"),
    ((NOISE, 100, ["I"]), {"name": "a.csv"}, "item 0 of a.csv has 2 rows"),
]


@pytest.mark.parametrize(("given", "how", "sentence"), REFUSED, ids=[sentence for _, _, sentence in REFUSED])
def test_what_is_no_signal_is_one_sentence(given, how, sentence):
    with pytest.raises(EcgFusionError, match=sentence) as refused:
        ArrayStore.of(*given, **how)
    assert "\n" not in str(refused.value)


def test_windows_are_those_of_the_command(synthetic_folder: Path, tmp_path: Path):
    """Whose names and starts they have, too; at a rate at which no start is a whole sample."""
    words = ("--window", "2.515", "--stride", "1.337", "--sampling_rate", "90")
    folder = make(synthetic_folder, tmp_path, *words, "--partition", "test")
    cut = stores(folder)["test"]
    source = open_source("ptbxl", synthetic_folder, 100)
    names = list(dict.fromkeys(cut.columns["record_id"]))
    rows = source.records.set_index("record_id", drop=False).loc[names]
    band = cut.attributes["band"]
    signals = [np.asarray(signal) for signal in source.read(rows)]
    how: Any = {"stored_rate": 90.0, "band": band and tuple(band), "item_ids": names}
    windows = ArrayStore.of(signals, 100, source.leads, **how).in_windows(2.515, 1.337)
    assert windows.columns["item_id"].tolist() == cut.columns["item_id"].tolist()
    assert windows.columns["record_id"].tolist() == cut.columns["record_id"].tolist()
    np.testing.assert_array_equal(windows.columns["start"], cut.columns["start"])
    np.testing.assert_array_equal(windows.lengths, cut.lengths)
    np.testing.assert_array_equal(windows.signals.open(), cut.signals.open())
    assert windows.cut == cut.cut


def test_a_recording_that_is_shorter_than_a_window_is_refused():
    with pytest.raises(EcgFusionError, match="the array has 10 s, less than a window of 12 s: give a longer recording"):
        ArrayStore.of(NOISE, 100, ["I", "II"]).in_windows(12, 6)


def test_leads_that_a_run_knows_beside_the_twelve():
    assert ArrayStore.of(NOISE, 100, ["MLII", "v1"], further_leads=["MLII"]).leads == ["MLII", "V1"]
    with pytest.raises(EcgFusionError, match=r"there is no lead vx: the leads are I II III .* V6 MLII"):
        ArrayStore.of(NOISE, 100, ["MLII", "vx"], further_leads=["MLII"])
