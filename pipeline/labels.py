"""Which classes each item bears."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from pipeline.listening import Event

INTRA_PATIENT = "beats of one patient are in train and test"
"""What every table, card and report of such a division says."""

LONGEST_NAME = 200  # characters; the longest of SNOMED's that records bear have about a hundred


def wrong_name(what: str, names: Iterable[str], plain: bool = False) -> str | None:
    """What is wrong with the first bad one of some names, as half a sentence; None where all can be printed and saved.

    A name is not empty, has characters that can be seen and blanks only between them, is at most ``LONGEST_NAME``
    characters long, and begins with nothing that a spreadsheet computes. ``1AVB``, ``LAFB/LPFB``, ``AFIB (slow)``,
    ``ST−T`` and Chinese names are names; so is ``a|b``, which tables escape.

    Args:
        what: what the names are of: class, task or lead.
        names: the names.
        plain: whether each must be a plain part of a path too, as a task's is, after which files are called.

    >>> wrong_name("class", ["MI", "ST−T", "LAFB/LPFB"])
    >>> wrong_name("class", ["MI", ""])
    'a class has an empty name'
    >>> wrong_name("task", ["../disease"], plain=True)
    "the task '../disease' is no plain file name"
    """
    for name in names:
        if not name.strip():
            return f"a {what} has an empty name"
        if len(name) > LONGEST_NAME:
            return f"the {what} {name[:20]!r}… has a name of {len(name):,} characters, not of at most {LONGEST_NAME}"
        if not name.isprintable():
            return f"the {what} {name!r} has a character in its name that cannot be printed"
        if name != name.strip():
            return f"the {what} {name!r} has blanks around its name"
        if name[0] in "=@":
            return f"the {what} {name!r} begins like a formula of a spreadsheet"
        if plain and (name in (".", "..") or "/" in name or "\\" in name):
            return f"the {what} {name!r} is no plain file name"
    return None


@dataclass(frozen=True)
class Labels:
    """The labels of one task.

    Attributes:
        classes: names, in the order of the columns.
        kind: ``multilabel`` or ``multiclass``.
        values: (items, classes) uint8, 0 or 1.
        labelled: (items,) bool, false where the task says nothing of the item.
        none_name: what an item without a class is called, as NORM; None where that is no class of its own.
        made_of: of each class, the classes of the task ``all`` any of which makes it; None where no table says so.
    """

    classes: tuple[str, ...]
    kind: str
    values: np.ndarray
    labelled: np.ndarray
    none_name: str | None = None
    made_of: Mapping[str, tuple[str, ...]] | None = None

    def rows(self, chosen: np.ndarray) -> "Labels":
        """The labels of some items only; ``chosen`` are row numbers."""
        return replace(self, values=self.values[chosen], labelled=self.labelled[chosen])

    def lost_from(self, whole: "Labels") -> list[str]:
        """The classes that some item of the whole bears and none of these, of what is labelled."""
        here, there = (labels.values[labels.labelled].any(axis=0) for labels in (self, whole))
        return [name for name, lost in zip(self.classes, there & ~here, strict=True) if lost]


SAMPLE_SEED = 0  # of every limit: runs of other seeds see the same items, and can be compared and fused


def sample_in_proportion(values: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """Positions of a sample of items, in their order, in which the classes have the shares that they have in all.

    Items are sorted by the rarest class that they bear, at random among equals, and every so many-th is taken.

    Args:
        values: 1 for each class that an item bears.
        limit: how many items; fewer than there are.
        seed: the same one takes the same items.

    Shape:
        values (items, classes) to (limit,) int64.
    """
    values = np.asarray(values, bool)
    by_rarity = np.argsort(values.sum(axis=0), kind="stable")
    rarest = np.zeros(len(values), np.int64)
    if values.shape[1]:
        rarest = np.where(values.any(axis=1), values[:, by_rarity].argmax(axis=1), values.shape[1])
    order = np.lexsort((np.random.default_rng(seed).random(len(values)), rarest))
    return np.sort(order[(np.arange(limit) * len(values) + len(values) // 2) // limit])


def none_name_of(task: str | None, classes: Iterable[str]) -> str | None:
    """What an item without a class is called where nothing says it: NORM in PTB-XL's four diseases, alone.

    >>> none_name_of("disease", ("MI", "STTC")), none_name_of(None, ("HYP", "CD", "STTC", "MI"))
    ('NORM', 'NORM')
    >>> none_name_of("all", ("MI", "STTC"))

    A class of that name keeps it:

    >>> none_name_of("disease", ("NORM", "MI"))
    """
    names = set(classes)
    named = (task == "disease" and "NORM" not in names) or (task is None and names == {"MI", "STTC", "CD", "HYP"})
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
