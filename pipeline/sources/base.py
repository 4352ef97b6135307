"""What every data set offers, whatever its files look like."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import pandas as pd

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
_CANONICAL = {lead.upper(): lead for lead in LEADS}


def canonical_lead(name: str) -> str:
    """The lead's canonical name, however a file spells it (``AVR``, ``avr``, ``Lead aVR``); others as given."""
    bare = name.strip()
    if bare.lower().startswith("lead "):
        bare = bare[5:].strip()
    return _CANONICAL.get(bare.upper(), bare)


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be used, and what is wrong with it."""

    record_id: str
    problem: str


@dataclass(frozen=True)
class Labels:
    """The labels of one task.

    Attributes:
        classes: names, in the order of the columns.
        kind: ``multilabel`` or ``multiclass``.
        values: (items, classes) uint8, 0 or 1.
        labelled: (items,) bool, false where the task says nothing of the item.
    """

    classes: tuple[str, ...]
    kind: str
    values: np.ndarray
    labelled: np.ndarray

    def rows(self, chosen: np.ndarray) -> "Labels":
        """The labels of some items only; ``chosen`` are row numbers."""
        return Labels(self.classes, self.kind, self.values[chosen], self.labelled[chosen])


class Source(ABC):
    """A data set that has been opened.

    Attributes:
        name: its key in the registry.
        version: as published, or ``unknown`` with a digest of its table.
        sampling_rate: hertz of what ``read`` gives.
        leads: canonical names, in the order of what ``read`` gives.
        gain: counts per millivolt of the files, where one number holds for all of them.
        items: one row an item: ``item_id``, ``record_id``, ``patient_id`` (text), ``fold`` (0: none),
            ``start`` and ``length`` (s), ``age`` (years, NaN unknown), ``sex`` (0 male, 1 female, −1 unknown).
        labels: task name to ``Labels``, rows as in ``items``; may be empty.
        remarks: sentences that the user should see once.
    """

    name: str
    version: str
    sampling_rate: float
    leads: tuple[str, ...]
    gain: float
    items: pd.DataFrame
    labels: dict[str, Labels]
    remarks: tuple[str, ...] = ()

    @abstractmethod
    def read(self, items: pd.DataFrame) -> list[np.ndarray | BadRecord]:
        """The signals of some rows of ``items``: for each (leads, time) float64 mV, or what is wrong with it."""
