"""A store's items as a network's raw input: signals or images, on a device or from disk."""

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from pipeline.inputs.batches import Batch, Items, Pick
from pipeline.inputs.features import features_of
from pipeline.inputs.spec import InputSpec
from pipeline.signals.counts import PADDING
from pipeline.signals.leads import choose_leads
from pipeline.store.reading import Store

Leads = slice | list[int]


class StoreItems(Items):
    """Some items of a store; the batch is a ``Batch``.

    Args:
        spec: which leads and representations, and how much of an item at once.
        lengths: (items,) samples of each item.
        features: (items, numbers) float32, what the store says of each beside its signal; None where the spec has none.
    """

    def __init__(self, spec: InputSpec, lengths: np.ndarray, features: Tensor | None = None) -> None:
        self.spec, self.lengths, self._features = spec, lengths, features
        whole = int(lengths.max(initial=0))  # an item may be longer than those that were trained on
        self.crop_samples = whole if spec.crop is None else spec.crop_samples

    def crop_starts(self, n_samples: int) -> list[int]:
        return self.spec.crop_starts(n_samples)

    def _features_of(self, rows: Tensor) -> Tensor | None:
        return None if self._features is None else self._features.index_select(0, rows)


class _Signals(StoreItems):
    """Signals of at most ``n_samples`` samples."""

    def __init__(self, spec: InputSpec, lengths: np.ndarray, n_samples: int, features: Tensor | None = None) -> None:
        super().__init__(spec, lengths, features)
        self._drawn_samples = n_samples if spec.crop is None else spec.crop_samples

    def _extent(self, pick: Pick) -> tuple[np.ndarray, int]:
        """Of each item the samples that are not padding, and how many a batch has."""
        length = self.lengths[pick.rows] - pick.starts
        longest = int(length.max()) if pick.longest is None else pick.longest
        if self.spec.crop is not None:
            length, longest = np.minimum(length, self.spec.crop_samples), min(longest, self.spec.crop_samples)
        # an image shows its padding, so its width must not depend on the batch
        return length, longest if self.spec.modality == "signal" else self._drawn_samples


class ResidentSignals(_Signals):
    """Signals in one tensor on a device; a batch is an index into it, made there.

    Args:
        counts: (items, leads, time) int16, padded, and no shorter than what is seen at once.
        lengths: (items,) samples that are not padding.
        spec: how much of an item is seen at once.
        features: see ``StoreItems``; on the same device.
    """

    def __init__(self, counts: Tensor, lengths: np.ndarray, spec: InputSpec, features: Tensor | None = None) -> None:
        super().__init__(spec, lengths, counts.shape[2], features)
        self._counts = counts

    def __getitem__(self, pick: Pick) -> Batch:
        length, width = self._extent(pick)
        rows = torch.from_numpy(pick.rows).to(self._counts.device, non_blocking=True)
        if not pick.starts.any():
            raw = self._counts[..., :width].index_select(0, rows)
        else:
            starts = torch.from_numpy(pick.starts).to(self._counts.device, non_blocking=True)
            raw = self._counts.unfold(2, width, 1)[rows, :, starts]  # a view of every crop, (n, leads, width) of it
        return Batch(raw, _unless_whole(length, width), rows, self._features_of(rows))


class StreamedSignals(_Signals):
    """Signals too large for memory, item by item from their place on disk.

    Nothing of the HDF5 library is open, so any number of worker processes may share it.
    """

    on_disk = True
    own = (*Items.own, "_signals")  # pickling would copy a map's whole file

    def __init__(self, store: Store, rows: np.ndarray, spec: InputSpec) -> None:
        super().__init__(spec, store.lengths[rows], store.signals.shape[2], features_of(store, rows, spec))
        self._stored, self._rows = store.signals, rows
        self._leads = in_one_piece(choose_leads(store.leads, spec.leads))

    @cached_property
    def _signals(self) -> np.ndarray:
        return self._stored.open()

    def __getitem__(self, pick: Pick) -> Batch:
        length, width = self._extent(pick)
        rows, of_items = self._rows[pick.rows], torch.from_numpy(pick.rows)
        self._stored.read_ahead(rows)
        self._stored.check(rows, self._signals)
        raw = padded(self._signals, rows, self._leads, pick.starts, length, width)
        return Batch(torch.from_numpy(raw), _unless_whole(length, width), of_items, self._features_of(of_items))


class StoredImages(StoreItems):
    """Images from their place on disk, as ``StreamedSignals``; each shows a whole item."""

    on_disk = True
    own = (*Items.own, "_images")

    def __init__(self, store: Store, rows: np.ndarray, spec: InputSpec) -> None:
        super().__init__(spec, np.full(len(rows), spec.n_samples), features_of(store, rows, spec))
        self._stored, self._rows = {name: store.images[name] for name in spec.representations}, rows
        self._leads = in_one_piece(choose_leads(store.image_leads, spec.leads))

    @cached_property
    def _images(self) -> list[np.ndarray]:
        return [mapped.open() for mapped in self._stored.values()]

    def __getitem__(self, pick: Pick) -> Batch:
        rows, n_representations = self._rows[pick.rows], len(self._images)
        drawn = np.empty((len(rows), len(self.spec.leads) * n_representations, *self._images[0].shape[2:]), np.uint8)
        for number, (mapped, images) in enumerate(zip(self._stored.values(), self._images, strict=True)):
            mapped.read_ahead(rows)
            mapped.check(rows, images)
            of_representation = drawn[:, number::n_representations]  # channels are lead-major
            for place, row in enumerate(rows.tolist()):
                of_representation[place] = images[row, self._leads]
        of_items = torch.from_numpy(pick.rows)
        return Batch(torch.from_numpy(drawn), None, of_items, self._features_of(of_items))


class ResidentImages(StoreItems):
    """Images in one tensor on a device; a batch is an index into it, made there. Each shows a whole item.

    Args:
        images: (items, leads · representations, size, size) uint8, channels as those of ``StoredImages``.
        spec: which leads and representations they are.
        features: see ``StoreItems``; on the same device.
    """

    def __init__(self, images: Tensor, spec: InputSpec, features: Tensor | None = None) -> None:
        super().__init__(spec, np.full(len(images), spec.n_samples), features)
        self._images = images

    def __getitem__(self, pick: Pick) -> Batch:
        rows = torch.from_numpy(pick.rows).to(self._images.device, non_blocking=True)
        return Batch(self._images.index_select(0, rows), None, rows, self._features_of(rows))


def _unless_whole(length: np.ndarray, width: int) -> Tensor | None:
    return None if bool((length == width).all()) else torch.from_numpy(length)


def in_one_piece(leads: list[int]) -> Leads:
    """Leads that follow each other as a slice, since that is copied at once."""
    following = list(range(leads[0], leads[0] + len(leads)))
    return slice(leads[0], leads[-1] + 1) if leads == following else leads


def padded(
    signals: np.ndarray, rows: np.ndarray, leads: Leads, starts: np.ndarray, lengths: np.ndarray, width: int
) -> np.ndarray:
    """(n, leads, width) int16: of each row the samples from its start on, and padding behind them."""
    n_leads = len(range(signals.shape[1])[leads]) if isinstance(leads, slice) else len(leads)
    raw = np.full((len(rows), n_leads, width), PADDING, np.int16)
    for place, row, start, length in zip(raw, rows, starts, lengths, strict=True):
        place[:, :length] = signals[row][leads, start : start + length]
    return raw
