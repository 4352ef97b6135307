"""Records → items: what becomes a row of a store is a whole record, a window of one, or a heartbeat.

A record is read once, filtered and resampled whole, and then cut, so that no item has an edge of a filter in it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.signals.windows import window_starts, windows_at
from pipeline.sources.base import Source

MOST_ITEMS = 20_000_000
"""Of a data set: more are a mistyped stride."""


@dataclass(frozen=True, eq=False)
class ItemTable:
    """What a data set is cut into; the items of a record stand together, in the order of time.

    Attributes:
        rows: one row an item: ``item_id``, ``record`` (its row in ``Source.records``), ``record_id``, ``patient_id``,
            ``fold``, ``start`` and ``length`` (s), ``age``, ``sex``.
        labels: task name to labels, rows as in ``rows``.
        features: name to numbers of each item, (items, numbers) float32.
        remarks: sentences that the user should see once.
    """

    rows: pd.DataFrame
    labels: dict[str, Labels]
    features: Mapping[str, np.ndarray] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def with_folds(self, fold: np.ndarray) -> "ItemTable":
        """The same items in other folds, (items,)."""
        return ItemTable(self.rows.assign(fold=fold), self.labels, self.features, self.remarks)


class Cut(ABC):
    """A way to cut records into items."""

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """What a store says of it: ``kind`` and numbers; nothing for whole records."""

    @abstractmethod
    def table(self, source: Source) -> ItemTable:
        """The items of all records.

        Raises:
            EcgFusionError: the records cannot be cut so, or there would be none.
        """

    @abstractmethod
    def cut(self, signal: np.ndarray, sampling_rate: float, items: pd.DataFrame) -> list[np.ndarray]:
        """The signals of some items of one record.

        Args:
            signal: of the whole record, filtered and resampled, mV.
            sampling_rate: of ``signal``, Hz.
            items: rows of ``table``, all of this record.

        Shape:
            (leads, time) to (leads, time) each.
        """


class Whole(Cut):
    """Each record is an item."""

    def parameters(self) -> dict[str, Any]:
        return {}

    def table(self, source: Source) -> ItemTable:
        n_records = len(source.records)
        rows = items_of(source, np.arange(n_records), np.zeros(n_records), source.records["length"].to_numpy(float))
        return ItemTable(rows.assign(item_id=rows["record_id"]), dict(source.labels))

    def cut(self, signal: np.ndarray, sampling_rate: float, items: pd.DataFrame) -> list[np.ndarray]:
        return [signal]


@dataclass(frozen=True)
class Windows(Cut):
    """Windows of one length, one every ``stride_s``, and one that ends with the record; no shorter record has one.

    Attributes:
        window_s: length, s.
        stride_s: from the start of one to that of the next, s.
    """

    window_s: float
    stride_s: float

    def __post_init__(self) -> None:
        if not self.window_s > 0 or not 0 < self.stride_s <= self.window_s:
            raise EcgFusionError(
                f"--window {self.window_s:g} --stride {self.stride_s:g}: give seconds above 0, and no stride that is "
                f"longer than the window, so that every part of a record is in one"
            )

    def parameters(self) -> dict[str, Any]:
        return {"kind": "windows", "window_s": float(self.window_s), "stride_s": float(self.stride_s)}

    def table(self, source: Source) -> ItemTable:
        lengths = source.records["length"].to_numpy(float)
        if lengths.sum() / self.stride_s > MOST_ITEMS:
            raise EcgFusionError(
                f"--stride {self.stride_s:g} makes more than {MOST_ITEMS:,} windows: give a longer one"
            )
        starts = [window_starts(seconds, self.window_s, self.stride_s) for seconds in lengths.tolist()]
        n_short = sum(not len(each) for each in starts)
        record = np.repeat(np.arange(len(starts)), [len(each) for each in starts])
        if not len(record):
            raise EcgFusionError(
                f"--window {self.window_s:g}: no record of {source.folder} is as long, the longest has "
                f"{lengths.max(initial=0):g} s: give a shorter one"
            )
        start = np.concatenate(starts)
        rows = items_of(source, record, start, np.full(len(record), float(self.window_s)))
        names = [window_name(*pair) for pair in zip(rows["record_id"], start.tolist(), strict=True)]
        short = f"{n_short:,} records are shorter than a window of {self.window_s:g} s, and are left out"
        labels = {task: labels.rows(record) for task, labels in source.labels.items()}
        return ItemTable(rows.assign(item_id=names), labels, remarks=(short,) if n_short else ())

    def cut(self, signal: np.ndarray, sampling_rate: float, items: pd.DataFrame) -> list[np.ndarray]:
        return windows_at(signal, sampling_rate, items["start"].to_numpy(), self.window_s)


def window_name(record_id: str, start_s: float) -> str:
    """The ``item_id`` of a window.

    >>> window_name("A00001", 2.5)
    'A00001_2500'
    """
    return f"{record_id}_{round(1000 * start_s)}"


def items_of(source: Source, record: np.ndarray, start: np.ndarray, length: np.ndarray) -> pd.DataFrame:
    """The columns of an item table but ``item_id``, of items with these records, starts and lengths (s)."""
    columns = ["record_id", "patient_id", "fold", "age", "sex"]
    rows = source.records[columns].iloc[record].reset_index(drop=True)
    return rows.assign(record=record, start=start, length=length)
