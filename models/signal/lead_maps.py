"""Layers over a map of leads × time that know where each item of a padded batch ends.

A map is (n, channels, leads, t), zero where an item has ended; its layers stand in a ``Chain`` as those over time do.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.signal.masked import PaddedBatchNorm, Steps, TimeLayer
from models.signal.padding import within
from models.signal.rhythm import SqueezeExcitation


def blanked_map(x: Tensor, length: Tensor) -> Tensor:
    """Zero where an item has ended, (n, channels, leads, t) and (n,)."""
    return x.masked_fill(~within(length, x.shape[3])[:, None, None], 0.0)


class MapConvolution(TimeLayer):
    """A convolution over leads and time.

    Args:
        in_channels: of what goes in.
        out_channels: of what comes out.
        kernel: leads, an odd number, and steps that it sees.
        stride: steps from one output to the next; every lead has its own.
        bias: whether it adds one.
        groups: of channels that do not mix.

    Zeros stand beyond the first and last lead and both ends of each item, an even kernel's odd one behind, so that any
    number of leads goes in.

    Shape:
        (n, in_channels, leads, t) to (n, out_channels, leads, ⌈t / stride⌉).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: tuple[int, int],
        stride: int = 1,
        *,
        bias: bool = True,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.steps, self.stride = kernel[1], stride
        around = (kernel[0] // 2, 0)
        self.convolution = nn.Conv2d(in_channels, out_channels, kernel, (1, stride), around, groups=groups, bias=bias)

    def n_steps(self, n: Steps) -> Steps:
        return (n - 1) // self.stride + 1

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        before, behind = (self.steps - 1) // 2, self.steps // 2
        behind -= (x.shape[3] + before + behind - self.steps) % self.stride  # see ``Convolution``
        y: Tensor = self.convolution(nn.functional.pad(x, (before, behind)) if before or behind else x)
        return y if length is None else blanked_map(y, self.n_steps(length))


class MapNorm(TimeLayer):
    """Batch norm over all leads and the items' own steps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = PaddedBatchNorm(channels)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        valid = None
        if length is not None:
            valid = within(length, x.shape[3])[:, None].expand(-1, x.shape[2], -1).flatten(1)
        y: Tensor = self.norm(x.flatten(2), valid).view(x.shape)
        return y


class MapExcitation(SqueezeExcitation):
    """Weighs the channels of an item by what they say in the mean over all leads and its own steps.

    The biases of the squeeze begin at 1: its few neurons, two for 32 channels, would all be silent now and then from
    the beginning, and a silent one learns nothing.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__(channels, reduction)
        nn.init.ones_(self.weigh[0].get_parameter("bias"))

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        mean = x.mean((2, 3)) if length is None else x.sum((2, 3)) / (length[:, None] * x.shape[2])
        y: Tensor = x * self.weigh(mean)[..., None, None]
        return y


class LeadsAsChannels(TimeLayer):
    """All leads side by side, channel after channel: (n, channels, leads, t) to (n, channels · leads, t)."""

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        return x.flatten(1, 2)


class MeanOfLeads(TimeLayer):
    """The mean over the leads: (n, channels, leads, t) to (n, channels, t)."""

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        return x.mean(2)


class LeadsAsRows(TimeLayer):
    """A map of one channel: (n, leads, t) to (n, 1, leads, t)."""

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        return x[:, None]


class SideBySide(TimeLayer):
    """The channels that several chains make of the same map, one after the other; each has the steps of the first."""

    def __init__(self, chains: Sequence[TimeLayer]) -> None:
        super().__init__()
        self.chains = nn.ModuleList(chains)

    def n_steps(self, n: Steps) -> Steps:
        first: TimeLayer = self.chains[0]  # type: ignore[assignment]
        return first.n_steps(n)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        return torch.cat([chain(x, length) for chain in self.chains], dim=1)
