"""Branches that are trained on with their fusion: all see the same part of an item."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.fusion.branch_reading import read_branch
from pipeline.inputs.batches import Batch, Items, Pick, on, pinned
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.placement import store_items
from pipeline.inputs.spec import InputSpec
from pipeline.runs.build import Run
from pipeline.runs.learners import FusionLearner
from pipeline.store.reading import Store


@dataclass(frozen=True)
class JointBatch:
    """The same crops of the same items, as each branch takes them."""

    branches: dict[str, Batch]
    rows: Tensor

    def to(self, device: torch.device) -> "JointBatch":
        """All of it on the device, as ``Batch.to``."""
        return JointBatch({name: batch.to(device) for name, batch in self.branches.items()}, on(device, self.rows))

    def pin_memory(self) -> "JointBatch":
        """As ``Batch.pin_memory``."""
        return JointBatch({name: batch.pin_memory() for name, batch in self.branches.items()}, pinned(self.rows))


class JointItems(Items):
    """Some items of a store as the raw input of several networks, whose crops are of one length.

    Where their strides differ, all are scored on the crops of the first branch that crops. A median beat stands for its
    whole item, so a branch on beats sees the same one with every crop of the rest.

    Args:
        branches: runs of one network each.
        store: the items' store.
        rows: their row numbers.
        device: where batches are needed.
    """

    def __init__(self, branches: Mapping[str, Run], store: Store, rows: np.ndarray, device: torch.device) -> None:
        self._items = {name: store_items(store, rows, run.spec, device) for name, run in branches.items()}
        # neither a stored image nor a beat knows how long its item is
        timed = [items for items in self._items.values() if items.spec.takes_signals and items.spec.beat is None]
        self._first = (timed or list(self._items.values()))[0]
        self.lengths, self.crop_samples = self._first.lengths, self._first.crop_samples

    def crop_starts(self, n_samples: int) -> list[int]:
        return self._first.crop_starts(n_samples)

    def __getitem__(self, pick: Pick) -> JointBatch:
        seen = {name: items[_seen_by(items.spec, pick)] for name, items in self._items.items()}
        return JointBatch(seen, torch.from_numpy(pick.rows))

    def batches(self, picks: Sequence[Pick], workers: int, pin: bool = False) -> Iterator[JointBatch]:
        """Each branch reads as it would alone, since no worker process can reach what lies on a GPU."""
        read = (
            items.batches([_seen_by(items.spec, pick) for pick in picks], workers, pin)
            for items in self._items.values()
        )
        for pick, *parts in zip(picks, *read, strict=True):
            rows = torch.from_numpy(pick.rows)
            yield JointBatch(dict(zip(self._items, parts, strict=True)), pinned(rows) if pin else rows)


def _seen_by(spec: InputSpec, pick: Pick) -> Pick:
    return pick if spec.beat is None else Pick(pick.rows, np.zeros_like(pick.starts))


class JointLearner(FusionLearner):
    """A fusion together with the networks of its branches.

    Args:
        network: ``fusion`` and ``branches``, in their order.
        branches: the runs that say how each network's input is made.
        reads: ``features`` or ``tokens``.
        auxiliary: weight of the branches' own losses.
        branch_learning_rate: highest rate of the branches' weights; None in scoring.
    """

    def __init__(
        self,
        network: Any,
        branches: Mapping[str, Run],
        reads: str,
        auxiliary: float = 0.0,
        branch_learning_rate: float | None = None,
    ) -> None:
        super().__init__(network["fusion"], auxiliary)
        self.network: Any = network
        self._makers = {name: InputMaker(run.spec) for name, run in branches.items()}
        self._reads, self._branch_learning_rate = reads, branch_learning_rate

    def read(self, batch: JointBatch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        read, masks = {}, {}
        for (name, maker), network in zip(self._makers.items(), self.network["branches"], strict=True):
            read[name], mask = read_branch(network, maker, batch.branches[name], self._reads)
            if mask is not None:
                masks[name] = mask
        return read, masks

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        rates = {"fusion": learning_rate, "branches": self._branch_learning_rate}
        return [{"params": list(self.network[part].parameters()), "lr": rate} for part, rate in rates.items()]
