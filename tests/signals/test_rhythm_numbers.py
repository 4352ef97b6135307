"""The numbers of RR intervals: of rhythms of which they are known, whatever the rate."""

import numpy as np
import pytest

from pipeline.signals.rhythm_numbers import RHYTHM, rhythm_numbers

BIGEMINY, TRIGEMINY = [0.6, 1.0] * 6, [0.8, 0.6, 1.0] * 4


def numbers(rr: list[float]) -> dict[str, float]:
    return dict(zip(RHYTHM, rhythm_numbers(np.array(rr)), strict=True))


def test_a_regular_rhythm_has_no_deviation_and_no_correlation():
    found = numbers([0.8] * 12)
    assert found["heart rate"] == pytest.approx(75)
    assert [found[name] for name in RHYTHM[1:5]] == pytest.approx([0, 0, 0, 0], abs=1e-12)
    assert found["shortest RR"] == found["longest RR"] == 1
    assert np.isnan([found[name] for name in RHYTHM[7:]]).all()


def test_early_beats_that_come_back_are_told_by_how_often():
    every_other, every_third = numbers(BIGEMINY), numbers(TRIGEMINY)
    assert [every_other[name] for name in RHYTHM[7:]] == pytest.approx([-1, 1, -1])
    assert every_third["RR correlation 3"] == pytest.approx(1)
    assert max(every_third["RR correlation 1"], every_third["RR correlation 2"]) < 0


def test_one_early_beat_is_seen_by_the_extremes_and_not_by_the_median():
    found = numbers([0.8] * 4 + [0.5, 1.1] + [0.8] * 5)
    assert found["median RR change"] == 0
    assert found["greatest RR change"] == pytest.approx(0.6 / 0.8)
    assert (found["shortest RR"], found["longest RR"]) == pytest.approx((0.5 / 0.8, 1.1 / 0.8))


def test_all_but_the_rate_are_relative_to_it():
    rr = np.random.default_rng(0).uniform(0.5, 1.2, 14)
    once, slower = rhythm_numbers(rr), rhythm_numbers(1.5 * rr)
    np.testing.assert_allclose(slower[1:], once[1:])
    assert slower[0] == pytest.approx(once[0] / 1.5)


def test_rmssd_and_correlations_are_those_of_their_definitions():
    rr = np.random.default_rng(1).uniform(0.5, 1.2, 14)
    found = dict(zip(RHYTHM, rhythm_numbers(rr), strict=True))
    assert found["RR change"] == pytest.approx(np.sqrt(np.mean(np.diff(rr) ** 2)) / np.median(rr))
    for lag in (1, 2, 3):
        assert found[f"RR correlation {lag}"] == pytest.approx(np.corrcoef(rr[:-lag], rr[lag:])[0, 1])


@pytest.mark.parametrize(("rr", "known"), [([], 0), ([0.8], 1), ([0.8, 0.9], 7), ([0.8, 0.9, 0.7, 0.8], 8)])
def test_of_too_few_intervals_what_cannot_be_told_is_missing(rr: list[float], known: int):
    assert np.isfinite(rhythm_numbers(np.array(rr))).sum() == known
