"""Every choice of a fusion, made before it begins: the user's options, the branches and two stores → a card."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.fusion.registry import FusionEntry, describe_fusion, list_fusions
from pipeline.errors import EcgFusionError
from pipeline.fusion.branches import check_store, describe_branch, named_branches, read_branches
from pipeline.fusion.fit_on import FITTED_ON, check_answers, fitted_on
from pipeline.inputs.placement import CPU, choose_workers
from pipeline.inputs.spec import InputSpec
from pipeline.machine.devices import default_precision
from pipeline.runs.build import Run, build_fusion, build_network
from pipeline.runs.card import FORMAT, kind_of
from pipeline.scoring.checks import refuse_training_items
from pipeline.store.reading import Store
from pipeline.training import defaults
from pipeline.training.data import training_items, training_rows
from pipeline.training.losses import class_weights
from pipeline.training.optimisation import CHOICES, check_batch_size
from pipeline.training.options import check_momentum
from pipeline.training.plan import versions

FUSION_OPTIONS = ("fuse_on", "hidden_size", "dropout", "branch_dropout", "n_heads", "max_tokens")

_OF_STORES = ("source", "source_version", "folds", "band", "min_likelihood")
_ALWAYS = {"model", "branches", "combine", "data", "path_save_model"}
_FITTED = {"seed", "fit_on"}
_TRAINED = {*CHOICES, "class_weights", "seed", "threads"}


def check_fusion(given: Mapping[str, Any]) -> None:
    """Refuses what no store can make good: the branches, how they are combined, and options that have no effect."""
    level = given["model"]
    fitting = ", ".join(list_fusions(level))
    if "branches" not in given:
        raise EcgFusionError(f"-model {level} fuses runs: name them with -branches RUN RUN")
    if "combine" not in given:
        raise EcgFusionError(f"how are the branches to be fused? give -combine with one of {fitting}")
    try:
        entry = describe_fusion(given["combine"])
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None
    if entry.level != level:
        raise EcgFusionError(f"-combine {entry.name} is of -model {entry.level}; {level} has {fitting}")
    taken = _taken(entry)
    if "branch_learning_rate" in given and not given.get("finetune"):
        raise EcgFusionError("-branch_learning_rate is for branches that are trained on: give -finetune too")
    for name in given:
        if name not in taken:
            raise EcgFusionError(f"-{name} does nothing in {level} fusion by {entry.name}: leave it out")
    check_momentum(given)
    if "seed" in given and given.get("fit_on") == "out_of_fold" and entry.name != "mlp":
        raise EcgFusionError(
            f"-seed draws the folds that -fit_on dev fits {entry.name} on, and -fit_on out_of_fold draws none: "
            f"leave one of them out"
        )
    read_branches(named_branches(given["branches"]))


def _taken(entry: FusionEntry) -> set[str]:
    """The options that have an effect."""
    taken = _ALWAYS | (set(FUSION_OPTIONS) & set(entry.options))
    if entry.name == "mean":
        return taken
    if entry.level == "late":
        return taken | _FITTED | (_TRAINED - {"patience"} if entry.name == "mlp" else set())
    return taken | _TRAINED | {"finetune", "branch_learning_rate", "auxiliary", "gpu_id", "precision", "workers"}


def plan_fusion(
    given: Mapping[str, Any], _: Mapping[str, Any], train: Store, dev: Store, device: torch.device = CPU
) -> dict[str, Any]:
    """The card of a fusion: every choice made, the user's first, then the defaults."""
    named = named_branches(given["branches"])
    cards = read_branches(named)
    for name, folder in named.items():
        refuse_training_items(cards[name], folder, dev)
        for store in (train, dev):
            check_store(cards[name], folder, store)
    entry, first = describe_fusion(given["combine"]), next(iter(cards.values()))
    task = first["task"]
    rows = training_rows(task, train, None)
    options = {"combine": entry.name, **{name: given[name] for name in FUSION_OPTIONS if name in given}}
    workers = 0
    if entry.level == "intermediate":
        _check_networks(named, cards)
        specs = [InputSpec.from_card(branch["input"]) for branch in cards.values()]
        workers = choose_workers(given.get("workers"), train, len(rows), specs, device)
        options |= {"finetune": bool(given.get("finetune")), "auxiliary": given.get("auxiliary", defaults.AUXILIARY)}
    card = {
        "format": FORMAT,
        "complete": False,
        "model": given["model"],
        "options": options,
        "task": task,
        "kind": first["kind"],
        "classes": first["classes"],
        "branches": {name: describe_branch(cards[name], folder) for name, folder in named.items()},
        "data": {
            **{name: value for name, value in first["data"].items() if name in _OF_STORES},
            "folder": str(train.path.parent.resolve()),
            "limit": None,
            **training_items(train, rows),
            "n_dev_items": int(dev.task(task).labelled.sum()),
        },
        "training": _training(given, entry, train, dev, rows, task, workers, device),
        "given": dict(given),
        "versions": versions(),
    }
    if entry.level == "late":
        card["fitted_on"] = fitted_on(given, entry.name, named, cards)
    elif options["finetune"]:
        _check_crops(named, cards)
    _check_network(card, named, cards)
    if entry.level == "late":
        check_answers(card, named, train, dev)
    return card


