"""The median beats of a store's items, as the program made them that a network was trained with."""

from collections.abc import Callable, Iterator

import numpy as np

from pipeline.listening import remark
from pipeline.signals import beats, beats_of_version_1
from pipeline.signals.beats import MedianBeat
from pipeline.signals.counts import to_millivolts
from pipeline.store.reading import Store

_NAMED = 3  # of the doubtful items


def median_beats(
    store: Store, rows: np.ndarray, extent_s: tuple[float, float], version: int | None
) -> Iterator[MedianBeat]:
    """Of some items, in their order; found on all leads of the store, and without padding.

    Args:
        store: the opened store.
        rows: row numbers of the items.
        extent_s: how much of a beat, s before its R peak and s after it.
        version: as ``InputSpec.beat_version``.
    """
    on_disk, made = store.signals.open(), _maker(version)
    for row, length in zip(rows, store.lengths[rows], strict=True):
        store.signals.check(np.array([row]), on_disk)
        yield made(to_millivolts(on_disk[row][:, :length], store.gain), store.sampling_rate, *extent_s)


def tell_doubtful(store: Store, rows: np.ndarray, doubtful: np.ndarray) -> None:
    """Says in one sentence how many of some items have a doubtful median beat, and of the first ones which they are.

    Args:
        store: the items' store.
        rows: row numbers of the items.
        doubtful: for each, whether it is.
    """
    if not doubtful.any():
        return
    ids = list(store.columns["item_id"][rows[doubtful][:_NAMED]])
    some = ", ".join(ids) + (", …" if doubtful.sum() > len(ids) else "")
    remark(
        f"{store.path}: {doubtful.sum():,} of {len(rows):,} items have a doubtful median beat, of fewer than 3 beats "
        f"that are alike or of no more than half of those found ({some})"
    )


def _maker(version: int | None) -> Callable[[np.ndarray, float, float, float], MedianBeat]:
    return beats.median_beat if version == beats.BEAT_VERSION else beats_of_version_1.median_beat
