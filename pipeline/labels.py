"""Which classes each item bears."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pipeline.listening import Event


@dataclass(frozen=True)
class Labels:
    """The labels of one task.

    Attributes:
        classes: names, in the order of the columns.
        kind: ``multilabel`` or ``multiclass``.
        values: (items, classes) uint8, 0 or 1.
        labelled: (items,) bool, false where the task says nothing of the item.
        none_name: what an item without a class is called, as NORM; None where that is no class of its own.
    """

    classes: tuple[str, ...]
    kind: str
    values: np.ndarray
    labelled: np.ndarray
    none_name: str | None = None

    def rows(self, chosen: np.ndarray) -> "Labels":
        """The labels of some items only; ``chosen`` are row numbers."""
        return Labels(self.classes, self.kind, self.values[chosen], self.labelled[chosen], self.none_name)


def none_name_of(task: str | None, classes: Iterable[str]) -> str | None:
    """What an item without a class is called where nothing says it: NORM in PTB-XL's four diseases, alone.

    >>> none_name_of("disease", ("MI", "STTC")), none_name_of(None, ("HYP", "CD", "STTC", "MI"))
    ('NORM', 'NORM')
    >>> none_name_of("all", ("MI", "STTC"))
    """
    named = task == "disease" or (task is None and set(classes) == {"MI", "STTC", "CD", "HYP"})
    return "NORM" if named else None


@dataclass(frozen=True)
class LabelsChosen(Event):
    """What a training learns from or is measured on.

    Attributes:
        of: which items these are, as ``train: 15,000 items``.
        task: the labels' name.
        labels: of these items.
    """

    of: str
    task: str
    labels: Labels
