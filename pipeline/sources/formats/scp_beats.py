"""The reference beat of SCP-ECG, which some machines take away from the rhythm before they write it, put back."""

import struct
from collections.abc import Callable

import numpy as np

from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.scp_sections import REMEDY

_HEAD = struct.Struct("<HHH")
_BEAT = struct.Struct("<HIII")
_REFERENCE = 0  # the type of those beats that the reference beat was taken away from


def with_beats(
    file: str, signal: np.ndarray, first: int, places: bytes, beat_of: Callable[[int], np.ndarray]
) -> np.ndarray:
    """The rhythm, with the reference beat added wherever it was taken away.

    Args:
        file: what a sentence names.
        signal: what is left of the rhythm, mV; it is written into.
        first: the number of its first sample, counted from 1.
        places: section 4: the beat's length in ms, which sample of it is the fiducial point, and of each beat of the
            rhythm its type, the first sample that it was taken away from, the fiducial point and the last sample.
        beat_of: the reference beat in mV, of its length in ms.

    Shape:
        signal (leads, time), beat (leads, beat's time).

    Raises:
        RecordError: section 4 is cut off or names no time.
    """
    length, fiducial, n_beats = _HEAD.unpack_from(places.ljust(_HEAD.size, b"\0"))
    if not length or len(places) < _HEAD.size + _BEAT.size * n_beats:
        n_there = max(len(places) - _HEAD.size, 0) // _BEAT.size
        raise RecordError(f"{file} announces {n_beats} beats of {length} ms in section 4 and has {n_there}: {REMEDY}")
    beat, n_added = beat_of(length), 0
    for place in range(n_beats):
        kind, begin, at, end = _BEAT.unpack_from(places, _HEAD.size + _BEAT.size * place)
        if kind == _REFERENCE:
            n_added += _add(signal, beat, begin - first, end - first + 1, at - first - (fiducial - 1))
        if n_added > signal.shape[1]:
            raise RecordError(f"{file} has beats in section 4 that lie upon each other: {REMEDY}")
    return signal


def _add(signal: np.ndarray, beat: np.ndarray, begin: int, end: int, start_of_beat: int) -> int:
    """Adds, and counts, what of a beat lies in the signal and between ``begin`` and ``end``, both from 0."""
    begin = max(begin, start_of_beat, 0)
    end = min(end, start_of_beat + beat.shape[1], signal.shape[1])
    if begin >= end:
        return 0
    signal[:, begin:end] += beat[:, begin - start_of_beat : end - start_of_beat]
    return end - begin
