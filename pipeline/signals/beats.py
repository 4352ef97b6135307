"""What a heart's usual beat looks like: the median of those beats that most of a record's beats are like.

Beside it, what the other beats look like, and how much the usual ones differ.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from pipeline.signals.alignment import at_shifts, likeness, refined_shifts
from pipeline.signals.peaks import T_WAVE_S, r_peaks, steepness

BEAT_VERSION = 2  # what is new in cards; ``beats_of_version_1`` makes the beats of earlier ones
BEAT_CHANNELS = ("dominant", "ectopic", "deviation")
"""What a network can see of a record's beats: the parts of ``beat_parts``, by name."""

BEAT_S = (0.32, 0.48)  # of a median beat, before the R peak and after it, s: from P to the end of T
ALIGNED_WITHIN_S = 0.08
ALIKE = 0.85
"""Correlation over the QRS complexes of all leads that beats of one morphology have, and those of two have not."""

QRS_S = (0.10, 0.14)  # before and after the R peak: what beats are compared and aligned on
_LEAST_BEATS = 3  # of two, the median is a mean
_MOST_COMPARED = 48  # beats, evenly spaced: each with each
_MOST_BEATS = 1000  # evenly spaced: of a day's beats no more are read


@dataclass(frozen=True)
class MedianBeat:
    """The usual beat of a record, and what it rests on.

    Attributes:
        mv: (leads, time), mV.
        n_alike: whole beats of the dominant morphology, of which it is the median; 0 where none was found.
        n_beats: whole beats that were compared.
        begins: (beats,) at which sample of the record each part begins that it is the median of.
    """

    mv: np.ndarray
    n_alike: int
    n_beats: int
    begins: np.ndarray

    @property
    def is_doubtful(self) -> bool:
        """Whether fewer than three beats are alike, or no more than half of those found."""
        return self.n_alike < _LEAST_BEATS or 2 * self.n_alike <= self.n_beats


@dataclass(frozen=True)
class BeatParts:
    """The usual beat of a record, and what else its beats say.

    Attributes:
        usual: as ``median_beat`` has it.
        ectopic: (leads, time) mV, the median of the beats of the most frequent other morphology; 0 where there is none.
        n_ectopic: of how many beats that is the median.
        deviation: (leads, time) mV, the median absolute deviation of the usual beats from their median.
    """

    usual: MedianBeat
    ectopic: np.ndarray
    n_ectopic: int
    deviation: np.ndarray


def beat_samples(sampling_rate: float, before_s: float, after_s: float) -> int:
    """Samples of what ``median_beat`` gives."""
    return round(before_s * sampling_rate) + round(after_s * sampling_rate)


def median_beat(
    x: np.ndarray, sampling_rate: float, before_s: float, after_s: float, peaks: np.ndarray | None = None
) -> MedianBeat:
    """The usual beat: the median of the whole beats of the dominant morphology.

    Dominant is what most beats are like: that beat which the most others resemble, by the correlation of the QRS
    complexes in all leads, each shifted by up to 80 ms, and all that resemble the median of these; but never what
    mostly follows others and is less steep, which may be their T waves. So in bigeminy it is the one beat or the other,
    never a mixture. The beats lie upon each other, and in the middle of what their R peaks say.

    A record without a whole beat gives what is around its steepest place; where that reaches beyond an end, the end's
    value is repeated.

    Args:
        x: leads of one record, mV.
        sampling_rate: Hz.
        before_s: how much there is before the R peak, s.
        after_s: the same from the R peak on.
        peaks: the samples of all R peaks, where they are known already.

    Shape:
        x (leads, time) to (leads, ``beat_samples``), float64.

    Raises:
        ValueError: the record has no samples.
    """
    found = _Found.of(x, sampling_rate, before_s, after_s, peaks)
    return _usual(found, found.usual)


def beat_parts(x: np.ndarray, sampling_rate: float, before_s: float, after_s: float) -> BeatParts:
    """The usual beat, the beat of another morphology, and how much beats of the usual one differ.

    Of the whole beats that are not alike to the usual one (a correlation below 0.85, see ``median_beat``), nor T waves,
    it is again the dominant morphology whose median is the other beat; a single beat is enough for that.

    Args:
        x: as of ``median_beat``, errors too.
        sampling_rate: Hz.
        before_s: s.
        after_s: s.
    """
    found = _Found.of(x, sampling_rate, before_s, after_s)
    usual = _usual(found, found.usual)
    parts = at_shifts(found.windows[:, found.usual.which], usual.begins - found.first_of(found.usual), found.n_samples)
    deviation = np.median(np.abs(parts - usual.mv[:, None]), axis=1)
    is_other = ~found.follows
    is_other[found.usual.which] = False
    rest = np.flatnonzero(is_other)
    if not found.n_beats or not len(rest):
        return BeatParts(usual, np.zeros_like(usual.mv), 0, deviation)
    which, shifts = _dominant(found.seen[:, rest], found.width, np.zeros(len(rest), bool))
    return BeatParts(usual, _usual(found, _Group(rest[which], shifts)).mv, len(which), deviation)


