"""Batches of items: which, in which order, and how they are read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


@dataclass(frozen=True)
class Pick:
    """Which part of which items makes a batch: row numbers and first samples, both (n,) int64."""

    rows: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True)
class Batch:
    """What the store holds of a pick: int16 signals or uint8 pictures, and each item's samples.

    Attributes:
        raw: (n, leads, time) int16, or (n, leads · forms, size, size) uint8.
        length: (n,) int64 samples that are not padding; None where all are whole.
        rows: (n,) int64, which items they are.
    """

    raw: Tensor
    length: Tensor | None
    rows: Tensor

    def to(self, device: torch.device) -> "Batch":
        """On the device, but for ``length``, which networks read on the host."""
        return replace(self, raw=self.raw.to(device), rows=self.rows.to(device))


class Items(Dataset[Any]):
    """What is trained or scored; indexed by a ``Pick``, it gives a batch that has ``rows`` and ``to(device)``.

    Attributes:
        lengths: (items,) samples of each item.
        crop_samples: samples that a network sees at once.
        on_disk: whether batches are read from disk, so that processes which read ahead are of use.
    """

    lengths: np.ndarray
    crop_samples: int
    on_disk: bool = False

    def __len__(self) -> int:
        return len(self.lengths)

    def crop_starts(self, n_samples: int) -> list[int]:
        """First samples of the crops whose scores are averaged for an item of ``n_samples``."""
        raise NotImplementedError

    def batches(self, picks: Sequence[Pick], workers: int) -> Iterator[Any]:
        """See ``load``."""
        if not self.on_disk or not workers:
            return (self[pick] for pick in picks)
        return iter(DataLoader(self, batch_size=None, sampler=picks, num_workers=workers, collate_fn=_as_it_is))


def training_picks(items: Items, batch_size: int, seed: int, epoch: int) -> list[Pick]:
    """The batches of one epoch: shuffled, each item at a random crop; a function of seed and epoch alone.

    A last batch of one item is left to another epoch, since batch normalisation needs two; with a ``batch_size`` of 1
    every item is a batch.
    """
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(items))
    latest = np.maximum(items.lengths - items.crop_samples, 0)
    starts = random.integers(0, latest, endpoint=True)
    batches = [order[first : first + batch_size] for first in range(0, len(order), batch_size)]
    return [Pick(rows, starts[rows]) for rows in batches if len(rows) > 1 or batch_size == 1 or len(batches) == 1]


def scoring_picks(items: Items, batch_size: int) -> list[Pick]:
    """Every crop of every item, in order."""
    pairs = np.array(
        [(row, start) for row, n in enumerate(items.lengths) for start in items.crop_starts(int(n))],
        dtype=np.int64,
    ).reshape(-1, 2)
    return [
        Pick(pairs[first : first + batch_size, 0].copy(), pairs[first : first + batch_size, 1].copy())
        for first in range(0, len(pairs), batch_size)
    ]


def load(items: Items, picks: Sequence[Pick], workers: int = 0) -> Iterator[Any]:
    """The batches of some picks, in order; ``workers`` processes read ahead what lies on disk, 0 reads when asked."""
    return items.batches(picks, workers)


def _as_it_is(batch: Any) -> Any:
    return batch
