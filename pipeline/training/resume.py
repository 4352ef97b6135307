"""What a training leaves behind each epoch: the resume file, and the logs."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pipeline.errors import EcgFusionError
from pipeline.machine.files import replace_atomically, require_file
from pipeline.runs.card import TENSORBOARD
from pipeline.runs.seals import SEAL, digest_of_state
from pipeline.training.ema import Average

_PARTS = {"network", "optimizer", "scheduler", "scaler", "progress", "training"}


@dataclass
class Progress:
    """How far a training has come; what the resume file keeps beside the states.

    Attributes:
        epoch: how many are over.
        step: how many steps.
        best_epoch: whose weights are kept.
        best_auroc: on dev, of these.
        best_weights: the digest of these; empty where an earlier program kept none.
        log: a row an epoch.
    """

    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best_auroc: float = -math.inf
    best_weights: str = ""
    log: list[dict[str, float]] = field(default_factory=list)

    @property
    def epochs_since_best(self) -> int:
        return self.epoch - self.best_epoch


@dataclass
class TrainingState:
    """What must be brought back for a training to go on as if nothing had happened.

    Attributes:
        network: what is trained.
        optimizer: of its parameters.
        scheduler: of their rate.
        scaler: of the gradients; None where there is none.
        progress: how far it has come.
        training: the digest of what its card says of it, so that it goes on from no other one's state.
        average: of the network over the steps; None where there is none.
        beside: what is trained with the network and is no part of it; None where there is nothing.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: Any
    scaler: Any
    progress: Progress
    training: str = ""
    average: Average | None = None
    beside: nn.Module | None = None

    def save(self, path: Path) -> None:
        """Writes the resume file, whole or not at all."""
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": {key: value for key, value in self.scheduler.state_dict().items() if key != "lr_lambdas"},
            "scaler": self.scaler.state_dict() if self.scaler else {},
            "progress": vars(self.progress),
            "training": self.training,
        }
        if self.average:  # else the file is one that earlier programs read, too
            state["average"] = self.average.state_dict()
        if self.beside is not None:
            state["beside"] = self.beside.state_dict()
        sealed = {**state, SEAL: digest_of_state(state)}
        replace_atomically(path, lambda temporary: torch.save(sealed, temporary))

    def load(self, path: Path) -> None:
        """Brings everything back from the resume file; nothing but tensors and numbers is unpickled.

        Raises:
            EcgFusionError: it cannot be read, is not as it was saved, or is another training's.
        """
        require_file(path)
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            seal = state.pop(SEAL, None)
            if seal is None:  # of an earlier program
                state["training"] = self.training
            elif digest_of_state(state) != seal:
                raise ValueError("it is not as it was saved")
            parts = (
                _PARTS | ({"average"} if self.average else set()) | ({"beside"} if self.beside is not None else set())
            )
            if state["training"] != self.training or set(state) != parts:
                raise ValueError("it is another training's")
            self.network.load_state_dict(state["network"])
            if self.average:
                self.average.load_state_dict(state["average"])
            if self.beside is not None:
                self.beside.load_state_dict(state["beside"])
            _agree_on_fusing(state["optimizer"]["param_groups"], self.optimizer.param_groups)
            self.optimizer.load_state_dict(state["optimizer"])
            self.scheduler.load_state_dict({**self.scheduler.state_dict(), **state["scheduler"]})
            if self.scaler:
                self.scaler.load_state_dict(state["scaler"])
            self.progress = Progress(**state["progress"])
        except Exception:  # torch raises whatever its parsing meets
            raise EcgFusionError(
                f"{path} is damaged or of another training: put a whole copy of it there, or remove it, and "
                f"-resume begins again at the first epoch, which comes to the same end"
            ) from None


def _agree_on_fusing(saved: list[dict[str, Any]], own: list[dict[str, Any]]) -> None:
    """Has a state taken as fused only where it was saved so and is so here.

    On another device the memory of its moments is in another order than that of the weights, which a fused step, alone,
    does not look at.
    """
    for theirs, ours in zip(saved, own, strict=True):
        theirs["fused"] = True if theirs.get("fused") and ours.get("fused") else None


class TensorBoardLog:
    """The TensorBoard log; rows behind the epoch that a resumed training starts from are dropped."""

    def __init__(self, folder: Path, epoch: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / TENSORBOARD), purge_step=epoch + 1)

    def __enter__(self) -> "TensorBoardLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add(self, row: Mapping[str, float]) -> None:
        """Logs one epoch."""
        for name, value in row.items():
            if name not in ("epoch", "seconds"):
                self._writer.add_scalar(name, value, int(row["epoch"]))
        self._writer.flush()


def write_log(path: Path, log: list[dict[str, float]]) -> None:
    """Writes ``log.csv``, a row an epoch, whole or not at all."""

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, log[0].keys())
            writer.writeheader()
            writer.writerows(log)

    replace_atomically(path, write)
