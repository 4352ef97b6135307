"""A store as a plain torch ``Dataset``, for training loops of one's own."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from pipeline.errors import EcgFusionError
from pipeline.signals.counts import to_millivolts
from pipeline.signals.leads import canonical_lead, choose_leads
from pipeline.store.reading import Store


class StoreDataset(Dataset[tuple[Tensor, Tensor, str]]):
    """The items of a store that a task labels; item ``i`` is ``x, y, item_id``.

    ``x`` is the signal in mV, or the image of each lead in one representation, from 0 to 1; ``y`` holds 1 for each
    class that the item bears, else 0. An item shorter than others has its own length, without padding. A copy in a
    worker process maps the file for itself.

    Args:
        store: an opened store.
        task: whose labels.
        representation: of the stored images; None for signals.
        leads: which, in this order; None for all that there are.

    Shape:
        x (leads, time) or (leads, height, width), y (classes,); both float32.

    Raises:
        EcgFusionError: the store has no such task, representation or lead.

    Example:
        >>> from pipeline.store.arrays import ArrayStore
        >>> from pipeline.labels import Labels
        >>> beats = Labels(("MI",), "multilabel", np.array([[1], [0]], np.uint8), np.array([True, True]))
        >>> signals = np.zeros((2, 1, 500))
        >>> items = ArrayStore.of(signals, 100, ["II"], labels={"disease": beats}).dataset("disease")
        >>> x, y, item_id = items[0]
        >>> x.shape, y, item_id, len(items)
        (torch.Size([1, 500]), tensor([1.]), '0', 2)
    """

    def __init__(
        self, store: Store, task: str, representation: str | None = None, leads: Sequence[str] | None = None
    ) -> None:
        labels = store.task(task)
        if representation is not None and representation not in store.images:
            raise EcgFusionError(
                f"{store.path} holds no {representation}, but {' '.join(store.images) or 'signals alone'}: "
                f"make a store with --representations {representation}"
            )
        available = store.leads if representation is None else store.image_leads
        try:
            self._leads = choose_leads(available, ["all"] if leads is None else [canonical_lead(x) for x in leads])
        except ValueError as problem:
            raise EcgFusionError(f"{store.path}: {problem}") from None
        self.classes, self.kind = labels.classes, labels.kind
        self.leads = tuple(available[number] for number in self._leads)
        self.rows = np.flatnonzero(labels.labelled)  # (items,) their row numbers in the store
        self.item_ids = tuple(str(name) for name in store.columns["item_id"][self.rows])
        self._labels = labels.values[self.rows].astype(np.float32)
        self._lengths, self._gain = store.lengths[self.rows], store.gain
        self._draws = representation is not None
        self._stored = store.signals if representation is None else store.images[representation]

    @cached_property
    def _array(self) -> np.ndarray:
        return self._stored.open()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_array"}  # a map's whole file otherwise

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, str]:
        self._stored.check(np.atleast_1d(self.rows[index]), self._array)
        stored = self._array[self.rows[index]][self._leads]
        if self._draws:
            x = stored.astype(np.float32) / np.float32(255)
        else:
            x = to_millivolts(stored[:, : self._lengths[index]], self._gain).astype(np.float32)
        return torch.from_numpy(x), torch.from_numpy(self._labels[index].copy()), self.item_ids[index]
