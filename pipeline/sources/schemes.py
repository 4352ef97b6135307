"""Ways to make folds: who is trained on and who is judged."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.patient_folds import patient_folds
from pipeline.sources.base import Source
from pipeline.sources.items import ItemTable

FoldMaker = Callable[[Source, ItemTable, int], np.ndarray]
"""(data set, items, seed) → the fold of each item, (items,) int64."""


@dataclass(frozen=True)
class Scheme:
    """A way to make folds.

    Attributes:
        words: the partitions that it makes where nobody says, as ``train=1-8``.
        folds: makes the fold of each item; None for those that the data set has.
        intra_patient: whether items of one patient may be in several partitions.
    """

    words: tuple[str, ...]
    folds: FoldMaker | None = None
    intra_patient: bool = False


def by_patients(n_folds: int) -> FoldMaker:
    """Makes folds that no patient is in two of, the classes of the usual task in their shares in each."""

    def make(source: Source, items: ItemTable, seed: int) -> np.ndarray:
        usual = source.entry.default_task
        labels = items.labels.get(usual or "") or next(iter(items.labels.values()), None)
        values = np.zeros((len(items.rows), 0)) if labels is None else labels.values
        return patient_folds(values, items.rows["patient_id"].to_numpy(), n_folds, seed) + 1

    return make


def general_scheme(name: str, chosen_fold: int | None) -> Scheme | None:
    """The scheme of a word that every data set understands: ``stratified``, ``kfold:5``; None for other words.

    Args:
        name: the word.
        chosen_fold: of ``kfold``, which fold is test.
    """
    if name == "stratified":
        return Scheme(("train=1-8", "dev=9", "test=10"), by_patients(10))
    if name.startswith("kfold:"):
        n_folds = int(name.removeprefix("kfold:"))
        test = chosen_fold or 1
        dev = test % n_folds + 1
        train = [str(number) for number in range(1, n_folds + 1) if number not in (test, dev)]
        return Scheme((f"train={','.join(train)}", f"dev={dev}", f"test={test}"), by_patients(n_folds))
    return None
