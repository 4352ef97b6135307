"""Beats laid upon each other: shifts that are known are found, and likeness is a correlation."""

import numpy as np
import pytest

from pipeline.signals.alignment import at_shifts, likeness, refined_shifts

WIDTH, REACH = 24, 8
BEAT = np.random.default_rng(0).normal(size=(3, WIDTH))


def moved(shifts: np.ndarray, beat: np.ndarray = BEAT) -> np.ndarray:
    """(leads, beats, time): the beat at each shift, and nothing around it."""
    x = np.zeros((len(beat), len(shifts), WIDTH + 2 * REACH))
    for number, shift in enumerate(shifts):
        x[:, number, shift : shift + WIDTH] = beat
    return x


def test_known_shifts_are_found():
    told = np.array([8, 5, 8, 11, 8, 0, 16])
    np.testing.assert_array_equal(refined_shifts(moved(told), WIDTH, np.full(7, REACH)), told)
    found, shifts = likeness(moved(told), BEAT[:, None])
    np.testing.assert_array_equal(shifts[:, 0], told)
    np.testing.assert_allclose(found, 1)


def test_one_beat_stays_where_it_is():
    np.testing.assert_array_equal(refined_shifts(moved(np.array([3])), WIDTH, np.array([REACH])), [REACH])


def test_what_stands_at_the_shifts_is_the_beat():
    told = np.array([1, 9, 16])
    np.testing.assert_array_equal(at_shifts(moved(told), told, WIDTH), np.repeat(BEAT[:, None], 3, axis=1))


@pytest.mark.parametrize(("factor", "offset"), [(1, 0), (7, 0), (1, 3), (0.1, -5)])
def test_likeness_is_numpy_s_correlation(factor: float, offset: float):
    """Of two beats without room to shift, each lead without its mean: neither height nor an offset matters."""
    other = BEAT + np.random.default_rng(1).normal(size=BEAT.shape)
    centred = [(x - x.mean(-1, keepdims=True)).ravel() for x in (BEAT, other)]
    expected = centred[0] @ centred[1] / np.sqrt(np.square(centred[0]).sum() * np.square(centred[1]).sum())
    found, _ = likeness((factor * other + offset)[:, None], BEAT[:, None])
    np.testing.assert_allclose(found, expected)


def test_an_upside_down_beat_and_a_flat_one_are_not_alike():
    assert likeness(-BEAT[:, None], BEAT[:, None])[0] == pytest.approx(-1)
    assert likeness(0 * BEAT[:, None], BEAT[:, None])[0] == 0
    assert likeness(BEAT[:, None], 0 * BEAT[:, None])[0] == 0
