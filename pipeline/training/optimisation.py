"""How a network is fitted: optimizer, scheduler, loss, and what a network or device cannot do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from pipeline.errors import EcgFusionError

CHOICES = (
    "optimizer",
    "learning_rate",
    "weight_decay",
    "momentum",
    "scheduler",
    "clip_norm",
    "batch_size",
    "epochs",
    "patience",
)
"""Settings that each family of networks has a default for."""


@dataclass(frozen=True)
class Settings:
    """How a network is fitted.

    Attributes:
        kind: ``multilabel`` or ``multiclass``.
        optimizer: one of ``defaults.OPTIMIZERS``.
        learning_rate: the highest, where a scheduler changes it.
        weight_decay: as the optimizer defines it.
        momentum: of sgd; the others have their own.
        scheduler: ``onecycle`` rises for 30 % of all steps and then falls to nearly 0, ``cosine`` falls from the start.
        clip_norm: largest norm of the gradient; 0 leaves it as it is.
        batch_size: items of a step.
        epochs: at most so many.
        patience: epochs without a better dev macro-AUC after which training stops.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        seed: of the order, the crops and the dropout.
        workers: processes that read ahead.
        augment: names of ``AUGMENTATIONS`` that change signals at random.
        class_weights: (classes,) weights of the positives (multilabel) or of the classes; None for none.
    """

    kind: str
    optimizer: str
    learning_rate: float
    weight_decay: float
    momentum: float
    scheduler: str
    clip_norm: float
    batch_size: int
    epochs: int
    patience: int
    precision: str = "fp32"
    seed: int = 0
    workers: int = 0
    class_weights: Sequence[float] | None = None
    augment: tuple[str, ...] = ()


def make_optimizer(groups: list[dict[str, Any]], settings: Settings) -> torch.optim.Optimizer:
    """The optimizer of groups of parameters, each with its own ``lr``; in one pass over them where all are on a GPU.

    Not in ``fp16``, where accelerate could not tell which steps the scaler of the gradients has left out.
    """
    groups = [{**group, "params": list(group["params"])} for group in groups]
    on_gpu = all(parameter.is_cuda for group in groups for parameter in group["params"])
    how: dict[str, Any] = {"weight_decay": settings.weight_decay}
    if on_gpu and settings.precision != "fp16":
        how["fused"] = True
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=settings.momentum, **how)
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, **how)


def make_scheduler(optimizer: torch.optim.Optimizer, settings: Settings, n_steps: int) -> Any:
    """How the rate changes over ``n_steps`` steps."""
    from torch.optim import lr_scheduler

    if settings.scheduler == "onecycle":
        cycled = settings.optimizer != "sgd"  # whose momentum is the user's
        highest = [group["lr"] for group in optimizer.param_groups]
        # one step more, so that the last one of the training is not past its end
        return lr_scheduler.OneCycleLR(optimizer, highest, total_steps=n_steps + 1, cycle_momentum=cycled)
    if settings.scheduler == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    return lr_scheduler.LambdaLR(optimizer, _constant)


def _constant(_: int) -> float:
    return 1.0


def check_batch_size(batch_size: int, network: nn.Module, model: str) -> None:
    """Refuses single items where batch normalisation needs two."""
    normed = (nn.BatchNorm1d, nn.BatchNorm2d)
    if batch_size == 1 and any(isinstance(module, normed) for module in network.modules()):
        raise EcgFusionError(f"-batch_size 1 is too small for {model}, which normalises over the batch: take 2 or more")


def check_precision(precision: str, device: torch.device) -> None:
    """Refuses a precision that the device does not have."""
    if precision == "fp16" and device.type == "cpu":
        raise EcgFusionError("-precision fp16 needs a GPU: take fp32 or bf16")
