"""The deviation of what networks see of the training items, by which signals are divided."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.inputs.beats import seen_beats
from pipeline.inputs.spec import InputSpec
from pipeline.signals.beats import beat_samples
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
    beat_channels: tuple[str, ...] | None = None,
) -> float:
    """Of what networks see of all training items together, mV.

    Args:
        train: the store.
        rows: the items that are trained on.
        leads: names.
        beat: as in ``InputSpec``. Of median beats, which take a second or so for every 400, some are enough.
        beat_version: as in ``InputSpec``.
        beat_channels: as in ``InputSpec``.
    """
    if beat is not None:
        rows = rows[:: -(-len(rows) // BEATS_MEASURED)]
    total = square = 0.0
    n_samples = 0
    for x in _seen(train, rows, leads, beat, beat_version, beat_channels):
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
    train: Store,
    rows: np.ndarray,
    leads: tuple[str, ...],
    beat: tuple[float, float] | None,
    beat_version: int | None,
    beat_channels: tuple[str, ...] | None,
) -> Iterator[np.ndarray]:
    """(leads, time) mV of each item, its median beat or all of it."""
    positions, stored = choose_leads(train.leads, leads), train.signals.open()
    if beat is not None:
        n_samples = beat_samples(train.sampling_rate, *beat)
        spec = InputSpec("signal", leads, train.sampling_rate, train.gain, n_samples, beat=beat)
        spec = replace(spec, beat_version=beat_version, beat_channels=beat_channels)
        yield from (mv for mv, _ in seen_beats(train, rows, spec))
        return
    for row, length in zip(rows, train.lengths[rows], strict=True):
        train.signals.check(np.array([row]), stored)
        yield to_millivolts(stored[row][positions][:, :length], train.gain)
