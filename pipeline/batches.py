"""Store → batches: signals from memory where they fit, images from their place on disk."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pipeline.beats import beat_samples, median_beat
from pipeline.inputs import InputSpec
from pipeline.progress import progress_bar
from pipeline.signals import PADDING, choose_leads, to_counts, to_millivolts
from pipeline.store import Mapped, Store

_SHARE_OF_MEMORY = 0.25  # that signals may take before they are read from disk instead


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
    """

    lengths: np.ndarray
    crop_samples: int

    def __len__(self) -> int:
        return len(self.lengths)

    def crop_starts(self, n_samples: int) -> list[int]:
        """First samples of the crops whose scores are averaged for an item of ``n_samples``."""
        raise NotImplementedError


class StoreItems(Items):
    """Some items of a store as a network's raw input; the batch is a ``Batch``.

    Nothing of the HDF5 library is open, so any number of worker processes may share it.

    Args:
        store: the opened store.
        rows: row numbers of the items; item 0 is ``rows[0]``.
        spec: which leads and forms, and how much of an item at once.
    """

    def __init__(self, store: Store, rows: np.ndarray, spec: InputSpec) -> None:
        self.spec = spec
        self.crop_samples = spec.crop_samples
        self._rows = rows
        self._signals: Sequence[np.ndarray] | np.ndarray
        if spec.takes_signals and spec.beat is not None:
            self._leads = choose_leads(store.leads, spec.leads)
            self.lengths = np.full(len(rows), spec.n_samples)
            self._signals = _median_beats(store, rows, self._leads, spec.beat)
            self._drawn_samples = spec.n_samples
        elif spec.takes_signals:
            self._leads = choose_leads(store.leads, spec.leads)
            self.lengths = store.lengths[rows]
            self._signals = _resident_signals(store, rows, self._leads)
            self._drawn_samples = store.signals.shape[2] if spec.crop is None else spec.crop_samples
        else:
            self._leads = choose_leads(store.image_leads, spec.leads)
            self.lengths = np.full(len(rows), spec.n_samples)
            self._stored = {form: store.images[form] for form in spec.representations}

    def crop_starts(self, n_samples: int) -> list[int]:
        return self.spec.crop_starts(n_samples)

    def __getstate__(self) -> dict[str, Any]:
        return _without_maps(self, "_images")

    @cached_property
    def _images(self) -> dict[str, np.memmap]:
        return {form: mapped.open() for form, mapped in self._stored.items()}

    def __getitem__(self, pick: Pick) -> Batch:
        rows = torch.from_numpy(pick.rows)
        if not self.spec.takes_signals:
            return Batch(torch.from_numpy(self._pictures(pick.rows)), None, rows)
        length = self.lengths[pick.rows] - pick.starts
        if self.spec.crop is not None:
            length = np.minimum(length, self.spec.crop_samples)
        # a picture shows its padding, so its width must not depend on the batch
        width = int(length.max()) if self.spec.modality == "signal" else self._drawn_samples
        raw = np.full((len(pick.rows), len(self._leads), width), PADDING, np.int16)
        for place, row, start, samples in zip(raw, pick.rows, pick.starts, length, strict=True):
            place[:, :samples] = self._signals[row][:, start : start + samples]
        whole = bool((length == raw.shape[-1]).all())
        return Batch(torch.from_numpy(raw), None if whole else torch.from_numpy(length), rows)

    def _pictures(self, rows: np.ndarray) -> np.ndarray:
        """(n, leads · forms, size, size), lead-major."""
        height, width = next(iter(self._images.values())).shape[2:]
        drawn = np.empty((len(rows), len(self._leads), len(self._images), height, width), np.uint8)
        for number, images in enumerate(self._images.values()):
            for place, row in zip(drawn, self._rows[rows], strict=True):
                for lead_number, lead in enumerate(self._leads):
                    place[lead_number, number] = images[row, lead]
        return drawn.reshape(len(rows), -1, height, width)


class _OnDisk(Sequence[np.ndarray]):
    """Signals too large for memory: row by row from the store's own place."""

    def __init__(self, signals: Mapped, rows: np.ndarray, leads: list[int]) -> None:
        self._stored, self._rows, self._leads = signals, rows, leads

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: Any) -> Any:
        return self._signals[self._rows[row]][self._leads]

    def __getstate__(self) -> dict[str, Any]:
        return _without_maps(self, "_signals")

    @cached_property
    def _signals(self) -> np.memmap:
        return self._stored.open()


def _without_maps(instance: object, name: str) -> dict[str, Any]:
    """What goes to a worker process: pickling would copy a map's whole file, so the worker opens its own."""
    return {key: value for key, value in vars(instance).items() if key != name}


def _resident_signals(store: Store, rows: np.ndarray, leads: list[int]) -> Sequence[np.ndarray] | np.ndarray:
    n_bytes = len(rows) * len(leads) * store.signals.shape[2] * 2
    if n_bytes > _SHARE_OF_MEMORY * _memory():
        print(f"{store.path}: {n_bytes / 2**30:.1f} GiB of signals are read from disk, batch by batch")
        return _OnDisk(store.signals, rows, leads)
    on_disk = store.signals.open()
    resident = np.empty((len(rows), len(leads), store.signals.shape[2]), np.int16)
    for place, row in zip(resident, rows, strict=True):
        place[:] = on_disk[row][leads]
    return resident


def _median_beats(store: Store, rows: np.ndarray, leads: list[int], extent_s: tuple[float, float]) -> np.ndarray:
    """(items, leads, time) int16; a beat is where all leads of the store have it, whichever are chosen."""
    on_disk, n_samples = store.signals.open(), beat_samples(store.sampling_rate, *extent_s)
    beats = np.empty((len(rows), len(leads), n_samples), np.int16)
    items = zip(beats, rows, store.lengths[rows], strict=True)
    for place, row, length in progress_bar(items, "median beats", total=len(rows), leave=False):
        x = to_millivolts(on_disk[row][:, :length], store.gain)
        place[:] = to_counts(median_beat(x, store.sampling_rate, *extent_s)[leads], store.gain)
    return beats


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


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
    """The batches of some picks, in order; ``workers`` processes read ahead, 0 reads when asked."""
    return iter(DataLoader(items, batch_size=None, sampler=picks, num_workers=workers, collate_fn=_as_it_is))


def _as_it_is(batch: Any) -> Any:
    return batch
