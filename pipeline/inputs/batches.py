"""Batches of items: which, in which order, and how they are read."""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from pipeline.inputs.prefetch import Readers
from pipeline.inputs.sampling import balanced_order

CPU = torch.device("cpu")
ALIKE = 16  # batches that share their items out by length


@dataclass(frozen=True)
class Pick:
    """Which part of which items makes a batch: row numbers and first samples, both (n,) int64.

    Attributes:
        rows: of the items.
        starts: of each.
        longest: where these are some items of a larger batch, how many samples its longest item has from its start on,
            so that they are padded as they are there; None where they are all.
    """

    rows: np.ndarray
    starts: np.ndarray
    longest: int | None = None


@dataclass(frozen=True)
class Batch:
    """What the store holds of a pick: int16 signals or uint8 images, and each item's samples.

    Attributes:
        raw: (n, leads, time) int16, or (n, leads · representations, size, size) uint8.
        length: (n,) int64 samples that are not padding; None where all are whole.
        rows: (n,) int64, which items they are.
        features: (n, numbers) float32, what the store says of each beside its signal; None where nothing is seen of it.
    """

    raw: Tensor
    length: Tensor | None
    rows: Tensor
    features: Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """On the device, but for ``length``, which networks read on the host."""
        features = None if self.features is None else on(device, self.features)
        return replace(self, raw=on(device, self.raw), rows=on(device, self.rows), features=features)

    def pin_memory(self) -> "Batch":
        """In pages that a GPU copies from by itself; a ``DataLoader`` asks for it by this name."""
        length, features = (None if x is None else pinned(x) for x in (self.length, self.features))
        return Batch(pinned(self.raw), length, pinned(self.rows), features)


def on(device: torch.device, x: Tensor) -> Tensor:
    """On the device; on the way to a GPU nothing waits for what is pinned."""
    return x.to(device, non_blocking=device.type == "cuda")


def pinned(x: Tensor) -> Tensor:
    """Page-locked, or where it is if that is no memory of the host."""
    return x.pin_memory() if x.device.type == "cpu" else x


class Items(Dataset[Any]):
    """What is trained or scored.

    Indexed by a ``Pick``, it gives a batch that has ``rows``, ``to(device)`` and ``pin_memory()``.

    Attributes:
        lengths: (items,) samples of each item.
        crop_samples: samples that a network sees at once.
        on_disk: whether batches are read from disk, so that processes which read ahead are of use.
        own: what a copy, which is what such a process gets, does without: it opens or starts its own.
    """

    lengths: np.ndarray
    crop_samples: int
    on_disk: bool = False
    own: tuple[str, ...] = ("_idle",)
    _idle: Readers | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in self.own}

    def __len__(self) -> int:
        return len(self.lengths)

    def crop_starts(self, n_samples: int) -> list[int]:
        """First samples of the crops whose scores are averaged for an item of ``n_samples``."""
        raise NotImplementedError

    def batches(self, picks: Sequence[Pick], workers: int, pin: bool = False) -> Iterator[Any]:
        """See ``load``; ``pin`` says whether what lies in the machine's memory is page-locked."""
        if not self.on_disk or not workers:
            return (self[pick].pin_memory() if pin else self[pick] for pick in picks)
        readers = self._readers(workers, pin)
        return self._pass(readers, readers.read(picks))

    def _readers(self, workers: int, pin: bool) -> Readers:
        """Those of the last pass, where it is over and had such; a pass has them for itself."""
        idle, self._idle = self._idle, None
        return idle if idle and idle.are(workers, pin) else Readers(copy(self), workers, pin)

    def _pass(self, readers: Readers, batches: Iterator[Any]) -> Iterator[Any]:
        """All batches, and the readers are kept for the next pass; one that is broken off ends its own."""
        yield from batches
        self._idle = readers


def training_picks(
    items: Items, batch_size: int, seed: int, epoch: int, classes: np.ndarray | None = None
) -> list[Pick]:
    """The batches of one epoch: shuffled, each item at a random crop; a function of seed and epoch alone.

    Where items are seen whole and have unequal lengths, a batch is of items that are about as long, since it is padded
    to its longest: each ``ALIKE`` batches that the shuffle brings together share their items out by length. A last
    batch of one item is left to another epoch, since batch normalisation needs two; with a ``batch_size`` of 1 every
    item is a batch.

    Args:
        items: what they are made of.
        batch_size: items of a batch.
        seed: of the order and the crops.
        epoch: which, from 0.
        classes: (items,) the number of each item's class, where classes are to be drawn equally often, and an item of a
            rare one several times; None, where each item comes once.
    """
    random = np.random.default_rng((seed, epoch))
    latest = np.maximum(items.lengths - items.crop_samples, 0)
    if classes is None:
        order = random.permutation(len(items))
        starts = random.integers(0, latest, endpoint=True)
    else:
        order = balanced_order(classes, random)
    batches = _parts(order, batch_size)
    seen = np.minimum(items.lengths, items.crop_samples)
    if seen.min() < seen.max():
        batches = _by_length(batches, seen, random)
    batches = [rows for rows in batches if len(rows) > 1 or batch_size == 1 or len(batches) == 1]
    if classes is None:
        return [Pick(rows, starts[rows]) for rows in batches]
    # an item that comes several times has a crop of its own each time
    return [Pick(rows, random.integers(0, latest[rows], endpoint=True)) for rows in batches]


def _parts(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return [rows[first : first + size] for first in range(0, len(rows), size)]


def _by_length(batches: list[np.ndarray], seen: np.ndarray, random: np.random.Generator) -> list[np.ndarray]:
    """The same rows in as many batches; a last one that is smaller stays what it is."""
    size, sorted_ones = len(batches[0]), []
    full = [batch for batch in batches if len(batch) == size]
    for first in range(0, len(full), ALIKE):
        pool = np.concatenate(full[first : first + ALIKE])
        alike = _parts(pool[np.argsort(seen[pool], kind="stable")], size)
        sorted_ones += [alike[place] for place in random.permutation(len(alike))]
    return sorted_ones + batches[len(full) :]


def scoring_picks(items: Items, batch_size: int) -> list[Pick]:
    """Every crop of every item, in order."""
    starts = {n: np.array(items.crop_starts(n), np.int64) for n in set(items.lengths.tolist())}
    of_rows = [starts[n] for n in items.lengths.tolist()]
    rows = np.repeat(np.arange(len(of_rows)), [len(each) for each in of_rows])
    pairs = np.column_stack([rows, np.concatenate([np.zeros(0, np.int64), *of_rows])])
    return [
        Pick(pairs[first : first + batch_size, 0].copy(), pairs[first : first + batch_size, 1].copy())
        for first in range(0, len(pairs), batch_size)
    ]


def load(items: Items, picks: Sequence[Pick], workers: int = 0, device: torch.device = CPU) -> Iterator[Any]:
    """The batches of some picks, in order.

    Args:
        items: what they are taken from.
        picks: which.
        workers: processes that read ahead what lies on disk; 0 reads when asked.
        device: where they will go: for a GPU they are made ready to be copied while it works.
    """
    return items.batches(picks, workers, device.type == "cuda")
