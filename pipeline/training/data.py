"""The items that a training learns from and is measured on: which they are, and what is computed from them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.joining import first_of_each
from pipeline.labels import SAMPLE_SEED, Labels, LabelsChosen, sample_in_proportion
from pipeline.listening import remark, tell, warn
from pipeline.machine.places import place
from pipeline.runs.card import Card
from pipeline.runs.card_file import read_card
from pipeline.scoring.records import holds_windows
from pipeline.store.neighbours import ALIKE, ALIKE_IF_SAID
from pipeline.store.reading import Store, open_partition
from pipeline.training import defaults
from pipeline.training.options import TrainOptions


def folder_of_stores(options: TrainOptions) -> Path:
    """The folder of the stores: the user's, else that of a fusion's first branch, else the usual one."""
    if options.data is None and options.branches:
        return place(read_card(Path(options.branches[0])).data.folder)
    return place(options.data or defaults.DATA)


def open_stores(data: Path, sees: Callable[[Store], Store] | None) -> tuple[Store, Store]:
    """The stores of train and dev in a folder, or what a run of some kind sees of them."""
    train, dev = open_partition(data, "train"), open_partition(data, "dev")
    return (train, dev) if sees is None else (sees(train), sees(dev))


def check_stores(train: Store, dev: Store) -> None:
    """Refuses stores that were made otherwise, and a patient in both, unless the scheme parts items of one patient."""
    for name in (*ALIKE, *ALIKE_IF_SAID):
        ours, theirs = (store.attributes.get(name) for store in (train, dev))
        if ours != theirs:
            raise EcgFusionError(
                f"{train.path} has {name} {ours} and {dev.path} {theirs}: make both with the same options"
            )
    whose = "item" if train.intra_patient else "patient"
    shared = np.intersect1d(train.columns[f"{whose}_id"], dev.columns[f"{whose}_id"])
    if len(shared):
        raise EcgFusionError(
            f"{whose} {shared[0]} is in {train.path} and in {dev.path}: make both with the same --folds"
        )


def check_labels(task: str, labels: Labels, store: Store) -> None:
    """Refuses labels that nothing can be learnt from, or measured on."""
    positives, n_items = labels.values.sum(axis=0, dtype=np.int64), len(labels.values)
    if not ((positives > 0) & (positives < n_items)).any():
        raise EcgFusionError(
            f"{store.path} has {n_items} items that {task} labels, and no class with both positives and negatives: "
            f"take more records or another -task"
        )


def training_rows(task: str, train: Store, limit: int | None, seed: int | None) -> np.ndarray:
    """Rows of the items that the task labels, or of ``limit`` of them.

    Args:
        task: whose labels count.
        train: the store.
        limit: how many items, of windows how many records; or None for all.
        seed: of a sample in which the classes have their shares; None for the first items, as cards of before mean it.
    """
    rows = np.flatnonzero(train.task(task).labelled)
    return rows[:limit] if limit is None or seed is None else _sample(task, train, rows, limit, seed)


def _sample(task: str, store: Store, rows: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """So many of some items, or all windows of so many of their records, with the classes' shares."""
    records = store.columns["record_id"][rows] if holds_windows(store) else None
    first = np.arange(len(rows)) if records is None else first_of_each(records)
    if limit >= len(first):
        return rows
    chosen = first[sample_in_proportion(store.task(task).values[rows[first]], limit, seed)]
    return rows[chosen] if records is None else rows[np.isin(records, records[chosen])]


def rows_of(card: Card, train: Store) -> np.ndarray:
    """Rows of the items that the training of a card sees."""
    return training_rows(card.task, train, card.data.limit, SAMPLE_SEED if card.data.sampled else None)


def announce_limit(card: Card, train: Store) -> None:
    """Says which items are trained on where these are not all, and warns of the classes that they lack."""
    limit, labels = card.data.limit, train.task(card.task)
    if not limit:
        return
    seen = labels.rows(rows_of(card, train))
    what = " records" if holds_windows(train) else ""
    which = f"a sample of {limit:,}{what} (-limit)" if card.data.sampled else f"the first {limit:,}"
    tell(LabelsChosen(f"of train, {which}:", card.task, seen))
    lost = seen.lost_from(labels)
    if lost:
        warn(f"the sample of train has no item of {', '.join(lost)}, which cannot be learnt: take a higher -limit")


def sampled_dev(task: str, dev: Store, limit: int | None, seed: int) -> Store:
    """The dev store as if the task labelled a sample of its items alone; the store itself where that is all of them.

    The same seed takes the same items. Classes have the shares that they have in all of dev.

    Args:
        task: whose labels count.
        dev: the store.
        limit: how many items, of windows how many records; or None for all.
        seed: of the sample.
    """
    labels = dev.task(task)
    rows = np.flatnonzero(labels.labelled)
    chosen = rows if limit is None else _sample(task, dev, rows, limit, seed)
    if len(chosen) == len(rows):
        return dev
    labelled = np.isin(np.arange(len(labels.labelled)), chosen)
    return replace(dev, labels={**dev.labels, task: replace(labels, labelled=labelled)})


def announce_sample(task: str, dev: Store, sample: Store, seed: int) -> None:
    """Says that the epoch and the thresholds are chosen on a part of dev, and which classes it lacks."""
    if sample is dev:
        return
    labels = sample.task(task)
    n_all, n_items = (_n_answers(store, task) for store in (dev, sample))
    what = "records" if holds_windows(dev) else "items"
    remark(
        f"-dev_limit: epoch and thresholds are chosen on a sample of {n_items:,} of {n_all:,} dev {what} "
        f"(seed {seed}), for a quick trial: a run to be reported takes all of them"
    )
    lost = labels.lost_from(dev.task(task))
    if lost:
        warn(f"the sample of dev has no item of {', '.join(lost)}, whose thresholds are 0.5: take a higher -dev_limit")


def _n_answers(store: Store, task: str) -> int:
    """How many labelled items there are, of windows how many records."""
    labelled = store.task(task).labelled
    return len(np.unique(store.columns["record_id"][labelled])) if holds_windows(store) else int(labelled.sum())