def _check_network(card: Mapping[str, Any], named: Mapping[str, Path], cards: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses options that no fusion can be built with."""
    with torch.device("meta"):  # no memory is needed to see what the fusion is
        single = {name: kind_of(cards[name]) == "network" for name in named}
        networks = {name: build_network(cards[name]) if single[name] else None for name in named}
        fusion = build_fusion(card, {name: Run(named[name], cards[name], networks[name]) for name in named})
    if card["training"]["batch_size"] is not None:
        check_batch_size(card["training"]["batch_size"], fusion, f"-model {card['model']}")


def _training(
    given: Mapping[str, Any],
    entry: FusionEntry,
    train: Store,
    dev: Store,
    rows: np.ndarray,
    task: str,
    workers: int,
    device: torch.device,
) -> dict[str, Any]:
    """As a network's card has it; None for what is not used."""
    training = {
        "batch_size": None,
        "precision": given.get("precision", default_precision(device if entry.level == "intermediate" else CPU)),
        "seed": given.get("seed", defaults.SEED),
        "threads": given.get("threads"),
        "workers": workers,
        "class_weights": None,
    }
    if entry.level == "late" and entry.name != "mlp":
        return training
    family = "mlp" if entry.level == "late" else "joint" if given.get("finetune") else "fusion"
    chosen = defaults.training_defaults(family)
    training |= {name: given.get(name, chosen[name]) for name in CHOICES}
    if family == "joint":
        training["branch_learning_rate"] = given.get(
            "branch_learning_rate", defaults.BRANCH_RATE * training["learning_rate"]
        )
    fitted_on_dev = family == "mlp" and given.get("fit_on", FITTED_ON[0]) == "dev"
    labels = dev.task(task) if fitted_on_dev else train.task(task)
    rows = np.flatnonzero(labels.labelled) if fitted_on_dev else rows
    training["class_weights"] = class_weights(labels.rows(rows), given.get("class_weights"), task)
    return training


def _check_networks(named: Mapping[str, Path], cards: Mapping[str, Mapping[str, Any]]) -> None:
    for name, folder in named.items():
        if kind_of(cards[name]) != "network":
            raise EcgFusionError(
                f"{folder} consists of several networks, and -model intermediate fuses what single ones see: "
                f"name one of the runs inside it, or take -model late"
            )


def _check_crops(named: Mapping[str, Path], cards: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses crops of several lengths, whatever their strides; a median beat goes with any crops of the others."""
    crops = {name: card["input"]["crop"] for name, card in cards.items() if card["input"].get("beat") is None}
    first = next(iter(crops), None)
    for name, crop in crops.items():
        if first is not None and crop != crops[first]:
            raise EcgFusionError(
                f"{named[first]} sees {_crops(crops[first])} and {named[name]} {_crops(crop)}, so they cannot be "
                f"trained on together: train them on equal crops, or leave -finetune out"
            )


def _crops(crop: float | None) -> str:
    return "whole items" if crop is None else f"crops of {crop:g} s"
