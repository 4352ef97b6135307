"""Numbers beside an item: how they are scaled, what stands for a missing one, and that they stay with their item."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from batches_of_stores import image_spec, signal_spec

from pipeline.errors import EcgFusionError
from pipeline.inputs import placement
from pipeline.inputs.batches import CPU, Batch, Pick, load, training_picks
from pipeline.inputs.features import FARTHEST, features_of, plan_features, scaled_on, standardised
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.placement import store_items
from pipeline.inputs.spec import FeatureScale, InputSpec
from pipeline.runs.learners import beside_input
from pipeline.store.reading import Store, open_store
from pipeline.typed import FieldError


@pytest.fixture(scope="module")
def store(small_store_folder: Path) -> Store:
    """With RR intervals, and two numbers that may be anything."""
    plain = open_store(small_store_folder / "train.h5")
    random = np.random.default_rng(5)
    rr = random.uniform(0.3, 2.0, (plain.n_items, 3)).astype(np.float32)
    more = random.normal(5.0, 2.0, (plain.n_items, 2)).astype(np.float32)
    return replace(plain, features={"rr": rr, "more": more})


def seen(store: Store, spec: InputSpec) -> InputSpec:
    return replace(spec, features=plan_features(["more", "rr"], store, np.arange(store.n_items)))


def test_numbers_have_mean_0_and_deviation_1_in_training(store: Store):
    spec, rows = seen(store, signal_spec(store)), np.arange(store.n_items)
    raw = features_of(store, rows, spec)
    assert raw is not None
    assert raw.shape == (store.n_items, spec.n_numbers) == (store.n_items, 5)
    beside = InputMaker(spec).beside(raw)
    assert beside.dtype == torch.float32
    torch.testing.assert_close(beside.mean(0), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(beside.std(0, correction=0), torch.ones(5), atol=1e-5, rtol=0)


def test_intervals_are_compared_by_their_ratio(store: Store):
    """Twice as long and half as long are as far from the mean, whatever the unit; all else stays as it is."""
    features = plan_features(["rr", "more"], store, np.arange(store.n_items))
    assert features is not None
    assert {name: scale.change for name, scale in features.items()} == {"rr": "log", "more": "none"}
    middle = torch.tensor(features["rr"].mean).exp()
    long, short = (standardised(factor * middle[None], features["rr"]) for factor in (2, 0.5))
    torch.testing.assert_close(long, -short, atol=1e-5, rtol=1e-5)
    in_ms = replace(store, features={"rr": store.features["rr"] * 1000})
    other = plan_features(["rr"], in_ms, np.arange(store.n_items))
    assert other is not None
    torch.testing.assert_close(
        standardised(torch.from_numpy(in_ms.features["rr"]), other["rr"]),
        standardised(torch.from_numpy(store.features["rr"]), features["rr"]),
        atol=1e-4,
        rtol=1e-4,
    )


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_what_is_missing_is_the_mean_and_does_not_count_for_it(store: Store, missing: float):
    rows = np.arange(store.n_items)
    numbers = store.features["more"].copy()
    numbers[2:5, 0] = missing
    found = plan_features(["more"], replace(store, features={"more": numbers}), rows)
    assert found is not None
    kept = np.delete(numbers[:, 0].astype(float), [2, 3, 4])
    assert found["more"].mean[0] == pytest.approx(kept.mean(), rel=1e-12)
    assert found["more"].deviation[0] == pytest.approx(kept.std(), rel=1e-12)
    assert standardised(torch.from_numpy(numbers), found["more"])[2:5, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("interval", [0.0, -0.8, np.nan])
def test_what_has_no_logarithm_is_missing(interval: float):
    scale = FeatureScale("log", (0.0, 0.0), (1.0, 1.0))
    assert standardised(torch.tensor([[interval, 1.0]]), scale).tolist() == [[0, 0]]


def test_what_is_far_off_stays_near():
    scale = FeatureScale("none", (1.0,), (2.0,))
    assert standardised(torch.tensor([[3e38], [-3e38], [3.0]]), scale).tolist() == [[FARTHEST], [-FARTHEST], [1]]


def test_a_number_that_all_share_is_0(store: Store):
    one = replace(store, features={"rr": np.full((store.n_items, 3), 0.7, np.float32)})
    found = plan_features(["rr"], one, np.arange(store.n_items))
    assert found is not None
    assert found["rr"].deviation == (1.0, 1.0, 1.0)
    np.testing.assert_allclose(standardised(torch.from_numpy(one.features["rr"]), found["rr"]), 0, atol=1e-12)


def test_other_items_have_another_mean(store: Store):
    spec, rows = seen(store, signal_spec(store)), np.arange(store.n_items)
    assert scaled_on(spec, store, rows) == spec.features
    other = scaled_on(spec, store, rows[:5])
    assert other is not None
    assert list(other) == ["more", "rr"]
    assert other["more"].mean[0] == pytest.approx(store.features["more"][:5, 0].astype(float).mean(), rel=1e-12)
    assert scaled_on(signal_spec(store), store, rows) is None


def specs(store: Store) -> dict[str, InputSpec]:
    return {
        "signals": signal_spec(store),
        "crops": signal_spec(store, crop=2.0, stride=1.0),
        "images": image_spec(store),
        "beats": replace(signal_spec(store), beat=(0.32, 0.48), beat_version=2, n_samples=80),
    }


def check_batches(store: Store, spec: InputSpec, rows: np.ndarray, workers: int = 0) -> None:
    items = store_items(store, rows, spec)
    picks = training_picks(items, 3, seed=1, epoch=0)
    for batch in load(items, picks, workers):
        both = np.concatenate([store.features["more"], store.features["rr"]], axis=1)[rows[batch.rows]]
        np.testing.assert_array_equal(batch.features, both)
        moved = batch.to(CPU)
        assert torch.equal(moved.features, batch.features)


@pytest.mark.parametrize("name", ["signals", "crops", "images", "beats"])
def test_they_stay_with_their_item(store: Store, name: str):
    check_batches(store, seen(store, specs(store)[name]), np.array([7, 2, 11, 3, 5]))


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("name", ["crops", "images"])
def test_so_they_do_where_batches_come_from_disk(store: Store, name: str, workers: int, monkeypatch):
    monkeypatch.setattr(placement, "machine_memory", lambda: 1000)
    spec = seen(store, specs(store)[name])
    assert store_items(store, np.arange(4), spec).on_disk
    check_batches(store, spec, np.array([7, 2, 11, 3, 5]), workers)


def test_so_they_do_where_images_lie_on_a_gpu(store: Store):
    spec, rows = seen(store, image_spec(store)), np.array([7, 2, 11])
    stored = placement.StoredImages(store, rows, spec)
    items = placement.ResidentImages(placement._resident_images(stored, CPU), spec, features_of(store, rows, spec))
    pick = Pick(np.array([2, 0]), np.zeros(2, np.int64))
    assert torch.equal(items[pick].features, stored[pick].features)


def test_items_are_copied_with_them(store: Store):
    items = store_items(store, np.array([3, 4]), seen(store, image_spec(store)))
    pick = Pick(np.array([1]), np.zeros(1, np.int64))
    assert torch.equal(pickle.loads(pickle.dumps(items))[pick].features, items[pick].features)


def test_a_batch_without_them_is_as_before(store: Store):
    spec = signal_spec(store)
    batch = store_items(store, np.arange(3), spec)[Pick(np.arange(3), np.zeros(3, np.int64))]
    assert batch.features is None
    assert features_of(store, np.arange(3), spec) is None
    assert beside_input(InputMaker(spec), batch) == {}


def test_an_image_takes_no_length_and_a_signal_does(store: Store):
    raw, length = torch.zeros(2, 2, 10, dtype=torch.int16), torch.tensor([10, 5])
    batch = Batch(raw, length, torch.arange(2), torch.ones(2, 5))
    assert set(beside_input(InputMaker(seen(store, signal_spec(store))), batch)) == {"length", "numbers"}
    assert set(beside_input(InputMaker(seen(store, image_spec(store))), batch)) == {"numbers"}


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ((), "-features names none"),
        (("rr", "rr"), "names rr twice"),
        (("moer",), "has no feature moer: did you mean more"),
    ],
)
def test_other_names_are_refused(store: Store, names: tuple[str, ...], sentence: str):
    with pytest.raises(EcgFusionError, match=sentence):
        plan_features(names, store, np.arange(store.n_items))
    with pytest.raises(EcgFusionError, match=r"train\.h5 holds no feature rr of its items, .* or take voltage or"):
        plan_features(("rr",), replace(store, features={}), np.arange(store.n_items))


@pytest.mark.parametrize(
    ("mean", "deviation"),
    [((), ()), ((1.0,), ()), ((np.nan,), (1.0,)), ((0.0,), (np.inf,)), ((0.0,), (0.0,)), ((0.0,), (-1.0,))],
)
def test_a_scale_is_of_numbers(mean: tuple[float, ...], deviation: tuple[float, ...]):
    with pytest.raises(FieldError, match="a feature has"):
        FeatureScale("none", mean, deviation)
