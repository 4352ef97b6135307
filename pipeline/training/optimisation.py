"""How a network is fitted: optimizer, scheduler, and what a network or device cannot do.

A new optimizer or scheduler is a function and a line in ``OPTIMIZERS`` or ``SCHEDULERS``. torch is imported where work
begins, since the names stand in train.py's help.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import EcgFusionError
from pipeline.typed import near_names

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.optim.lr_scheduler import LRScheduler
    from torch.optim.optimizer import Optimizer


@dataclass(frozen=True)
class Settings:
    """How a network is fitted.

    Attributes:
        kind: ``multilabel`` or ``multiclass``.
        optimizer: one of ``OPTIMIZERS``.
        learning_rate: the highest, where a scheduler changes it.
        weight_decay: as the optimizer defines it: of adamw and sgdw, a weight loses rate · decay of itself in each
            step.
        momentum: of sgd and sgdw; the others have their own.
        scheduler: one of ``SCHEDULERS``: ``onecycle`` rises for 30 % of all steps and then falls to nearly 0,
            ``cosine`` falls from the start, ``cosine_restarts`` falls several times, ``none`` keeps the rate.
        warmup: epochs in which the rate rises first; the scheduler has what is left of them.
        cycles: how often the rate falls, of ``cosine_restarts``.
        floor: the lowest rate of a cosine, of the highest.
        clip_norm: largest norm of the gradient; 0 leaves it as it is.
        batch_size: items of a step.
        epochs: at most so many.
        patience: epochs without a better dev macro-AUC after which training stops.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        seed: of the order, the crops and the dropout.
        workers: processes that read ahead.
        augment: names of ``AUGMENTATIONS`` that change signals at random.
        class_weights: (classes,) weights of the positives (multilabel) or of the classes; None for none.
        loss: one of ``losses.LOSSES``.
        sampling: ``balanced`` draws each class equally often; None, each item once.
        label_smoothing: part of each target that is dealt out among what else could be; see ``losses.smoothed``.
        mixup: of Beta(mixup, mixup), which says how much items are mixed in pairs; 0 for not at all.
        distill: weight of what a teacher says in the loss, from 0 to 1; the labels have the rest.
        temperature: that what it says is softened by; see ``distillation.softened``.
        contrast: weight of the contrast with where a teacher sees the items, beside all the rest; 0 for none.
        contrast_temperature: of that; see ``contrast.contrast_loss``.
        ema: decay of the mean of the weights over the steps, which is scored and kept; None for the weights themselves.
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
    loss: str = "cross_entropy"
    augment: tuple[str, ...] = ()
    warmup: int = 0
    cycles: int = 1
    floor: float = 0.0
    sampling: str | None = None
    label_smoothing: float = 0.0
    mixup: float = 0.0
    ema: float | None = None
    distill: float = 0.0
    temperature: float = 1.0
    contrast: float = 0.0
    contrast_temperature: float = 1.0


Groups = list[dict[str, Any]]
"""Parameters, each group with its own ``lr``."""


@dataclass(frozen=True)
class OptimizerEntry:
    """An optimizer that can be chosen.

    Attributes:
        build: takes groups and settings, and by keyword what all optimizers of torch take.
        has_fused: whether it takes ``fused``, which goes over all parameters of a device in one pass.
        cycles_momentum: whether ``onecycle`` may move its momentum (its first beta) against the rate.
    """

    build: Callable[..., Optimizer]
    has_fused: bool = True
    cycles_momentum: bool = True


def _adam(groups: Groups, settings: Settings, **how: Any) -> Optimizer:
    import torch

    return torch.optim.Adam(groups, **how)


def _adamw(groups: Groups, settings: Settings, **how: Any) -> Optimizer:
    import torch

    return torch.optim.AdamW(groups, **how)


def _sgd(groups: Groups, settings: Settings, **how: Any) -> Optimizer:
    import torch

    return torch.optim.SGD(groups, momentum=settings.momentum, **how)


def _sgdw(groups: Groups, settings: Settings, **how: Any) -> Optimizer:
    from pipeline.training.decoupled import SGDW

    return SGDW(groups, momentum=settings.momentum, **how)


OPTIMIZERS: dict[str, OptimizerEntry] = {
    "adam": OptimizerEntry(_adam),
    "adamw": OptimizerEntry(_adamw),
    "sgd": OptimizerEntry(_sgd, cycles_momentum=False),  # its momentum is the user's
    "sgdw": OptimizerEntry(_sgdw, cycles_momentum=False),
}
"""What ``-optimizer`` can be."""


