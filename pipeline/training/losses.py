"""What a training makes small, and how much each class counts in it.

A new loss is a module on logits in a file (``loss_modules.py`` has three), and an entry in ``LOSSES``. torch is
imported where work begins, since the names stand in train.py's help.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.training import defaults
from pipeline.typed import near_names

if TYPE_CHECKING:
    import torch
    from torch import nn


def class_weights(labels: Labels, weighting: str | None, task: str) -> tuple[float, ...] | None:
    """Negatives over positives of each class, capped; for multiclass, items over classes times positives.

    Args:
        labels: of the items that are trained on.
        weighting: ``balanced`` or ``none``; where it is not given, the task decides.
        task: the labels' name.
    """
    if (weighting or ("balanced" if task in defaults.BALANCED_TASKS else "none")) == "none":
        return None
    positives = np.maximum(labels.values.sum(axis=0, dtype=np.int64), 1)
    n_items, n_classes = labels.values.shape
    ratio = (n_items - positives) / positives if labels.kind == "multilabel" else n_items / (n_classes * positives)
    return tuple(np.minimum(ratio, defaults.CLASS_WEIGHT_CAP).tolist())


def _cross_entropy(kind: str, weights: torch.Tensor | None) -> nn.Module:
    from torch import nn

    return nn.BCEWithLogitsLoss(pos_weight=weights) if kind == "multilabel" else nn.CrossEntropyLoss(weight=weights)


def _focal(kind: str, weights: torch.Tensor | None) -> nn.Module:
    from pipeline.training.loss_modules import Focal

    return Focal(kind, weights)


def _asymmetric(_: str, weights: torch.Tensor | None) -> nn.Module:
    from pipeline.training.loss_modules import Asymmetric

    return Asymmetric(weights)


def _large_margin(_: str, weights: torch.Tensor | None) -> nn.Module:
    from pipeline.training.loss_modules import LargeMargin

    return LargeMargin(weights)


def smoothed(targets: torch.Tensor, kind: str, amount: float) -> torch.Tensor:
    """Targets that are less sure: a part of each is dealt out among what else could be.

    Of multilabel a target t becomes t · (1 − amount) + amount / 2, of multiclass t · (1 − amount) + amount / classes,
    so that the targets of an item that bears one class sum to 1 still.

    Args:
        targets: 0 or 1, or anything between.
        kind: ``multilabel`` or ``multiclass``.
        amount: from 0, which leaves them, to below 1.

    Shape:
        (items, classes) to the same.

    Reference:
        Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2016.
    """
    if not amount:
        return targets
    return targets * (1 - amount) + amount / (2 if kind == "multilabel" else targets.shape[1])


@dataclass(frozen=True)
class Loss:
    """A loss that can be chosen.

    Attributes:
        title: what it is called in words.
        kinds: of tasks that it is for.
        reference: where it is from.
        build: takes the kind and the class weights (classes,) or None; gives a module of logits and targets, which may
            be anything from 0 to 1, and in which it is linear: of targets between two it is between their losses.
    """

    title: str
    kinds: tuple[str, ...]
    reference: str
    build: Callable[[str, torch.Tensor | None], nn.Module]


LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss("cross-entropy", ("multilabel", "multiclass"), "Good 1952", _cross_entropy),
    "bce": Loss("binary cross-entropy", ("multilabel",), "Good 1952", _cross_entropy),  # the same, by its other name
    "focal": Loss("focal loss", ("multilabel", "multiclass"), "Lin et al. 2017", _focal),
    "asymmetric": Loss("asymmetric loss", ("multilabel",), "Ridnik et al. 2021", _asymmetric),
    "large_margin": Loss("large-margin cross-entropy", ("multiclass",), "Kobayashi 2019", _large_margin),
}
"""What ``-loss`` can be; the first is what is taken where nobody says."""


def make_loss(kind: str, class_weights: Sequence[float] | None, name: str = "cross_entropy") -> nn.Module:
    """The loss of a task, on logits and targets ``(items, classes)``.

    Args:
        kind: ``multilabel`` or ``multiclass``.
        class_weights: of the positives (multilabel) or of the classes; None for none.
        name: one of ``LOSSES``.

    Raises:
        EcgFusionError: there is no such loss, or it is for another kind of task.
    """
    if name not in LOSSES:
        raise EcgFusionError(f"there is no loss {name}: {near_names(name, LOSSES)}")
    if kind not in LOSSES[name].kinds:
        others = " or ".join(other for other, loss in LOSSES.items() if kind in loss.kinds)
        fitting = " and ".join(LOSSES[name].kinds)
        raise EcgFusionError(f"the loss {name} is for {fitting} tasks, and this one is {kind}: take {others}")
    import torch

    weights = None if class_weights is None else torch.from_numpy(np.asarray(class_weights, np.float32))
    return LOSSES[name].build(kind, weights)
