"""An intermediate fusion from end to end: its branches, copied, and a training on what they see."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.evaluation.metrics import macro_auroc
from pipeline.fusion.fit_on import out_of_fold_items
from pipeline.fusion.learners import fusion_items, fusion_learner
from pipeline.fusion.machines import solve
from pipeline.fusion.plan import check_fusion, plan_fusion
from pipeline.inputs.placement import streaming_workers
from pipeline.listening import remark
from pipeline.machine.devices import placed, set_up_cpu
from pipeline.machine.group import the_group
from pipeline.runs.build import Run, build_fusion
from pipeline.runs.card import Card
from pipeline.runs.card_file import write_card
from pipeline.runs.card_parts import Result
from pipeline.runs.copies import copy_branches
from pipeline.runs.folder import branch_folders
from pipeline.runs.kinds import RunKind
from pipeline.runs.load import load_branches, load_fusion, save_weights
from pipeline.scoring.partition import as_scores
from pipeline.scoring.predict import by_learner
from pipeline.scoring.records import joining_of
from pipeline.store.reading import Store
from pipeline.training.loop import Examples
from pipeline.training.network import announce_data, announce_settings, finish, fit_as_planned, result_of


def train_intermediate(card: Card, train: Store, dev: Store, folder: Path, device: torch.device) -> None:
    """Trains the fusion of a card, or goes on with it, and leaves a finished run in the folder.

    One that has one best answer is fitted from the start, if it was begun before.
    """
    card = card.with_training(threads=set_up_cpu(card.training.threads))
    the_group().lead(lambda: begin_fusion(card, folder))
    branches = load_branches(card, folder)
    torch.manual_seed(card.training.seed)
    network = build_fusion(card, branches)
    announce_data(card, train, dev)
    _announce_fusion(card, network, branches, device)
    if not card.is_calibrated_on_dev:
        announce_settings(card.training)
    learner = placed(fusion_learner(card, network, branches), device)
    folds = out_of_fold_items(branch_folders(card, folder), train) if card.is_fitted_out_of_fold else None
    on_train, _ = _examples(card, network, branches, train, device, folds)
    on_dev, rows = _examples(card, network, branches, dev, device)
    if card.is_calibrated_on_dev:
        said = solve(card, network, on_train, on_dev, dev.columns["patient_id"][rows])
        save_weights(folder, network)
        scores = as_scores(on_dev.joined(said), dev, card.task, rows, card.join)
        finish(card, folder, scores, Result(dev_macro_auroc=macro_auroc(scores.labels, scores.scores)))
        return
    progress, said = fit_as_planned(card, learner, on_train, on_dev, folder, device)
    dev_scores = as_scores(said, dev, card.task, rows, card.join)
    finish(card, folder, dev_scores, result_of(progress))


def begin_fusion(card: Card, folder: Path) -> None:
    """Leaves in the folder what a fusion goes on from: its card and its branches."""
    write_card(folder, card)
    copy_branches(card, folder)


def _examples(
    card: Card,
    network: torch.nn.Module,
    branches: Mapping[str, Run],
    store: Store,
    device: torch.device,
    folds: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[Examples, np.ndarray]:
    """The labelled items of a store, or those of ``out_of_fold_items``, as the fusion takes them, and their rows."""
    labels = store.task(card.task)
    rows, held_out_by = folds or (np.flatnonzero(labels.labelled), None)
    items = fusion_items(card, network, branches, store, rows, device, card.training.workers, held_out_by)
    return Examples(items, labels.values[rows], joining_of(card, store, rows)), rows


def _announce_fusion(card: Card, network: torch.nn.Module, branches: dict[str, Run], device: torch.device) -> None:
    kept = network.buffers() if card.is_calibrated_on_dev else network.parameters()
    n_parameters = sum(numbers.numel() for numbers in kept)
    how = "trained on" if card.options["finetune"] else "frozen"
    named = ", ".join(f"{name} ({run.card.model})" for name, run in branches.items())
    remark(f"{card.options['combine']} of {named}, {how}: {n_parameters:,} parameters to fit, {device}")
    if card.is_fitted_out_of_fold:
        n_members = next(iter(branches.values())).card.kfold
        remark(
            f"{card.fitted}: a head for each of the {n_members} members of every branch, on the items that these never "
            f"saw; the fusion is the mean of the heads"
        )
    elif card.fitted:
        remark(f"{card.fitted}; of k-fold branches, -fit_on out_of_fold takes members that never saw them")
    if card.is_calibrated_on_dev:
        remark("its answers are made probabilities on dev, whose own scores come from folds of other patients")


def _predict(
    run: Run, store: Store, rows: np.ndarray, device: torch.device, workers: int | None = None, **how: Any
) -> np.ndarray:
    specs = [part.spec for part in run.parts.values()]
    workers = streaming_workers(store, len(rows), specs, device) if workers is None else workers
    learner = placed(fusion_learner(run.card, run.network, run.parts), device)
    items = fusion_items(run.card, run.network, run.parts, store, rows, device, workers)
    return by_learner(run, learner, items, device, joining_of(run.card, store, rows), workers=workers, **how)


INTERMEDIATE = RunKind(
    check=check_fusion, plan=plan_fusion, train=train_intermediate, load=load_fusion, predict=_predict
)