def make_optimizer(groups: Groups, settings: Settings) -> Optimizer:
    """The optimizer of groups of parameters, each with its own ``lr``; its step is one pass over them.

    Not in ``fp16``, where accelerate could not tell which steps the scaler of the gradients has left out. On a CPU it
    takes a third to half of the time so (``python -m benchmarks.cpu_steps``). What a network has as ``Undecayed``
    becomes a group of its own behind that of the others, with a weight decay of 0.

    Raises:
        EcgFusionError: there is no such optimizer.
    """
    entry = _optimizer(settings.optimizer)
    groups = [part for group in groups for part in _apart({**group, "params": list(group["params"])})]
    how: dict[str, Any] = {"weight_decay": settings.weight_decay}
    if entry.has_fused and settings.precision != "fp16":
        how["fused"] = True
    return entry.build(groups, settings, **how)


def _apart(group: dict[str, Any]) -> Groups:
    """A group, and behind it what of it is not decayed, where there is any."""
    from models.base import Undecayed

    left = [parameter for parameter in group["params"] if isinstance(parameter, Undecayed)]
    if not left:
        return [group]
    others = [parameter for parameter in group["params"] if not isinstance(parameter, Undecayed)]
    apart = {**group, "params": left, "weight_decay": 0.0}
    return [{**group, "params": others}, apart] if others else [apart]


def _optimizer(name: str) -> OptimizerEntry:
    if name not in OPTIMIZERS:
        raise EcgFusionError(f"there is no optimizer {name}: {near_names(name, OPTIMIZERS)}")
    return OPTIMIZERS[name]


def _constant(optimizer: Optimizer, settings: Settings, n_steps: int) -> LRScheduler:
    return _by_factor(optimizer, settings, n_steps, lambda step, n_left: 1.0)


def _by_factor(
    optimizer: Optimizer, settings: Settings, n_steps: int, factor: Callable[[int, int], float]
) -> LRScheduler:
    """The warm-up of the settings, then ``factor`` of the steps since, and of how many these are in all."""
    from torch.optim import lr_scheduler

    from pipeline.training.schedule import warm_up

    n_warm = settings.warmup * (n_steps // settings.epochs)

    def of_step(step: int) -> float:
        return warm_up(step, n_warm) if step < n_warm else factor(step - n_warm, n_steps - n_warm)

    return lr_scheduler.LambdaLR(optimizer, of_step)


def _onecycle(optimizer: Optimizer, settings: Settings, n_steps: int) -> LRScheduler:
    from torch.optim import lr_scheduler

    cycled = _optimizer(settings.optimizer).cycles_momentum
    highest = [group["lr"] for group in optimizer.param_groups]
    # one step more, so that the last one of the training is not past its end
    return lr_scheduler.OneCycleLR(optimizer, highest, total_steps=n_steps + 1, cycle_momentum=cycled)


def _cosine(optimizer: Optimizer, settings: Settings, n_steps: int) -> LRScheduler:
    from torch.optim import lr_scheduler

    if settings.warmup or settings.floor:
        return _waves(optimizer, settings, n_steps, 1)
    return lr_scheduler.CosineAnnealingLR(optimizer, n_steps)


def _cosine_restarts(optimizer: Optimizer, settings: Settings, n_steps: int) -> LRScheduler:
    return _waves(optimizer, settings, n_steps, settings.cycles)


def _waves(optimizer: Optimizer, settings: Settings, n_steps: int, n_waves: int) -> LRScheduler:
    from pipeline.training.schedule import cosine_waves

    def factor(step: int, n_left: int) -> float:
        return cosine_waves(step, n_left, n_waves, settings.floor)

    return _by_factor(optimizer, settings, n_steps, factor)


SCHEDULERS: dict[str, Callable[[Optimizer, Settings, int], LRScheduler]] = {
    "none": _constant,
    "onecycle": _onecycle,
    "cosine": _cosine,
    "cosine_restarts": _cosine_restarts,
}
"""What ``-scheduler`` can be: each takes the optimizer, the settings and the number of all steps."""


def make_scheduler(optimizer: Optimizer, settings: Settings, n_steps: int) -> LRScheduler:
    """How the rate changes over ``n_steps`` steps.

    Raises:
        EcgFusionError: there is no such scheduler.
    """
    if settings.scheduler not in SCHEDULERS:
        raise EcgFusionError(
            f"there is no scheduler {settings.scheduler}: {near_names(settings.scheduler, SCHEDULERS)}"
        )
    return SCHEDULERS[settings.scheduler](optimizer, settings, n_steps)


def check_batch_size(batch_size: int, network: nn.Module, model: str) -> None:
    """Refuses single items where batch normalisation needs two."""
    from torch import nn

    normed = (nn.BatchNorm1d, nn.BatchNorm2d)
    if batch_size == 1 and any(isinstance(module, normed) for module in network.modules()):
        raise EcgFusionError(f"-batch_size 1 is too small for {model}, which normalises over the batch: take 2 or more")


def check_precision(precision: str, device: torch.device) -> None:
    """Refuses a precision that the device does not have."""
    if precision == "fp16" and device.type == "cpu":
        raise EcgFusionError("-precision fp16 needs a GPU: take fp32 or bf16")
