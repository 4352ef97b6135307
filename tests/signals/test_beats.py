"""Median beats: of a periodic signal the beat itself, of two morphologies the more frequent, and never a mixture."""

import numpy as np
import pytest
from hearts import periodic, recording

from pipeline.signals import beats
from pipeline.signals.beats import MedianBeat, beat_parts, beat_samples, median_beat
from pipeline.signals.peaks import r_peaks

BEFORE, AFTER = 0.32, 0.48


def usual(x: np.ndarray, sampling_rate: float = 100) -> np.ndarray:
    return median_beat(x, sampling_rate, BEFORE, AFTER).mv


def wide_beat(seed: int, period: int) -> np.ndarray:
    """(12, period) at 100 Hz: a ventricular beat, wide, of other signs in the leads, its T wave against it."""
    times = (np.arange(period) - period // 2) / 100
    shape = np.exp(-0.5 * ((times - 0.02) / 0.045) ** 2) - 0.5 * np.exp(-0.5 * ((times - 0.28) / 0.07) ** 2)
    return np.random.default_rng(seed).choice([-1.0, -0.6, 0.6, 1.0], (12, 1)) * 1.4 * shape


def of_kinds(kinds: str, seed: int = 0, period: int = 120) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(12, time) of beats in such an order, N and V, and the median beat of a record of either alone."""
    each = {"N": periodic(1, period, seed), "V": wide_beat(seed, period)}
    alone = {kind: usual(np.tile(beat, 9)) for kind, beat in each.items()}
    return np.hstack([each[kind] for kind in kinds]), alone


def difference(some: np.ndarray, other: np.ndarray) -> float:
    """The largest, as a part of the other's height, wherever within 60 ms the one begins; without the beats' ends."""
    seen = other[:, 10:70]
    return min(np.abs(some[:, 10 + s : 70 + s] - seen).max() for s in range(-6, 7)) / np.ptp(other)


def test_the_median_beat_of_a_periodic_signal_is_that_beat():
    x = periodic()
    first = r_peaks(x, 100)[1] - 32
    np.testing.assert_array_equal(usual(x), x[:, first : first + 80])
    assert median_beat(x, 100, BEFORE, AFTER).n_alike == 8  # the last one is cut off within its T wave


def test_a_single_odd_beat_leaves_no_trace():
    x = periodic()
    spoilt = x.copy()
    spoilt[:, 4 * 85 : 5 * 85] = -0.7 * x[:, :85]
    np.testing.assert_allclose(usual(spoilt), usual(x), atol=0.02)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("kinds", "dominant"),
    [
        ("NVNVNVNVNVNV", "NV"),
        ("NVNVNVNVNVNVN", "N"),
        ("VNVNVNVNVNVNV", "V"),
        ("NNVNNVNNVNNV", "N"),
        ("NVVNVVNVVNVVN", "V"),
        ("NNNNVVVVVVVV", "V"),
    ],
)
def test_of_two_morphologies_the_more_frequent_is_shown_pure(seed: int, kinds: str, dominant: str):
    """Bigeminy, trigeminy, couplets, a run: what is shown is one beat or the other to 3 % of its height."""
    x, alone = of_kinds(kinds, seed)
    found = median_beat(x, 100, BEFORE, AFTER)
    assert min(difference(found.mv, alone[kind]) for kind in dominant) < 0.03
    assert found.n_beats == len(kinds)
    assert found.n_alike == (max(kinds.count("N"), kinds.count("V")))
    assert found.is_doubtful == (found.n_alike == 6)


def test_t_waves_that_were_taken_for_beats_are_not_the_dominant_ones(monkeypatch):
    """As many as the beats, or one more, where the record begins within a beat; it remains doubtful."""
    x, peaks = periodic(11), r_peaks(periodic(11), 100)
    both = np.sort(np.concatenate([peaks, peaks + 29]))
    monkeypatch.setattr(beats, "r_peaks", lambda *_: both)
    expected = usual(x)
    for n_samples in (x.shape[1], x.shape[1] - 20):
        found = median_beat(x[:, -n_samples:], 100, BEFORE, AFTER)
        assert found.is_doubtful
        monkeypatch.setattr(beats, "r_peaks", lambda *_: both - 20)
    np.testing.assert_array_equal(expected, found.mv)
    monkeypatch.undo()
    assert difference(found.mv, usual(x)) < 0.01


def test_jitter_of_the_peaks_is_undone(monkeypatch):
    """Peaks that are up to 60 ms off give the beat that exact ones give, neither lower nor wider nor elsewhere."""
    x, off = periodic(15), np.random.default_rng(0).permutation(np.linspace(-6, 6, 15).round().astype(int))
    exact, peaks = usual(x), r_peaks(x, 100)
    monkeypatch.setattr(beats, "r_peaks", lambda *_: peaks + off)
    found = median_beat(x, 100, BEFORE, AFTER)
    assert found.n_alike == 15
    np.testing.assert_allclose(found.mv, exact, atol=1e-12)


def test_real_jitter_costs_no_height():
    """Beats of unequal distance, each somewhere between two samples, have a median as high as the beat itself."""
    x, _ = recording(1, 500)
    highest = [np.ptp(x[:, p - 50 : p + 50], axis=1) for p in r_peaks(x, 500)[1:-1]]
    height = np.ptp(usual(x, 500)[:, 110:210], axis=1)
    np.testing.assert_allclose(height, np.median(highest, axis=0), rtol=0.1, atol=0.03)


@pytest.mark.parametrize("gain", [0.25, 2.0, 1024.0])
def test_a_gain_changes_nothing_else(gain: float):
    x, _ = recording(5, 100)
    np.testing.assert_array_equal(usual(gain * x), gain * usual(x))


def test_a_lead_has_the_same_beat_wherever_it_stands():
    x, _ = recording(6, 100)
    np.testing.assert_allclose(usual(x[::-1]), usual(x)[::-1])


def test_without_a_whole_beat_the_steepest_place_is_shown():
    x = periodic(n_beats=1, period=70)  # R at 35: 35 samples follow, of 48 wanted
    found = median_beat(x, 100, BEFORE, AFTER)
    assert (found.n_alike, found.n_beats, found.is_doubtful) == (0, 0, True)
    beat, first = found.mv, 32 - int(np.abs(x).sum(0).argmax())
    assert beat.shape == (12, beat_samples(100, BEFORE, AFTER)) == (12, 80)
    (start,) = [s for s in range(-8, 8) if np.array_equal(beat[:, 10:60], x[:, 10 - s : 60 - s])]
    assert abs(start - first) <= 3
    np.testing.assert_array_equal(beat[:, 70 + start :], np.repeat(x[:, -1:], 10 - start, axis=1))


@pytest.mark.parametrize("n_samples", [1, 2, 5, 300])
def test_a_flat_record_has_a_flat_beat(n_samples: int):
    found = median_beat(np.ones((3, n_samples)), 100, BEFORE, AFTER)
    np.testing.assert_array_equal(found.mv, np.ones((3, 80)))
    assert (found.n_alike, found.n_beats, found.is_doubtful) == (0, 0, True)


def test_without_leads_or_samples_there_is_no_beat():
    assert usual(np.empty((0, 300))).shape == (0, 80)
    with pytest.raises(ValueError, match="without samples has no beat"):
        median_beat(np.empty((3, 0)), 100, BEFORE, AFTER)


@pytest.mark.parametrize("sampling_rate", [2, 5, 20, 100])
def test_any_sampling_rate_has_a_beat(sampling_rate: float):
    x = np.random.default_rng(0).normal(size=(2, 300))
    assert usual(x, sampling_rate).shape == (2, beat_samples(sampling_rate, BEFORE, AFTER))


@pytest.mark.parametrize(
    ("n_alike", "n_beats", "doubtful"), [(0, 0, True), (2, 2, True), (3, 3, False), (5, 10, True), (6, 11, False)]
)
def test_a_beat_of_too_few_is_doubtful(n_alike: int, n_beats: int, doubtful: bool):
    assert MedianBeat(np.zeros((1, 80)), n_alike, n_beats, np.zeros(n_alike, np.int64)).is_doubtful == doubtful


def test_noise_is_doubtful_and_a_heart_is_not():
    noise = np.random.default_rng(0).normal(size=(1, 1000))
    assert median_beat(noise, 100, BEFORE, AFTER).is_doubtful
    assert not any(median_beat(recording(seed, 100)[0], 100, BEFORE, AFTER).is_doubtful for seed in range(8))


def test_of_a_day_s_beats_no_more_than_a_thousand_are_read():
    """Which keeps a long record's memory in bounds, and changes nothing that one could see."""
    found = median_beat(periodic(1500), 100, BEFORE, AFTER)
    np.testing.assert_array_equal(found.mv, usual(periodic()))
    assert found.n_beats == found.n_alike == 750


def test_the_other_morphology_is_a_beat_of_its_own():
    """The usual one stays what it is; of the others the median is shown, however few they are."""
    for kinds, n in (("NNVNNVNNVNNV", 4), ("NNNNNVNNNNNN", 1)):
        x, alone = of_kinds(kinds)
        found = beat_parts(x, 100, BEFORE, AFTER)
        np.testing.assert_array_equal(found.usual.mv, usual(x))
        assert found.n_ectopic == n
        assert difference(found.ectopic, alone["V"]) < 0.03


def test_of_several_other_morphologies_the_most_frequent_is_shown():
    x, alone = of_kinds("NNNVNNNVNNN")
    inverted = -0.8 * np.roll(x[:, 3 * 120 : 4 * 120], 0, axis=1)
    found = beat_parts(np.hstack([x, inverted, x[:, :240]]), 100, BEFORE, AFTER)
    assert found.n_ectopic == 2
    assert difference(found.ectopic, alone["V"]) < 0.03


@pytest.mark.parametrize("x", [periodic(), periodic(n_beats=1, period=70), np.ones((12, 300))])
def test_where_all_beats_are_alike_there_is_no_other(x: np.ndarray):
    found = beat_parts(x, 100, BEFORE, AFTER)
    assert found.n_ectopic == 0
    assert not found.ectopic.any()
    np.testing.assert_allclose(found.deviation, 0, atol=1e-12)


def test_the_deviation_is_the_median_of_what_beats_differ_by():
    """Beats that are larger or smaller by a tenth or a fifth: half of them differ by a tenth of the beat or less."""
    factors = np.array([1.0, 1.1, 0.9, 1.2, 0.8, 1.0, 1.1, 0.9, 1.0])
    x = (periodic(9).reshape(12, 9, 85) * factors[:, None]).reshape(12, -1)
    found = beat_parts(x, 100, BEFORE, AFTER)
    assert found.usual.n_alike == 8  # the last one is cut off within its T wave
    expected = np.median(np.abs(factors[:8] - np.median(factors[:8])))
    np.testing.assert_allclose(found.deviation[:, 25:45], expected * np.abs(found.usual.mv[:, 25:45]), atol=0.02)
    assert found.deviation.max() > 0.05
