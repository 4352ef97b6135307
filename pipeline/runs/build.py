"""A card → its network or fusion."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import torch

from models import BranchShape, Network, beside_features, create_fusion, create_model, describe_fusion
from models.image.torchvision_classifiers import WeightsError
from models.noisy_or import NoisyOr
from pipeline.errors import EcgFusionError
from pipeline.runs.card import Card

_OF_TRAINING = ("finetune", "auxiliary")  # options of a fusion that its network does not take


@dataclass(frozen=True)
class Run:
    """A trained run, loaded.

    Attributes:
        folder: where it lies.
        card: what its ``run.json`` says.
        network: what it has learnt, in evaluation mode: a network or a fusion; None where the run is what its parts
            say together.
        spec: how the network's input is made; None where a fusion's branches have their own.
        parts: the runs that it consists of, by name.
    """

    folder: Path
    card: Card
    network: Any
    spec: Any = None
    parts: Mapping[str, "Run"] = field(default_factory=dict)

    def predict(
        self,
        signal_mv: np.ndarray,
        *,
        sampling_rate: float,
        leads: Sequence[str],
        features: Mapping[str, Sequence[float]] | None = None,
        age: float | None = None,
        sex: str | None = None,
    ) -> dict[str, float]:
        """What the run says of one recording: class to probability.

        It is filtered, resampled and rounded as the training's recordings were.

        Args:
            signal_mv: the recording, mV, unfiltered; its leads may be more than those that the run needs.
            sampling_rate: Hz.
            leads: names, however they are spelt.
            features: name to the numbers that the run sees beside it, as a store has them, such as ``rr`` of a
                heartbeat; NaN for one that is not known. None of a run that sees none, or only what is measured.
            age: of the patient, years, for a run that sees it; None where it is not known.
            sex: the same, ``male`` or ``female``.

        Shape:
            signal_mv (leads, time).

        Raises:
            EcgFusionError: a lead is missing, a sample is, a feature is, or the recording is too short.
        """
        found: dict[str, float] = resolve_name("pipeline.scoring.one_recording:predict")(
            self, signal_mv, sampling_rate=sampling_rate, leads=leads, features=features, age=age, sex=sex
        )
        return found


def build_network(card: Card, to_train: bool = False) -> Network:
    """The card's network.

    Args:
        card: of a run.
        to_train: whether its training begins, so that ``pretrained`` weights are wanted. Else they are fresh
            whatever the card says, since the run has its own, and nothing is read or downloaded.
    """
    spec, options = card.spec, dict(card.options)
    if "pretrained" in options and not to_train:
        options["pretrained"] = False
    n_classes = len(card.outputs)
    try:
        network = create_model(card.model, in_channels=spec.n_channels, n_classes=n_classes, **options)
        return beside_features(network, spec.n_numbers, n_classes) if spec.features else network
    except WeightsError as problem:
        raise EcgFusionError(f"{problem}, or leave -pretrained out to start from fresh ones") from None
    except (ValueError, TypeError) as problem:
        raise EcgFusionError(str(problem)) from None
    except RuntimeError:  # torch's own word for too little memory
        chosen = " ".join(f"-{name} {value}" for name, value in options.items())
        raise EcgFusionError(f"{card.model} {chosen} does not fit into memory: make it smaller") from None


def answers_of(card: Card) -> NoisyOr | None:
    """What reads the classes that a run answers for from its network's outputs; None where they are the same."""
    if card.learnt is None:
        return None
    column = {name: number for number, name in enumerate(card.outputs)}
    readings = [
        [[column[output] for output in outputs] for outputs in card.learnt.readings[name]] for name in card.classes
    ]
    return NoisyOr(readings, len(card.outputs))


def build_fusion(card: Card, branches: Mapping[str, Run]) -> Any:
    """The card's fusion; together with its branches' networks, where they are trained on with it.

    One that is fitted out of fold is a list of fusions, one for each member of its k-fold branches.
    """
    options = {name: value for name, value in card.options.items() if name not in _OF_TRAINING}
    name = options.pop("combine")
    try:
        entry = describe_fusion(name)
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None
    if entry.level != card.model:
        raise EcgFusionError(f"the fusion {name} is of -model {entry.level}, not {card.model}")
    if "kind" in entry.options:
        options["kind"] = card.kind
    if entry.level == "late":  # which reads no widths
        shapes = dict.fromkeys(branches, BranchShape(0, 0))
    else:
        shapes = {branch: _shape(run) for branch, run in branches.items()}
    try:
        fusions = [
            create_fusion(name, branches=shapes, n_classes=len(card.classes), **options)
            for _ in range(_n_heads(card, branches))
        ]
    except (ValueError, TypeError) as problem:
        raise EcgFusionError(_with_remedy(str(problem), options)) from None
    if card.is_fitted_out_of_fold:
        return torch.nn.ModuleList(fusions)
    (fusion,) = fusions
    if not card.options.get("finetune"):
        return fusion
    networks = torch.nn.ModuleList(run.network for run in branches.values())
    return torch.nn.ModuleDict({"fusion": fusion, "branches": networks})


def _shape(run: Run) -> BranchShape:
    """The widths of a branch, or of any member of it, which are alike."""
    network = next(iter(run.parts.values())).network if run.network is None else run.network
    return BranchShape(network.token_dim, network.feature_dim)


def _n_heads(card: Card, branches: Mapping[str, Run]) -> int:
    if not card.is_fitted_out_of_fold:
        return 1
    members = {run.card.kfold for run in branches.values()}
    (number,) = members if len(members) == 1 else (None,)
    if number is None:
        raise EcgFusionError(
            "it was fitted out of fold, and its branches are no k-fold runs of as many members: copy the run again"
        )
    return number


def _with_remedy(problem: str, options: Mapping[str, object]) -> str:
    """What a fusion says of its options, which knows no command line, with those to change as they are typed."""
    words = dict.fromkeys(re.findall(r"\w+", problem))
    named = [f"-{word}" for word in words if word in options and word != "kind"]
    return f"{problem}: choose another {' or '.join(named)}" if named else problem
