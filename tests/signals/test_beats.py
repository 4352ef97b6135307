"""Heartbeats: found where the simulated heart and the annotators say, and averaged so that a periodic one is itself."""

from pathlib import Path

import numpy as np
import pytest
from hearts import one_beat

from pipeline.signals.beats import beat_samples, median_beat, r_peaks
from pipeline.sources.simulation.heart import _beat_times, draw_electrodes, draw_heart, simulate

BEFORE, AFTER = 0.32, 0.48


def recording(seed: int, sampling_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """(12, time) mV of a heart, and when it beats, s."""
    rng = np.random.default_rng(seed)
    heart, electrodes = draw_heart(rng), draw_electrodes(rng)
    times, _ = _beat_times(heart, np.random.default_rng([seed, 1]))
    return simulate(heart, electrodes, np.random.default_rng([seed, 1]), sampling_rate), times


def periodic(n_beats: int = 9, period: int = 85) -> np.ndarray:
    """(12, n_beats · period) at 100 Hz: the same beat, to the bit, with its R peak in the middle of each period."""
    rng = np.random.default_rng(0)
    times = (np.arange(period) - period // 2) / 100
    return np.tile(one_beat(draw_heart(rng), draw_electrodes(rng), times), n_beats)


@pytest.mark.parametrize("sampling_rate", [100, 500])
@pytest.mark.parametrize("seed", range(8))
def test_a_beat_is_found_within_30_ms_of_every_r_peak(seed: int, sampling_rate: int):
    x, times = recording(seed, sampling_rate)
    found = r_peaks(x, sampling_rate) / sampling_rate
    whole = times[(times > 0.1) & (times < 9.9)]
    assert np.abs(found[:, None] - whole).min(axis=0).max() < 0.03
    assert np.abs(found[:, None] - times).min(axis=1).max() < 0.03


def test_beats_are_further_apart_than_the_refractory_time():
    noise = np.random.default_rng(0).normal(size=(2, 3600))
    assert np.diff(r_peaks(noise, 360)).min() >= round(0.28 * 360)


def test_a_later_start_moves_every_peak_alike():
    x, _ = recording(3, 100)
    peaks = r_peaks(periodic(), 100)
    np.testing.assert_array_equal(r_peaks(np.roll(periodic(), 17, axis=1), 100)[1:-1], (peaks + 17)[1:-1])
    np.testing.assert_array_equal(np.diff(peaks), 85)
    assert set(r_peaks(x[:, 40:], 100) + 40) >= set(r_peaks(x, 100)[2:-2])


def test_the_median_beat_of_a_periodic_signal_is_that_beat():
    x = periodic()
    first = r_peaks(x, 100)[1] - 32
    np.testing.assert_array_equal(median_beat(x, 100, BEFORE, AFTER), x[:, first : first + 80])


def test_a_single_odd_beat_leaves_no_trace():
    x = periodic()
    spoilt = x.copy()
    spoilt[:, 4 * 85 : 5 * 85] = -0.7 * x[:, :85]
    np.testing.assert_allclose(median_beat(spoilt, 100, BEFORE, AFTER), median_beat(x, 100, BEFORE, AFTER), atol=0.02)


def test_jitter_of_the_peaks_is_undone():
    """Beats of unequal distance, each somewhere between two samples, have a median as high as the beat itself."""
    x, _ = recording(1, 500)
    usual = median_beat(x, 500, BEFORE, AFTER)
    highest = [np.ptp(x[:, p - 50 : p + 50], axis=1) for p in r_peaks(x, 500)[1:-1]]
    np.testing.assert_allclose(np.ptp(usual[:, 110:210], axis=1), np.median(highest, axis=0), rtol=0.1, atol=0.03)


@pytest.mark.parametrize("gain", [0.25, 2.0, 1024.0])
def test_a_gain_moves_no_peak(gain: float):
    x, _ = recording(5, 100)
    np.testing.assert_array_equal(r_peaks(gain * x, 100), r_peaks(x, 100))
    np.testing.assert_array_equal(median_beat(gain * x, 100, BEFORE, AFTER), gain * median_beat(x, 100, BEFORE, AFTER))


def test_a_lead_has_the_same_beat_wherever_it_stands():
    x, _ = recording(6, 100)
    np.testing.assert_allclose(median_beat(x[::-1], 100, BEFORE, AFTER), median_beat(x, 100, BEFORE, AFTER)[::-1])


def test_without_a_whole_beat_the_steepest_place_is_shown():
    x = periodic(n_beats=1, period=70)  # R at 35: 35 samples follow, of 48 wanted
    beat = median_beat(x, 100, BEFORE, AFTER)
    first = 32 - int(np.abs(x).sum(0).argmax())
    assert beat.shape == (12, beat_samples(100, BEFORE, AFTER)) == (12, 80)
    (start,) = [s for s in range(-8, 8) if np.array_equal(beat[:, 10:60], x[:, 10 - s : 60 - s])]
    assert abs(start - first) <= 3
    np.testing.assert_array_equal(beat[:, 70 + start :], np.repeat(x[:, -1:], 10 - start, axis=1))


@pytest.mark.parametrize("n_samples", [1, 2, 5, 300])
def test_a_flat_record_has_a_flat_beat(n_samples: int):
    assert len(r_peaks(np.ones((3, n_samples)), 100)) == 0
    np.testing.assert_array_equal(median_beat(np.ones((3, n_samples)), 100, BEFORE, AFTER), np.ones((3, 80)))


def test_without_leads_or_samples_there_is_no_beat():
    assert r_peaks(np.empty((3, 0)), 100).shape == r_peaks(np.empty((0, 300)), 100).shape == (0,)
    assert median_beat(np.empty((0, 300)), 100, BEFORE, AFTER).shape == (0, 80)
    with pytest.raises(ValueError, match="without samples has no beat"):
        median_beat(np.empty((3, 0)), 100, BEFORE, AFTER)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["101", "106", "119", "122", "220"])
def test_beats_are_those_of_the_annotators(name: str, data_folder: Path):
    """Within 75 ms, on ordinary records and two with many extra beats."""
    import wfdb

    path = data_folder / "mitdb" / name
    if not path.with_suffix(".atr").exists():
        pytest.skip(f"no real recordings: {path} is missing (ECG_DATA names the folder that holds mitdb/)")
    record, notes = wfdb.rdrecord(str(path)), wfdb.rdann(str(path), "atr")
    told = notes.sample[np.isin(notes.symbol, list("NLRBAaJSVrFejnE/fQ"))]
    found = r_peaks(record.p_signal.T, record.fs)
    assert share_near(told, found, 0.075 * record.fs) > 0.97  # sensitivity
    assert share_near(found, told, 0.075 * record.fs) > 0.97  # positive predictivity


def share_near(some: np.ndarray, others: np.ndarray, within: float) -> float:
    places = np.searchsorted(others, some)
    neighbours = others[np.stack([places - 1, places]).clip(0, len(others) - 1)]
    return float((np.abs(neighbours - some).min(axis=0) <= within).mean())
