"""Numbers of each item beside its signal, such as RR intervals, for networks that see them, too.

A store holds them, or they are measured in its signals (``measured``) when they are asked for.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import EcgFusionError
from pipeline.inputs.measured import MEASURED, measured
from pipeline.inputs.spec import FeatureScale, InputSpec
from pipeline.representations.constants import constant
from pipeline.store.reading import Store
from pipeline.typed import near_names

CHANGES = {"rr": "log"}
"""How numbers are changed before they are standardised, by the feature's name; all others are left as they are.

An early heartbeat is one that comes after 0.7 of the usual interval, whatever that is: intervals, and their ratios, are
compared by ratio. The logarithm makes differences of these, which a linear layer takes.
"""

FARTHEST = 10.0
"""Deviations from the mean; what is farther off counts as this far."""


def plan_features(names: Sequence[str] | None, train: Store, rows: np.ndarray) -> dict[str, FeatureScale] | None:
    """How the features that are asked for enter a network; None where none are.

    Args:
        names: as they were typed.
        train: the training store.
        rows: the items that are trained on.

    Raises:
        EcgFusionError: the store has no such feature, or no number of it.
    """
    if names is None:
        return None
    if not names:
        raise EcgFusionError("-features names none: give one or more, as -features rr, or leave it out")
    for number, name in enumerate(names):
        if name in names[:number]:
            raise EcgFusionError(f"-features names {name} twice: give each once")
        if name in MEASURED and name in train.features:
            raise EcgFusionError(
                f"{train.path} holds a feature {name}, and that is the name of numbers which are measured: call it "
                f"otherwise"
            )
        if not knows_feature(train, name):
            raise EcgFusionError(_lacking(name, train))
    return {name: _scale(name, CHANGES.get(name, "none"), train, rows) for name in names}


def knows_feature(store: Store, name: str) -> bool:
    """Whether a store holds a feature, or its items are such that it can be measured: no single heartbeats."""
    return name in store.features or (name in MEASURED and store.cut.get("kind") != "beats")


def numbers_of(store: Store, name: str, rows: np.ndarray) -> np.ndarray:
    """The numbers of one feature of some items, as a store holds them, else as they are measured.

    Shape:
        (items, numbers) float32.
    """
    if name in store.features:
        return np.asarray(store.features[name][rows], np.float32)
    return measured(store, name, rows)


def n_numbers_of(store: Store, name: str) -> int:
    """How many numbers a feature that a store knows has of an item."""
    return int(store.features[name].shape[1]) if name in store.features else len(MEASURED[name])


def scaled_on(spec: InputSpec, train: Store, rows: np.ndarray) -> dict[str, FeatureScale] | None:
    """The same features, with mean and deviation of other items."""
    if spec.features is None:
        return None
    return {name: _scale(name, scale.change, train, rows) for name, scale in spec.features.items()}


def features_of(store: Store, rows: np.ndarray, spec: InputSpec, home: torch.device | None = None) -> Tensor | None:
    """What a store says of some items beside their signals, as it stands there.

    Args:
        store: the opened store.
        rows: row numbers of the items.
        spec: which features.
        home: where they are to lie; None for the machine's memory.

    Shape:
        (items, numbers) float32; None where the spec has no features.
    """
    if spec.features is None:
        return None
    numbers = np.concatenate([numbers_of(store, name, rows) for name in spec.features], axis=1)
    return torch.from_numpy(numbers).to(home)


def standardised(x: Tensor, scale: FeatureScale) -> Tensor:
    """Numbers of one feature as a network takes them; 0, which is the training's mean, where one is missing.

    Args:
        x: as a store has them; what is no number, or has no logarithm where that is taken, is missing.
        scale: how they are changed.

    Shape:
        (n, numbers) to the same float64.
    """
    mean, deviation = _constants(scale, x.device)
    deviations = (changed(x, scale.change) - mean) / deviation
    return torch.where(deviations.isfinite(), deviations.clamp(-FARTHEST, FARTHEST), 0)


@lru_cache
def _constants(scale: FeatureScale, device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and deviation, float64, for which no batch after the first waits."""
    return constant(np.array(scale.mean), device), constant(np.array(scale.deviation), device)


def changed(x: Tensor, change: str) -> Tensor:
    """Numbers before they are standardised, float64; not finite where one is missing."""
    return x.double().log() if change == "log" else x.double()


def _scale(name: str, change: str, train: Store, rows: np.ndarray) -> FeatureScale:
    """Mean and deviation of the numbers of some items; a number that all share has a deviation of 1."""
    stored = torch.from_numpy(numbers_of(train, name, rows))
    if not stored.shape[1]:
        raise EcgFusionError(f"the feature {name} of {train.path} has no numbers: leave it out of -features")
    numbers = changed(stored, change).numpy()
    there = np.isfinite(numbers)
    if not there.any(axis=0).all():
        which = int((~there.any(axis=0)).argmax())
        called = f"number {which + 1}" if name in train.features else f"the number {MEASURED[name][which]}"
        what = " above 0" if change == "log" else ""
        raise EcgFusionError(
            f"{called} of the feature {name} of {train.path} is missing in every training item, or no number"
            f"{what}: leave {name} out of -features"
        )
    counts, known = there.sum(axis=0), np.where(there, numbers, 0)
    mean = known.sum(axis=0) / counts
    deviation = np.sqrt((np.where(there, numbers - mean, 0) ** 2).sum(axis=0) / counts)
    varies = np.where(there, numbers, np.inf).min(axis=0) < np.where(there, numbers, -np.inf).max(axis=0)
    return FeatureScale(change, tuple(mean.tolist()), tuple(np.where(varies, deviation, 1.0).tolist()))


def _lacking(name: str, train: Store) -> str:
    if name in MEASURED:
        return f"{name} is measured over several beats, and an item of {train.path} is one heartbeat: leave it out"
    measurable = [other for other in MEASURED if knows_feature(train, other)]
    if not train.features:
        instead = f", or take {' or '.join(measurable)}, which are measured" if measurable else ""
        return (
            f"{train.path} holds no feature {name} of its items, as stores of heartbeats do (create_images.py --beat "
            f"window writes rr): name other stores with -data, or leave it out{instead}"
        )
    return f"{train.path} has no feature {name}: {near_names(name, [*train.features, *measurable])}"
