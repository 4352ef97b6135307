"""The first program's median beat, which earlier runs go on seeing; the golden run of ``beat`` holds it to the bit."""

import numpy as np
from hearts import periodic, recording

from pipeline.signals import beats, beats_of_version_1


def test_of_an_ordinary_heart_both_versions_show_the_same():
    x = periodic()
    old, new = (made.median_beat(x, 100, 0.32, 0.48) for made in (beats_of_version_1, beats))
    first = old.mv[:, 5:-5]
    (shift,) = [s for s in range(11) if np.array_equal(new.mv[:, s : s + first.shape[1]], first)]
    assert abs(shift - 5) <= 2
    assert (old.n_alike, old.n_beats) == (new.n_alike, new.n_beats)


def test_it_counts_no_faster_than_once_in_280_ms():
    x, _ = recording(0, 100)
    twice = x[:, : x.shape[1] // 4 * 4].reshape(12, -1, 4).mean(-1)  # four times as fast
    assert np.diff(beats_of_version_1.peaks_of(beats_of_version_1.steepness(twice, 100), 100)).min() >= 28


def test_a_flat_record_has_a_flat_beat_of_none():
    found = beats_of_version_1.median_beat(np.ones((3, 300)), 100, 0.32, 0.48)
    np.testing.assert_array_equal(found.mv, np.ones((3, 80)))
    assert (found.n_beats, found.is_doubtful) == (0, True)
