"""What mixes steps and channels between the attentions of a hybrid network, as data; each knows where an item ends.

A new mixer is a class and a line of ``TOKEN_MIXERS`` or ``CHANNEL_MIXERS``. Those over time are layers of
``models.signal.masked``, channels first; what stands in a residual branch takes (n, t, d) and the steps of each item.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from models.registry import chosen
from models.signal.masked import Chain, Convolution, Norm, PaddedBatchNorm, TimeLayer, blanked
from models.signal.padding import blank, within
from models.signal.rhythm import SqueezeExcitation

KERNELS = (3, 7, 11, 19)  # of a quarter of the channels each: 30 to 190 ms at 100 Hz
MERGED_KERNELS = (3, 5, 7, 9)  # of all channels, added up
WIDER = 2  # times as many channels within a feed-forward part or an inverted residual


class Added(nn.Module):
    """What a mixer says of the normed steps, added to them.

    Args:
        width: of a step.
        mixer: takes (n, t, width), zero where an item has ended, and steps; gives the same shape.
        normed: whether a layer norm over the channels stands before it.

    Shape:
        - x: (n, t, width), zero where an item has ended
        - steps: (n,) that are each item's own, on the same device; None where all are
        - returns: the same shape, zero where an item has ended
    """

    def __init__(self, width: int, mixer: nn.Module, *, normed: bool = True) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width) if normed else nn.Identity()
        self.mixer = mixer

    def forward(self, x: Tensor, steps: Tensor | None) -> Tensor:
        normed = self.norm(x)
        y: Tensor = x + self.mixer(normed if steps is None else blank(normed, steps), steps)
        return y if steps is None else blank(y, steps)


class OverTime(nn.Module):
    """A layer over time that keeps the number of steps, for steps that come before channels: (n, t, d) to the same."""

    def __init__(self, layer: TimeLayer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, steps: Tensor | None) -> Tensor:
        y: Tensor = self.layer(x.transpose(1, 2), steps).transpose(1, 2)
        return y


class MultiScale(TimeLayer):
    """A kernel for each channel, of four widths, each in a quarter of the channels; and a gate.

    Args:
        width: channels, a multiple of four.
        gate: a key of ``GATES``.

    Shape:
        (n, width, t) to the same.

    Raises:
        ValueError: ``width`` is no multiple of four, or there is no such gate.

    Reference:
        Yu et al., InceptionNeXt, CVPR 2024, which leaves most channels as they are.
    """

    def __init__(self, width: int, gate: str = "none") -> None:
        super().__init__()
        if width % len(KERNELS):
            raise ValueError(
                f"the width is {width}; kernels of {len(KERNELS)} widths take a multiple of {len(KERNELS)}"
            )
        each = width // len(KERNELS)
        self.kernels = nn.ModuleList(Convolution(each, each, kernel, groups=each) for kernel in KERNELS)
        make = chosen("gate", gate, GATES)
        self.gate = None if make is None else make(width)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        parts = zip(self.kernels, x.chunk(len(KERNELS), 1), strict=True)
        y = torch.cat([kernel(part, length) for kernel, part in parts], 1)
        return y if self.gate is None else self.gate(y, length)


class CoordinateAttention(TimeLayer):
    """Weighs the channels of an item by its mean over time, and those of each step by the step itself.

    Args:
        channels: of what goes in.
        reduction: of how many a channel is left between.

    Shape:
        (n, channels, t) to the same.

    Reference:
        Hou, Zhou and Feng, Coordinate attention for efficient mobile network design, CVPR 2021: of a map that is one
        row high, the means over its two axes are the mean over time and the steps. The norm between is a layer norm.
    """

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        few = channels // reduction
        self.shared = nn.Sequential(nn.Linear(channels, few), nn.LayerNorm(few), nn.GELU())
        self.of_item, self.of_step = nn.Linear(few, channels), nn.Linear(few, channels)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        mean = x.mean(2) if length is None else x.sum(2) / length[:, None]  # zero where an item has ended
        said = self.shared(torch.cat([mean[:, None], x.transpose(1, 2)], 1))  # (n, 1 + t, few)
        weights = self.of_item(said[:, :1]).sigmoid() * self.of_step(said[:, 1:]).sigmoid()
        y: Tensor = x * weights.transpose(1, 2)
        return y


GATES: Mapping[str, Callable[[int], TimeLayer] | None] = {
    "none": None,
    "se": SqueezeExcitation,
    "coordinate": CoordinateAttention,
}
"""By name: what weighs the channels behind the kernels."""


class Modulation(TimeLayer):
    """What the kernels of all channels make of a step's surroundings, times what the step is itself.

    Shape:
        (n, width, t) to the same.

    Reference:
        Hou et al., Conv2Former: a simple transformer-style ConvNet for visual recognition, 2022, with the kernels of
        ``MultiScale``, as Lin et al. (Scale-aware modulation meet transformer, ICCV 2023) mix them.
    """

    def __init__(self, width: int, gate: str = "none") -> None:
        super().__init__()
        self.around = Chain(Convolution(width, width, 1), nn.GELU(), MultiScale(width, gate))
        self.value, self.project = Convolution(width, width, 1), Convolution(width, width, 1)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        y: Tensor = self.project(self.around(x, length) * self.value(x, length), length)
        return y


class MergedKernels(TimeLayer):
    """Kernels of several widths for each channel, added up, and batch norm.

    A sum of convolutions is one with the sum of the kernels, so that only the widest is ever run, in training too;
    where nothing is learnt the norm is in it as well.

    Args:
        width: channels.

    Shape:
        (n, width, t) to the same.

    Reference:
        Ding et al., UniRepLKNet, CVPR 2024, which merges them once a training is over.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.kernels = nn.ModuleList(
            nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width, bias=False) for kernel in MERGED_KERNELS
        )
        self.norm = PaddedBatchNorm(width)

    def kernel(self) -> Tensor:
        """The one kernel of each channel that does what all do, (width, 1, widest)."""
        merged = []
        for layer, kernel in zip(self.kernels, MERGED_KERNELS, strict=True):
            weight = layer.get_parameter("weight")
            # Zeros of sizes that are plain numbers: a graph has to know the shape of a kernel.
            zeros = torch.zeros(self.width, 1, (max(MERGED_KERNELS) - kernel) // 2).to(weight)
            merged.append(torch.cat([zeros, weight, zeros], 2))
        return torch.stack(merged).sum(0)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        kernel, norm, side = self.kernel(), self.norm, max(MERGED_KERNELS) // 2
        if self.training or torch.is_grad_enabled():
            y = nn.functional.conv1d(x, kernel, padding=side, groups=self.width)
            found: Tensor = norm(y, None if length is None else within(length, x.shape[2]))
            return found
        kernel, bias = fuse_conv_bn_weights(
            kernel, None, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
        y = nn.functional.conv1d(x, kernel, bias, padding=side, groups=self.width)
        return y if length is None else blanked(y, length)


def inverted_residual(width: int, *over_time: nn.Module, bias: bool) -> Chain:
    """Wider channels, what mixes them over time, and narrow again: what an inverted residual block adds.

    Args:
        width: channels of what goes in and comes out.
        over_time: layers on ``WIDER`` · ``width`` channels, the norm after the first kernels among them.
        bias: whether the convolutions of one step add one, which the norm behind takes away while it learns.

    Reference:
        Sandler et al., MobileNetV2, CVPR 2018, with GELU.
    """
    wider, narrow = Convolution(width, WIDER * width, 1, bias=bias), Convolution(WIDER * width, width, 1, bias=bias)
    return Chain(wider, Norm(WIDER * width), nn.GELU(), *over_time, narrow, Norm(width))


def sandwich(width: int, gate: str = "none") -> Chain:
    """An inverted residual around kernels of four widths."""
    inner = WIDER * width
    layers: list[nn.Module] = [MultiScale(inner), Norm(inner), nn.GELU()]
    make = chosen("gate", gate, GATES)
    return inverted_residual(width, *layers, *([] if make is None else [make(inner)]), bias=True)


def merged_sandwich(width: int) -> Chain:
    """An inverted residual around kernels that are merged into one."""
    return inverted_residual(width, MergedKernels(WIDER * width), nn.GELU(), bias=False)


TOKEN_MIXERS: Mapping[str, Callable[[int, str], TimeLayer]] = {
    "convolution": MultiScale,
    "modulation": Modulation,
    "sandwich": sandwich,
}
"""By name: what mixes steps, of a width and with a gate behind its kernels."""


class FeedForward(nn.Module):
    """Wider and narrow again with a GELU between, each step by itself.

    Shape:
        - x: (n, t, width)
        - steps: not asked
        - returns: the same shape
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wider, self.narrow = nn.Linear(width, WIDER * width), nn.Linear(WIDER * width, width)

    def forward(self, x: Tensor, steps: Tensor | None) -> Tensor:
        y: Tensor = self.narrow(self.within(self.wider(x), steps))
        return y

    def within(self, x: Tensor, steps: Tensor | None) -> Tensor:
        """What happens to the wider steps."""
        return nn.functional.gelu(x)


class GatedFeedForward(FeedForward):
    """The same, where a second layer of the same width opens what the first says.

    Reference:
        Shazeer, GLU variants improve transformer, 2020 (GEGLU).
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.wider = nn.Linear(width, 2 * WIDER * width)

    def within(self, x: Tensor, steps: Tensor | None) -> Tensor:
        value, gate = x.chunk(2, -1)
        return value * nn.functional.gelu(gate)


class DepthwiseFeedForward(FeedForward):
    """The same with a kernel of three steps for each wide channel, before the GELU.

    Reference:
        Wang et al., PVT v2, Comput. Vis. Media 8 (2022) 415.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.kernels = OverTime(Convolution(WIDER * width, WIDER * width, 3, groups=WIDER * width))

    def within(self, x: Tensor, steps: Tensor | None) -> Tensor:
        return nn.functional.gelu(self.kernels(x if steps is None else blank(x, steps), steps))


CHANNEL_MIXERS: Mapping[str, Callable[[int], FeedForward]] = {
    "ffn": FeedForward,
    "glu": GatedFeedForward,
    "depthwise_ffn": DepthwiseFeedForward,
}
"""By name: what mixes the channels of each step."""
