"""Long convolutions of a network as products of small matrices: a graph of our opset knows no Fourier transform."""

import copy
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from models.signal.state_space import DiagonalStateSpace, lay_around
from pipeline.representations.recorded import is_recorded, whole_numbers


class ConvolvedByProducts(nn.Module):
    """What a ``DiagonalStateSpace`` says, where a graph is being made; elsewhere it is asked itself.

    A Fourier transform of n = rows · columns places is one of the rows for each column, a turn of each place, and one
    of the columns for each row. Both are products with matrices of that size, so that a record of any length needs few
    constants. The kernels are constants, too.

    Shape:
        (n, d_model, t) to the same, for every t that was made real once: ``torch.export`` brings no real numbers.

    Reference:
        Cooley and Tukey, An algorithm for the machine calculation of complex Fourier series, 1965.
    """

    def __init__(self, space: DiagonalStateSpace) -> None:
        super().__init__()
        self.space = space
        self._constants: dict[int, tuple[Tensor, ...]] = {}

    def forward(self, u: Tensor) -> Tensor:
        if not is_recorded(u):
            y: Tensor = self.space(u)
            return y
        (time,) = whole_numbers(u.shape[2])
        rows, columns = _sides(time)
        if time not in self._constants:
            self._constants[time] = self._made(time)
        cos, sin, turn_real, turn_imag, over_columns, kernel_real, kernel_imag = self._constants[time]
        d = len(self.space.skip)
        padded = nn.functional.pad(u, (0, rows * columns - time)).reshape(-1, d, rows, columns)
        turned = _times((torch.matmul(cos, padded), torch.matmul(sin, padded)), turn_real, turn_imag)
        spectrum = torch.matmul(torch.cat(turned, -1), over_columns).chunk(2, -1)
        filtered = _times(spectrum, kernel_real, kernel_imag)
        back = torch.matmul(torch.cat(filtered, -1), over_columns.T).chunk(2, -1)
        real, imag = _times(back, turn_real, -turn_imag)
        around = torch.matmul(cos, real) + torch.matmul(sin, imag)
        return around.reshape(-1, d, rows * columns)[..., :time] + self.space.skip[:, None] * u

    def _made(self, time: int) -> tuple[Tensor, ...]:
        """The matrices, turns and the kernels' transform, over the number of places; all made by NumPy, so constant."""
        rows, columns = _sides(time)
        n = rows * columns
        of_rows, of_columns = (np.exp(-2j * np.pi * np.outer(*[np.arange(k)] * 2) / k) for k in (rows, columns))
        turn = np.exp(-2j * np.pi * np.outer(np.arange(rows), np.arange(columns)) / n)
        with torch.no_grad():
            kernels = lay_around(copy.deepcopy(self.space).double().kernels(time), n).numpy()
        transformed = np.fft.fft(kernels).reshape(-1, columns, rows).transpose(0, 2, 1) / n
        real, imag = of_columns.real, of_columns.imag
        over_columns = np.block([[real, imag], [-imag, real]])
        # Each in a memory of its own, which a file of torch's has it by.
        found = (of_rows.real, of_rows.imag, turn.real, turn.imag, over_columns, transformed.real, transformed.imag)
        return tuple(torch.from_numpy(np.array(each, np.float32, order="C")) for each in found)


def _sides(time: int) -> tuple[int, int]:
    """Rows and columns, about as many, whose product has room for an item and what a kernel brings from both sides."""
    rows = math.ceil(math.sqrt(2 * time - 1))
    return rows, math.ceil((2 * time - 1) / rows)


def _times(pair: Sequence[Tensor], by_real: Tensor, by_imag: Tensor) -> tuple[Tensor, Tensor]:
    """Complex numbers, real and imaginary parts apart, times others."""
    real, imag = pair
    return real * by_real - imag * by_imag, real * by_imag + imag * by_real


def convolve_by_products(network: nn.Module) -> None:
    """Has all state spaces of a network, which is changed, such that a graph can hold them."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, DiagonalStateSpace):
                setattr(module, name, ConvolvedByProducts(child))
