"""The deviation of what networks see of the training items, by which signals are divided."""

from collections.abc import Iterator

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.inputs.beats import median_beats
from pipeline.signals.counts import to_millivolts
from pipeline.signals.leads import choose_leads
from pipeline.store.reading import Store

BEATS_MEASURED = 1000  # at the most, for the deviation of all


def standard_deviation(
    train: Store,
    rows: np.ndarray,
    leads: tuple[str, ...],
    beat: tuple[float, float] | None = None,
    beat_version: int | None = None,
) -> float:
    """Of what networks see of all training items together, mV.

    Args:
        train: the store.
        rows: the items that are trained on.
        leads: names.
        beat: as in ``InputSpec``. Of median beats, which take a second or so for every 400, some are enough.
        beat_version: as in ``InputSpec``.
    """
    if beat is not None:
        rows = rows[:: -(-len(rows) // BEATS_MEASURED)]
    total = square = 0.0
    n_samples = 0
    for x in _seen(train, rows, leads, beat, beat_version):
        total, square, n_samples = (
            total + float(x.sum()),
            square + float(np.square(x).sum()),
            n_samples + x.size,
        )
    deviation = float(np.sqrt(square / n_samples - (total / n_samples) ** 2))
    if not deviation > 0:
        raise EcgFusionError(f"the signals of {train.path} are flat: check the recordings")
    return deviation


def _seen(
    train: Store, rows: np.ndarray, leads: tuple[str, ...], beat: tuple[float, float] | None, beat_version: int | None
) -> Iterator[np.ndarray]:
    """(leads, time) mV of each item, its median beat or all of it."""
    positions, stored = choose_leads(train.leads, leads), train.signals.open()
    if beat is not None:
        yield from (found.mv[positions] for found in median_beats(train, rows, beat, beat_version))
        return
    for row, length in zip(rows, train.lengths[rows], strict=True):
        train.signals.check(np.array([row]), stored)
        yield to_millivolts(stored[row][positions][:, :length], train.gain)
