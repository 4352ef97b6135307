"""The items that a training learns from and is measured on: which they are, and what is computed from them."""

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
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
