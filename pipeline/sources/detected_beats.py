"""Heartbeats of a data set in which nobody has annotated them: where all leads together are steepest."""

from functools import partial

import numpy as np
import pandas as pd

from pipeline.listening import progress_bar
from pipeline.machine.threads import free_cores, ordered_map
from pipeline.signals.filters import resample
from pipeline.signals.peaks import r_peaks
from pipeline.sources.base import BadRecord, Beats, Source

ENOUGH_HZ = 250.0  # beats are found as well as at 1000 Hz, in a tenth of the time; a record of less keeps its rate
_RECORDS_AT_ONCE = 4


def detected_beats(source: Source) -> tuple[Beats, np.ndarray]:
    """The heartbeats of all records, which are read once for it, and the records that cannot be read.

    A beat bears its record's labels. Its sample is that of ``r_peaks`` at ``ENOUGH_HZ``, 4 ms at most beside that at a
    higher rate.

    Shape:
        beats, and row numbers of ``source.records``, (bad records,) int64.
    """
    records = source.records
    chunks = [np.arange(first, min(first + _RECORDS_AT_ONCE, len(records))) for first in _steps(len(records))]
    found: list[np.ndarray] = []
    bad: list[int] = []
    with progress_bar(total=len(records), name="heartbeats", unit="record") as bar:
        for chunk, peaks in zip(chunks, ordered_map(partial(_peaks_of, source), chunks, free_cores()), strict=True):
            bad += [int(row) for row, each in zip(chunk, peaks, strict=True) if each is None]
            found += [np.empty(0, np.int64) if each is None else each for each in peaks]
            bar.update(len(chunk))
    record = np.repeat(np.arange(len(records)), [len(each) for each in found])
    labels = {task: labels.rows(record) for task, labels in source.labels.items()}
    sample = np.concatenate([np.empty(0, np.int64), *found])
    return Beats(record, sample, labels), np.array(bad, np.int64)


def _steps(n_records: int) -> range:
    return range(0, n_records, _RECORDS_AT_ONCE)


def _peaks_of(source: Source, rows: np.ndarray) -> list[np.ndarray | None]:
    """Samples of the R peaks of some records, at their own rates; None of those that cannot be read."""
    records = source.records.iloc[rows]
    signals = source.read(records)
    return [peaks_of(signal, rate) for signal, rate in zip(signals, rates_of(source, records), strict=True)]


def rates_of(source: Source, records: pd.DataFrame) -> np.ndarray:
    """The sampling rate of each of some records, Hz, (records,)."""
    if "sampling_rate" in records:
        return records["sampling_rate"].to_numpy(float)
    return np.full(len(records), float(source.sampling_rate))


def peaks_of(signal: np.ndarray | BadRecord, rate: float) -> np.ndarray | None:
    """Samples of the R peaks of a recording, found at no more than twice ``ENOUGH_HZ``; None of a bad one."""
    if isinstance(signal, BadRecord) or not np.isfinite(signal).all():
        return None
    if rate < 2 * ENOUGH_HZ:
        return r_peaks(signal, rate)
    peaks = r_peaks(resample(signal, rate, ENOUGH_HZ), ENOUGH_HZ)
    own: np.ndarray = np.rint(peaks * (rate / ENOUGH_HZ)).astype(np.int64)
    return own.clip(0, signal.shape[1] - 1)
