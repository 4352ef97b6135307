"""PR, QRS and QT of simulated hearts, whose waves begin and end where it is known; and NaN where there is no wave."""

from collections.abc import Callable

import numpy as np
import pytest
from hearts import one_beat

from pipeline.signals.beats import median_beat
from pipeline.signals.filters import band_pass
from pipeline.signals.intervals import intervals
from pipeline.sources.simulation.heart import Heart, draw_electrodes, draw_heart, simulate

BEFORE, AFTER = 0.4, 0.6


def of_heart(seed: int, change: Callable[[Heart], None] | None = None, sampling_rate: int = 100) -> np.ndarray:
    """PR, QRS and QT in the one beat of a heart without noise, in a row of nothing else."""
    rng = np.random.default_rng(seed)
    heart = draw_heart(rng)
    if change is not None:
        change(heart)
    times = np.arange(-round(BEFORE * sampling_rate), round(AFTER * sampling_rate)) / sampling_rate
    found = intervals(one_beat(heart, draw_electrodes(np.random.default_rng(seed)), times), sampling_rate, BEFORE)
    return np.array([found.pr, found.qrs, found.qt])


def truth(heart: Heart) -> np.ndarray:
    """Where Gaussians begin and end to the eye: two deviations from the peak of P and T, two and a half of Q to S."""
    stretch = np.sqrt(np.clip(60 / heart.rate / 0.85, 0.5, 1.4))
    waves = heart.waves
    p = min(waves[name].time - 2 * waves[name].rise for name in ("p right", "p left"))
    onset = min(waves[name].time - 2.5 * waves[name].rise for name in ("q", "r"))
    offset = max(waves[name].time + 2.5 * waves[name].fall for name in ("r", "s"))
    return np.array([onset - p, offset - onset, waves["t"].time * stretch + 2 * waves["t"].fall - onset])


@pytest.mark.parametrize("sampling_rate", [100, 500])
def test_of_noisy_recordings_they_are_those_of_the_heart(sampling_rate: int):
    """Of each to 30 ms, and to 10 ms in the middle; all are there."""
    errors = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        heart, electrodes = draw_heart(rng), draw_electrodes(rng)
        x = band_pass(simulate(heart, electrodes, rng, sampling_rate), sampling_rate, (0.5, 40.0))
        found = intervals(median_beat(x, sampling_rate, BEFORE, AFTER).mv, sampling_rate, BEFORE, 60 / heart.rate)
        errors.append(np.array([found.pr, found.qrs, found.qt]) - truth(heart))
    assert np.abs(errors).max() < 0.04
    assert np.abs(np.median(errors, axis=0)).max() < 0.01


@pytest.mark.parametrize("seed", range(4))
def test_a_later_p_wave_is_a_shorter_pr_and_nothing_else(seed: int):
    def later(heart: Heart) -> None:
        for name in ("p right", "p left"):
            heart.waves[name].time += 0.04

    change = of_heart(seed, later) - of_heart(seed)
    np.testing.assert_allclose(change, [-0.04, 0, 0], atol=0.006)


@pytest.mark.parametrize("seed", range(4))
def test_a_later_t_wave_is_a_longer_qt(seed: int):
    def later(heart: Heart) -> None:
        heart.waves["t"].time += 0.05

    change = of_heart(seed, later) - of_heart(seed)
    np.testing.assert_allclose(change, [0, 0, 0.05], atol=0.006)


@pytest.mark.parametrize("seed", range(4))
def test_a_wider_qrs_complex_is_told(seed: int):
    def wider(heart: Heart) -> None:
        for name in ("q", "r", "s"):
            heart.waves[name].widen(1.5)

    plain, wide = of_heart(seed), of_heart(seed, wider)
    assert 1.35 < wide[1] / plain[1] < 1.65


@pytest.mark.parametrize("gain", [0.3, 4.0])
def test_a_gain_changes_nothing_that_is_there(gain: float):
    rng = np.random.default_rng(1)
    times = np.arange(-40, 60) / 100
    beat = one_beat(draw_heart(rng), draw_electrodes(rng), times)
    some, other = (intervals(factor * beat, 100, BEFORE) for factor in (1.0, gain))
    np.testing.assert_allclose([other.pr, other.qrs, other.qt], [some.pr, some.qrs, some.qt], atol=1e-9)


def without(*names: str) -> Callable[[Heart], None]:
    def change(heart: Heart) -> None:
        for name in names:
            heart.waves[name].vector = np.zeros(3)

    return change


def test_a_wave_that_is_not_there_has_no_interval():
    plain, no_p = of_heart(2), of_heart(2, without("p right", "p left"))
    assert np.isnan(no_p[0])
    np.testing.assert_allclose(no_p[1:], plain[1:], atol=0.012)
    no_t = of_heart(2, without("t", "st"))
    assert np.isnan(no_t[2])
    np.testing.assert_allclose(no_t[:2], plain[:2], atol=0.012)


def test_a_t_wave_that_the_end_cuts_off_has_no_end():
    rng = np.random.default_rng(0)
    beat = one_beat(draw_heart(rng), draw_electrodes(rng), np.arange(-40, 60) / 100)
    assert np.isfinite(intervals(beat, 100, BEFORE).qt)
    assert np.isnan(intervals(beat[:, :68], 100, BEFORE).qt)
    assert np.isnan(intervals(beat, 100, BEFORE, rr_s=0.36).qt), "the next beat begins"


@pytest.mark.parametrize("beat", [np.zeros((12, 100)), np.empty((0, 100)), np.ones((2, 3)), np.ones((1, 0))])
def test_of_nothing_there_is_nothing_to_tell(beat: np.ndarray):
    found = intervals(beat, 100, BEFORE)
    assert np.isnan([found.pr, found.qrs, found.qt]).all()
