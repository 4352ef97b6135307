"""What a network sees of an item: counts decoded, leads chosen, signals scaled, images stacked."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.inputs.batches import Pick
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.placement import store_items
from pipeline.inputs.spec import InputSpec
from pipeline.signals.counts import PADDING
from pipeline.store.reading import Store
from pipeline.typed import as_json, from_json

SIGNAL = InputSpec("signal", ("I", "II"), sampling_rate=100.0, gain=1000.0, n_samples=50)
RAW = torch.from_numpy(np.random.default_rng(0).integers(-3000, 3000, (3, 2, 50)).astype(np.int16))


def image_spec(store: Store, representations: tuple[str, ...], leads: tuple[str, ...], on_the_fly: bool) -> InputSpec:
    return InputSpec(
        "image",
        leads,
        store.sampling_rate,
        store.gain,
        store.signals.shape[2],
        representations={name: store.image_parameters[name] for name in representations},
        on_the_fly=on_the_fly,
    )


def first_items(store: Store, spec: InputSpec, n_items: int) -> torch.Tensor:
    rows = np.arange(n_items)
    batch = store_items(store, rows, spec)[Pick(rows, np.zeros(n_items, np.int64))]
    return InputMaker(spec)(batch.raw, batch.length)


def test_counts_become_millivolts_exactly():
    x = InputMaker(SIGNAL)(RAW)
    assert x.dtype == torch.float32
    np.testing.assert_array_equal(x, (RAW.numpy() / 1000.0).astype(np.float32))


def test_the_gain_is_that_of_the_store():
    np.testing.assert_allclose(InputMaker(replace(SIGNAL, gain=4000.0))(RAW), RAW / 4000, rtol=1e-7)


def test_padding_is_zero_millivolts():
    raw = RAW.clone()
    raw[0, :, 30:] = PADDING
    x = InputMaker(SIGNAL)(raw, torch.tensor([30, 50, 50]))
    assert not x[0, :, 30:].any()
    assert torch.equal(x[0, :, :30], InputMaker(SIGNAL)(RAW)[0, :, :30])


def test_global_divides_every_lead_by_one_number():
    scaled = InputMaker(replace(SIGNAL, normalise="global", scale_mv=0.25))(RAW)
    assert torch.equal(scaled, InputMaker(SIGNAL)(RAW) * 4)


def test_record_gives_each_lead_mean_0_and_deviation_1():
    x = InputMaker(replace(SIGNAL, normalise="record"))(RAW).numpy()
    np.testing.assert_allclose(x.mean(-1), 0, atol=1e-6)
    np.testing.assert_allclose(x.std(-1), 1, rtol=1e-6)


def test_record_does_not_see_the_padding():
    """An item beside a longer one is scaled as it would be alone, and stays 0 where it has ended."""
    maker, raw = InputMaker(replace(SIGNAL, normalise="record")), RAW.clone()
    raw[1, :, 20:] = PADDING
    together = maker(raw, torch.tensor([50, 20, 50]))
    torch.testing.assert_close(together[1:2, :, :20], maker(RAW[1:2, :, :20]))
    assert not together[1, :, 20:].any()
    torch.testing.assert_close(together[[0, 2]], maker(RAW[[0, 2]]))


def test_a_flat_lead_stays_zero():
    raw = RAW.clone()
    raw[0, 1] = 700
    x = InputMaker(replace(SIGNAL, normalise="record"))(raw)
    assert not x[0, 1].any()
    assert torch.isfinite(x).all()


def test_leads_come_in_the_order_asked_for(store: Store):
    spec = InputSpec("signal", ("V5", "I"), store.sampling_rate, store.gain, store.signals.shape[2])
    stored = store.signals.open()[:4][:, [store.leads.index("V5"), store.leads.index("I")]]
    np.testing.assert_array_equal(first_items(store, spec, 4), (stored / store.gain).astype(np.float32))


@pytest.mark.parametrize("on_the_fly", [False, True])
def test_channels_are_lead_major(store: Store, on_the_fly: bool):
    """V2-rp, V2-gaf, I-rp, I-gaf: leads and representations each in the order asked for."""
    x = first_items(store, image_spec(store, ("rp", "gaf"), ("V2", "I"), on_the_fly), 3)
    expected = [(lead, name) for lead in ("V2", "I") for name in ("rp", "gaf")]
    assert x.shape == (3, len(expected), 32, 32)
    for channel, (lead, name) in enumerate(expected):
        stored = store.images[name].open()[:3, store.image_leads.index(lead)]
        np.testing.assert_array_equal(x[:, channel] * 255, stored.astype(np.float32))


def test_an_image_drawn_on_the_fly_is_the_stored_one_bit_for_bit(store: Store):
    representations, leads = tuple(store.images), tuple(store.image_leads)
    spec = image_spec(store, representations, leads, False)
    stored = first_items(store, spec, store.n_items)
    assert stored.shape[1] == spec.n_channels == len(representations) * len(leads)
    assert stored.min() >= 0
    assert stored.max() == 1
    assert torch.equal(stored, first_items(store, image_spec(store, representations, leads, True), store.n_items))


def test_a_crop_is_drawn_as_the_image_of_that_part(store: Store):
    spec = replace(image_spec(store, ("gaf", "mtf"), ("I",), True), crop=2.0, stride=1.0)
    items = store_items(store, np.arange(2), spec)
    batch = items[Pick(np.array([0, 1]), np.array([300, 0]))]
    whole = torch.from_numpy(np.array(store.signals.open()[:2, :1]))
    part = torch.stack([whole[0, :, 300:500], whole[1, :, :200]])
    assert torch.equal(InputMaker(spec)(batch.raw, batch.length), InputMaker(spec)(part))


def test_a_spec_survives_the_card(store: Store):
    spec = replace(image_spec(store, tuple(store.images), ("I", "aVF"), True), crop=2.5, stride=0.5)
    assert from_json(InputSpec, json.loads(json.dumps(as_json(spec)))) == spec
    signal = replace(SIGNAL, normalise="global", scale_mv=0.123456789012345)
    assert from_json(InputSpec, json.loads(json.dumps(as_json(signal)))) == signal


def test_how_much_is_seen_at_once():
    assert SIGNAL.crop_samples == 50
    assert SIGNAL.crop_starts(50) == [0]
    cropped = replace(SIGNAL, crop=0.2, stride=0.1)
    assert cropped.crop_samples == 20
    assert cropped.crop_starts(50) == [0, 10, 20, 30]


def test_all_leads_are_one_image_whatever_their_order(store: Store):
    """Rows are in the order of the body: aVL, II, V2."""
    representations = {"leads": {"size": 30, "range_mv": 3.0}}
    spec = replace(image_spec(store, ("gaf",), ("II", "V2", "aVL"), True), representations=representations)
    x = first_items(store, spec, 3)
    assert x.shape == (3, 1, 30, 30)
    assert torch.equal(x, first_items(store, replace(spec, leads=("aVL", "II", "V2")), 3))
    for place, lead in enumerate(("aVL", "II", "V2")):
        mv = store.signals.open()[:3, store.leads.index(lead)] / store.gain
        column = mv[:, : mv.shape[1] // 30].mean(-1)
        np.testing.assert_allclose(x[:, 0, 10 * place, 0], column / 6 + 0.5, atol=0.5 / 255 + 1e-6)


def test_a_card_from_before_there_were_beats_is_read():
    card = json.loads(json.dumps(as_json(SIGNAL)))
    del card["beat"]
    assert from_json(InputSpec, card) == SIGNAL
    with_beat = replace(SIGNAL, beat=(0.32, 0.48), n_samples=80)
    assert from_json(InputSpec, json.loads(json.dumps(as_json(with_beat)))) == with_beat


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device, or not asked for with -m gpu")
def test_a_gpu_sees_the_same_images_channels_last(store):
    spec = image_spec(store, ("gaf", "mtf"), ("I", "II"), on_the_fly=False)
    grey = torch.randint(0, 256, (3, 4, 32, 32), dtype=torch.uint8)
    here, there = InputMaker(spec)(grey), InputMaker(spec)(grey.cuda())
    assert there.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(there.cpu(), here, rtol=1e-6, atol=0)
