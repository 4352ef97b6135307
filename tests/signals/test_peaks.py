"""R peaks: where the simulated heart and the annotators say, at every rate, and never at a T wave or a spike."""

from pathlib import Path

import numpy as np
import pytest
from hearts import periodic, recording

from pipeline.signals.peaks import r_peaks, steepness


def train(
    rate: float, sampling_rate: float = 250, qrs_s: float = 0.02, t_wave_mv: float = 0.35, seconds: float = 20
) -> tuple[np.ndarray, np.ndarray]:
    """(2, time) mV of equal beats, so many a minute, with T waves where they would be, and their R peaks, s."""
    peaks = np.arange(0.5, seconds - 0.3, 60 / rate)
    times = np.arange(round(seconds * sampling_rate)) / sampling_rate
    x, later = np.zeros(len(times)), min(0.3, 0.45 * 60 / rate)
    for peak in peaks:
        x += np.exp(-0.5 * ((times - peak) / qrs_s) ** 2)
        x += t_wave_mv * np.exp(-0.5 * ((times - peak - later) / (later / 5)) ** 2)
    return np.stack([x, -0.6 * x]), peaks


def assert_found(x: np.ndarray, sampling_rate: float, peaks: np.ndarray, within: float = 0.04):
    found = r_peaks(x, sampling_rate) / sampling_rate
    assert len(found) == len(peaks)
    assert np.abs(found - peaks).max() < within


@pytest.mark.parametrize("sampling_rate", [100, 500])
@pytest.mark.parametrize("seed", range(8))
def test_a_beat_is_found_within_30_ms_of_every_r_peak(seed: int, sampling_rate: int):
    x, times = recording(seed, sampling_rate)
    found = r_peaks(x, sampling_rate) / sampling_rate
    whole = times[(times > 0.1) & (times < 9.9)]
    assert np.abs(found[:, None] - whole).min(axis=0).max() < 0.03
    assert np.abs(found[:, None] - times).min(axis=1).max() < 0.03


@pytest.mark.parametrize("sampling_rate", [100, 128, 360, 500, 1000])
@pytest.mark.parametrize("rate", [22, 30, 45, 70, 110, 160, 200, 230, 260, 300])
def test_every_rate_is_counted(rate: int, sampling_rate: int):
    x, peaks = train(rate, sampling_rate)
    assert_found(x, sampling_rate, peaks)


@pytest.mark.parametrize("rate", [22, 40, 60, 75, 100, 120])
@pytest.mark.parametrize(("qrs_s", "t_wave_mv"), [(0.02, 0.8), (0.03, 0.6), (0.045, -0.5)])
def test_no_t_wave_is_a_beat(rate: int, qrs_s: float, t_wave_mv: float):
    """However slow the heart, tall the T wave and wide the QRS complex, whose steepest place may be a flank."""
    x, peaks = train(rate, 100, qrs_s, t_wave_mv)
    assert_found(x, 100, peaks, within=0.06)


@pytest.mark.parametrize("rate", [60, 120, 200, 280])
def test_every_other_beat_may_be_lower(rate: int):
    """Electrical alternans: 0.65 of its neighbour."""
    x, peaks = train(rate)
    times = np.arange(x.shape[1]) / 250
    lower = np.abs(times - peaks[1::2, None]).min(axis=0) < np.abs(times - peaks[::2, None]).min(axis=0)
    assert_found(np.where(lower, 0.65 * x, x), 250, peaks)


@pytest.mark.parametrize("sampling_rate", [100, 360, 500, 1000])
@pytest.mark.parametrize("before_s", [0.03, 0.19, 0.24])
def test_a_pacemaker_s_spikes_are_no_beats(sampling_rate: int, before_s: float):
    """One before the ventricles, or long before, where it paces the atria: 2 mV high, 2 ms long."""
    from scipy.signal import resample_poly

    x, peaks = train(70, 1000, qrs_s=0.035)
    for peak in peaks:
        x[:, round((peak - before_s) * 1000) :][:, :2] += 2.0
    assert_found(resample_poly(x, sampling_rate, 1000, axis=1), sampling_rate, peaks, within=0.06)


@pytest.mark.parametrize("n_leads", [1, 2])
def test_an_artefact_hides_no_beat(n_leads: int):
    """Of ten times their height, in the middle of an interval; it is itself no more than one more peak."""
    x, peaks = train(75)
    x = x[:n_leads]
    x[:, round(250 * (peaks[9] + 0.55)) :][:, :10] += 10.0
    found = r_peaks(x, 250) / 250
    assert np.abs(found[:, None] - peaks).min(axis=0).max() < 0.04
    assert len(found) <= len(peaks) + 1


