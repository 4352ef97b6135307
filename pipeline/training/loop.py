"""Fit a network: one loop, on accelerate, that a kill cannot spoil.

The order of an epoch is a function of (seed, epoch) and every random number of a step one of (seed, step). The state
is saved behind each epoch, so a killed epoch is run again from its start, and a resumed run equals an uninterrupted
one: bit for bit on a CPU with as many threads, on a GPU but for rounding, since some of its sums have no fixed order.

Several processes (``machine/group.py``) take each step together, and what they come to is what one would, but for
rounding; any number of them goes on with what others have begun. The first one alone writes.
"""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pipeline.errors import EcgFusionError
from pipeline.evaluation.joining import Joining
from pipeline.evaluation.metrics import macro_auroc
from pipeline.inputs.batches import Items
from pipeline.listening import EpochEnded, tell
from pipeline.machine.group import the_group
from pipeline.runs.card import LOG, RESUME, WEIGHTS
from pipeline.runs.learners import Learner
from pipeline.runs.load import digest_of_weights, read_weights, save_weights
from pipeline.scoring.predict import predict_probabilities
from pipeline.training.contrast import Contrast
from pipeline.training.optimisation import Settings
from pipeline.training.resume import Progress, TensorBoardLog, TrainingState, write_log
from pipeline.training.sharing import agree
from pipeline.training.steps import Steps


@dataclass(frozen=True)
class Examples:
    """Items and their (items, classes) labels, 0 or 1.

    Attributes:
        items: what a network sees.
        labels: of each.
        taught: (items, classes) what a teacher says of each, probabilities; None where nobody does.
        seen: (items, width) where a teacher sees each, its features; None where nothing is compared with them.
        joining: how the scores of windows become their record's; None where items answer for themselves.
    """

    items: Items
    labels: np.ndarray
    joining: Joining | None = None
    taught: np.ndarray | None = None
    seen: np.ndarray | None = None

    def joined(self, scores: np.ndarray) -> np.ndarray:
        """Scores of the items, (items, classes), as scores of what is answered."""
        return scores if self.joining is None else self.joining(scores)

    @property
    def answers(self) -> np.ndarray:
        """The labels of what is answered: of the items, or of their records."""
        return self.labels if self.joining is None else self.labels[self.joining.first]


@dataclass(frozen=True)
class Judged:
    """What is said of a network behind an epoch.

    Attributes:
        macro_auroc: on dev, which the best epoch has highest; None where nothing tells which epoch is the best, so that
            the last one is kept.
        figures: what the log has of it, by name.
    """

    macro_auroc: float | None
    figures: Mapping[str, float] = field(default_factory=dict)


def fit(
    learner: Learner,
    train: Examples,
    dev: Examples,
    settings: Settings,
    device: torch.device,
    folder: Path,
    training: str = "",
) -> tuple[Progress, np.ndarray]:
    """Trains until the epochs are over or dev no longer improves; leaves the best weights in the network.

    Goes on from the folder's resume file where there is one, and writes weights, resume file and logs there. Gives how
    far that came, and what these weights say of dev, (items or records, classes) float32.

    Args:
        learner: what is trained, on ``device``.
        train: what it learns from.
        dev: on whose macro-AUC the epoch is chosen.
        settings: how to fit.
        device: where.
        folder: the run folder.
        training: the digest of what its card says of it.

    Raises:
        DivergedError: the loss, or what the network says of dev, is no longer a number.
        EcgFusionError: the resume file or the weights of the best epoch are damaged, or not this training's.
    """
    contrast = None
    if train.seen is not None:
        width = int(learner.network.get_submodule("head").in_features)  # type: ignore[arg-type]
        how = settings.contrast, settings.contrast_temperature, settings.seed
        contrast = Contrast(width, train.seen, train.labels, *how).to(device)
    steps = Steps(learner, train.items, train.labels, settings, device, train.taught, contrast)

    said: dict[int, np.ndarray] = {}  # of dev, behind the last epoch and the best one

    def judge(progress: Progress) -> Judged:
        for epoch in said.keys() - {progress.best_epoch}:
            del said[epoch]
        scores = _scores_of(learner, dev, settings, device)
        if not np.isfinite(scores).all():
            raise diverged("the network no longer gives numbers", progress, settings)
        said[progress.epoch + 1] = dev.joined(scores)
        auroc = macro_auroc(dev.answers, said[progress.epoch + 1])
        return Judged(auroc, {"dev_macro_auroc": auroc})

    progress = fit_steps(steps, judge, settings, folder, training)
    if progress.best_epoch not in said:  # that was before the training went on
        said[progress.best_epoch] = dev.joined(_scores_of(learner, dev, settings, device))
    return progress, said[progress.best_epoch]


