"""What a training makes small, and how much each class counts in it."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from pipeline.labels import Labels
from pipeline.training import defaults


def class_weights(labels: Labels, weighting: str | None, task: str) -> tuple[float, ...] | None:
    """Negatives over positives of each class, capped; for multiclass, items over classes times positives.

    ``weighting`` is ``balanced`` or ``none``; where it is not given, the task decides.
    """
    if (weighting or ("balanced" if task in defaults.BALANCED_TASKS else "none")) == "none":
        return None
    positives = np.maximum(labels.values.sum(axis=0, dtype=np.int64), 1)
    n_items, n_classes = labels.values.shape
    ratio = (n_items - positives) / positives if labels.kind == "multilabel" else n_items / (n_classes * positives)
    return tuple(np.minimum(ratio, defaults.CLASS_WEIGHT_CAP).tolist())


def make_loss(kind: str, class_weights: Sequence[float] | None) -> nn.Module:
    """Cross-entropy of logits: binary for multilabel, whose weights are those of the positives."""
    weights = None if class_weights is None else torch.from_numpy(np.asarray(class_weights, np.float32))
    if kind == "multilabel":
        return nn.BCEWithLogitsLoss(pos_weight=weights)
    return nn.CrossEntropyLoss(weight=weights)
