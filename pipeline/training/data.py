"""The items that a training learns from and is measured on: which they are, and what is computed from them."""

from dataclasses import replace

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.labels import SAMPLE_SEED, Labels, LabelsChosen, sample_in_proportion
from pipeline.listening import remark, tell, warn
from pipeline.runs.card import Card
from pipeline.store.reading import Store


def check_stores(train: Store, dev: Store) -> None:
    for name in ("source", "folds", "leads", "sampling_rate", "band", "gain", "image_leads", "images"):
        ours, theirs = train.attributes[name], dev.attributes[name]
        if ours != theirs:
            raise EcgFusionError(
                f"{train.path} has {name} {ours} and {dev.path} {theirs}: make both with the same options"
            )
    shared = np.intersect1d(train.columns["patient_id"], dev.columns["patient_id"])
    if len(shared):
        raise EcgFusionError(
            f"patient {shared[0]} is in {train.path} and in {dev.path}: make both with the same --folds"
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
        limit: how many items, or None for all.
        seed: of a sample in which the classes have their shares; None for the first items, as cards of before mean it.
    """
    labels = train.task(task)
    rows = np.flatnonzero(labels.labelled)
    if limit is None or seed is None or limit >= len(rows):
        return rows[:limit]
    sampled: np.ndarray = rows[sample_in_proportion(labels.values[rows], limit, seed)]
    return sampled


def rows_of(card: Card, train: Store) -> np.ndarray:
    """Rows of the items that the training of a card sees."""
    return training_rows(card.task, train, card.data.limit, SAMPLE_SEED if card.data.sampled else None)


def announce_limit(card: Card, train: Store) -> None:
    """Says which items are trained on where these are not all, and warns of the classes that they lack."""
    limit, labels = card.data.limit, train.task(card.task)
    if not limit:
        return
    seen = labels.rows(rows_of(card, train))
    which = f"a sample of {limit:,} (-limit)" if card.data.sampled else f"the first {limit:,}"
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
        limit: how many items, or None for all.
        seed: of the sample.
    """
    labels = dev.task(task)
    rows = np.flatnonzero(labels.labelled)
    if limit is None or limit >= len(rows):
        return dev
    chosen = rows[sample_in_proportion(labels.values[rows], limit, seed)]
    labelled = np.isin(np.arange(len(labels.labelled)), chosen)
    return replace(dev, labels={**dev.labels, task: replace(labels, labelled=labelled)})


def announce_sample(task: str, dev: Store, sample: Store, seed: int) -> None:
    """Says that the epoch and the thresholds are chosen on a part of dev, and which classes it lacks."""
    if sample is dev:
        return
    labels, n_all = sample.task(task), int(dev.task(task).labelled.sum())
    n_items = int(labels.labelled.sum())
    remark(
        f"-dev_limit: epoch and thresholds are chosen on a sample of {n_items:,} of {n_all:,} dev items (seed {seed}), "
        f"for a quick trial: a run to be reported takes all of them"
    )
    lost = labels.lost_from(dev.task(task))
    if lost:
        warn(f"the sample of dev has no item of {', '.join(lost)}, whose thresholds are 0.5: take a higher -dev_limit")
