"""How a late fusion gets its weights from scores and labels of items that no branch was trained on."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.fusion.late import LateFusion, Stacking, Weighted
from pipeline.errors import EcgFusionError
from pipeline.training.losses import make_loss, smoothed
from pipeline.training.optimisation import Settings, make_optimizer, make_scheduler

_STEEPEST = 100.0  # coefficient or intercept, where classes can be told apart without an error
_NEVER = -30.0  # logit of a class that no item to fit on has


def fit_weights(fusion: Weighted, branches: Mapping[str, Tensor], labels: np.ndarray) -> None:
    """Weights in the ratio of the coefficients of a logistic regression that all classes share.

    None is below 0. Each class has an intercept of its own, and the coefficients' sum is free, so that branches that
    rank items well but call them too likely, as those trained with class weights do, lose nothing by it. The problem is
    convex. Where no branch helps, all weigh alike.
    """
    from scipy.optimize import minimize

    answers, targets = fusion.answers(branches), torch.from_numpy(labels).double()
    loss_function, n_branches = make_loss(fusion.kind, None), answers.shape[1]

    def cost(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        x = torch.from_numpy(numbers).requires_grad_()
        logits = (x[:n_branches, None] * answers).sum(1) + x[n_branches:]
        value = loss_function(logits, targets)
        return float(value.detach()), torch.autograd.grad(value, x)[0].numpy()

    start = np.r_[np.full(n_branches, 1 / n_branches), np.zeros(fusion.n_classes)]
    bounds = [(0, _STEEPEST)] * n_branches + [(-_STEEPEST, _STEEPEST)] * fusion.n_classes
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds).x[:n_branches]
    weights = found / found.sum() if found.sum() > 0 else start[:n_branches]
    fusion.weights.copy_(torch.from_numpy(weights))


def fit_stacking(fusion: Stacking, branches: Mapping[str, Tensor], labels: np.ndarray) -> None:
    """Logistic regression with the usual ridge (C = 1).

    A class that all or no items bear has nothing to be fitted on: its branches count alike, around the share of items
    that bear it; or, of classes that exclude each other, it gets next to no probability.
    """
    answers = fusion.answers(branches).numpy()
    if fusion.kind == "multiclass":
        check_classes(labels)
        _fit_multinomial(fusion, answers.reshape(len(answers), -1), labels.argmax(1))
        return
    for number in range(fusion.n_classes):
        if 0 < labels[:, number].sum() < len(labels):
            model = _logistic_regression().fit(answers[:, :, number], labels[:, number])
            fusion.coefficients[number] = torch.from_numpy(model.coef_[0])
            fusion.intercepts[number] = float(model.intercept_[0])
        else:
            fusion.coefficients[number] = 1 / len(fusion.branches)
            share = (labels[:, number].sum() + 0.5) / (len(labels) + 1)
            fusion.intercepts[number] = 0.0 if fusion.fuse_on == "logits" else float(np.log(share / (1 - share)))


def check_classes(labels: np.ndarray, kind: str = "multiclass") -> None:
    """Refuses items of one class, on which nothing can be fitted that tells classes apart which exclude each other."""
    if kind == "multiclass" and len(np.unique(labels.argmax(1))) < 2:
        raise EcgFusionError(
            "stacking cannot be fitted, since all items to fit it on have one class: take -combine mean"
        )


def _fit_multinomial(fusion: Stacking, answers: np.ndarray, right: np.ndarray) -> None:
    with warnings.catch_warnings():  # few items of many classes are no regression, whatever scikit-learn suspects
        warnings.filterwarnings("ignore", message="The number of unique classes", category=UserWarning)
        model = _logistic_regression().fit(answers, right)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps the second class's alone
        coefficients, intercepts = np.concatenate([-coefficients, coefficients]) / 2, np.r_[-intercepts, intercepts] / 2
    fusion.intercepts.fill_(_NEVER)
    fusion.coefficients[model.classes_] = torch.from_numpy(coefficients)
    fusion.intercepts[model.classes_] = torch.from_numpy(intercepts)


def _logistic_regression() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=2000)


def fit_by_gradient(fusion: LateFusion, branches: Mapping[str, Tensor], labels: np.ndarray, settings: Settings) -> None:
    """Gradient descent for as many epochs as the settings say; nothing is held out, so nothing can stop it sooner."""
    targets = smoothed(torch.from_numpy(labels).float(), settings.kind, settings.label_smoothing)
    optimizer = make_optimizer([{"params": list(fusion.parameters()), "lr": settings.learning_rate}], settings)
    n_steps = -(-len(targets) // settings.batch_size)
    scheduler = make_scheduler(optimizer, settings, n_steps * settings.epochs)
    loss_function = make_loss(settings.kind, settings.class_weights, settings.loss)
    generator = torch.Generator().manual_seed(settings.seed)
    fusion.train()
    for _ in range(settings.epochs):
        for rows in torch.split(torch.randperm(len(targets), generator=generator), settings.batch_size):
            logits = fusion({name: p[rows] for name, p in branches.items()})
            loss_function(logits.float(), targets[rows]).backward()
            if settings.clip_norm:
                torch.nn.utils.clip_grad_norm_(fusion.parameters(), settings.clip_norm)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    fusion.eval()


def _fits_any(labels: np.ndarray, kind: str) -> None:
    """Whatever items there are, weights can be fitted on them."""


@dataclass(frozen=True)
class Solver:
    """How a late fusion gets weights that are the one best answer.

    Attributes:
        fit: takes the fusion, (n, classes) probabilities by branch, and (n, classes) labels; changes the fusion.
        check: takes labels and the kind of task; refuses items that nothing can be fitted on.
    """

    fit: Callable[[Any, Mapping[str, Tensor], np.ndarray], None]
    check: Callable[[np.ndarray, str], None]


SOLVERS = {"weighted": Solver(fit_weights, _fits_any), "stacking": Solver(fit_stacking, check_classes)}
"""Of each fusion whose ``fitting`` is ``solver``."""
