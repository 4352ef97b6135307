"""Where a store's items are held while a network is trained on them or scores them."""

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import EcgFusionError
from pipeline.inputs.batches import CPU, Pick
from pipeline.inputs.beats import seen_beats, tell_doubtful
from pipeline.inputs.features import features_of
from pipeline.inputs.items import (
    ResidentImages,
    ResidentSignals,
    StoredImages,
    StoreItems,
    StreamedSignals,
    in_one_piece,
    padded,
)
from pipeline.inputs.spec import InputSpec
from pipeline.listening import progress_bar, remark
from pipeline.machine.group import the_group
from pipeline.machine.memory import machine_memory
from pipeline.signals.counts import to_counts
from pipeline.signals.leads import choose_leads
from pipeline.store.reading import Store

STREAMING_WORKERS = 2
_SHARE_OF_MEMORY = 0.25  # of the machine's, or of what is free on a GPU, that what is held of one store may take
_ROWS_AT_ONCE = 1024
_IMAGES_AT_ONCE = 128  # items; some 100 MiB of them


def store_items(store: Store, rows: np.ndarray, spec: InputSpec, device: torch.device = CPU) -> StoreItems:
    """Some items of a store, held where a batch of them is nearest at hand.

    Args:
        store: the opened store.
        rows: row numbers of the items; item 0 is ``rows[0]``.
        spec: which leads and representations, and how much of an item at once.
        device: where batches are needed.
    """
    if not spec.takes_signals:
        stored = StoredImages(store, rows, spec)
        if not images_lie_on(device, store, len(rows), spec):
            return stored
        return ResidentImages(_resident_images(stored, device), spec, features_of(store, rows, spec, device))
    if spec.beat is not None:
        beats = torch.from_numpy(_beats(store, rows, spec)).to(device)
        of_each = features_of(store, rows, spec, device)
        return ResidentSignals(beats, np.full(len(rows), spec.n_samples), spec, of_each)
    home = home_of_signals(store, len(rows), spec, device)
    size = f"{store.path}: {_bytes_of_signals(store, len(rows), spec) / 2**30:.1f} GiB of signals"
    if home is None:
        remark(f"{size} are read from disk, batch by batch")
        return StreamedSignals(store, rows, spec)
    if home != device:
        remark(f"{size} stay in the machine's memory and go to {device} batch by batch")
    of_each = features_of(store, rows, spec, home)
    return ResidentSignals(_resident(store, rows, spec, home), store.lengths[rows], spec, of_each)


def home_of_signals(store: Store, n_items: int, spec: InputSpec, device: torch.device) -> torch.device | None:
    """The device, else the machine's memory, where signals take no more than their share of it; None for the disk."""
    n_bytes = _bytes_of_signals(store, n_items, spec)
    return next((home for home in (device, CPU) if fits(n_bytes, home)), None)


def images_lie_on(device: torch.device, store: Store, n_items: int, spec: InputSpec) -> bool:
    """Whether stored images are held on a device: on a GPU where they take no more than their share of it.

    In the machine's memory nothing holds them but the system, which keeps what it has read of a file.
    """
    if device.type != "cuda":
        return False
    sizes = [store.images[name].shape[2:] for name in spec.representations]
    return fits(n_items * len(spec.leads) * sum(math.prod(size) for size in sizes), device)  # uint8


def fits(n_bytes: int, device: torch.device) -> bool:
    """Whether so much is no more than its share of the memory of a device: of what is free on a GPU, else of all.

    Processes that work together on one machine have its memory together, and each holds what it reads for itself.
    """
    of_machine = machine_memory() // the_group().local_size
    memory = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else of_machine
    return n_bytes <= _SHARE_OF_MEMORY * memory


def choose_workers(
    asked: int | None, store: Store, n_items: int, specs: Iterable[InputSpec], device: torch.device
) -> int:
    """How many processes read ahead: as many as asked for, else some where signals stream from the disk.

    Raises:
        EcgFusionError: they are asked for where none of these networks would read a batch from disk.
    """
    specs = list(specs)
    if asked and not any(_lies_on_disk(store, n_items, spec, device) for spec in specs):
        raise EcgFusionError(
            f"-workers {asked}: processes that read ahead are of use for stored images, unless a GPU holds them, or "
            f"for signals that do not fit into memory, and here is neither: leave it out"
        )
    return streaming_workers(store, n_items, specs, device) if asked is None else asked


def streaming_workers(store: Store, n_items: int, specs: Iterable[InputSpec], device: torch.device) -> int:
    """How many processes read ahead where nobody asks for a number: some where signals stream from the disk."""
    streams = any(spec.takes_signals and _lies_on_disk(store, n_items, spec, device) for spec in specs)
    return STREAMING_WORKERS if streams else 0


def _lies_on_disk(store: Store, n_items: int, spec: InputSpec, device: torch.device) -> bool:
    if not spec.takes_signals:
        return not images_lie_on(device, store, n_items, spec)
    return spec.beat is None and home_of_signals(store, n_items, spec, device) is None


def _resident(store: Store, rows: np.ndarray, spec: InputSpec, home: torch.device) -> Tensor:
    """(items, leads, time) int16 on a device; never more than a part of it is anywhere else."""
    leads = in_one_piece(choose_leads(store.leads, spec.leads))
    width = max(store.signals.shape[2], 0 if spec.crop is None else spec.crop_samples)
    signals, starts = store.signals.open(), np.zeros(_ROWS_AT_ONCE, np.int64)
    counts = torch.empty((len(rows), len(spec.leads), width), dtype=torch.int16, device=home)
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[first : first + _ROWS_AT_ONCE]
        store.signals.check(part, signals)
        read = padded(signals, part, leads, starts[: len(part)], store.lengths[part], width)
        counts[first : first + len(part)] = torch.from_numpy(read)
    return counts


def _resident_images(stored: StoredImages, home: torch.device) -> Tensor:
    """(items, channels, size, size) uint8 on a device; never more than a part of it is anywhere else."""
    rows = np.arange(len(stored))
    parts = [rows[first : first + _IMAGES_AT_ONCE] for first in range(0, len(rows), _IMAGES_AT_ONCE)]
    nothing = stored[Pick(rows[:0], rows[:0])].raw
    images = torch.empty((len(rows), *nothing.shape[1:]), dtype=nothing.dtype, device=home)
    for part in progress_bar(parts, f"images to {home}", leave=False):
        images[part[0] : part[-1] + 1] = stored[Pick(part, np.zeros_like(part))].raw
    return images


def _beats(store: Store, rows: np.ndarray, spec: InputSpec) -> np.ndarray:
    """(items, rows of the spec, time) int16."""
    beats = np.empty((len(rows), spec.n_rows, spec.n_samples), np.int16)
    doubtful = np.zeros(len(rows), bool)
    found = progress_bar(seen_beats(store, rows, spec), "median beats", total=len(rows), leave=False)
    for number, (mv, is_doubtful) in enumerate(found):
        beats[number] = to_counts(mv, store.gain)
        doubtful[number] = is_doubtful
    tell_doubtful(store, rows, doubtful)
    return beats


def _bytes_of_signals(store: Store, n_items: int, spec: InputSpec) -> int:
    return n_items * len(spec.leads) * store.signals.shape[2] * 2
