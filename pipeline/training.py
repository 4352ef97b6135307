"""Fit a network: one loop, on accelerate, that a kill cannot spoil.

The order of an epoch is a function of (seed, epoch) and every random number of a step one of (seed, step). The state
is saved behind each epoch, so a killed epoch is run again from its start, and a resumed run equals an uninterrupted
one bit for bit on one device and number of threads.
"""

import csv
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models import Network
from pipeline.batches import StoreItems, load, training_picks
from pipeline.errors import EcgFusionError
from pipeline.inputs import InputMaker
from pipeline.metrics import macro_auroc
from pipeline.progress import progress_bar
from pipeline.runs import LOG, RESUME, TENSORBOARD, WEIGHTS, replace_atomically, save_weights
from pipeline.scoring import apply_network, predict_probabilities

OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULERS = ("none", "onecycle", "cosine")
PRECISIONS = ("fp32", "bf16", "fp16")
CHOICES = (
    "optimizer",
    "learning_rate",
    "weight_decay",
    "scheduler",
    "clip_norm",
    "batch_size",
    "epochs",
    "patience",
)
"""Settings that each family of networks has a default for."""

_STEPS_BETWEEN_BARS = 20


@dataclass(frozen=True)
class Settings:
    """How a network is fitted.

    Attributes:
        optimizer: one of ``OPTIMIZERS``; sgd has a momentum of 0.9.
        learning_rate: the highest, where a scheduler changes it.
        weight_decay: as the optimizer defines it.
        scheduler: ``onecycle`` rises for 30 % of all steps and then falls to nearly 0, ``cosine`` falls from the start.
        clip_norm: largest norm of the gradient; 0 leaves it as it is.
        batch_size: items of a step.
        epochs: at most so many.
        patience: epochs without a better dev macro-AUC after which training stops.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        seed: of the order, the crops and the dropout.
        workers: processes that read ahead.
    """

    optimizer: str
    learning_rate: float
    weight_decay: float
    scheduler: str
    clip_norm: float
    batch_size: int
    epochs: int
    patience: int
    precision: str = "fp32"
    seed: int = 0
    workers: int = 0


@dataclass
class Progress:
    """How far a training has come; what the resume file keeps beside the states."""

    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best_auroc: float = -math.inf
    log: list[dict[str, float]] = field(default_factory=list)

    @property
    def epochs_since_best(self) -> int:
        return self.epoch - self.best_epoch


def fit(
    network: Network,
    train: StoreItems,
    train_labels: np.ndarray,
    dev: StoreItems,
    dev_labels: np.ndarray,
    kind: str,
    class_weights: np.ndarray | None,
    settings: Settings,
    device: torch.device,
    folder: Path,
) -> Progress:
    """Trains until the epochs are over or dev no longer improves; leaves the best weights in the network.

    Goes on from the folder's resume file where there is one, and writes weights, resume file and logs there.

    Args:
        network: the network, on ``device``.
        train: training items.
        train_labels: (items, classes) 0 or 1.
        dev: items on whose macro-AUC the epoch is chosen.
        dev_labels: (items, classes) 0 or 1.
        kind: ``multilabel`` or ``multiclass``.
        class_weights: (classes,) weights of the positives (multilabel) or of the classes; None for none.
        settings: how to fit.
        device: where.
        folder: the run folder.

    Raises:
        EcgFusionError: the loss is no longer a number, or the resume file is not this training's.
    """
    accelerator = _accelerator(settings.precision, device)
    optimizer = _optimizer(network, settings)
    n_steps = len(training_picks(train, settings.batch_size, settings.seed, 0))
    scheduler = _scheduler(optimizer, settings, n_steps * settings.epochs)
    loss_function = _loss(kind, class_weights).to(device)
    state = _State(network, optimizer, scheduler, accelerator.scaler, Progress())
    if (folder / RESUME).exists():
        state.load(folder / RESUME)
    # the network itself is not handed over: accelerate would make it score in the training's precision too
    stepper = accelerator.prepare(optimizer)
    targets = torch.from_numpy(train_labels.astype(np.float32)).to(device)
    progress = state.progress
    with _TensorBoard(folder, progress.epoch) as board:
        while progress.epoch < settings.epochs and progress.epochs_since_best < settings.patience:
            started = time.monotonic()
            picks = training_picks(train, settings.batch_size, settings.seed, progress.epoch)
            loss = _train_epoch(
                network,
                train,
                picks,
                targets,
                loss_function,
                accelerator,
                stepper,
                scheduler,
                settings,
                progress,
            )
            if not math.isfinite(loss):
                raise _diverged(f"the loss is {loss}", progress, settings)
            scores = predict_probabilities(network, dev, kind, settings.batch_size, device, settings.workers)
            if not np.isfinite(scores).all():
                raise _diverged("the network no longer gives numbers", progress, settings)
            auroc = macro_auroc(dev_labels, scores)
            progress.epoch += 1
            row = {
                "epoch": progress.epoch,
                "train_loss": loss,
                "dev_macro_auroc": auroc,
                "learning_rate": float(optimizer.param_groups[0]["lr"]),
                "seconds": round(time.monotonic() - started, 1),
            }
            progress.log.append(row)
            if auroc > progress.best_auroc:
                progress.best_auroc, progress.best_epoch = auroc, progress.epoch
                save_weights(folder, network)
            _write_log(folder / LOG, progress.log)
            board.add(row)
            state.save(folder / RESUME)  # the last of all, since what it holds is not done again
            mark = " (best so far)" if progress.best_epoch == progress.epoch else ""
            print(
                f"epoch {progress.epoch}/{settings.epochs}: train loss {loss:.4f}, dev macro-AUC {auroc:.4f}{mark}, "
                f"{row['seconds']:.0f} s",
                flush=True,
            )
    _restore_best(network, folder)
    return progress


