"""What every data set offers, whatever its files look like."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.labels import Labels
from pipeline.listening import Event
from pipeline.sources.entry import SourceEntry

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be used, and what is wrong with it."""

    record_id: str
    problem: str


class Source(ABC):
    """A data set that has been opened.

    Attributes:
        name: its key in the registry.
        entry: what the registry says of it; ``open_source`` sees to it.
        folder: where it lies.
        version: as published, or ``unknown`` with a digest of its table.
        sampling_rate: hertz of what ``read`` gives.
        leads: canonical names, in the order of what ``read`` gives.
        gain: counts per millivolt of the files, where one number holds for all of them.
        items: one row an item: ``item_id``, ``record_id``, ``patient_id`` (text), ``fold`` (0: none),
            ``start`` and ``length`` (s), ``age`` (years, NaN unknown), ``sex`` (0 male, 1 female, −1 unknown).
        labels: task name to ``Labels``, rows as in ``items``; may be empty.
        remarks: sentences that the user should see once.
        options: its own options, as they were chosen; stores keep them among their attributes.
    """

    name: str
    entry: SourceEntry = SourceEntry()
    folder: Path = Path()
    version: str
    sampling_rate: float
    leads: tuple[str, ...]
    gain: float
    items: "pd.DataFrame"
    labels: dict[str, Labels]
    remarks: tuple[str, ...] = ()
    options: Mapping[str, Any] = MappingProxyType({})

    @abstractmethod
    def read(self, items: "pd.DataFrame") -> list[np.ndarray | BadRecord]:
        """The signals of some rows of ``items``: for each (leads, time) float64 mV, or what is wrong with it."""


@dataclass(frozen=True)
class SourceOpened(Event):
    """A data set that stores are to be made of.

    Attributes:
        source: the data set.
        rows: partition name to row numbers of ``source.items``, those that have none left out.
    """

    source: Source
    rows: Mapping[str, np.ndarray]
