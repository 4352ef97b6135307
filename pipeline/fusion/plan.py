"""Every choice of a fusion, made before it begins: the user's options, the branches and two stores → a card."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from models.fusion.registry import FusionEntry, describe_fusion, list_fusions
from pipeline.errors import EcgFusionError
from pipeline.fusion.branches import check_store, describe_branch, named_branches, read_branches
from pipeline.fusion.fit_on import FITTED_ON, check_answers, fitted_on, fitted_on_features, out_of_fold_items
from pipeline.fusion.machines import check_solvable
from pipeline.inputs.batches import CPU
from pipeline.inputs.placement import choose_workers
from pipeline.inputs.spec import InputSpec
from pipeline.machine.devices import default_precision
from pipeline.runs.build import Run, build_fusion, build_network
from pipeline.runs.card import Card
from pipeline.runs.card_parts import CHOICES, OF_SCHEDULE, TrainingCard
from pipeline.scoring.checks import check_lengths, refuse_training_items
from pipeline.store.reading import Store
from pipeline.training import defaults
from pipeline.training.checks import check_momentum
from pipeline.training.data import training_rows
from pipeline.training.losses import class_weights
from pipeline.training.optimisation import check_batch_size
from pipeline.training.options import FUSION_OPTIONS, TrainOptions
from pipeline.training.plan import checked_loss, chosen_settings, data_card, planned_join, versions
from pipeline.training.sampling import check_kind, check_sampling, weighting_of

_ALWAYS = {"model", "set", "branches", "combine", "data", "path_save_model", "calibrate"}
_FITTED = {"seed", "fit_on"}
_TRAINED = {*CHOICES, *OF_SCHEDULE, "loss", "label_smoothing", "class_weights", "seed", "threads"}


def check_fusion(options: TrainOptions) -> None:
    """Refuses what no store can make good: the branches, how they are combined, and options that have no effect."""
    level = str(options.model)
    fitting = ", ".join(list_fusions(level))
    if options.branches is None:
        raise EcgFusionError(f"-model {level} fuses runs: name them with -branches RUN RUN")
    if options.combine is None:
        raise EcgFusionError(f"how are the branches to be fused? give -combine with one of {fitting}")
    try:
        entry = describe_fusion(options.combine)
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None
    if entry.level != level:
        raise EcgFusionError(f"-combine {entry.name} is of -model {entry.level}; {level} has {fitting}")
    if options.branch_learning_rate is not None and not options.finetune:
        raise EcgFusionError("-branch_learning_rate is for branches that are trained on: give -finetune too")
    if options.mixup is not None:
        raise EcgFusionError(
            f"-mixup mixes what one network sees, and -model {level} fuses several: leave it out here, and train the "
            f"branches with it"
        )
    if options.teacher is not None:
        raise EcgFusionError(
            f"-teacher teaches one network, and -model {level} fuses several: leave it out here, and train the "
            f"branches with it"
        )
    taken = _taken(entry)
    for name in options.given:
        if name not in taken:
            raise EcgFusionError(f"-{name} does nothing in {level} fusion by {entry.name}: leave it out")
    check_momentum(options)
    if options.sampling == "smote":
        raise EcgFusionError(
            "-sampling smote makes signals for one network, not for a fusion: train the branches with it, or take "
            "-sampling balanced"
        )
    check_sampling(options)
    if level == "intermediate":
        _check_fit_on(options)
    solved_late = entry.level == "late" and entry.fitting == "solver"
    if options.seed is not None and options.fit_on == "out_of_fold" and solved_late:
        raise EcgFusionError(
            f"-seed draws the folds that -fit_on dev fits {entry.name} on, and -fit_on out_of_fold draws none: "
            f"leave one of them out"
        )
    read_branches(named_branches(options.branches))


def _check_fit_on(options: TrainOptions) -> None:
    if options.fit_on == "dev":
        raise EcgFusionError(
            "-fit_on dev is for -model late, and an intermediate fusion is fitted on training items: leave it out, or "
            "take -fit_on out_of_fold, for features by members of k-fold branches that never saw them"
        )
    if options.fit_on == "out_of_fold" and options.finetune:
        raise EcgFusionError(
            "-finetune trains the branches on, on all items, and -fit_on out_of_fold is for branches that stay as they "
            "are: leave one of them out"
        )


def _taken(entry: FusionEntry) -> set[str]:
    """The options that have an effect."""
    taken = _ALWAYS | (set(FUSION_OPTIONS) & set(entry.options))
    if entry.fitting == "nothing":
        return taken
    if entry.level == "late":
        return taken | _FITTED | (_TRAINED - {"patience"} if entry.fitting == "gradient" else set())
    taken |= {"fit_on", "gpu_id", "workers", "join"}
    if entry.fitting == "solver":
        return taken | {"seed", "threads", "class_weights"}
    return taken | _TRAINED | {"finetune", "sampling", "ema", "branch_learning_rate", "auxiliary", "precision"}


def plan_fusion(options: TrainOptions, train: Store, dev: Store, device: torch.device = CPU) -> Card:
    """The card of a fusion: every choice made, the user's first, then the defaults."""
    named = named_branches(options.branches or ())
    cards = read_branches(named)
    for name, folder in named.items():
        refuse_training_items(cards[name], folder, dev)
        for store in (train, dev):
            check_store(cards[name], folder, store)
    entry, first = describe_fusion(str(options.combine)), next(iter(cards.values()))
    planned_join(options, train)
    check_kind(options.sampling, first.kind)
    of_features = fitted_on_features(options, named, cards) if entry.level == "intermediate" else None
    rows, limit = training_rows(first.task, train, None, None), None
    held_out_by = None
    if of_features and of_features.features == "out_of_fold":
        (rows, held_out_by), limit = out_of_fold_items(named, train), first.data.limit
    if of_features and entry.fitting == "solver":
        of_features = replace(of_features, cross_fitting_folds=defaults.CROSS_FITTING_FOLDS)
        check_solvable(entry.name, first, train, rows, held_out_by, dev)
    of_fusion = {"combine": entry.name, **_of_its_types(options.of_network(FUSION_OPTIONS), entry)}
    specs: list[InputSpec] = []
    workers = 0
    if entry.level == "intermediate":
        specs = [branch.spec for branch in cards.values()]
        workers = choose_workers(options.workers, train, len(rows), specs, device)
        auxiliary = defaults.AUXILIARY if options.auxiliary is None else options.auxiliary
        auxiliary = auxiliary if entry.fitting == "gradient" else 0.0  # which is a loss
        of_fusion |= {"finetune": bool(options.finetune), "auxiliary": auxiliary}
    items = data_card(first.task, train, rows, dev, limit, specs)
    card = Card(
        complete=False,
        model=str(options.model),
        options=of_fusion,
        task=first.task,
        kind=first.kind,
        classes=first.classes,
        join=options.join or first.join,
        branches={name: describe_branch(cards[name], folder) for name, folder in named.items()},
        data=replace(items, source_version=first.data.source_version, min_likelihood=first.data.min_likelihood),
        training=_training(options, entry, train, dev, rows, first.task, specs, workers, device),
        given=options.given,
        versions=versions(),
        fitted_on=fitted_on(options, entry.name, named, cards) if entry.level == "late" else of_features,
    )
    if options.finetune:
        _check_crops(named, cards)
    _check_network(card, named, cards)
    if entry.level == "intermediate":
        _check_items(cards, train, rows, dev)
    if entry.level == "late":
        check_answers(card, named, train, dev)
    return card


