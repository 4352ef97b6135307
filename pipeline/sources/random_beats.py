"""The division of the well-known CSV files: beats drawn at random, so that those of one patient are everywhere."""

import numpy as np

from pipeline.sources.base import Source
from pipeline.sources.items import ItemTable
from pipeline.sources.schemes import Scheme

N_FOLDS = 25
FIRST_TEST_FOLD = 21
WORDS = ("train=1-16", "dev=17-20", f"test={FIRST_TEST_FOLD}-{N_FOLDS}")
"""64, 16 and 20 % of the beats: the files have 80 and 20, and no dev."""


def random_beats() -> Scheme:
    """Folds of beats, whoever they are of; every table and card of what is made so says it."""
    return Scheme(WORDS, folds_of_beats, intra_patient=True)


def folds_of_beats(source: Source, items: ItemTable, seed: int) -> np.ndarray:
    """The fold of each item, from 1, the classes of the usual task in their shares in each fold."""
    usual = source.entry.default_task
    labels = items.labels.get(usual or "") or next(iter(items.labels.values()), None)
    stratum = np.zeros(len(items.rows), np.int64) if labels is None else _stratum(labels.values)
    return stratified_folds(stratum, N_FOLDS, seed)


def _stratum(values: np.ndarray) -> np.ndarray:
    """The number of each item's first class, and one more of an item without any."""
    stratum: np.ndarray = np.where(values.any(axis=1), values.argmax(axis=1), values.shape[1])
    return stratum


def stratified_folds(stratum: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Deals items into folds, from 1: of each stratum every fold gets as many, to one item.

    What a stratum has beyond that goes to folds evenly apart, so that three folds of a row never get all of it.

    Shape:
        stratum (items,) to (items,) int64.
    """
    rng = np.random.default_rng(seed)
    folds = np.zeros(len(stratum), np.int64)
    for each in np.unique(stratum):
        members = rng.permutation(np.flatnonzero(stratum == each))
        # the k-th of n goes to the fold in which (k + 1/2) / n lies
        folds[members] = (2 * np.arange(len(members)) + 1) * n_folds // (2 * len(members)) + 1
    return folds
