"""The door of augmentation: a training step's alone, and what comes through it is what a store could hold."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator

from pipeline.errors import EcgFusionError
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.spec import InputSpec
from pipeline.representations import ImageRecipe, LeadMapRecipe, draw_images
from pipeline.signals.augmentations import AUGMENTATIONS, augment
from pipeline.signals.counts import LARGEST_COUNT, PADDING

ALL = tuple(AUGMENTATIONS)
SIGNAL = InputSpec("signal", ("I", "II"), sampling_rate=100.0, gain=1000.0, n_samples=80)
IMAGES = replace(
    SIGNAL,
    modality="image",
    on_the_fly=True,
    representations={name: ImageRecipe(size=32).parameters(name) for name in ("gaf", "stft")},
)
LEAD_MAP = replace(IMAGES, representations={"leads": LeadMapRecipe(32).parameters()})
SPECS = {
    "mV": SIGNAL,
    "global": replace(SIGNAL, normalise="global", scale_mv=0.25),
    "record": replace(SIGNAL, normalise="record"),
    "images": IMAGES,
    "lead map": LEAD_MAP,
}
RAW = torch.from_numpy(np.random.default_rng(0).integers(-3000, 3000, (3, 2, 80)).astype(np.int16))
LENGTH = torch.tensor([80, 50, 80])


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def with_padding() -> torch.Tensor:
    raw = RAW.clone()
    raw[1, :, 50:] = PADDING
    return raw


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
class TestEveryInput:
    def test_the_same_generator_gives_the_same_input(self, spec):
        maker = InputMaker(spec)
        once = maker.augmented(with_padding(), seeded(1), ALL, LENGTH)
        assert torch.equal(once, maker.augmented(with_padding(), seeded(1), ALL, LENGTH))
        assert not torch.equal(once, maker.augmented(with_padding(), seeded(2), ALL, LENGTH))
        assert not torch.equal(once, maker(with_padding(), LENGTH))

    def test_without_names_it_is_forward(self, spec):
        maker = InputMaker(spec)
        generator = seeded()
        state = generator.get_state()
        assert torch.equal(maker.augmented(with_padding(), generator, (), LENGTH), maker(with_padding(), LENGTH))
        assert torch.equal(generator.get_state(), state)

    def test_forward_is_the_same_whether_it_trains_or_not(self, spec):
        maker = InputMaker(spec)
        maker.augmented(RAW, seeded(), ALL)
        assert torch.equal(maker.train()(RAW), maker.eval()(RAW))
        assert torch.equal(maker.train().augmented(RAW, seeded(), ALL), maker.eval().augmented(RAW, seeded(), ALL))

    def test_what_comes_is_what_a_store_of_the_changed_signals_would_give(self, spec):
        maker, raw = InputMaker(spec), with_padding()
        changed = augment(torch.where(raw == PADDING, 0, raw).double() / 1000, 100.0, seeded(3), ALL, LENGTH)
        counts = torch.where(raw == PADDING, PADDING, (changed * 1000).round()).short()
        assert torch.equal(maker.augmented(raw, seeded(3), ALL, LENGTH), maker(counts, LENGTH))

    def test_a_strength_of_0_is_forward(self, spec, monkeypatch):
        for name in ALL:
            monkeypatch.setitem(AUGMENTATIONS, name, replace(AUGMENTATIONS[name], strength=0.0))
        maker = InputMaker(spec)
        assert torch.equal(maker.augmented(with_padding(), seeded(), ALL, LENGTH), maker(with_padding(), LENGTH))

    def test_no_item_is_no_input(self, spec):
        maker = InputMaker(spec)
        assert torch.equal(maker.augmented(RAW[:0], seeded(), ALL), maker(RAW[:0]))


@pytest.mark.parametrize("name", ALL)
def test_padding_stays_padding(name: str):
    x = InputMaker(SIGNAL).augmented(with_padding(), seeded(), (name,), LENGTH)
    assert not x[1, :, 50:].any()
    assert (x[1, :, :50] != 0).any()


def test_images_are_those_of_whole_counts():
    seen = InputMaker(IMAGES).augmented(RAW, seeded(4), ("noise",))
    changed = (augment(RAW.double() / 1000, 100.0, seeded(4), ("noise",)) * 1000).round() / 1000
    drawn = draw_images(changed, 100.0, ImageRecipe(("gaf", "stft"), 32)).flatten(1, 2)
    assert torch.equal(seen, drawn / 255)


def test_what_int16_cannot_hold_stays_at_its_end(monkeypatch):
    """It neither wraps around nor becomes padding."""
    monkeypatch.setitem(AUGMENTATIONS, "scaling", replace(AUGMENTATIONS["scaling"], strength=1.0))
    raw = torch.full((50, 1, 4), -32000, dtype=torch.int16)
    x = InputMaker(replace(SIGNAL, leads=("I",))).augmented(raw, seeded(), ("scaling",))
    assert x.min() == pytest.approx(-LARGEST_COUNT / 1000)
    assert x.max() < 0


def test_stored_images_are_refused_and_so_are_unknown_names():
    grey = torch.zeros(2, 4, 32, 32, dtype=torch.uint8)
    maker = InputMaker(replace(IMAGES, on_the_fly=False))
    with pytest.raises(
        EcgFusionError, match=r"stored images cannot be changed as signals can .*noise.*: draw them with -on_the_fly"
    ):
        maker.augmented(grey, seeded(), ("noise",))
    assert torch.equal(maker.augmented(grey, seeded(), ()), maker(grey))
    with pytest.raises(ValueError, match="no augmentation 'noice'"):
        maker.augmented(RAW, seeded(), ("noice",))
