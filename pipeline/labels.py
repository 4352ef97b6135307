"""Which classes each item bears."""

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
    """

    classes: tuple[str, ...]
    kind: str
    values: np.ndarray
    labelled: np.ndarray

    def rows(self, chosen: np.ndarray) -> "Labels":
        """The labels of some items only; ``chosen`` are row numbers."""
        return Labels(self.classes, self.kind, self.values[chosen], self.labelled[chosen])


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