@dataclass(frozen=True)
class _Group:
    """Beats of one morphology: which they are, and where in what is ``seen`` of it each is most like the others."""

    which: np.ndarray
    shifts: np.ndarray


@dataclass(frozen=True)
class _Found:
    """A record's beats, those of the dominant morphology among them.

    Attributes:
        windows: (leads, beats, time), what surrounds each, mV.
        seen: the part of it that QRS complexes are compared in.
        width: samples of a QRS complex.
        peaks: (beats,) the sample of each R peak.
        follows: (beats,) whether it comes soon after a steeper one.
        reach: samples by which a beat is shifted at the most.
        before: samples of a beat before its R peak.
        n_samples: of a beat.
        n_beats: how many are whole; 0 where ``windows`` shows the steepest place instead.
        usual: those of the dominant morphology.
    """

    windows: np.ndarray
    seen: np.ndarray
    width: int
    peaks: np.ndarray
    follows: np.ndarray
    reach: int
    before: int
    n_samples: int
    n_beats: int
    usual: _Group

    @classmethod
    def of(
        cls, x: np.ndarray, sampling_rate: float, before_s: float, after_s: float, peaks: np.ndarray | None = None
    ) -> Self:
        """See ``median_beat`` for the arguments."""
        if not np.shape(x)[1]:
            raise ValueError("a record without samples has no beat")
        before, after, reach = (round(s * sampling_rate) for s in (before_s, after_s, ALIGNED_WITHIN_S))
        peaks, n_samples = r_peaks(x, sampling_rate) if peaks is None else peaks, np.shape(x)[1]
        peaks = _evenly(peaks[(peaks >= before) & (peaks + after <= n_samples)], _MOST_BEATS)
        n_beats = len(peaks)
        if not n_beats:
            peaks = np.array([steepness(x, sampling_rate).argmax()])
        around = peaks[:, None] + np.arange(-before - 2 * reach, after + 2 * reach)
        windows = np.asarray(x, np.float64)[:, around.clip(0, n_samples - 1)]  # (leads, beats, time)
        first, end = (round(s * sampling_rate) for s in QRS_S)
        qrs = slice(max(0, before - first), before + min(after, max(1, end)))
        seen = windows[..., reach + qrs.start : qrs.stop + 3 * reach]
        steep = np.square(np.diff(seen, axis=-1)).max(-1, initial=0).sum(0)
        follows = (np.diff(peaks, prepend=-np.inf) < T_WAVE_S * sampling_rate) & (np.diff(steep, prepend=0) < 0)
        width = qrs.stop - qrs.start
        usual = _Group(*_dominant(seen, width, follows))
        return cls(windows, seen, width, peaks, follows, reach, before, before + after, n_beats, usual)

    def first_of(self, group: _Group) -> np.ndarray:
        """The sample of the record at which the window of each beat of a group begins."""
        begins: np.ndarray = self.peaks[group.which] - self.before - 2 * self.reach
        return begins


def _usual(found: _Found, group: _Group) -> MedianBeat:
    """The median of the beats of one morphology, in the middle of what their R peaks say."""
    central = 2 * found.reach + group.shifts - round(float(np.median(group.shifts)))
    beat = np.median(at_shifts(found.windows[:, group.which], central, found.n_samples), axis=1)
    n_alike = min(len(group.which), found.n_beats)
    return MedianBeat(beat, n_alike, found.n_beats, found.first_of(group) + central)


def _dominant(seen: np.ndarray, width: int, follows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which beats are of the dominant morphology, and where in its window (leads, beats, time) each of them begins.

    ``follows`` says of each beat whether it comes soon after a steeper one.
    """
    reach = (seen.shape[-1] - width) // 2
    compared = _evenly(np.arange(seen.shape[1]), _MOST_COMPARED)
    correlation, shifts = likeness(seen, seen[:, compared, reach : reach + width])
    near = correlation >= ALIKE
    leader = _leader(near, np.where(near, correlation, 0).sum(0), follows)
    for _ in range(2):
        alike = np.flatnonzero(near[:, leader])
        if not len(alike):  # all is flat
            return np.arange(seen.shape[1]), np.full(seen.shape[1], reach)
        members, begin = seen[:, alike], refined_shifts(seen[:, alike], width, shifts[alike, leader])
        correlation, shifts = likeness(seen, np.median(at_shifts(members, begin, width), axis=1)[:, None])
        near, leader = correlation >= ALIKE, 0
        if np.array_equal(np.flatnonzero(near), alike):
            break
    return alike, begin


def _leader(near: np.ndarray, likeness_in_all: np.ndarray, follows: np.ndarray) -> int:
    """The column of ``near`` with the most beats that are no T waves, of equal ones that which is most like its own."""
    ordered = np.lexsort((likeness_in_all, near.sum(0)))[::-1]
    for leader in ordered:
        group = near[:, leader]
        waves = group & follows & ~np.append(False, group[:-1])
        if 2 * waves.sum() <= group.sum():
            return int(leader)
    return int(ordered[0])


def _evenly(all_of: np.ndarray, most: int) -> np.ndarray:
    """No more than so many of them, evenly spaced."""
    return all_of[:: max(1, -(-len(all_of) // most))]
