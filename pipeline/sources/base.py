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

    from pipeline.sources.items import ItemTable
    from pipeline.sources.schemes import Scheme


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be used, and what is wrong with it."""

    record_id: str
    problem: str


@dataclass(frozen=True, eq=False)
class Beats:
    """The heartbeats that somebody has annotated, in the order of the records, and then of time.

    Attributes:
        record: row numbers of ``Source.records``.
        sample: of the R peak, at the record's native rate.
        labels: task name to ``Labels``, rows as here.

    Shape:
        ``record`` and ``sample`` are (beats,) int64.
    """

    record: np.ndarray
    sample: np.ndarray
    labels: dict[str, Labels]


class Source(ABC):
    """A data set that has been opened.

    It gives records. Items are cut from them afterwards (``pipeline.sources.items``).

    Attributes:
        name: its key in the registry.
        entry: what the registry says of it; ``open_source`` sees to it.
        folder: where it lies.
        version: as published, or ``unknown`` with a digest of its table.
        sampling_rate: hertz of what ``read`` gives; where records differ, the lowest.
        leads: canonical names, in the order of what ``read`` gives.
        gain: counts per millivolt of the files, where one number holds for all of them.
        records: one row a record: ``record_id``, ``patient_id`` (text; of its own where nobody knows the patient),
            ``fold`` (0: none), ``length`` (s), ``age`` (years, NaN unknown), ``sex`` (0 male, 1 female, −1 unknown);
            ``sampling_rate`` (Hz) too, where records differ.
        labels: task name to ``Labels``, rows as in ``records``; may be empty.
        beats: annotated heartbeats; None where the set has none.
        holds_beats: whether each record is a heartbeat already.
        schemes: its own ways to make folds, by the word that chooses one.
        patients_known: whether anybody has said whose records they are; else each counts as a patient's own.
        intra_patient: whether several records are of one patient and nobody knows which, so that no fold keeps patients
            apart.
        usual: fields of ``entry`` that are known only when the set is open, as ``default_folds`` of a table.
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
    records: "pd.DataFrame"
    labels: dict[str, Labels]
    beats: Beats | None = None
    schemes: "Mapping[str, Scheme]" = MappingProxyType({})
    holds_beats: bool = False
    patients_known: bool = True
    intra_patient: bool = False
    usual: Mapping[str, Any] = MappingProxyType({})
    remarks: tuple[str, ...] = ()
    options: Mapping[str, Any] = MappingProxyType({})

    @abstractmethod
    def read(self, records: "pd.DataFrame") -> list[np.ndarray | BadRecord]:
        """The whole signals of some rows of ``records``: (leads, time) float64 mV each, or what is wrong with it."""


@dataclass(frozen=True)
class SourceOpened(Event):
    """A data set that stores are to be made of.

    Attributes:
        source: the data set.
        items: what is cut from its records.
        rows: partition name to row numbers of ``items``, those that have none left out.
    """

    source: Source
    items: "ItemTable"
    rows: Mapping[str, np.ndarray]
