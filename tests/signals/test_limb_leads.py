"""Limb leads: the six hold together by Einthoven's and Goldberger's sentences, whichever two they come from."""

from itertools import combinations

import numpy as np
import pytest

from pipeline.signals.leads import LEADS
from pipeline.signals.limb_leads import LIMB_LEADS, all_twelve, derivable, with_limb_leads

# potentials of right arm, left arm and left leg: what all six are differences of
ARM_R, ARM_L, LEG = np.random.default_rng(0).normal(size=(3, 500))
CENTRE = (ARM_R + ARM_L + LEG) / 3
SIX = dict(
    zip(
        LIMB_LEADS,
        [ARM_L - ARM_R, LEG - ARM_R, LEG - ARM_L, *(1.5 * (limb - CENTRE) for limb in (ARM_R, ARM_L, LEG))],
        strict=True,
    )
)


@pytest.mark.parametrize("two", [*combinations(LIMB_LEADS, 2), ("aVF", "I")], ids="-".join)
def test_any_two_give_the_six_that_electrodes_give(two):
    there = (*two, "V1")
    signal, leads = with_limb_leads(np.stack([SIX[two[0]], SIX[two[1]], CENTRE]), there, LEADS)
    assert leads == (*there, *derivable(there))
    assert set(leads) == {*LIMB_LEADS, "V1"}
    for lead, row in zip(leads, signal, strict=True):
        np.testing.assert_allclose(row, SIX.get(lead, CENTRE), atol=1e-12)


def test_by_hand():
    signal, leads = with_limb_leads(np.array([[1.0, 0.0], [3.0, 2.0]]), ["I", "II"], LIMB_LEADS)
    assert leads == LIMB_LEADS
    np.testing.assert_array_equal(signal[2:], [[2, 2], [-2, -1], [-0.5, -1], [2.5, 2]])


def test_only_what_is_wanted_and_in_that_order():
    signal = np.ones((3, 4), np.float32)
    more, leads = with_limb_leads(signal, ("V2", "II", "I"), ["aVF", "V2", "V6", "III", "I", "aVF"])
    assert leads == ("V2", "II", "I", "aVF", "III")
    assert more.dtype == np.float32
    np.testing.assert_array_equal(more[:3], signal)
    np.testing.assert_array_equal(more[3:], [[0.5] * 4, [0] * 4])


@pytest.mark.parametrize("leads", [(), ("II",), ("V1", "V2"), ("aVR", "V1"), LIMB_LEADS])
def test_nothing_where_nothing_can_be_computed(leads):
    signal = np.zeros((len(leads), 5))
    same, names = with_limb_leads(signal, leads, LEADS)
    assert derivable(leads) == ()
    assert same is signal
    assert names == leads


def test_counts_become_no_whole_numbers():
    signal, _ = with_limb_leads(np.array([[1], [2]], np.int16), ("I", "II"), ["aVR"])
    assert signal[2, 0] == -1.5


def test_many_recordings_at_once():
    both = np.random.default_rng(1).normal(size=(4, 2, 30))
    together, _ = with_limb_leads(both, ("II", "aVL"), LEADS)
    for one, all_at_once in zip(both, together, strict=True):
        np.testing.assert_array_equal(with_limb_leads(one, ("II", "aVL"), LEADS)[0], all_at_once)


def test_the_twelve_stand_in_their_usual_order_and_others_behind():
    there = ("V4R", "V1", "II", "I")
    signal, leads = all_twelve(np.stack([CENTRE + 1, CENTRE, SIX["II"], SIX["I"]]), there)
    assert leads == (*LIMB_LEADS, "V1", "V4R")
    for lead, row in zip(leads, signal, strict=True):
        np.testing.assert_allclose(row, SIX.get(lead, CENTRE + (lead == "V4R")), atol=1e-12)
    assert all_twelve(np.zeros((2, 0)), ["V2", "I"])[1] == ("I", "V2")
