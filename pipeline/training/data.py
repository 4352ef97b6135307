"""The items that a training learns from and is measured on: which they are, and what is computed from them."""

from dataclasses import replace

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.listening import remark, warn
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


def training_rows(task: str, train: Store, limit: int | None) -> np.ndarray:
    """Rows of the items that the task labels, or the first ``limit`` of them."""
    return np.flatnonzero(train.task(task).labelled)[:limit]


def sampled_dev(task: str, dev: Store, limit: int | None, seed: int) -> Store:
    """The dev store as if the task labelled a sample of its items alone; the store itself where that is all of them.

    The same seed takes the same items. Classes have the shares that they have in all of dev: items are sorted by the
    rarest class that they bear, at random among equals, and every so many-th is taken.

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
    values = labels.values[rows].astype(bool)
    by_rarity = np.argsort(values.sum(axis=0), kind="stable")
    rarest = np.where(values.any(axis=1), values[:, by_rarity].argmax(axis=1), values.shape[1])
    order = np.lexsort((np.random.default_rng(seed).random(len(rows)), rarest))
    chosen = rows[order[(np.arange(limit) * len(rows) + len(rows) // 2) // limit]]
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
    positives = labels.values[labels.labelled].sum(axis=0)
    lost = [
        name
        for name, here, there in zip(labels.classes, positives, dev.task(task).values.sum(axis=0), strict=True)
        if there and not here
    ]
    if lost:
        warn(f"the sample of dev has no item of {', '.join(lost)}, whose thresholds are 0.5: take a higher -dev_limit")
