"""How much of an item is seen at once, in how many channels."""

from dataclasses import replace

import pytest

from pipeline.inputs.spec import InputSpec
from pipeline.representations import LEAD_MAP_KEY

SIGNAL = InputSpec("signal", ("I", "II", "V2"), 100.0, 1000.0, 1000)
IMAGE = replace(SIGNAL, modality="image", representations={"gaf": {"size": 32}, "rp": {"size": 32}})


def test_an_image_has_a_channel_for_each_lead_and_form():
    assert SIGNAL.n_channels == 3
    assert IMAGE.n_channels == 3 * 2
    assert replace(IMAGE, representations={LEAD_MAP_KEY: {"size": 32}}).n_channels == 1


def test_what_is_made_of_signals_stays_so():
    assert SIGNAL.of_signals() is SIGNAL
    drawn = IMAGE.of_signals()
    assert not IMAGE.takes_signals
    assert drawn.takes_signals
    assert drawn.of_signals() is drawn
    assert replace(drawn, on_the_fly=False) == IMAGE


@pytest.mark.parametrize("n_samples", [250, 251, 999, 1000])
@pytest.mark.parametrize(("crop", "stride"), [(2.5, 2.5), (2.5, 0.7), (0.5, 0.001)])
def test_crops_leave_no_sample_out_and_none_beyond_the_end(n_samples: int, crop: float, stride: float):
    spec = replace(SIGNAL, crop=crop, stride=stride)
    seen = {start + i for start in spec.crop_starts(n_samples) for i in range(spec.crop_samples)}
    assert seen == set(range(n_samples))


def test_without_a_crop_all_is_seen_once():
    assert SIGNAL.crop_samples == 1000
    assert SIGNAL.crop_starts(400) == [0]