def fit_steps(
    steps: Steps, judge: Callable[[Progress], Judged], settings: Settings, folder: Path, training: str = ""
) -> Progress:
    """The epochs of ``fit``, whatever is learnt in their steps.

    Args:
        steps: what is trained, and how.
        judge: is asked behind each epoch, before it counts as one that is over.
        settings: how to fit.
        folder: the run folder.
        training: the digest of what its card says of it.

    Raises:
        DivergedError: the loss, or what is said of an epoch, is no longer a number.
        EcgFusionError: as ``fit``.
    """
    learner, group = steps.learner, the_group()
    state = TrainingState(
        learner.network,
        steps.optimizer,
        steps.scheduler,
        steps.scaler,
        Progress(),
        training,
        steps.average,
        steps.contrast,
    )
    if group.same((folder / RESUME).exists()):
        state.load(folder / RESUME)
        with steps.as_scored():
            group.lead(lambda: _check_best(learner.network, folder, state.progress))
    progress = state.progress
    with TensorBoardLog(folder, progress.epoch) if group.leads else nullcontext() as board, group.heeding():
        while progress.epoch < settings.epochs and progress.epochs_since_best < settings.patience:
            started = time.monotonic()
            loss = steps.epoch(progress)
            if not math.isfinite(loss):
                raise diverged(f"the loss is {loss}", progress, settings)
            with steps.as_scored():
                judged = group.same(judge(progress))
                auroc = judged.macro_auroc
                if auroc is None or auroc > progress.best_auroc:
                    progress.best_auroc = progress.best_auroc if auroc is None else auroc
                    progress.best_epoch = progress.epoch + 1
                    progress.best_weights = group.lead(lambda: save_weights(folder, learner.network))
            progress.epoch += 1
            row = {
                "epoch": progress.epoch,
                "train_loss": loss,
                **judged.figures,
                "learning_rate": float(steps.optimizer.param_groups[0]["lr"]),
                "seconds": round(time.monotonic() - started, 1),
            }
            progress.log.append(row)
            if board is not None:
                write_log(folder / LOG, progress.log)
                board.add(row)
                state.save(folder / RESUME)  # the last of all, since what it holds is not done again
            is_best = progress.best_epoch == progress.epoch
            tell(EpochEnded(progress.epoch, settings.epochs, loss, auroc, is_best, row["seconds"], judged.figures))
    group.lead(lambda: _restore_best(learner.network, folder, progress))
    agree(learner.network, group)
    return progress


class DivergedError(EcgFusionError):
    """A training that no longer gives numbers; the same one would again."""


def diverged(what: str, progress: Progress, settings: Settings) -> DivergedError:
    """The refusal to go on; ``what`` is its half of a sentence."""
    return DivergedError(
        f"{what} in epoch {progress.epoch + 1}: lower -learning_rate (now {settings.learning_rate:g}) "
        f"and train into another folder"
    )


def _scores_of(learner: Learner, dev: Examples, settings: Settings, device: torch.device) -> np.ndarray:
    return predict_probabilities(
        learner, dev.items, settings.kind, settings.batch_size, device, settings.workers, "scoring dev"
    )


def _check_best(network: nn.Module, folder: Path, progress: Progress) -> None:
    """Refuses to go on where the best epoch's weights are damaged or gone, unless the resume file has them, too."""
    try:
        tensors = read_weights(folder)
        fine = digest_of_weights(tensors) == progress.best_weights
    except EcgFusionError:
        tensors, fine = None, False
    if fine or not progress.best_weights:
        return
    if progress.best_epoch == progress.epoch:
        save_weights(folder, network)
    elif tensors is None:
        raise _not_the_best(folder)
    # whole ones are perhaps of the next epoch, which a kill kept from the resume file, and which is about to come again


def _restore_best(network: nn.Module, folder: Path, progress: Progress) -> None:
    """Brings back the weights of the best epoch.

    Raises:
        EcgFusionError: the file holds others.
    """
    tensors = read_weights(folder)
    if progress.best_weights not in ("", digest_of_weights(tensors)):
        raise _not_the_best(folder)
    network.load_state_dict(tensors)


def _not_the_best(folder: Path) -> EcgFusionError:
    return EcgFusionError(
        f"{folder / WEIGHTS} is damaged or of another training: put a whole copy of it there, or remove it and "
        f"{RESUME}, and -resume begins again at the first epoch, which comes to the same end"
    )
