"""Layers over time that know where each item of a padded batch ends, so that padding never changes an answer.

A stack of them is a ``Chain``. What goes from layer to layer is zero where an item has ended, so that a convolution at
an item's end sees what it would see at the end of the item alone.
"""

from bisect import bisect_left
from itertools import count
from typing import TypeVar

import torch
from torch import Tensor, nn

from models.signal.padding import within

Steps = TypeVar("Steps", int, Tensor)


class TimeLayer(nn.Module):
    """A layer that is told how many steps of each item are its own.

    Shape:
        - x: (n, channels, t), zero where an item has ended
        - length: (n,) steps, on x's device; None where all items are whole
        - returns: (n, channels', t'), zero where an item has ended
    """

    def n_steps(self, n: Steps) -> Steps:
        """Steps that are left of ``n``; below 1 where so few do not go in."""
        return n

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        raise NotImplementedError


class Chain(TimeLayer):
    """Layers one after the other; those that are no ``TimeLayer`` work step by step and keep zeros: ReLU, dropout."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def n_steps(self, n: Steps) -> Steps:
        for layer in self.layers:
            n = layer.n_steps(n) if isinstance(layer, TimeLayer) else n
        return n

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        for layer in self.layers:
            if isinstance(layer, TimeLayer):
                x = layer(x, length)
                length = None if length is None else layer.n_steps(length)
            else:
                x = layer(x)
        return x

    def smallest(self) -> int:
        """The fewest steps of which one is left."""
        enough = next(2**power for power in count() if self.n_steps(2**power) >= 1)
        return bisect_left(range(1, enough), 1, key=self.n_steps) + 1


class Convolution(TimeLayer):
    """A convolution over time.

    Args:
        in_channels: of what goes in.
        out_channels: of what comes out.
        kernel: its width, steps.
        stride: steps from one output to the next.
        valid: whether it keeps within each item; else zeros stand beyond both ends, an even kernel's odd one behind.
        bias: whether it adds one.
        groups: of channels that do not mix.

    Steps behind the last kernel are cut off before: the weights' gradient in bf16, as oneDNN computes it (torch 2.14;
    kernel 5, stride 2), is of memory that nobody wrote where there are some, and so now and then not a number.

    Shape:
        (n, in_channels, t) to (n, out_channels, ⌈t / stride⌉), of ``valid`` to ⌊(t - kernel) / stride⌋ + 1 steps.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        *,
        valid: bool = False,
        bias: bool = True,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.valid = kernel, stride, valid
        self.convolution = nn.Conv1d(in_channels, out_channels, kernel, stride, groups=groups, bias=bias)

    def n_steps(self, n: Steps) -> Steps:
        return (n - (self.kernel if self.valid else 1)) // self.stride + 1

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        before, behind = (0, 0) if self.valid else ((self.kernel - 1) // 2, self.kernel // 2)
        behind -= (x.shape[2] + before + behind - self.kernel) % self.stride
        if before or behind:
            x = nn.functional.pad(x, (before, behind))
        y: Tensor = self.convolution(x)
        return y if length is None else blanked(y, self.n_steps(length))


class Norm(TimeLayer):
    """Batch norm over the items' own steps.

    Args:
        channels: of what goes in.
        eps: added to the variance.
        momentum: with which running figures follow.
    """

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.norm = PaddedBatchNorm(channels, eps, momentum)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        y: Tensor = self.norm(x, None if length is None else within(length, x.shape[2]))
        return y


class MaxPool(TimeLayer):
    """The largest of ``kernel`` steps, all of them an item's own, every ``stride`` steps: ``kernel`` where None."""

    def __init__(self, kernel: int, stride: int | None = None) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride or kernel

    def n_steps(self, n: Steps) -> Steps:
        return (n - self.kernel) // self.stride + 1

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        y = nn.functional.max_pool1d(x, self.kernel, self.stride)
        return y if length is None else blanked(y, self.n_steps(length))


class MaxPoolAround(TimeLayer):
    """The largest of those of ``kernel`` steps that are an item's own, around every ``stride``-th.

    Args:
        kernel: its width, an odd number of steps.
        stride: steps from one to the next.

    Shape:
        (n, channels, t) to (n, channels, ⌈t / stride⌉).
    """

    def __init__(self, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def n_steps(self, n: Steps) -> Steps:
        return -(-n // self.stride)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        if length is not None:  # zeros behind an item would be larger than what it has below zero
            x = x.masked_fill(~within(length, x.shape[2])[:, None], -torch.inf)
        y = nn.functional.max_pool1d(x, self.kernel, self.stride, self.kernel // 2)
        return y if length is None else blanked(y, self.n_steps(length))


class MeanOfTwo(TimeLayer):
    """The mean of each two steps; the last one of an odd number is its own.

    Shape:
        (n, channels, t) to (n, channels, ⌈t / 2⌉).
    """

    def n_steps(self, n: Steps) -> Steps:
        return -(-n // 2)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        time = x.shape[2]
        if length is None and time % 2 == 0:
            return nn.functional.avg_pool1d(x, 2)
        # Beside a last step that is alone stands a zero, so that the mean of both is half of it.
        means = nn.functional.avg_pool1d(nn.functional.pad(x, (0, time % 2)), 2)
        last = (time - 1) / 2 if length is None else (length[:, None, None] - 1) / 2  # between two where none is alone
        return torch.where(torch.arange(means.shape[2], device=x.device) == last, 2 * means, means)


class Residual(TimeLayer):
    """What the layers say, added to a shortcut around them.

    Args:
        body: the layers.
        shortcut: from what goes in to as many channels and steps; None where it has them already.
    """

    def __init__(self, body: Chain, shortcut: Chain | None = None) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def n_steps(self, n: Steps) -> Steps:
        return self.body.n_steps(n)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        y: Tensor = self.body(x, length) + (x if self.shortcut is None else self.shortcut(x, length))
        return y


def blanked(x: Tensor, length: Tensor) -> Tensor:
    """Zero where an item has ended, (n, channels, t) and (n,)."""
    return x.masked_fill(~within(length, x.shape[2])[:, None], 0.0)


class PaddedBatchNorm(nn.BatchNorm1d):
    """Batch norm that neither counts nor fills padded steps.

    Shape:
        - x: (n, channels, t)
        - valid: (n, t) bool, true where a step belongs to its item; None where all do
        - returns: (n, channels, t), zero where ``valid`` is false
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        if valid is None:
            return self._all_steps(x)
        padded = ~valid[:, None]  # (n, 1, t)
        if not self.training:
            return self._all_steps(x).masked_fill(padded, 0.0)
        return self._by_sums(x, padded, valid.sum()) if _index_waits(x) else self._by_index(x, valid)

    def _all_steps(self, x: Tensor) -> Tensor:
        if x.is_contiguous():
            return super().forward(x)
        # channels that lie side by side stay so in what torch takes for an image of one row
        return super().forward(x.unsqueeze(2)).squeeze(2)

    def _check_input_dim(self, input: Tensor) -> None:
        """Steps may come as an image of one row."""

    def _by_index(self, x: Tensor, valid: Tensor) -> Tensor:
        steps = super().forward(x.transpose(1, 2)[valid])  # (valid steps, channels)
        normed = steps.new_zeros(x.shape[0], x.shape[2], x.shape[1])
        normed[valid] = steps
        return normed.transpose(1, 2)

    def _by_sums(self, x: Tensor, padded: Tensor, n_steps: Tensor) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, self.weight.dtype))
        mean = wide.masked_fill(padded, 0.0).sum((0, 2), keepdim=True) / n_steps  # (1, channels, 1)
        centred = (wide - mean).masked_fill(padded, 0.0)
        variance = centred.square().sum((0, 2), keepdim=True) / n_steps
        self._track(mean.flatten(), variance.flatten(), n_steps)
        normed = centred * ((variance + self.eps).rsqrt() * self.weight[:, None]) + self.bias[:, None]
        return normed.masked_fill(padded, 0.0).to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, n_steps: Tensor) -> None:
        """Moves the running figures, the variance without its bias, as batch norm does."""
        unbiased = variance * n_steps / (n_steps - 1).clamp(min=1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(unbiased, self.momentum)
        self.num_batches_tracked.add_(1)


def _index_waits(x: Tensor) -> bool:
    """Whether an index by a mask has the host wait for a device; on a CPU it takes half the time of masked sums."""
    return x.device.type != "cpu"