def _of_its_types(given: Mapping[str, object], entry: FusionEntry) -> dict[str, object]:
    """Options with whole numbers as floats where the fusion's own are, as ``-set C=1`` means it."""
    floats = {name for name, usual in entry.options.items() if isinstance(usual, float)}
    exact = 2**53  # beyond which not every whole number is a float
    return {
        name: float(value) if name in floats and type(value) is int and abs(value) <= exact else value
        for name, value in given.items()
    }


def _check_network(card: Card, named: Mapping[str, Path], cards: Mapping[str, Card]) -> None:
    """Refuses options that no fusion can be built with."""
    with torch.device("meta"):  # no memory is needed to see what the fusion is
        seeing = {name: cards[name].run_kind in ("network", "members") for name in named}
        networks = {name: build_network(cards[name]) if seeing[name] else None for name in named}
        fusion = build_fusion(card, {name: Run(named[name], cards[name], networks[name]) for name in named})
    if card.training.batch_size is not None:
        check_batch_size(card.training.batch_size, fusion, f"-model {card.model}")


def _check_items(cards: Mapping[str, Card], train: Store, rows: np.ndarray, dev: Store) -> None:
    """Refuses items that are too short for what a branch sees."""
    for card in cards.values():
        with torch.device("meta"):
            network = build_network(card)
        on_dev = np.flatnonzero(dev.task(card.task).labelled)
        for store, seen in ((train, rows), (dev, on_dev)):
            check_lengths(card.model, card.spec, network, store, seen)


