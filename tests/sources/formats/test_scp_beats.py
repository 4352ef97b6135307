"""The reference beat lies with its fiducial point on that of each beat, and is cut where a zone or the signal ends."""

import struct

import numpy as np

from pipeline.sources.formats.scp_beats import with_beats

BEAT = np.array([[1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]])


def put(begin: int, fiducial: int, end: int, first: int = 1, n_samples: int = 8) -> list[float]:
    places = struct.pack("<HHH", 8, 2, 1) + struct.pack("<HIII", 0, begin, fiducial, end)
    found = with_beats("f", np.zeros((2, n_samples)), first, places, lambda ms: BEAT[:, : ms // 2])
    np.testing.assert_array_equal(found[1], 10 * found[0])
    return found[0].tolist()


def test_the_second_sample_of_the_beat_lies_on_the_fiducial_point():
    assert put(1, 4, 8) == [0, 0, 1, 2, 3, 4, 0, 0]
    assert put(4, 4, 5) == [0, 0, 0, 2, 3, 0, 0, 0]


def test_what_lies_outside_is_left_away():
    assert put(1, 1, 8) == [2, 3, 4, 0, 0, 0, 0, 0]
    assert put(1, 8, 100) == [0, 0, 0, 0, 0, 0, 1, 2]
    assert put(1, 2**32 - 1, 2**32 - 1) == put(9, 3, 2) == [0] * 8


def test_the_numbers_are_of_the_recording():
    assert put(101, 104, 108, first=101) == [0, 0, 1, 2, 3, 4, 0, 0]
