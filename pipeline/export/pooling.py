"""Averages of a map to a fixed size, as products: a graph knows none whose size is no divisor."""

import copy

import numpy as np
import torch
from torch import Tensor, nn


class AveragedTo(nn.Module):
    """What ``nn.AdaptiveAvgPool2d`` gives, by one product for the rows and one for the columns.

    Shape:
        (n, channels, h, w) to (n, channels, *size).
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = (averaging(int(side), to) for side, to in zip(x.shape[-2:], self.size, strict=True))
        return torch.matmul(torch.matmul(rows.to(x), x), columns.T.to(x))


def averaging(side: int, to: int) -> Tensor:
    """(to, side) float32: row k is the mean of what lies between k and k + 1 parts in ``to``, what is cut included."""
    parts, place = np.arange(to)[:, None], np.arange(side)
    begins, ends = parts * side // to, -((-(parts + 1) * side) // to)
    within = (begins <= place) & (place < ends)
    return torch.from_numpy((within / within.sum(1, keepdims=True)).astype(np.float32))


def with_averages_as_products(network: nn.Module) -> nn.Module:
    """A copy of a network in evaluation mode whose averages to a fixed size, other than 1, are products."""
    network = copy.deepcopy(network).eval()
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d) and (size := _pair(child.output_size)) != (1, 1):
                setattr(module, name, AveragedTo(size))
    return network


def _pair(size: object) -> tuple[int, int]:
    pair = size if isinstance(size, tuple | list) else (size, size)
    return int(pair[0]), int(pair[1])