def test_a_loose_electrode_hides_no_beat_of_the_other_leads():
    """Some steps of 5 mV in one lead of twelve are no beats and hide none."""
    x, peaks = train(75)
    x = np.vstack([np.linspace(-1, 1, 11)[:, None] * x[0], x[1]])
    x[3, 1060:1280] += 5.0
    x[3, 2700:2960] += 5.0
    assert_found(x, 250, peaks)


def test_a_quiet_stretch_is_seen_by_its_own_level():
    """The level is that of the seconds around: beats of a sixth of the height, after some seconds, are beats."""
    loud, peaks = train(70, seconds=60)
    x = np.hstack([loud, loud[:, : 30 * 250] / 6])
    told, found = np.concatenate([peaks, 60 + peaks[peaks < 30]]), r_peaks(x, 250) / 250
    sure = told[np.abs(told - 60) > 4]
    assert np.abs(found[:, None] - sure).min(axis=0).max() < 0.04
    assert np.abs(found[:, None] - told).min(axis=1).max() < 0.04


def test_a_noisy_lead_hides_no_beat():
    x, peaks = train(75)
    noise = 0.5 * np.random.default_rng(0).normal(size=x.shape[1])
    assert_found(np.vstack([x, noise]), 250, peaks)


def test_beats_are_further_apart_than_the_refractory_time():
    noise = np.random.default_rng(0).normal(size=(2, 3600))
    assert np.diff(r_peaks(noise, 360)).min() >= round(0.18 * 360)


def test_a_later_start_moves_every_peak_alike():
    x, _ = recording(3, 100)
    peaks = r_peaks(periodic(), 100)
    np.testing.assert_array_equal(r_peaks(np.roll(periodic(), 17, axis=1), 100)[1:-1], (peaks + 17)[1:-1])
    np.testing.assert_array_equal(np.diff(peaks), 85)
    assert set(r_peaks(x[:, 40:], 100) + 40) >= set(r_peaks(x, 100)[2:-2])


@pytest.mark.parametrize("gain", [0.25, 2.0, 1024.0])
def test_a_gain_moves_no_peak(gain: float):
    x, _ = recording(5, 100)
    np.testing.assert_array_equal(r_peaks(gain * x, 100), r_peaks(x, 100))


def test_a_flat_lead_or_an_offset_changes_nothing():
    x, _ = recording(5, 100)
    np.testing.assert_array_equal(r_peaks(np.vstack([x, np.full((1, x.shape[1]), 3.0)]), 100), r_peaks(x, 100))
    np.testing.assert_array_equal(r_peaks(x + 5, 100), r_peaks(x, 100))


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -1e4])
@pytest.mark.parametrize("n_samples", [1, 2, 5, 300, 3000])
@pytest.mark.parametrize("sampling_rate", [1, 20, 100, 1000])
def test_what_is_flat_has_no_beat(n_samples: int, value: float, sampling_rate: float):
    assert len(r_peaks(np.full((3, n_samples), value), sampling_rate)) == 0


def test_without_leads_or_samples_there_is_no_beat():
    assert r_peaks(np.empty((3, 0)), 100).shape == r_peaks(np.empty((0, 300)), 100).shape == (0,)


def test_a_flat_lead_has_no_steepness_and_a_step_has_it_where_it_is():
    assert steepness(np.ones((2, 100)), 100).max() < 1e-12
    step = np.where(np.arange(200) < 90, 0.0, 1.0)[None]
    assert abs(int(steepness(step, 100).argmax()) - 90) <= 1


ORDINARY, PACED = ("101", "106", "119", "122", "220"), ("104", "217")


@pytest.mark.realdata
@pytest.mark.parametrize("name", [*ORDINARY, *PACED])
def test_beats_are_those_of_the_annotators(name: str, data_folder: Path):
    """Within 75 ms on ordinary records and two with many extra beats, within 150 ms on paced ones."""
    import wfdb

    path = data_folder / "mitdb" / name
    if not path.with_suffix(".atr").exists():
        pytest.skip(f"no real recordings: {path} is missing (ECG_DATA names the folder that holds mitdb/)")
    record, notes = wfdb.rdrecord(str(path)), wfdb.rdann(str(path), "atr")
    told = notes.sample[np.isin(notes.symbol, list("NLRBAaJSVrFejnE/fQ"))]
    found = r_peaks(record.p_signal.T, record.fs)
    within, least = (0.15, 0.97) if name in PACED else (0.075, 0.99)
    assert share_near(told, found, within * record.fs) > least  # sensitivity
    assert share_near(found, told, within * record.fs) > least  # positive predictivity
    assert abs(len(found) - len(told)) < (1 - least) * len(told)  # none is found twice


def share_near(some: np.ndarray, others: np.ndarray, within: float) -> float:
    places = np.searchsorted(others, some)
    neighbours = others[np.stack([places - 1, places]).clip(0, len(others) - 1)]
    return float((np.abs(neighbours - some).min(axis=0) <= within).mean())
