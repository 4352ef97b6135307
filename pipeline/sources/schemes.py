"""Ways to make folds: who is trained on and who is judged.

Those that every data set understands deal out patients, each class in its share: ``stratified`` into ten folds,
``kfold:K`` into K. They are a function of the patients, their labels and the seed, on every machine.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.patient_folds import patient_folds, with_every_class
from pipeline.sources.base import Source
from pipeline.sources.items import ItemTable

FoldMaker = Callable[[Source, ItemTable, int], np.ndarray]
"""(data set, items, seed) → the fold of each item, (items,) int64, from 1."""

MOST_FOLDS = 1000
N_STRATIFIED = 10


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
    """Makes folds that no patient is in two of, the classes of the usual task in their shares in each.

    What the task does not label is spread like a class. A class that as many patients bear as there are folds is in
    each of them.
    """

    def make(source: Source, items: ItemTable, seed: int) -> np.ndarray:
        usual = source.entry.default_task
        labels = items.labels.get(usual or "") or next(iter(items.labels.values()), None)
        patients = items.rows["patient_id"].to_numpy()
        strata = np.zeros((len(patients), 0), np.uint8)
        if labels is not None:
            strata = np.column_stack([labels.values * labels.labelled[:, None], ~labels.labelled])
        _check_enough(source, len(set(patients)), n_folds)
        folds = patient_folds(strata, patients, n_folds, seed)
        return with_every_class(folds, strata, patients) + 1

    return make


def _check_enough(source: Source, n_patients: int, n_folds: int) -> None:
    if n_patients < 3:
        raise EcgFusionError(
            f"{source.folder} has too few patients ({n_patients}) for train, dev and test, which share none: add "
            f"recordings of others"
        )
    if n_patients < n_folds:
        raise EcgFusionError(
            f"the recordings in {source.folder} are of too few patients: {n_patients} patients make from 2 to "
            f"{n_patients} folds, not {n_folds}: give fewer, as kfold:{min(5, n_patients)}"
        )


def general_scheme(name: str, chosen_fold: int | None) -> Scheme | None:
    """The scheme of a word that every data set understands: ``stratified``, ``kfold:5``; None for other words.

    Args:
        name: the word.
        chosen_fold: of ``kfold``, which fold is test (None for the first); the next is dev, the others are train.

    Raises:
        EcgFusionError: the number of folds is none, or there is no such fold.
    """
    if name == "stratified":
        return Scheme(("train=1-8", "dev=9", "test=10"), by_patients(N_STRATIFIED))
    word, colon, number = name.partition(":")
    if word != "kfold":
        return None
    if not colon or not re.fullmatch("[0-9]{1,4}", number) or not 3 <= int(number) <= MOST_FOLDS:
        raise EcgFusionError(
            f"--folds {name} is not understood: give from 3 folds (train, dev and test) to {MOST_FOLDS}, as kfold:5"
        )
    n_folds, test = int(number), chosen_fold or 1
    if test > n_folds:
        raise EcgFusionError(f"--fold {test} is none of the {n_folds} folds of --folds {name}: give 1 to {n_folds}")
    dev = test % n_folds + 1
    train = ",".join(str(fold) for fold in range(1, n_folds + 1) if fold not in (test, dev))
    return Scheme((f"train={train}", f"dev={dev}", f"test={test}"), by_patients(n_folds))
