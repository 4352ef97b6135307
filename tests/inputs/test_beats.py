"""Median beats of a store: by the program that a card names, and what is said of the doubtful ones."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from batches_of_stores import signal_spec
from hearts import periodic

from pipeline.errors import EcgFusionError
from pipeline.inputs.batches import Pick
from pipeline.inputs.beats import median_beats
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.placement import store_items
from pipeline.inputs.scale import standard_deviation
from pipeline.inputs.spec import InputSpec, Strip
from pipeline.listening import Event, Listener, Remark, listening
from pipeline.representations import LEAD_MAP_KEY, ImageRecipe
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


def of_parts(store: Store, **chosen: Any) -> InputSpec:
    spec = replace(signal_spec(store), beat=EXTENT, beat_version=2, n_samples=80, leads=("II", "V1", "I"))
    return replace(spec, **chosen)


def ectopic() -> np.ndarray:
    """(12, time) at 100 Hz with one beat upside down."""
    x = periodic(11)
    x[:, 4 * 85 : 5 * 85] *= -0.7
    return x


def raw_of(store: Store, spec: InputSpec) -> torch.Tensor:
    rows = np.arange(store.n_items)
    return store_items(store, rows, spec)[Pick(rows, np.zeros_like(rows))].raw


def test_parts_of_beats_follow_each_other_as_they_are_named():
    store = held(ectopic(), periodic(11))
    raw = raw_of(store, of_parts(store, beat_channels=("deviation", "dominant", "ectopic")))
    assert raw.shape == (2, 9, 80)
    plain = raw_of(store, of_parts(store))
    assert torch.equal(raw[:, 3:6], plain)
    assert torch.equal(raw_of(store, of_parts(store, beat_channels=("dominant",))), plain)
    found = beats.beat_parts(store.signals.open()[0] / store.gain, 100, *EXTENT)
    chosen = [LEADS.index(lead) for lead in ("II", "V1", "I")]
    np.testing.assert_array_equal(raw[0, 6:], np.rint(found.ectopic[chosen] * store.gain))
    np.testing.assert_array_equal(raw[0, :3], np.rint(10 * found.deviation[chosen] * store.gain))
    assert raw[0, 6:].any()
    assert not raw[1, 6:].any()


def test_beats_that_differ_beyond_all_measure_are_drawn_as_much_as_a_count_can_say(monkeypatch):
    store = held(periodic(11))
    found = beats.beat_parts(periodic(11), 100, *EXTENT)
    monkeypatch.setattr(beats, "beat_parts", lambda *_: replace(found, deviation=np.full((12, 80), 9.0)))
    assert (raw_of(store, of_parts(store, beat_channels=("deviation",))) == 32767).all()


def test_the_strip_is_the_item_itself_line_by_line():
    store = held(ectopic())
    raw = raw_of(store, of_parts(store, beat_channels=("dominant", "ectopic"), strip=Strip("V1", 5)))
    assert raw.shape == (1, 2 * 3 + 5, 80)
    np.testing.assert_array_equal(raw[0, 6:].flatten(), store.signals.open()[0][LEADS.index("V1"), :400])


def test_an_item_that_is_shorter_than_the_strip_is_named():
    store = held(periodic(11), periodic(4))
    with pytest.raises(EcgFusionError, match=r"shows 4 s, and the item e1 of held has 3.4 s: .* without -strip"):
        raw_of(store, of_parts(store, strip=Strip("II", 5)))


def test_each_part_is_a_channel_of_a_lead_map_with_the_strip_below():
    store = held(ectopic())
    size = {"size": 64, "range_mv": 3.0}
    drawn = of_parts(store, modality="image", on_the_fly=True, representations={LEAD_MAP_KEY: size})
    spec = replace(drawn, beat_channels=("dominant", "ectopic"), strip=Strip("II", 5))
    assert (spec.n_channels, spec.n_rows) == (2, 11)
    raw = raw_of(store, spec)
    x = InputMaker(spec)(raw)
    assert x.shape == (1, 2, 64, 64)
    assert torch.equal(x[:, 0, 24:], x[:, 1, 24:])  # five of eight bands, 8 rows each
    assert not torch.equal(x[:, 0, :24], x[:, 1, :24])
    beat_alone = InputMaker(drawn)(raw_of(store, drawn))  # I, II, V1 from the top, some 21 rows each
    assert torch.equal(x[0, 0, 4:24:8], beat_alone[0, 0, 10:64:21])


def test_other_images_have_a_channel_for_each_lead_of_each_part():
    store = held(ectopic())
    recipe = ImageRecipe(representations=("gaf", "rp"), size=32)
    images = {name: recipe.parameters(name) for name in ("gaf", "rp")}
    drawn = of_parts(store, modality="image", on_the_fly=True, representations=images)
    spec = replace(drawn, beat_channels=("ectopic", "dominant"))
    x = InputMaker(spec)(raw_of(store, spec))
    assert x.shape == (1, spec.n_channels, 32, 32) == (1, 12, 32, 32)
    assert torch.equal(x[:, 6:], InputMaker(drawn)(raw_of(store, drawn)))


def test_the_scale_is_of_all_parts_that_are_seen():
    store = held(ectopic(), periodic(11))
    spec = of_parts(store, beat_channels=("dominant", "ectopic"))
    scale = standard_deviation(store, np.arange(2), spec.leads, EXTENT, 2, spec.beat_channels)
    assert scale == pytest.approx(np.std(raw_of(store, spec).numpy() / store.gain), rel=1e-3)
