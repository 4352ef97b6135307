"""Median beats of a store: by the program that a card names, and what is said of the doubtful ones."""

from dataclasses import replace

import numpy as np
import pytest
from batches_of_stores import signal_spec
from hearts import periodic

from pipeline.inputs.beats import median_beats
from pipeline.inputs.placement import store_items
from pipeline.inputs.scale import standard_deviation
from pipeline.listening import Event, Listener, Remark, listening
from pipeline.signals import beats, beats_of_version_1
from pipeline.signals.leads import LEADS
from pipeline.store.arrays import ArrayStore
from pipeline.store.reading import Store

EXTENT = (0.32, 0.48)


class Heard(Listener):
    def __init__(self) -> None:
        self.sentences: list[str] = []

    def hear(self, event: Event) -> None:
        if isinstance(event, Remark):
            self.sentences.append(event.sentence)


def tall_t_waves(n_samples: int = 1000) -> np.ndarray:
    """(12, time) at 100 Hz: wide QRS complexes, and T waves that the first program takes for beats."""
    times = np.arange(n_samples) / 100
    x = np.zeros(n_samples)
    for peak in np.arange(0.6, n_samples / 100, 1.0):
        x += np.exp(-0.5 * ((times - peak) / 0.04) ** 2) - 0.6 * np.exp(-0.5 * ((times - peak - 0.32) / 0.05) ** 2)
    return np.linspace(-1, 1, 12)[:, None] * x


def held(*signals: np.ndarray) -> Store:
    ids = [f"e{number}" for number in range(len(signals))]
    return ArrayStore.of(list(signals), 100, LEADS, band=None, name="held", item_ids=ids)


def seen(store: Store, version: int | None) -> np.ndarray:
    spec = replace(signal_spec(store), beat=EXTENT, beat_version=version, n_samples=80, leads=tuple(LEADS))
    rows = np.arange(store.n_items)
    return store_items(store, rows, spec)._counts.numpy() / store.gain  # type: ignore[attr-defined]


@pytest.mark.parametrize(("version", "made"), [(None, beats_of_version_1), (1, beats_of_version_1), (2, beats)])
def test_a_card_says_whose_beats_it_saw(version: int | None, made):
    """And a card that does not say so is of the first program."""
    x = tall_t_waves()
    store = held(x, periodic(11))
    (found, _) = median_beats(store, np.arange(2), EXTENT, version)
    decoded = store.signals.open()[0] / store.gain
    np.testing.assert_allclose(found.mv, made.median_beat(decoded, 100, *EXTENT).mv)
    np.testing.assert_allclose(seen(store, version)[0], found.mv, atol=0.51 / store.gain)


def test_the_versions_differ_where_t_waves_are_tall():
    first, second = (seen(held(tall_t_waves()), version)[0] for version in (1, 2))
    assert np.abs(first - second).max() > 0.1


def test_the_scale_is_that_of_the_same_beats():
    store = held(tall_t_waves(), periodic(11))
    for version in (1, 2):
        found = [beat.mv for beat in median_beats(store, np.arange(2), EXTENT, version)]
        scale = standard_deviation(store, np.arange(2), tuple(LEADS), EXTENT, version)
        assert scale == pytest.approx(np.std(found), rel=1e-9)


def test_doubtful_items_are_told_in_one_sentence():
    rng = np.random.default_rng(0)
    noises = [rng.normal(size=(12, 1000)) for _ in range(5)]
    heard = Heard()
    with listening(heard):
        seen(held(periodic(11), *noises), 2)
    (sentence,) = heard.sentences
    assert sentence.startswith("held: 5 of 6 items have a doubtful median beat, ")
    assert sentence.endswith("(e1, e2, e3, …)")


def test_a_single_doubtful_item_is_named_and_a_sure_one_is_not():
    heard = Heard()
    with listening(heard):
        seen(held(periodic(11)), 2)
        assert not heard.sentences
        seen(held(periodic(2), periodic(11)), 2)
    (sentence,) = heard.sentences
    assert "1 of 2 items have" in sentence
    assert sentence.endswith("(e0)")
