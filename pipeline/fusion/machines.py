"""Fusions of features that have one best answer: fitted on training items, and their answers made probabilities on dev.

What a network says of its own training items is surer than what it says of others, so a machine that is fitted on such
features is surer of them, too. How sure its answers are to be taken is therefore learnt on dev, which no branch was
trained on. That is one number of the machine, or two of each class; dev's own scores are still cross-fitted, each
patient's by numbers from others.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from models.fusion.late import mean_logits
from models.fusion.svm import LinearMachine
from pipeline.errors import EcgFusionError
from pipeline.fusion.frozen import KeptBatch
from pipeline.inputs.batches import CPU, Items, Pick
from pipeline.listening import remark, warn
from pipeline.patient_folds import patient_folds
from pipeline.runs.card import Card
from pipeline.store.reading import Store
from pipeline.training.loop import Examples

_STEPS = 2000  # of the solver, which takes some tens
_ROUNDING = 1e-6  # relative, of features, which are float32
_SURE = 1.0  # the answer of a machine of a class that all items bear, or none
_NEVER = -30.0  # logit of a class that no item to fit on has, where classes exclude each other
_SLOPES, _OFFSETS = (1e-3, 1e3), (-100.0, 100.0)  # a slope below 0 would turn the machine's answers round


def check_solvable(
    combine: str, card: Card, train: Store, rows: np.ndarray, held_out_by: np.ndarray | None, dev: Store
) -> None:
    """Refuses items that nothing can be fitted on.

    Args:
        combine: the name of the fusion.
        card: of a branch, which says the task.
        train: the training store.
        rows: of it, that are fitted on.
        held_out_by: of each row the member whose machine is fitted on it; None where there is one machine.
        dev: the dev store.

    Raises:
        EcgFusionError: classes exclude each other, and the items of a machine have one alone; or dev has one patient.
    """
    on_dev, labels = dev.task(card.task).labelled, train.task(card.task).values[rows]
    if len(np.unique(dev.columns["patient_id"][on_dev])) < 2:
        raise EcgFusionError(
            f"{dev.path} has one patient alone, and {combine} learns from some patients of dev how sure its answers to "
            f"others are: take -combine concat"
        )
    members = np.zeros(len(rows), int) if held_out_by is None else held_out_by
    for member in np.unique(members) if card.kind == "multiclass" else ():
        if len(np.unique(labels[members == member].argmax(1))) < 2:
            raise EcgFusionError(
                f"{combine} cannot be fitted, since all items of {train.path} to fit it on have one class: take more "
                f"items"
            )


def fit_machine(
    machine: LinearMachine, branches: Mapping[str, Tensor], labels: np.ndarray, weights: tuple[float, ...] | None = None
) -> None:
    """Standardisation, coefficients and intercepts, which are scikit-learn's.

    Args:
        machine: is changed; its logits become its answers.
        branches: features of the items to fit on, by branch.
        labels: their classes, 0 or 1.
        weights: how much more an item of each class costs (of ``multilabel``, one that bears it); None for none.

    Shape:
        labels (n, n_classes).

    Raises:
        EcgFusionError: a feature is no number.
    """
    from sklearn.preprocessing import StandardScaler

    for name in machine.branches:
        if not branches[name].isfinite().all():
            raise EcgFusionError(f"the features of the branch {name} are no finite numbers: train it anew")
    x = torch.cat([branches[name] for name in machine.branches], dim=1).double().numpy()
    scaler = StandardScaler(copy=False).fit(x)
    # what differs by rounding alone says nothing, and would be made as loud as the others
    scaler.scale_[scaler.scale_ <= _ROUNDING * np.abs(scaler.mean_)] = 1.0
    x = scaler.transform(x)
    _reset(machine, labels)
    machine.means.copy_(torch.from_numpy(scaler.mean_))
    machine.deviations.copy_(torch.from_numpy(scaler.scale_))
    if machine.kind == "multiclass":
        fitted = _fitted(machine, x, labels.argmax(1), None if weights is None else dict(enumerate(weights)))
        sides = np.array([[-1.0], [1.0]]) if len(fitted.classes_) == 2 else np.ones((1, 1))  # of two, one is kept
        machine.coefficients[fitted.classes_] = torch.from_numpy(sides * fitted.coef_)
        machine.intercepts[fitted.classes_] = torch.from_numpy(sides[:, 0] * fitted.intercept_)
        return
    for number in np.flatnonzero((labels.min(0) == 0) & (labels.max(0) == 1)):
        fitted = _fitted(machine, x, labels[:, number], None if weights is None else {1: weights[number]})
        machine.coefficients[number] = torch.from_numpy(fitted.coef_[0])
        machine.intercepts[number] = float(fitted.intercept_[0])


def _reset(machine: LinearMachine, labels: np.ndarray) -> None:
    """What a machine says of classes that all items bear, or none; its logits are its answers."""
    machine.coefficients.zero_()
    machine.intercepts.copy_(torch.from_numpy(np.where(labels.min(0) == 1, _SURE, -_SURE)))
    machine.slopes.fill_(1.0)
    machine.offsets.zero_()
    if machine.kind == "multiclass":
        machine.offsets[torch.from_numpy(labels.max(0) == 0)] = _NEVER


def _fitted(machine: LinearMachine, x: np.ndarray, right: np.ndarray, weights: Mapping[int, float] | None) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    there = None if weights is None else {number: weights[number] for number in weights if (right == number).any()}
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        # the primal has no order of items, so nothing is drawn
        fitting = LinearSVC(C=machine.C, dual=False, class_weight=there, max_iter=_STEPS)
        try:
            return fitting.fit(x, right)
        except ConvergenceWarning:
            warn(f"svm came to no end in {_STEPS} steps: take a smaller C (-set C={machine.C / 10:g})")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fitting.fit(x, right)


def fit_logits(machine: LinearMachine, decisions: Tensor, labels: np.ndarray) -> None:
    """How sure answers are to be taken: of each class a slope and an offset, or one slope where classes exclude others.

    The logits of a class that all or none of the items bear are its answers.

    Args:
        machine: is changed.
        decisions: its answers to items that it was not fitted on.
        labels: their classes, 0 or 1.

    Shape:
        decisions, labels (n, n_classes).

    Reference:
        Platt 1999, with his targets a little within 0 and 1; Guo et al. 2017.
    """
    from scipy.optimize import minimize

    truth, answers = torch.from_numpy(labels).double(), decisions.double()
    several = machine.kind == "multilabel"
    machine.slopes.fill_(1.0)
    if several:
        machine.offsets.zero_()
    fittable = torch.from_numpy((labels.min(0) == 0) & (labels.max(0) == 1))
    if not fittable.any():
        return
    bearers = truth.sum(0)
    targets = torch.where(truth == 1, (bearers + 1) / (bearers + 2), 1 / (len(truth) - bearers + 2))
    n_free = int(fittable.sum()) if several else 1

    @torch.enable_grad()
    def cost(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        x = torch.from_numpy(numbers).requires_grad_()
        if several:
            logits = x[:n_free] * answers[:, fittable] + x[n_free:]
            value = binary_cross_entropy_with_logits(logits, targets[:, fittable])
        else:
            value = cross_entropy(x[0] * answers + machine.offsets, truth)
        return float(value.detach()), torch.autograd.grad(value, x)[0].numpy()

    start = np.r_[np.ones(n_free), np.zeros(n_free if several else 0)]
    bounds = [_SLOPES] * n_free + [_OFFSETS] * (len(start) - n_free)
    # each class has its share of the cost alone, so the usual tolerance would end too soon
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9}).x
    if several:
        machine.slopes[fittable] = torch.from_numpy(found[:n_free])
        machine.offsets[fittable] = torch.from_numpy(found[n_free:])
    else:
        machine.slopes.fill_(float(found[0]))


@torch.no_grad()
def solve(card: Card, network: Any, train: Examples, dev: Examples, patients: np.ndarray) -> np.ndarray:
    """Fits a machine, or one a member, and gives the cross-fitted probabilities of dev, (items, classes) float32.

    Args:
        card: of the fusion.
        network: what ``build_fusion`` made; is changed.
        train: what is fitted on.
        dev: on which answers are made probabilities.
        patients: of the items of dev.

    Shape:
        patients (items,).
    """
    for machine, branches, at in _parts(network, train.items):
        fit_machine(machine, branches, np.asarray(train.labels)[at], card.training.class_weights)
    said = [(machine, machine.decide(branches)) for machine, branches, _ in _parts(network, dev.items)]
    labels, n_patients = np.asarray(dev.labels), len(np.unique(patients))
    most = (card.fitted_on.cross_fitting_folds if card.fitted_on else None) or 2
    folds = patient_folds(labels, patients, min(most, n_patients), card.training.seed)
    fused = np.empty(labels.shape, np.float32)
    for fold in np.unique(folds):
        others, own = folds != fold, folds == fold
        logits = []
        for machine, decisions in said:
            fit_logits(machine, decisions[others], labels[others])
            logits.append(machine.logits(decisions[own]))
        mean = mean_logits(torch.stack(logits), card.kind)
        fused[own] = (mean.sigmoid() if card.kind == "multilabel" else mean.softmax(-1)).numpy()
    for machine, decisions in said:
        fit_logits(machine, decisions, labels)
    if card.kind == "multiclass":
        remark("its answers count " + ", ".join(f"{float(machine.slopes[0]):.2f}" for machine, _ in said) + " times")
    return fused


def _parts(network: Any, items: Items) -> list[tuple[LinearMachine, Mapping[str, Tensor], np.ndarray]]:
    """Each machine, with the features that it reads of some items, and which of the items these are."""
    batch = items[Pick(np.arange(len(items)), np.zeros(len(items), np.int64))].to(CPU)
    if isinstance(batch, KeptBatch):
        return [(network.to(CPU), batch.branches, np.arange(len(items)))]
    return [
        (network.to(CPU)[number], part.branches, batch.places[number].numpy()) for number, part in batch.parts.items()
    ]
