"""A late fusion from end to end: its branches' answers, joined by item, and weights that are fitted honestly."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models import describe_fusion
from models.fusion.late import LateFusion
from pipeline.evaluation.metrics import macro_auroc
from pipeline.fusion.branch_scores import Answers, cross_fitting_folds, read_answers
from pipeline.fusion.fitting import SOLVERS, fit_by_gradient
from pipeline.fusion.plan import check_fusion, plan_fusion
from pipeline.listening import remark
from pipeline.machine.devices import set_up_cpu
from pipeline.runs.build import Run, build_fusion
from pipeline.runs.card import DEV_SCORES, OUT_OF_FOLD_SCORES, Card
from pipeline.runs.card_file import write_card
from pipeline.runs.card_parts import Result
from pipeline.runs.copies import copy_branches
from pipeline.runs.folder import branch_folders
from pipeline.runs.kinds import RunKind
from pipeline.runs.load import load_branches, load_fusion, save_weights
from pipeline.scoring.partition import as_scores
from pipeline.scoring.predict import probabilities
from pipeline.store.reading import Store
from pipeline.training.network import announce_data, finish, settings_of


def train_late(card: Card, train: Store, dev: Store, folder: Path, _: torch.device) -> None:
    """Fits the fusion of a card and leaves a finished run in the folder; begun before, it is fitted from the start."""
    fitted_on = card.fitted_on
    card = card.with_training(threads=set_up_cpu(card.training.threads))
    announce_data(card, train, dev)
    write_card(folder, card)  # from here on it can be resumed
    copy_branches(card, folder)
    places = branch_folders(card, folder)
    branches = load_branches(card, folder)
    on_dev, rows = read_answers(places, DEV_SCORES, dev, card.task)

    def fitted(answers: Answers) -> LateFusion:
        torch.manual_seed(card.training.seed)
        return fit_late(build_fusion(card, branches), answers, card)

    if fitted_on and fitted_on.scores == "out_of_fold":
        fusion = fitted(read_answers(places, OUT_OF_FOLD_SCORES, train, card.task)[0])
        fused = fuse(fusion, on_dev.probabilities)
    elif fitted_on:
        fusion, fused = fitted(on_dev), cross_fitted(fitted, on_dev, card.training.seed)
    else:
        fusion = fitted(on_dev)
        fused = fuse(fusion, on_dev.probabilities)
    weights = fusion.shares()
    if weights and fitted_on:
        card = replace(card, fitted_on=replace(fitted_on, weights=weights))
        remark("weights: " + ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items()))
    if fitted_on and fitted_on.branches_fitted_on_these_items:
        inner = ", ".join(fitted_on.branches_fitted_on_these_items)
        remark(f"the dev table is optimistic: the weights of {inner} were fitted on these items, too")
    save_weights(folder, fusion)
    scores = as_scores(fused, dev, card.task, rows, card.join)
    finish(card, folder, scores, Result(dev_macro_auroc=macro_auroc(scores.labels, scores.scores)))


def cross_fitted(fitted: Callable[[Answers], LateFusion], answers: Answers, seed: int) -> np.ndarray:
    """Fused probabilities of items, each by a fusion that was fitted on other patients; (items, classes) float32."""
    folds = cross_fitting_folds(answers, seed)
    fused = np.empty(answers.labels.shape, np.float32)
    for fold in np.unique(folds):
        fused[folds == fold] = fuse(fitted(answers[folds != fold]), answers[folds == fold].probabilities)
    return fused


def fit_late(fusion: LateFusion, answers: Answers, card: Card) -> LateFusion:
    """The same fusion, fitted on the answers as the card says."""
    entry = describe_fusion(card.options["combine"])
    branches = {name: torch.from_numpy(values) for name, values in answers.probabilities.items()}
    if entry.fitting == "solver":
        SOLVERS[entry.name].fit(fusion, branches, answers.labels)
    elif entry.fitting == "gradient":
        fit_by_gradient(fusion, branches, answers.labels, settings_of(card))
    return fusion.eval()


@torch.no_grad()
def fuse(fusion: LateFusion, answers: Mapping[str, np.ndarray]) -> np.ndarray:
    """What a late fusion makes of its branches' probabilities, (items, classes) float32."""
    logits = fusion({name: torch.from_numpy(values) for name, values in answers.items()})
    fused: torch.Tensor = logits.sigmoid() if fusion.kind == "multilabel" else logits.softmax(-1)
    found: np.ndarray = fused.numpy().astype(np.float32)
    return found


def _predict(run: Run, store: Store, rows: np.ndarray, device: torch.device, **how: Any) -> np.ndarray:
    answers = {name: probabilities(branch, store, rows, device, **how) for name, branch in run.parts.items()}
    return _combine(run, answers)


def _combine(run: Run, answers: Mapping[str, np.ndarray]) -> np.ndarray:
    return fuse(run.network, answers)


LATE = RunKind(
    check=check_fusion, plan=plan_fusion, train=train_late, load=load_fusion, predict=_predict, combine=_combine
)
