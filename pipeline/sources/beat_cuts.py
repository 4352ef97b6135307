"""Heartbeats cut out of records: what is around the R peak, or as the well-known CSV files have them.

A beat has its own label and, as ``/features/rr``, its rhythm: the RR interval before it and behind it (s), and the
ratio of the one before to the median of the record. The first beat of a record has none before it and takes the one
behind, the last one takes the one before; a record's only beat has neither and is left out.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.signals.windows import samples_of
from pipeline.sources.base import Beats, Source
from pipeline.sources.detected_beats import detected_beats, rates_of
from pipeline.sources.items import Cut, ItemTable, items_of

BEAT_EXTENT = (0.25, 0.45)
"""Seconds before the R peak and after it: P wave, QRS complex and most of the T wave."""
KACHUEE_HZ = 125.0
KACHUEE_SAMPLES = 187
_KACHUEE_WINDOW_S, _KACHUEE_PERIODS = 10.0, 1.2
_ROUNDING_S = 1e-9
MOST_BEATS = 101
"""Of an item: its samples are stored as often as there are beats in it."""


@dataclass(frozen=True)
class _Rhythm:
    """What is known of each beat of a data set, in seconds; NaN where a record begins or ends.

    Attributes:
        beats: the beats.
        peak: when the R peak is.
        before: RR interval before the beat.
        after: RR interval behind it.
        median: of all RR intervals of its record.
        length: of its record.
    """

    beats: Beats
    peak: np.ndarray
    before: np.ndarray
    after: np.ndarray
    median: np.ndarray
    length: np.ndarray

    @classmethod
    def of(cls, source: Source, beats: Beats) -> "_Rhythm":
        peak = beats.sample / rates_of(source, source.records)[beats.record]
        interval = np.where(np.diff(beats.record) == 0, np.diff(peak), np.nan)  # (beats − 1,)
        before, after = np.append(np.nan, interval)[: len(peak)], np.append(interval, np.nan)[: len(peak)]
        median = pd.Series(after).groupby(beats.record).transform("median").to_numpy(float)
        return cls(beats, peak, before, after, median, source.records["length"].to_numpy(float)[beats.record])

    @property
    def is_alone(self) -> np.ndarray:
        alone: np.ndarray = np.isnan(self.before) & np.isnan(self.after)
        return alone

    def has(self, neighbours: tuple[int, ...]) -> np.ndarray:
        """Whether each beat has these neighbours (−1 for the one before) in its record, and is not alone there."""
        record = self.beats.record
        rows = np.arange(len(record))
        there = ~self.is_alone
        for each in (min(neighbours), max(neighbours)):  # beats of a record stand together
            of_it = (rows + each).clip(0, max(0, len(rows) - 1))
            there &= (rows + each == of_it) & (record[of_it] == record)
        return there

    def features(self, kept: np.ndarray) -> np.ndarray:
        """RR before, RR behind, and the ratio of the former to the record's median, (kept, 3) float32."""
        before, after, median = self.before[kept], self.after[kept], self.median[kept]
        before, after = np.where(np.isnan(before), after, before), np.where(np.isnan(after), before, after)
        ratio = np.divide(before, median, out=np.ones_like(before), where=median > 0)
        return np.stack([before, after, ratio], axis=1).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class _BeatCut(Cut):
    """What both ways have in common.

    An item of several beats has as many segments one after another in time, the beat whose label it bears in the
    middle, each cut as if it were alone. A beat that lacks one of these neighbours in its record is left out.
    """

    beats: int = 1

    def __post_init__(self) -> None:
        if self.beats not in range(1, MOST_BEATS + 1, 2):
            raise EcgFusionError(
                f"--beats {self.beats} has no heartbeat in the middle: give an odd number from 1 to {MOST_BEATS}"
                if 1 < self.beats < MOST_BEATS
                else f"--beats {self.beats} is not within 1 to {MOST_BEATS}: give an odd number of these"
            )

    @property
    def neighbours(self) -> tuple[int, ...]:
        return tuple(range(-(self.beats // 2), self.beats // 2 + 1))

    @abstractmethod
    def _kept(self, rhythm: _Rhythm) -> tuple[np.ndarray, tuple[str, ...]]:
        """Whether each beat is taken, and what is to be said of the others."""

    @abstractmethod
    def _columns(self, rhythm: _Rhythm, kept: np.ndarray) -> dict[str, Any]:
        """``start`` and ``length`` (s) of the beats that are taken, and what ``cut`` wants to know beside ``peak``."""

    def table(self, source: Source) -> ItemTable:
        beats, bad = (source.beats, np.empty(0, np.int64)) if source.beats else detected_beats(source)
        rhythm = _Rhythm.of(source, beats)
        taken, remarks = self._kept(rhythm)
        kept = np.flatnonzero(taken)
        if not len(kept):
            raise EcgFusionError(
                f"{source.folder} has no heartbeat that can be cut so ({len(beats.record):,} are known; "
                f"{'; '.join(remarks) or 'none was found'}): choose another --beat or --beat_extent"
            )
        record, columns = beats.record[kept], self._columns(rhythm, kept)
        rows = items_of(source, record, columns.pop("start"), columns.pop("length"))
        names = [f"{name}_{at}" for name, at in zip(rows["record_id"], beats.sample[kept].tolist(), strict=True)]
        rows = rows.assign(item_id=names, **self._of_neighbours("peak", rhythm.peak, kept), **columns)
        items = ItemTable(
            rows, {task: labels.rows(kept) for task, labels in beats.labels.items()}, {"rr": rhythm.features(kept)}
        )
        return _with_bad(source, items, bad, (*remarks, *_without_beats(source, beats, bad)))

    def _of_neighbours(self, name: str, values: np.ndarray, kept: np.ndarray) -> dict[str, np.ndarray]:
        """A column for each of the beats that an item shows."""
        return {_column(name, each): values[kept + each] for each in self.neighbours}


def _column(name: str, neighbour: int) -> str:
    return f"{name}{neighbour:+d}"


def _with_bad(source: Source, items: ItemTable, bad: np.ndarray, remarks: tuple[str, ...]) -> ItemTable:
    """Has each record that cannot be read stand for one item, so that it is told of, or left out, as any other."""
    if not len(bad):
        return ItemTable(items.rows, items.labels, items.features, remarks)
    more = items_of(source, bad, np.zeros(len(bad)), np.full(len(bad), items.rows["length"].iloc[0]))
    more = more.assign(item_id=[f"{name}_0" for name in more["record_id"]])
    rows = pd.concat([items.rows, more], ignore_index=True)
    order = np.argsort(rows["record"].to_numpy(), kind="stable")
    labels = {}
    for task, known in items.labels.items():
        of_bad = source.labels[task].rows(bad)
        values = np.concatenate([known.values, of_bad.values])[order]
        labelled = np.concatenate([known.labelled, of_bad.labelled])[order]
        labels[task] = type(known)(known.classes, known.kind, values, labelled, known.none_name)
    features = {
        name: np.concatenate([values, np.ones((len(bad), values.shape[1]), np.float32)])[order]
        for name, values in items.features.items()
    }
    return ItemTable(rows.iloc[order].reset_index(drop=True), labels, features, remarks)


def _without_beats(source: Source, beats: Beats, bad: np.ndarray) -> tuple[str, ...]:
    n_without = len(source.records) - len(np.unique(beats.record)) - len(bad)
    return (f"{n_without:,} records are left out: no heartbeat was found in them",) if n_without else ()


def _remark(left_out: np.ndarray, why: str) -> tuple[str, ...]:
    n_beats = int(left_out.sum())
    are = "heartbeat is" if n_beats == 1 else "heartbeats are"
    return (f"{n_beats:,} {are} left out: {why}",) if n_beats else ()


@dataclass(frozen=True, kw_only=True)
class BeatWindows(_BeatCut):
    """What is around the R peak; a beat whose window reaches beyond an end of its record is left out.

    Attributes:
        beat_extent: seconds before the R peak, and from it on.
        beats: odd; 3 for the beat between its neighbours.
    """

    beat_extent: tuple[float, float] = BEAT_EXTENT

    def parameters(self) -> dict[str, Any]:
        return {"kind": "beats", "beat": "window", "beat_extent": list(self.beat_extent), "beats": self.beats}

    def _kept(self, rhythm: _Rhythm) -> tuple[np.ndarray, tuple[str, ...]]:
        before, after = self.beat_extent
        fits = (rhythm.peak - before >= -_ROUNDING_S) & (rhythm.peak + after <= rhythm.length + _ROUNDING_S)
        there = rhythm.has(self.neighbours)
        rows = np.arange(len(fits))
        near = np.zeros(len(fits), bool)
        for each in self.neighbours:
            near |= there & ~fits[np.where(there, rows + each, rows)]
        lacks = "alone in a record" if self.beats == 1 else "a neighbour is missing"
        return there & ~near, (*_remark(near, "too near an end of a record"), *_remark(~there, lacks))

    def _columns(self, rhythm: _Rhythm, kept: np.ndarray) -> dict[str, Any]:
        first = rhythm.peak[kept + self.neighbours[0]]
        length = np.full(len(kept), self.beats * sum(self.beat_extent))
        return {"start": np.maximum(first - self.beat_extent[0], 0), "length": length}

    def cut(self, signal: np.ndarray, sampling_rate: float, items: pd.DataFrame) -> list[np.ndarray]:
        ends = samples_of(np.arange(self.beats + 1) * sum(self.beat_extent), sampling_rate)  # of the segments
        before, segments = int(samples_of(self.beat_extent[0], sampling_rate)), []
        for each, n_samples in zip(self.neighbours, np.diff(ends).tolist(), strict=True):
            # a rounding may lead a sample beyond an end
            starts = samples_of(items[_column("peak", each)].to_numpy(float), sampling_rate) - before
            starts = starts.clip(0, max(0, signal.shape[-1] - n_samples))
            segments.append(signal[:, starts[:, None] + np.arange(n_samples)])  # (leads, items, time)
        return list(np.concatenate(segments, axis=-1).swapaxes(0, 1))


@dataclass(frozen=True, kw_only=True)
class Kachuee(_BeatCut):
    """Beats as the well-known CSV files have them: at 125 Hz, from the R peak, 1.2 median RR long, 0 to 1, then zeros.

    A record is seen in windows of 10 s from its start, the last one shorter. A beat belongs to the window that its R
    peak is in, whose RR intervals between its own beats give the median; a window with fewer than two beats takes the
    record's. Amplitudes of each lead are scaled to 0–1 by the lowest and the highest in the window, and in what of the
    beat lies beyond its end, since no beat is cut short there. It is cut short, and zeros follow, where the record
    ends, and where it is longer than 187 samples (1.5 s: below 48 beats a minute). The last beat of each record is left
    out: the published files have one beat fewer per record than are annotated (109,446 of 109,494), so many of each
    class as these are. R peaks are those that are annotated or were found; theirs were found by a threshold.

    Reference: Kachuee, Fazeli and Sarrafzadeh, ECG heartbeat classification: a deep transferable representation, 2018.

    Attributes:
        beats: odd; 3 for the beat between its neighbours.
    """

    beat_extent: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beat_extent is not None:
            raise EcgFusionError(
                "--beat_extent is of --beat window: kachuee's beats begin at the R peak and are as long as the rhythm "
                "has it; leave one of them out"
            )

    def parameters(self) -> dict[str, Any]:
        return {"kind": "beats", "beat": "kachuee", "beats": self.beats}

    def _kept(self, rhythm: _Rhythm) -> tuple[np.ndarray, tuple[str, ...]]:
        kept = rhythm.has((0, 1, *self.neighbours))
        is_last = np.isnan(rhythm.after)
        lacks = "the first of a record has no neighbour before it" if self.beats <= 3 else "a neighbour is missing"
        first = _remark(~kept & ~is_last, lacks)
        return kept, (*_remark(is_last, "the last of each record"), *first)

    def _columns(self, rhythm: _Rhythm, kept: np.ndarray) -> dict[str, Any]:
        window = np.floor(rhythm.peak / _KACHUEE_WINDOW_S)
        is_within = np.append(window[1:] == window[:-1], False)[: len(window)]  # the interval to the next beat
        within = pd.Series(np.where(is_within, rhythm.after, np.nan))
        period = within.groupby([rhythm.beats.record, window]).transform("median").to_numpy(float)
        shown = _KACHUEE_PERIODS * np.where(np.isnan(period), rhythm.median, period)
        return {
            "start": rhythm.peak[kept + self.neighbours[0]],
            "length": np.full(len(kept), self.beats * KACHUEE_SAMPLES / KACHUEE_HZ),
            **self._of_neighbours("shown", shown, kept),
        }

    def cut(self, signal: np.ndarray, sampling_rate: float, items: pd.DataFrame) -> list[np.ndarray]:
        if sampling_rate != KACHUEE_HZ:
            raise ValueError(f"is at {sampling_rate:g} Hz, and kachuee's beats are at {KACHUEE_HZ:g}")
        windows = _ranges(signal, round(_KACHUEE_WINDOW_S * sampling_rate))
        parts = []
        for each in self.neighbours:
            peaks, shown = (items[_column(name, each)].to_numpy(float) for name in ("peak", "shown"))
            first = samples_of(peaks, sampling_rate).clip(0, signal.shape[-1] - 1)
            n_samples = samples_of(shown, sampling_rate).clip(1, KACHUEE_SAMPLES)
            window = (peaks / _KACHUEE_WINDOW_S).astype(int).clip(0, windows.shape[-1] - 1)
            parts.append(_scaled(signal, first, n_samples, windows[..., window]))
        return list(np.concatenate(parts, axis=-1))


def _ranges(signal: np.ndarray, n_samples: int) -> np.ndarray:
    """The lowest and the highest value in windows side by side, the last one shorter.

    Shape:
        (leads, time) to (2, leads, windows).
    """
    begins = np.arange(0, signal.shape[-1], n_samples)
    return np.stack([np.minimum.reduceat(signal, begins, axis=-1), np.maximum.reduceat(signal, begins, axis=-1)])


def _scaled(signal: np.ndarray, first: np.ndarray, n_samples: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """Beats scaled to 0–1, zeros behind them; all 0 where a lead is flat.

    Args:
        signal: of the record.
        first: sample of each R peak.
        n_samples: how long each beat is.
        ranges: the lowest and the highest value of each beat's window.

    Shape:
        signal (leads, time), first and n_samples (beats,), ranges (2, leads, beats) to (beats, leads, 187).
    """
    places = first[:, None] + np.arange(KACHUEE_SAMPLES)
    is_beat = (np.arange(KACHUEE_SAMPLES) < n_samples[:, None]) & (places < signal.shape[-1])  # (beats, time)
    values = signal[:, places.clip(0, signal.shape[-1] - 1)]  # (leads, beats, time)
    low = np.minimum(ranges[0], np.where(is_beat, values, np.inf).min(axis=-1))[..., None]
    high = np.maximum(ranges[1], np.where(is_beat, values, -np.inf).max(axis=-1))[..., None]
    scaled = np.divide(values - low, high - low, out=np.zeros_like(values), where=(high > low) & is_beat)
    by_beat: np.ndarray = scaled.swapaxes(0, 1)
    return by_beat
