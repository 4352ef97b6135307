"""Filter and resampling as one matrix, since both are linear and a graph is of one length."""

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.signals.filters import Band, band_pass, resample

_AT_ONCE = 512  # unit impulses that are filtered together, so that memory is little more than the matrix


def preparation_matrix(n_samples: int, native_rate: float, band: Band | None, wanted_rate: float) -> np.ndarray | None:
    """The matrix P with which x @ P is what a store's way makes of a signal, to 1e-13; None where that changes nothing.

    Row k is what becomes of an impulse at sample k: the filter reflects a signal at its ends and the resampling takes a
    line off it, and both are linear in its samples.

    Args:
        n_samples: of the signal, at the native rate.
        native_rate: Hz.
        band: of the filter, Hz; None for none.
        wanted_rate: Hz.

    Shape:
        (n_samples, samples at the wanted rate), float64.
    """
    if band is None and wanted_rate == native_rate:
        return None
    parts = []
    for first in range(0, n_samples, _AT_ONCE):
        impulses = np.eye(min(_AT_ONCE, n_samples - first), n_samples, first)
        parts.append(resample(band_pass(impulses, native_rate, band), native_rate, wanted_rate))
    return np.concatenate(parts)


class Counts(nn.Module):
    """Millivolts at the native rate to whole numbers of counts at the run's, as a store has them in int16.

    Args:
        matrix: of ``preparation_matrix``; None where signals are prepared already.
        gain: counts to the millivolt.

    Shape:
        (n, leads, time) to (n, leads, time'), float64.
    """

    matrix: Tensor | None

    def __init__(self, matrix: np.ndarray | None, gain: float) -> None:
        super().__init__()
        self.register_buffer("matrix", None if matrix is None else torch.from_numpy(matrix))
        self.gain = gain

    def forward(self, mv: Tensor) -> Tensor:
        prepared = mv if self.matrix is None else mv @ self.matrix
        return (prepared * self.gain).round()  # halves to the even number, as numpy's rint
