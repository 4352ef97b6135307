"""What the networks of the PTB-XL benchmark share: convolutions with batch norm, and how the last map is read."""

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from models.base import SignalNetwork
from models.signal.masked import Chain, PaddedBatchNorm, Steps, TimeLayer, blanked
from models.signal.padding import within

HIDDEN = 128  # neurons of the layer before the head


class ConvolutionNorm(nn.Module):
    """A convolution with zeros beyond both ends of each item, and batch norm.

    On a CPU channels lie side by side in memory (see ``convolved_beside``), and where nothing is learnt the two are one
    convolution, which is the same to rounding.

    Args:
        in_channels: of what goes in.
        out_channels: of what comes out.
        kernel: its width, steps; odd.
        stride: steps from one output to the next.
        groups: of channels that do not mix.
        is_beside: whether it lies so in memory; not where neighbours do not, since each turning round costs a pass.

    Shape:
        - x: (n, in_channels, t), zero where padded
        - valid: (n, ⌈t / stride⌉) bool, of what comes out; None where nothing is padded
        - returns: (n, out_channels, ⌈t / stride⌉), zero where padded
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        *,
        is_beside: bool = True,
    ) -> None:
        super().__init__()
        self.is_beside = is_beside
        self.convolution = nn.Conv1d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = PaddedBatchNorm(out_channels)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        if self.training or torch.is_grad_enabled() or x.device.type != "cpu":
            y: Tensor = self.norm(self._convolved(x, self.convolution.weight), valid)
            return y
        norm = self.norm
        weight, bias = fuse_conv_bn_weights(
            self.convolution.weight, None, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
        y = self._convolved(x, weight, bias)
        return y if valid is None else y.masked_fill(~valid[:, None], 0.0)

    def _convolved(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        stride, half, groups = self.convolution.stride[0], weight.shape[2] // 2, self.convolution.groups
        if x.device.type != "cpu" or not self.is_beside:
            return nn.functional.conv1d(x, weight, bias, stride, half, 1, groups)
        return convolved_beside(x, weight, bias, stride, half, groups)


def convolved_beside(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, groups: int = 1
) -> Tensor:
    """A convolution over time whose result has the channels of a step side by side in memory, as a CPU is quick with.

    What went in so needs no turning round, and what follows (batch norm, ReLU, a sum) leaves it so. Nothing that
    follows may work in place: the result is a view, whose gradient is then copied.

    Args:
        x: steps in time.
        weight: of the kernel.
        bias: of each channel, or None.
        stride: steps from one window to the next.
        padding: zeros beyond both ends.
        groups: of channels that do not mix.

    Shape:
        - x: (n, in_channels, t)
        - weight: (out_channels, in_channels / groups, kernel)
        - bias: (out_channels,)
        - returns: (n, out_channels, (t + 2 padding - kernel) // stride + 1)
    """
    behind = padding - (x.shape[2] + 2 * padding - weight.shape[2]) % stride  # see ``masked.Convolution``
    if behind != padding:
        x, padding = nn.functional.pad(x, (padding, behind)), 0
    flat, kernel = (each.unsqueeze(2).contiguous(memory_format=torch.channels_last) for each in (x, weight))
    return nn.functional.conv2d(flat, kernel, bias, (1, stride), (0, padding), groups=groups).squeeze(2)


class NormedConvolution(TimeLayer):
    """``ConvolutionNorm`` in a chain.

    Shape:
        (n, in_channels, t) to (n, out_channels, ⌈t / stride⌉).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        *,
        is_beside: bool = True,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.layer = ConvolutionNorm(in_channels, out_channels, kernel, stride, groups, is_beside=is_beside)

    def n_steps(self, n: Steps) -> Steps:
        return -(-n // self.stride)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        valid = None if length is None else within(self.n_steps(length), self.n_steps(x.shape[2]))
        y: Tensor = self.layer(x, valid)
        return y


class ConcatPooled(SignalNetwork):
    """A chain of layers, the maximum and the mean of its last map over an item's own steps, one hidden layer.

    Args:
        body: from leads to the last map, (n, in_channels, time) -> (n, token_dim, t).
        in_channels: leads of the signal.
        token_dim: channels of the last map.
        n_classes: logits that come out.
        dropout: probability before the head, in [0, 1); half of it before the hidden layer.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)
    """

    def __init__(self, body: Chain, *, in_channels: int, token_dim: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.in_channels, self.token_dim, self.feature_dim = in_channels, token_dim, HIDDEN
        self.body = body
        self.smallest_size = body.smallest()
        self.hidden = hidden_layer(2 * token_dim, dropout)
        self.head = nn.Linear(HIDDEN, n_classes)
        self.apply(as_in_the_benchmark)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """The steps of the last map, zero where an item has ended."""
        length = self.check(x, length)
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x = blanked(x, length)
        y: Tensor = self.body(x, length).transpose(1, 2)
        return y

    def token_length(self, length: Tensor) -> Tensor:
        return self.body.n_steps(length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The hidden layer on the maximum and the mean over an item's own steps."""
        steps = None if length is None else self.token_length(length.to(tokens.device, non_blocking=True))
        y: Tensor = self.hidden(torch.cat(largest_and_mean(tokens, steps), dim=1))
        return y


def hidden_layer(n_in: int, dropout: float) -> nn.Sequential:
    """Batch norm, dropout and the hidden layer, twice over: what the head reads, (n, n_in) -> (n, HIDDEN).

    Args:
        n_in: width of what is pooled.
        dropout: probability behind the hidden layer, in [0, 1); half of it before.
    """
    return nn.Sequential(
        nn.BatchNorm1d(n_in),
        nn.Dropout(dropout / 2),
        nn.Linear(n_in, HIDDEN),
        nn.ReLU(),
        nn.BatchNorm1d(HIDDEN),
        nn.Dropout(dropout),
    )


def largest_and_mean(tokens: Tensor, steps: Tensor | None) -> tuple[Tensor, Tensor]:
    """The maximum and the mean over each item's own steps, each (n, d).

    Args:
        tokens: steps of a padded batch, (n, t, d).
        steps: how many are each item's own, (n,) on the same device; None where all are.
    """
    if steps is None:
        return tokens.amax(1), tokens.mean(1)
    padded = ~within(steps, tokens.shape[1])[..., None]  # (n, t, 1)
    return tokens.masked_fill(padded, -torch.inf).amax(1), tokens.masked_fill(padded, 0.0).sum(1) / steps[:, None]


def as_in_the_benchmark(layer: nn.Module) -> None:
    """Fresh weights of convolutions and linear layers after He, biases of zero, as its trainings begin.

    Its xresnets are built with the last norm of a block at zero, which the beginning of a training sets to one again.
    """
    if isinstance(layer, nn.Conv1d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
