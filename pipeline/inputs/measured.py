"""Numbers of an item that are measured in its signal, or are known of its patient, to be seen beside it.

They stand in no store: they are computed when a training or a scoring begins, and stay in memory for its next part.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pipeline.listening import progress_bar
from pipeline.signals.beats import median_beat
from pipeline.signals.counts import to_millivolts
from pipeline.signals.intervals import intervals
from pipeline.signals.peaks import r_peaks
from pipeline.signals.rhythm_numbers import RHYTHM, rhythm_numbers
from pipeline.signals.voltages import VOLTAGES, voltages
from pipeline.store.reading import Store

PERSON = ("age", "sex")
OF_BEAT = ("PR", "QRS", "QT", "QTc")
INTERVALS = ("heart rate", "RR deviation", *OF_BEAT)
MEASURED: Mapping[str, tuple[str, ...]] = {
    "voltage": VOLTAGES,
    "intervals": INTERVALS,
    "rhythm": RHYTHM,
    "tabular": (*PERSON, *INTERVALS),
}
"""The features that no store needs to hold, and the numbers of each, in their order."""

EXTENT_S = (0.4, 0.6)  # of the median beat that is measured: from before the longest PR to after the longest QT
OF_SIGNAL = (*VOLTAGES, *RHYTHM, *OF_BEAT)
"""The numbers that a signal has by itself, in the order of ``measures``."""

_KEPT_STORES = 6  # whose numbers stay in memory: train and dev, and some more


@dataclass
class _Known:
    """What has been measured of a store's items; NaN in rows of which nothing has.

    Attributes:
        rows: (items,) whether an item has been measured.
        numbers: (items, numbers) of the signal alone, ``OF_SIGNAL``.
    """

    rows: np.ndarray
    numbers: np.ndarray


class _Itself:
    """An object in memory as a key: equal to itself alone."""

    def __init__(self, of: object) -> None:
        self.of = of

    def __hash__(self) -> int:
        return id(self.of)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.of is other.of


def measured(store: Store, name: str, rows: np.ndarray) -> np.ndarray:
    """The numbers of one feature of some items, NaN where one cannot be told.

    ``voltage`` is in mV (see ``voltages``). ``intervals`` is the heart rate (beats a minute, of the median RR
    interval), the deviation of RR intervals as a part of their mean, PR, QRS and QT (s, see ``intervals``), and QT over
    the third root of the RR interval (Fridericia). ``rhythm`` is of the RR intervals alone (see ``rhythm_numbers``).
    ``tabular`` is the age (years), the sex (0 male, 1 female) and ``intervals``.

    Args:
        store: the opened store; its signals are filtered as they were stored.
        name: one of ``MEASURED``.
        rows: row numbers of the items.

    Shape:
        (items, numbers) float32.
    """
    return numbers_of_feature(name, _of_signals(store, rows), _of_person(store, rows))


def numbers_of_feature(name: str, of_signal: np.ndarray, person: np.ndarray) -> np.ndarray:
    """The numbers of one feature.

    Args:
        name: one of ``MEASURED``.
        of_signal: as of ``measures``.
        person: age in years, and sex.

    Shape:
        of_signal (..., numbers), person (..., 2) to (..., numbers of the feature) float32.
    """
    known = (*PERSON, *OF_SIGNAL)
    places = [known.index(number) for number in MEASURED[name]]
    return np.concatenate([person, of_signal], axis=-1)[..., places].astype(np.float32)


def not_told(name: str, numbers: np.ndarray) -> list[str]:
    """Which numbers of a feature are missing in every one of some items, in words."""
    return [number for number, there in zip(MEASURED[name], np.isfinite(numbers).any(0), strict=True) if not there]


def measures(x: np.ndarray, leads: Sequence[str], sampling_rate: float) -> np.ndarray:
    """Voltages and intervals of one record, NaN where one cannot be told.

    Args:
        x: all its leads, mV.
        leads: canonical names.
        sampling_rate: Hz.

    Shape:
        x (leads, time) to (numbers,) float64, ``OF_SIGNAL``.
    """
    if not np.shape(x)[1]:
        return np.full(len(OF_SIGNAL), np.nan)
    peaks = r_peaks(x, sampling_rate)
    rr = np.diff(peaks) / sampling_rate
    of_rhythm = rhythm_numbers(rr)
    beat = median_beat(x, sampling_rate, *EXTENT_S, peaks)
    if not beat.n_alike:  # without a whole beat there is no more to measure
        return np.concatenate([np.full(len(VOLTAGES), np.nan), of_rhythm, np.full(len(OF_BEAT), np.nan)])
    usual_rr = float(np.median(rr)) if len(rr) else np.nan
    found = intervals(beat.mv, sampling_rate, EXTENT_S[0], usual_rr)
    of_beat = [found.pr, found.qrs, found.qt, found.qt / np.cbrt(usual_rr)]
    return np.concatenate([voltages(beat.mv, leads, sampling_rate, EXTENT_S[0]), of_rhythm, of_beat])


def _of_person(store: Store, rows: np.ndarray) -> np.ndarray:
    """(items, 2) float32: age and sex."""
    age, sex = store.columns["age"][rows], store.columns["sex"][rows]
    return np.stack([age.astype(np.float32), np.where(sex < 0, np.nan, sex).astype(np.float32)], axis=1)


def _of_signals(store: Store, rows: np.ndarray) -> np.ndarray:
    """(items, numbers) float32 of the signal alone; what has been measured before is not measured again."""
    known = _known_of(store)
    missing = np.unique(rows[~known.rows[rows]])
    if len(missing):
        bar = progress_bar(_decoded(store, missing), "voltages and intervals", total=len(missing), leave=False)
        for row, x in zip(missing, bar, strict=True):
            known.numbers[row] = measures(x, store.leads, store.sampling_rate)
        known.rows[missing] = True
    found: np.ndarray = known.numbers[rows]
    return found


def _decoded(store: Store, rows: np.ndarray) -> Iterator[np.ndarray]:
    """(leads, time) mV of some items, without padding."""
    on_disk = store.signals.open()
    for row, length in zip(rows, store.lengths[rows], strict=True):
        store.signals.check(np.array([row]), on_disk)
        yield to_millivolts(on_disk[row][:, :length], store.gain)


def _known_of(store: Store) -> _Known:
    """What is known of a store's signals: a file's until it changes, of arrays in memory as long as they are these."""
    try:
        found = store.path.stat()
        key: Hashable = (store.path.absolute(), found.st_mtime_ns, found.st_size)
    except OSError:
        key = _Itself(store.signals)
    return _nothing_known(key, store.n_items)


@lru_cache(maxsize=_KEPT_STORES)
def _nothing_known(_: Hashable, n_items: int) -> _Known:
    """What is known at first; the same value, which fills, for the same store."""
    numbers = np.full((n_items, len(OF_SIGNAL)), np.nan, np.float32)
    return _Known(np.zeros(n_items, bool), numbers)