def _training(
    options: TrainOptions,
    entry: FusionEntry,
    train: Store,
    dev: Store,
    rows: np.ndarray,
    task: str,
    specs: Sequence[InputSpec],
    workers: int,
    device: torch.device,
) -> TrainingCard:
    """As a network's card has it; None for what is not used."""
    training = TrainingCard(
        batch_size=None,
        precision=options.precision or default_precision(device if entry.level == "intermediate" else CPU),
        seed=defaults.SEED if options.seed is None else options.seed,
        threads=options.threads,
        workers=workers,
        class_weights=None,
    )
    if entry.fitting != "gradient" and entry.level == "intermediate":  # on features, which are always fp32
        batch_size = defaults.training_defaults("fusion")["batch_size"]
        weights = class_weights(train.task(task).rows(rows), options.class_weights, task)
        return replace(training, batch_size=batch_size, precision="fp32", class_weights=weights)
    if entry.fitting != "gradient":
        return training
    family = "mlp" if entry.level == "late" else "joint" if options.finetune else "fusion"
    training = replace(
        training,
        **chosen_settings(options, family, specs),
        loss=checked_loss(options, train.task(task).kind),
        sampling=options.sampling,
        label_smoothing=options.label_smoothing or None,
        ema=options.ema or None,
    )
    if family == "joint":
        usual = defaults.BRANCH_RATE * (training.learning_rate or 0.0)
        training = replace(training, branch_learning_rate=options.branch_learning_rate or usual)
    fitted_on_dev = family == "mlp" and (options.fit_on or FITTED_ON[0]) == "dev"
    labels = dev.task(task) if fitted_on_dev else train.task(task)
    rows = np.flatnonzero(labels.labelled) if fitted_on_dev else rows
    return replace(training, class_weights=class_weights(labels.rows(rows), weighting_of(options), task))


def _check_crops(named: Mapping[str, Path], cards: Mapping[str, Card]) -> None:
    """Refuses crops of several lengths, whatever their strides; a median beat goes with any crops of the others."""
    crops = {name: card.spec.crop for name, card in cards.items() if card.spec.beat is None}
    first = next(iter(crops), None)
    for name, crop in crops.items():
        if first is not None and crop != crops[first]:
            raise EcgFusionError(
                f"{named[first]} sees {_crops(crops[first])} and {named[name]} {_crops(crop)}, so they cannot be "
                f"trained on together: train them on equal crops, or leave -finetune out"
            )


def _crops(crop: float | None) -> str:
    return "whole items" if crop is None else f"crops of {crop:g} s"
