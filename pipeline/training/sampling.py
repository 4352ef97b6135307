"""How often the items of each class come in a training: once each, balanced, or with synthetic ones beside them."""

import numpy as np
import torch

from pipeline.errors import EcgFusionError
from pipeline.inputs.placement import store_items
from pipeline.inputs.smote import check_memory, require_smote, with_synthetic
from pipeline.inputs.spec import InputSpec
from pipeline.labels import Labels
from pipeline.listening import remark
from pipeline.runs.card import Card
from pipeline.store.reading import Store
from pipeline.training.learnt import labels_to_learn
from pipeline.training.loop import Examples
from pipeline.training.options import TrainOptions

_INSTEAD = "take -sampling balanced"


def check_sampling(options: TrainOptions) -> None:
    """Refuses what no store can make good.

    Raises:
        EcgFusionError: classes are to be weighed, too, or imbalanced-learn is not installed.
    """
    if options.sampling is not None and options.class_weights == "balanced":
        raise EcgFusionError(
            f"-sampling {options.sampling} has the classes come equally often, and -class_weights balanced would "
            f"count rare ones once more: leave one of them out"
        )
    if options.sampling == "smote":
        require_smote()
        if options.crop is not None:
            raise EcgFusionError(
                f"-sampling smote makes whole items, and -crop {options.crop:g} shows parts of them: leave -crop out, "
                f"or {_INSTEAD}"
            )


def weighting_of(options: TrainOptions) -> str | None:
    """What of ``-class_weights`` the loss is to follow: none where sampling brings the classes to equal shares."""
    return options.class_weights if options.sampling is None else "none"


def check_kind(sampling: str | None, kind: str) -> None:
    """Refuses a task whose items bear several classes, so that none can come more often without the others.

    Raises:
        EcgFusionError: it is multilabel.
    """
    if sampling is not None and kind == "multilabel":
        raise EcgFusionError(
            f"-sampling {sampling} is for tasks whose classes exclude each other, and this one is multilabel: take "
            f"-class_weights balanced"
        )


def check_synthetic(spec: InputSpec, train: Store, rows: np.ndarray, labels: Labels) -> None:
    """Refuses items that nothing can lie between, or too many of them.

    Args:
        spec: what the network sees.
        train: the training store.
        rows: of it, that are trained on.
        labels: of these.

    Raises:
        EcgFusionError: with the remedy.
    """
    if not spec.takes_signals:
        raise EcgFusionError(
            f"-sampling smote makes signals, and the images are stored: add -on_the_fly, or {_INSTEAD}"
        )
    if spec.features:
        raise EcgFusionError(
            f"-sampling smote makes signals without the numbers of -features: leave one of them out, or {_INSTEAD}"
        )
    lengths = train.lengths[rows]
    if spec.beat is None and lengths.min() < lengths.max():
        raise EcgFusionError(
            f"-sampling smote is for items of one length, such as heartbeats, and those of {train.path} have from "
            f"{lengths.min()} to {lengths.max()} samples: {_INSTEAD}"
        )
    check_memory(labels.values.sum(axis=0, dtype=np.int64), len(spec.leads) * spec.n_samples)


def training_examples(card: Card, train: Store, rows: np.ndarray, device: torch.device) -> Examples:
    """What a network learns from: the items of some rows, with synthetic ones behind them where the card says so."""
    labels = labels_to_learn(card, train).values[rows]
    if card.training.sampling == "balanced":
        _announce_draws(card, labels)
    if card.training.sampling != "smote":
        return Examples(store_items(train, rows, card.spec, device), labels)
    items, classes = with_synthetic(
        train, rows, card.spec, labels.argmax(axis=1), card.classes, card.training.seed, device
    )
    return Examples(items, np.eye(len(card.classes), dtype=labels.dtype)[classes])


def _announce_draws(card: Card, labels: np.ndarray) -> None:
    """Says how often an item of each class comes, since of a very rare one a network may learn the items by heart."""
    sizes = labels.sum(axis=0, dtype=np.int64)
    draws = len(labels) / max(int((sizes > 0).sum()), 1)
    often = [f"{name} {draws / n:,.1f}" for name, n in zip(card.classes, sizes.tolist(), strict=True) if n]
    remark(f"-sampling balanced: times that an item comes in an epoch: {', '.join(often)}")
