"""XLI: what is packed comes back, equal to sierraecg's; what is damaged or never ends is one sentence."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine_recordings import lzw, xli_block

from pipeline.sources.formats.philips_xli import unpacked_leads
from pipeline.sources.formats.recording import RecordError

WALK = np.cumsum(np.random.default_rng(0).integers(-30, 31, (3, 2000)), axis=1)
BLOCKS = [xli_block(samples) for samples in WALK]


def test_by_hand():
    """Words 5, 7, 64, 60: 5 and 7; then 2·7 - 5 - 3; then 2·6 - 7 - (64 - 64)."""
    packed = lzw(bytes([0, 0, 0, 0, 5, 7, 64, 60]))
    block = len(packed).to_bytes(4, "little") + bytes([1, 0, 3, 0]) + packed
    assert unpacked_leads("a", block, 1, 4).tolist() == [[5, 7, 6, 5]]


def test_leads_one_behind_the_other():
    np.testing.assert_array_equal(unpacked_leads("a", b"".join(BLOCKS), 3, 2000), WALK)
    np.testing.assert_array_equal(unpacked_leads("a", b"".join(BLOCKS), 2, 2000), WALK[:2])
    np.testing.assert_array_equal(unpacked_leads("a", BLOCKS[0], 1, 1999), WALK[:1, :1999])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-8000, 8000), min_size=4, max_size=400))
def test_what_is_packed_comes_back_as_sierraecg_has_it(values):
    from sierraecg.xli import xli_decode

    samples = np.array(values)
    bends = samples[:-2] - 2 * samples[1:-1] + samples[2:]
    samples = samples if np.abs(bends).max() < 2**15 - 64 else samples // 4
    block = xli_block(samples)
    np.testing.assert_array_equal(unpacked_leads("a", block, 1, len(samples)), [samples])
    np.testing.assert_array_equal(xli_decode(block, ["I"]), [samples])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_samples_or_one_sentence(data):
    with suppress(RecordError):
        assert unpacked_leads("a", data, 2, 50).shape == (2, 50)


@pytest.mark.parametrize("place", [0, 5, 8, 300, -1])
def test_a_lead_that_is_cut_off(place):
    with pytest.raises(RecordError, match="a is cut off in lead 2 of 2"):
        unpacked_leads("a", BLOCKS[0] + BLOCKS[1][:place], 2, 2000)


def test_a_code_that_was_never_defined():
    damaged = (10).to_bytes(4, "little") + b"\1\0\0\0" + b"\xf0" * 10
    with pytest.raises(RecordError, match="a code that was not defined"):
        unpacked_leads("a", damaged, 1, 10)


def test_numbers_of_samples_that_are_not_there():
    with pytest.raises(RecordError, match="announces 2500 samples of a lead and unpacks to 2000 in lead 1"):
        unpacked_leads("a", BLOCKS[0], 1, 2500)
    with pytest.raises(RecordError, match="unpacks to more samples of a lead than it announces"):
        unpacked_leads("a", BLOCKS[0], 1, 100)


def test_a_bomb_of_one_byte_that_is_repeated_is_left_early():
    packed = lzw(b"\0" * 2**20)
    assert len(packed) < 2**12
    with pytest.raises(RecordError, match="unpacks to more samples"):
        unpacked_leads("a", len(packed).to_bytes(4, "little") + bytes(4) + packed, 1, 5000)