def _diverged(what: str, progress: Progress, settings: Settings) -> EcgFusionError:
    return EcgFusionError(
        f"{what} in epoch {progress.epoch + 1}: lower -learning_rate (now {settings.learning_rate:g}) "
        f"and train into another folder"
    )


def _train_epoch(
    network: nn.Module,
    items: StoreItems,
    picks: list[Any],
    targets: Tensor,
    loss_function: nn.Module,
    accelerator: Any,
    optimizer: Any,
    scheduler: Any,
    settings: Settings,
    progress: Progress,
) -> float:
    """One pass over the items; gives the mean loss of an item in this epoch alone."""
    network.train()
    maker = InputMaker(items.spec)
    total, n_items = torch.zeros((), device=targets.device), 0
    bar = progress_bar(
        load(items, picks, settings.workers),
        f"epoch {progress.epoch + 1}/{settings.epochs}",
        total=len(picks),
        unit="batches",
        miniters=_STEPS_BETWEEN_BARS if targets.is_cuda else None,
        leave=False,
    )
    for batch in bar:
        torch.manual_seed(_seed_of_step(settings.seed, progress.step))
        rows = batch.rows.to(targets.device)
        with accelerator.autocast():
            logits = apply_network(network, maker, batch.raw.to(targets.device), batch.length)
        loss = loss_function(logits.float(), targets[rows])
        accelerator.backward(loss)
        if settings.clip_norm:
            accelerator.clip_grad_norm_(network.parameters(), settings.clip_norm)
        optimizer.step()
        if not accelerator.optimizer_step_was_skipped:
            scheduler.step()
        optimizer.zero_grad()
        total += loss.detach() * len(rows)
        n_items += len(rows)
        progress.step += 1
    return float(total) / n_items


def _seed_of_step(seed: int, step: int) -> int:
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0])


def check_batch_size(batch_size: int, network: nn.Module, model: str) -> None:
    """Refuses single items where batch normalisation needs two."""
    normed = (nn.BatchNorm1d, nn.BatchNorm2d)
    if batch_size == 1 and any(isinstance(module, normed) for module in network.modules()):
        raise EcgFusionError(f"-batch_size 1 is too small for {model}, which normalises over the batch: take 2 or more")


def check_precision(precision: str, device: torch.device) -> None:
    """Refuses a precision that the device does not have."""
    if precision == "fp16" and device.type == "cpu":
        raise EcgFusionError("-precision fp16 needs a GPU: take fp32 or bf16")


def _accelerator(precision: str, device: torch.device) -> Any:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)  # a second training in one process may choose anew
    return Accelerator(cpu=device.type == "cpu", mixed_precision={"fp32": "no"}.get(precision, precision))


def _optimizer(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), rate, momentum=0.9, weight_decay=decay)
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(network.parameters(), rate, weight_decay=decay)


def _scheduler(optimizer: torch.optim.Optimizer, settings: Settings, n_steps: int) -> Any:
    from torch.optim import lr_scheduler

    if settings.scheduler == "onecycle":
        # one step more, so that the last one of the training is not past its end
        return lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=n_steps + 1)
    if settings.scheduler == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    return lr_scheduler.LambdaLR(optimizer, _constant)


def _constant(_: int) -> float:
    return 1.0


def _loss(kind: str, class_weights: np.ndarray | None) -> nn.Module:
    weights = None if class_weights is None else torch.from_numpy(np.asarray(class_weights, np.float32))
    if kind == "multilabel":
        return nn.BCEWithLogitsLoss(pos_weight=weights)
    return nn.CrossEntropyLoss(weight=weights)


@dataclass
class _State:
    """What must be brought back for a training to go on as if nothing had happened."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: Any
    scaler: Any
    progress: Progress

    def save(self, path: Path) -> None:
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": {key: value for key, value in self.scheduler.state_dict().items() if key != "lr_lambdas"},
            "scaler": self.scaler.state_dict() if self.scaler else {},
            "progress": vars(self.progress),
        }
        replace_atomically(path, lambda temporary: torch.save(state, temporary))

    def load(self, path: Path) -> None:
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.scheduler.load_state_dict({**self.scheduler.state_dict(), **state["scheduler"]})
            if self.scaler:
                self.scaler.load_state_dict(state["scaler"])
            self.progress = Progress(**state["progress"])
        except Exception as problem:  # torch raises whatever its parsing meets
            raise EcgFusionError(f"{path} is damaged ({problem}): train the run again into another folder") from None


class _TensorBoard:
    """The TensorBoard log; rows behind the epoch that a resumed training starts from are dropped."""

    def __init__(self, folder: Path, epoch: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / TENSORBOARD), purge_step=epoch + 1)

    def __enter__(self) -> "_TensorBoard":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add(self, row: Mapping[str, float]) -> None:
        for name in ("train_loss", "dev_macro_auroc", "learning_rate"):
            self._writer.add_scalar(name, row[name], int(row["epoch"]))
        self._writer.flush()


def _write_log(path: Path, log: list[dict[str, float]]) -> None:
    def write(temporary: Path) -> None:
        with temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, log[0].keys())
            writer.writeheader()
            writer.writerows(log)

    replace_atomically(path, write)


def _restore_best(network: nn.Module, folder: Path) -> None:
    from safetensors.torch import load_file

    network.load_state_dict(load_file(folder / WEIGHTS))
