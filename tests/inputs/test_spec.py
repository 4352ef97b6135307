"""How much of an item is seen at once, in how many channels."""

from dataclasses import replace
from typing import Any

import pytest

from pipeline.inputs.spec import InputSpec, Strip, describe_beat
from pipeline.representations import LEAD_MAP_KEY
from pipeline.typed import FieldError

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


def test_parts_of_beats_are_channels_and_lines_are_rows():
    beat = replace(SIGNAL, beat=(0.32, 0.48), n_samples=80, beat_channels=("dominant", "deviation"))
    assert (beat.n_channels, beat.n_rows, beat.beat_parts) == (6, 6, ("dominant", "deviation"))
    assert replace(beat, modality="image", representations=IMAGE.representations).n_channels == 2 * 3 * 2
    one = replace(beat, modality="image", representations={LEAD_MAP_KEY: {"size": 32}}, strip=Strip("II", 12))
    assert (one.n_channels, one.n_rows) == (2, 6 + 12)
    assert describe_beat(one) == "median beat (dominant, deviation) above 9.6 s of II"
    assert (SIGNAL.n_rows, SIGNAL.beat_parts) == (3, ("dominant",))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"beat_channels": ("dominant",)}, "it sees no beat, and parts of one"),
        ({"strip": Strip("II", 2)}, "it sees no beat, and parts of one"),
        ({"beat": (0.32, 0.48), "beat_channels": ("late",)}, "it sees the parts .'late'. of a record's beats"),
        ({"beat": (0.32, 0.48), "beat_channels": ()}, "it sees the parts .. of a record's beats"),
        ({"beat": (0.32, 0.48), "beat_channels": ("ectopic",) * 2}, "it sees the parts"),
        ({"beat": (0.32, 0.48), "strip": Strip("V1", 2)}, "it sees a strip of V1, which is none of its leads"),
    ],
)
def test_a_card_that_says_what_cannot_be_is_refused(fields: dict[str, Any], sentence: str):
    with pytest.raises(FieldError, match=sentence):
        replace(SIGNAL, **fields)
