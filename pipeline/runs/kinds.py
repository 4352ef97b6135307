"""What the kinds of run do: one table, resolved where it is asked for, since a kind's module may need all of torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np

from pipeline.runs.build import Run
from pipeline.runs.card import Card
from pipeline.store.reading import Store

KINDS = {
    "network": "pipeline.training.network:NETWORK",
    "members": "pipeline.training.kfold:MEMBERS",
    "pretraining": "pipeline.training.pretrained:PRETRAINED",
    "late": "pipeline.fusion.late:LATE",
    "intermediate": "pipeline.fusion.intermediate:INTERMEDIATE",
}


@dataclass(frozen=True)
class RunKind:
    """How a run of one kind comes to be, and how it predicts.

    Attributes:
        check: refuses options (``TrainOptions``) that no store can make good.
        plan: options, stores of train and dev, device → card.
        train: card, stores of train and dev, folder, device: leaves a finished run in its folder, or goes on with it.
        load: folder, card → the run, ready to predict.
        predict: run, store, rows, device, and ``batch_size``, ``workers``, ``progress`` → (items, classes) float32.
        combine: of a kind whose answer is made of those of its parts alone, run and these, by name → that answer, all
            (items, classes) float32; None of the others.
        sees: a store → what a training of this kind sees of it; None where that is all.
    """

    check: Callable[[Any], object]
    plan: Callable[..., Card]
    train: Callable[..., None]
    load: Callable[[Path, Card], Run]
    predict: Callable[..., np.ndarray]
    combine: Callable[[Run, Mapping[str, np.ndarray]], np.ndarray] | None = None
    sees: Callable[[Store], Store] | None = None


def kind_named(name: str) -> RunKind:
    """The kind of a name of ``KINDS``, as ``card.run_kind`` and ``options.run_kind`` say it."""
    kind: RunKind = resolve_name(KINDS[name])
    return kind
