"""Beats of the simulated heart, alone and in a row."""

import numpy as np

from pipeline.sources.simulation.heart import (
    LEADS_OF_ELECTRODES,
    Heart,
    _beat_times,
    _render,
    draw_electrodes,
    draw_heart,
    simulate,
)


def one_beat(heart: Heart, electrodes: np.ndarray, times: np.ndarray) -> np.ndarray:
    """An ordinary beat without noise, (12, time) in mV, at ``times`` in s after its R peak."""
    return LEADS_OF_ELECTRODES @ electrodes @ _render(heart.waves, np.zeros(1), np.ones(1), times)


def recording(seed: int, sampling_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """(12, time) mV of a heart, and when it beats, s."""
    rng = np.random.default_rng(seed)
    heart, electrodes = draw_heart(rng), draw_electrodes(rng)
    times, _ = _beat_times(heart, np.random.default_rng([seed, 1]))
    return simulate(heart, electrodes, np.random.default_rng([seed, 1]), sampling_rate), times


def periodic(n_beats: int = 9, period: int = 85, seed: int = 0) -> np.ndarray:
    """(12, n_beats · period) at 100 Hz: the same beat, to the bit, with its R peak in the middle of each period."""
    rng = np.random.default_rng(seed)
    times = (np.arange(period) - period // 2) / 100
    return np.tile(one_beat(draw_heart(rng), draw_electrodes(rng), times), n_beats)
