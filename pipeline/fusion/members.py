"""Frozen k-fold branches: one head a member, fitted on what that member says of the items that it never saw.

A network's features of its own training items are better than those of any other item, so a fusion that is fitted on
them trusts the branch that has learnt its items by heart. The members of a k-fold run have features of items that they
never saw, but each lives in a space of its own: feature 7 of one has nothing to do with feature 7 of another, so no
head can be fitted on all of them together, and their mean means nothing. So each member has a head of its own, beside
the same member of every other branch, fitted on the one fold that all of these never saw. Of other items, such as those
of dev, every member says its part, and the fusion's probabilities are the mean of the heads', as a k-fold run's are of
its members'.

The heads share nothing but the steps, and the epoch, which dev chooses for their mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.fusion.late import mean_logits
from pipeline.fusion.frozen import KeptBatch, KeptItems, KeptLearner, keep
from pipeline.inputs.batches import Items, Pick, on, pinned
from pipeline.runs.build import Run
from pipeline.runs.learners import Change, Learner
from pipeline.store.reading import Store


@dataclass(frozen=True)
class MembersBatch:
    """What some members said of some items.

    Attributes:
        parts: of each member, from 0, what the branches' networks of that number said.
        places: at which places of the batch the items of each part stand, (items of the part,) int64.
        rows: (n,) int64, which items the batch is of.
    """

    parts: dict[int, KeptBatch]
    places: dict[int, Tensor]
    rows: Tensor

    def to(self, device: torch.device) -> "MembersBatch":
        """All of it on the device, as ``Batch.to``."""
        parts = {number: part.to(device) for number, part in self.parts.items()}
        places = {number: on(device, at) for number, at in self.places.items()}
        return MembersBatch(parts, places, on(device, self.rows))

    def pin_memory(self) -> "MembersBatch":
        """As ``Batch.pin_memory``."""
        parts = {number: part.pin_memory() for number, part in self.parts.items()}
        return MembersBatch(parts, {number: pinned(at) for number, at in self.places.items()}, pinned(self.rows))


class MembersItems(Items):
    """Items as the members' features or tokens; the batch is a ``MembersBatch``, each item whole.

    Args:
        parts: what the members said, each of its own items.
        places: at which place of a part an item stands; -1 where that member says nothing of it.

    Shape:
        places (members, items) int64.
    """

    crop_samples = 1

    def __init__(self, parts: Sequence[KeptItems], places: np.ndarray) -> None:
        self._parts, self._places = parts, places
        self.lengths = np.ones(places.shape[1], np.int64)

    def crop_starts(self, n_samples: int) -> list[int]:
        return [0]

    def __getitem__(self, pick: Pick) -> MembersBatch:
        at = self._places[:, pick.rows]  # (members, n)
        own = {number: np.flatnonzero(places >= 0) for number, places in enumerate(at)}
        own = {number: chosen for number, chosen in own.items() if len(chosen)}
        parts = {
            number: self._parts[number][Pick(at[number, chosen], pick.starts[chosen])] for number, chosen in own.items()
        }
        places = {number: torch.from_numpy(chosen) for number, chosen in own.items()}
        return MembersBatch(parts, places, torch.from_numpy(pick.rows))


class MembersLearner(Learner):
    """One head a member; in training an item has the head of the member that never saw it, else all of them.

    Args:
        heads: intermediate fusions, one a member.
        kind: of the task, which says whose mean is taken.
        auxiliary: weight of the branches' own losses together; 0 for none.
    """

    def __init__(self, heads: nn.ModuleList, kind: str, auxiliary: float = 0.0) -> None:
        super().__init__()
        self.network: nn.Module = heads
        self._kind = kind
        fusions: Any = heads
        self._learners = [KeptLearner(head, auxiliary) for head in fusions]

    def forward(self, batch: MembersBatch) -> Tensor:
        """Logits of the mean probability, of items that all members speak of."""
        said = [self._learners[number](part) for number, part in batch.parts.items()]
        return mean_logits(torch.stack(said), self._kind)

    def outputs(self, batch: MembersBatch, change: Change | None = None) -> list[tuple[float, Tensor]]:
        """As of the heads, each item's from its own; of items that one member each speaks of."""
        said = [self._learners[number].outputs(part, change) for number, part in batch.parts.items()]
        order = torch.argsort(torch.cat(list(batch.places.values())))
        return [(alike[0][0], torch.cat([logits for _, logits in alike])[order]) for alike in zip(*said, strict=True)]


def keep_of_members(
    branches: Mapping[str, Run],
    max_tokens: int | None,
    store: Store,
    rows: np.ndarray,
    device: torch.device,
    workers: int = 0,
    held_out_by: np.ndarray | None = None,
) -> MembersItems:
    """What the members of k-fold branches say of some items of a store.

    Args:
        branches: k-fold runs, of as many members each.
        max_tokens: as in ``keep``.
        store: the items' store.
        rows: their row numbers.
        device: as in ``keep``.
        workers: processes that read ahead what lies on disk.
        held_out_by: the member, from 1, that speaks of each item, since it never saw it; None where all do.
    """
    numbers = list(next(iter(branches.values())).parts)
    places = np.full((len(numbers), len(rows)), -1, np.int64)
    parts = []
    for i, number in enumerate(numbers):
        own = np.arange(len(rows)) if held_out_by is None else np.flatnonzero(held_out_by == int(number))
        places[i, own] = np.arange(len(own))
        members = {name: run.parts[number] for name, run in branches.items()}
        parts.append(keep(members, max_tokens, store, rows[own], device, workers))
    return MembersItems(parts, places)
