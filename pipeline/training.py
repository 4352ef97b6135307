"""Fit a network: one loop, on accelerate, that a kill cannot spoil.

The order of an epoch is a function of (seed, epoch) and every random number of a step one of (seed, step). The state
is saved behind each epoch, so a killed epoch is run again from its start, and a resumed run equals an uninterrupted
one bit for bit on one device and number of threads.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.batches import Items, load, training_picks
from pipeline.checkpoints import Progress, TensorBoardLog, TrainingState, write_log
from pipeline.errors import EcgFusionError
from pipeline.learners import Learner
from pipeline.metrics import macro_auroc
from pipeline.progress import progress_bar
from pipeline.runs import LOG, RESUME, WEIGHTS, save_weights
from pipeline.scoring import predict_probabilities
from pipeline.settings import Settings, make_loss, make_optimizer, make_scheduler

_STEPS_BETWEEN_BARS = 20


@dataclass(frozen=True)
class Examples:
    """Items and their (items, classes) labels, 0 or 1."""

    items: Items
    labels: np.ndarray


def fit(
    learner: Learner,
    train: Examples,
    dev: Examples,
    kind: str,
    class_weights: np.ndarray | None,
    settings: Settings,
    device: torch.device,
    folder: Path,
) -> Progress:
    """Trains until the epochs are over or dev no longer improves; leaves the best weights in the network.

    Goes on from the folder's resume file where there is one, and writes weights, resume file and logs there.

    Args:
        learner: what is trained, on ``device``.
        train: what it learns from.
        dev: on whose macro-AUC the epoch is chosen.
        kind: ``multilabel`` or ``multiclass``.
        class_weights: (classes,) weights of the positives (multilabel) or of the classes; None for none.
        settings: how to fit.
        device: where.
        folder: the run folder.

    Raises:
        EcgFusionError: the loss is no longer a number, or the resume file is not this training's.
    """
    accelerator = _accelerator(settings.precision, device)
    network = learner.network
    optimizer = make_optimizer(learner.parameter_groups(settings.learning_rate), settings)
    n_steps = len(training_picks(train.items, settings.batch_size, settings.seed, 0))
    scheduler = make_scheduler(optimizer, settings, n_steps * settings.epochs)
    loss_function = make_loss(kind, class_weights).to(device)
    state = TrainingState(network, optimizer, scheduler, accelerator.scaler, Progress())
    if (folder / RESUME).exists():
        state.load(folder / RESUME)
    # the network itself is not handed over: accelerate would make it score in the training's precision too
    stepper = accelerator.prepare(optimizer)
    targets = torch.from_numpy(train.labels.astype(np.float32)).to(device)
    progress = state.progress
    with TensorBoardLog(folder, progress.epoch) as board:
        while progress.epoch < settings.epochs and progress.epochs_since_best < settings.patience:
            started = time.monotonic()
            picks = training_picks(train.items, settings.batch_size, settings.seed, progress.epoch)
            loss = _train_epoch(
                learner,
                train.items,
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
            scores = predict_probabilities(learner, dev.items, kind, settings.batch_size, device, settings.workers)
            if not np.isfinite(scores).all():
                raise _diverged("the network no longer gives numbers", progress, settings)
            auroc = macro_auroc(dev.labels, scores)
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
            write_log(folder / LOG, progress.log)
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


class DivergedError(EcgFusionError):
    """A training that no longer gives numbers; the same one would again."""


def _diverged(what: str, progress: Progress, settings: Settings) -> DivergedError:
    return DivergedError(
        f"{what} in epoch {progress.epoch + 1}: lower -learning_rate (now {settings.learning_rate:g}) "
        f"and train into another folder"
    )


def _train_epoch(
    learner: Learner,
    items: Items,
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
    learner.train()
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
        batch = batch.to(targets.device)
        with accelerator.autocast():
            outputs = learner.outputs(batch)
        loss = sum(weight * loss_function(logits.float(), targets[batch.rows]) for weight, logits in outputs)
        accelerator.backward(loss)
        if settings.clip_norm:
            accelerator.clip_grad_norm_(learner.network.parameters(), settings.clip_norm)
        optimizer.step()
        if not accelerator.optimizer_step_was_skipped:
            scheduler.step()
        optimizer.zero_grad()
        total += loss.detach() * len(batch.rows)
        n_items += len(batch.rows)
        progress.step += 1
    return float(total) / n_items


def _seed_of_step(seed: int, step: int) -> int:
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0])


def _accelerator(precision: str, device: torch.device) -> Any:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)  # a second training in one process may choose anew
    return Accelerator(cpu=device.type == "cpu", mixed_precision={"fp32": "no"}.get(precision, precision))


def _restore_best(network: nn.Module, folder: Path) -> None:
    from safetensors.torch import load_file

    network.load_state_dict(load_file(folder / WEIGHTS))
