"""Published networks written with torch's own layers, which know no padding, to compare ours with."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class ConcatPool(nn.Module):
    """Maximum and mean over time, side by side."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([nn.AdaptiveMaxPool1d(1)(x), nn.AdaptiveAvgPool1d(1)(x)], 1)[:, :, 0]


class Beside(nn.Module):
    """Two ways added, and a ReLU."""

    def __init__(self, way: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.way, self.other = way, other

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = (self.way(x) + self.other(x)).relu()
        return y


def head(n_in: int, n_classes: int) -> list[nn.Module]:
    """The benchmark's: batch norm, dropout, linear, twice."""
    hidden = [nn.BatchNorm1d(n_in), nn.Dropout(0.25), nn.Linear(n_in, 128), nn.ReLU()]
    return [*hidden, nn.BatchNorm1d(128), nn.Dropout(0.5), nn.Linear(128, n_classes)]


def normed(n_in: int, n_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A convolution whose zeros are as many on both sides, and batch norm."""
    convolution = nn.Conv1d(n_in, n_out, kernel, stride, (kernel - 1) // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm1d(n_out))


def alike(ours: nn.Module, plain: nn.Module) -> None:
    """Gives a plain network the weights and figures of ours, which stand in the same order, after they were stirred."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer in ours.modules():
            if isinstance(layer, nn.BatchNorm1d):
                layer.running_mean.normal_(0, 0.2, generator=generator)
                layer.running_var.uniform_(0.8, 1.2, generator=generator)
                layer.weight.uniform_(0.4, 0.6, generator=generator)
                layer.bias.normal_(0, 0.2, generator=generator)
    for of in (nn.Module.named_parameters, nn.Module.named_buffers):
        give(of, ours, plain)
    ours.eval()
    plain.eval()


def give(of: Callable[..., object], ours: nn.Module, plain: nn.Module) -> None:
    """Each parameter or buffer of a network to the one in its place, whose shape is the same."""
    theirs, own = (list(of(network)) for network in (plain, ours))  # type: ignore[call-overload]
    with torch.no_grad():
        for (_, to), (name, x) in zip(theirs, own, strict=True):
            assert to.shape == x.shape, name
            to.copy_(x)
