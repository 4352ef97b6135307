"""The items that a training learns from and is measured on: which they are, and what is computed from them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.signals.beats import median_beat
from pipeline.signals.filters import choose_leads, to_millivolts
from pipeline.sources.base import Labels
from pipeline.store.reading import Store, digest_of_items
from pipeline.training import defaults

BEATS_MEASURED = 1000  # at the most, for the deviation of all


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


def training_items(train: Store, rows: np.ndarray) -> dict[str, Any]:
    """What a card's ``data`` says of the items that are trained on."""
    return {"n_train_items": len(rows), "train_items_digest": digest_of_items(train.columns["item_id"][rows])}


def class_weights(labels: Labels, weighting: str | None, task: str) -> list[float] | None:
    """Negatives over positives of each class, capped; for multiclass, items over classes times positives.

    ``weighting`` is ``balanced`` or ``none``; where it is not given, the task decides.
    """
    if (weighting or ("balanced" if task in defaults.BALANCED_TASKS else "none")) == "none":
        return None
    positives = np.maximum(labels.values.sum(axis=0, dtype=np.int64), 1)
    n_items, n_classes = labels.values.shape
    ratio = (n_items - positives) / positives if labels.kind == "multilabel" else n_items / (n_classes * positives)
    return np.minimum(ratio, defaults.CLASS_WEIGHT_CAP).tolist()


def standard_deviation(
    train: Store, rows: np.ndarray, leads: tuple[str, ...], beat: tuple[float, float] | None = None
) -> float:
    """Of what networks see of all training items together, mV.

    Args:
        train: the store.
        rows: the items that are trained on.
        leads: names.
        beat: as in ``InputSpec``. Of median beats, which take a second or so for every 400, some are enough.
    """
    if beat is not None:
        rows = rows[:: -(-len(rows) // BEATS_MEASURED)]
    total = square = 0.0
    n_samples = 0
    for x in _seen(train, rows, leads, beat):
        total, square, n_samples = (
            total + float(x.sum()),
            square + float(np.square(x).sum()),
            n_samples + x.size,
        )
    deviation = float(np.sqrt(square / n_samples - (total / n_samples) ** 2))
    if not deviation > 0:
        raise EcgFusionError(f"the signals of {train.path} are flat: check the recordings")
    return deviation


def _seen(
    train: Store, rows: np.ndarray, leads: tuple[str, ...], beat: tuple[float, float] | None
) -> Iterator[np.ndarray]:
    """(leads, time) mV of each item, its median beat or all of it."""
    positions, stored = choose_leads(train.leads, leads), train.signals.open()
    for row, length in zip(rows, train.lengths[rows], strict=True):
        if beat is None:
            yield to_millivolts(stored[row][positions][:, :length], train.gain)
        else:
            yield median_beat(to_millivolts(stored[row][:, :length], train.gain), train.sampling_rate, *beat)[positions]
