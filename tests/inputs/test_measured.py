"""Voltages, intervals, age and sex of a store's items: measured once, of the whole item, whatever is seen of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hearts import recording

from pipeline.errors import EcgFusionError
from pipeline.inputs import measured as room
from pipeline.inputs.features import features_of, plan_features
from pipeline.inputs.measured import MEASURED, OF_SIGNAL, PERSON, measured, measures, not_told
from pipeline.inputs.spec import InputSpec
from pipeline.scoring.checks import check_features
from pipeline.signals.leads import LEADS
from pipeline.store.arrays import ArrayStore
from pipeline.store.reading import Store, open_store


def held(*signals: np.ndarray, leads: tuple[str, ...] = LEADS) -> Store:
    return ArrayStore.of(list(signals), 100, leads, band=None, name="held")


def hearts(n: int) -> Store:
    return held(*(recording(seed, 100)[0] for seed in range(n)))


def test_each_name_has_its_numbers_in_order():
    store, rows = hearts(3), np.array([2, 0])
    found = {name: measured(store, name, rows) for name in MEASURED}
    assert {name: each.shape for name, each in found.items()} == {
        "voltage": (2, 12),
        "intervals": (2, 6),
        "rhythm": (2, 10),
        "tabular": (2, 8),
    }
    assert {each.dtype for each in found.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(found["tabular"][:, 2:], found["intervals"])
    np.testing.assert_array_equal(found["rhythm"][:, :2], found["intervals"][:, :2])
    decoded = store.signals.open()[2] / store.gain
    by_number = dict(zip(OF_SIGNAL, measures(decoded, LEADS, 100), strict=True))
    for name in ("voltage", "intervals", "rhythm"):
        np.testing.assert_allclose(found[name][0], [by_number[number] for number in MEASURED[name]], rtol=1e-6)


def test_the_heart_rate_and_qtc_are_of_the_same_intervals():
    x, times = recording(3, 100)
    numbers = dict(zip(OF_SIGNAL, measures(x, LEADS, 100), strict=True))
    inside = np.diff(times[(times > 0) & (times < 10)])
    assert numbers["heart rate"] == pytest.approx(60 / np.median(inside), rel=0.02)
    assert numbers["RR deviation"] == pytest.approx(inside.std() / inside.mean(), abs=0.01)
    assert numbers["QTc"] == pytest.approx(numbers["QT"] * (numbers["heart rate"] / 60) ** (1 / 3))
    assert 0.1 < numbers["PR"] < 0.25
    assert 0.3 < numbers["QT"] < 0.5


def test_age_and_sex_are_the_store_s_own_and_missing_where_it_has_none():
    store = hearts(3)
    columns: dict[str, np.ndarray] = {
        "age": np.array([50, np.nan, 90], np.float32),
        "sex": np.array([1, 0, -1], np.int8),
    }
    found = measured(replace(store, columns={**store.columns, **columns}), "tabular", np.arange(3))
    np.testing.assert_array_equal(found[:, :2], [[50, 1], [np.nan, 0], [90, np.nan]])
    assert not_told("tabular", measured(store, "tabular", np.arange(3))) == [*PERSON]


@pytest.mark.parametrize("x", [np.zeros((12, 1000)), np.ones((12, 3)), np.zeros((12, 0))])
def test_of_nothing_nothing_is_measured(x: np.ndarray):
    assert np.isnan(measures(x, LEADS, 100)).all()


def test_what_has_been_measured_is_kept(monkeypatch, small_store_folder: Path):
    """Of the same file, however often it is opened, and of the same arrays; a row at a time."""
    rows, seen = np.arange(4), []
    monkeypatch.setattr(room, "measures", lambda *given: seen.append(1) or measures(*given))
    room._nothing_known.cache_clear()
    for store in (open_store(small_store_folder / "train.h5"), open_store(small_store_folder / "train.h5"), hearts(5)):
        known = len(seen)
        first = measured(store, "voltage", rows)
        again = measured(store, "tabular", np.array([3, 4, 4, 0]))
        np.testing.assert_array_equal(measured(store, "voltage", rows), first)
        np.testing.assert_array_equal(again[1], again[2])
        assert len(seen) - known in (0, 5)
    assert len(seen) == 10


def test_arrays_that_are_others_have_other_numbers():
    some, others = (held(recording(seed, 100)[0]) for seed in (0, 1))
    assert (measured(some, "voltage", np.arange(1)) != measured(others, "voltage", np.arange(1))).any()


def test_they_are_planned_scaled_and_seen_as_a_store_s_own():
    store = hearts(6)
    rows = np.arange(6)
    columns = {**store.columns, "age": np.full(6, 50, np.float32), "sex": np.array([0, 1] * 3, np.int8)}
    store = replace(store, columns=columns)
    features = plan_features(("tabular", "voltage"), store, rows)
    assert features is not None
    assert [len(scale.mean) for scale in features.values()] == [8, 12]
    assert features["tabular"].mean[:2] == (50, 0.5)
    spec = InputSpec("signal", ("II",), 100.0, store.gain, 1000, features=features)
    seen = features_of(store, rows, spec)
    assert seen is not None
    expected = [measured(store, name, rows) for name in ("tabular", "voltage")]
    np.testing.assert_array_equal(seen, np.concatenate(expected, axis=1))
    check_features(features, hearts(2), "make it anew")


def test_where_they_cannot_be_measured_they_are_refused():
    beats = hearts(2)
    beats = replace(beats, attributes={**beats.attributes, "cut": {"kind": "beats"}})
    with pytest.raises(EcgFusionError, match="voltage is measured over several beats, and an item of held is one"):
        plan_features(("voltage",), beats, np.arange(2))
    with pytest.raises(EcgFusionError, match=r"held has no feature voltage of its items, .*: make it anew"):
        check_features(plan_features(("voltage",), hearts(2), np.arange(2)), beats, "make it anew")
    one_lead = held(recording(0, 100)[0][1:2], leads=("II",))
    with pytest.raises(EcgFusionError, match="the number Sokolow-Lyon of the feature voltage of held is missing"):
        plan_features(("voltage",), one_lead, np.arange(1))
    assert plan_features(("intervals",), one_lead, np.arange(1)) is not None
    with pytest.raises(EcgFusionError, match="the number age of the feature tabular of held is missing in every"):
        plan_features(("tabular",), hearts(2), np.arange(2))
    named = replace(hearts(2), features={"voltage": np.zeros((2, 1), np.float32)})
    with pytest.raises(EcgFusionError, match="held holds a feature voltage, and that is the name of numbers which"):
        plan_features(("voltage",), named, np.arange(2))
