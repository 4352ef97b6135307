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

    Where nothing is learnt, on a CPU, the two are one convolution, over channels that lie side by side in memory: the
    same to rounding in about three quarters of the time.

    Shape:
        - x: (n, in_channels, t), zero where padded
        - valid: (n, ⌈t / stride⌉) bool, of what comes out; None where nothing is padded
        - returns: (n, out_channels, ⌈t / stride⌉), zero where padded
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = PaddedBatchNorm(out_channels)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        if self.training or torch.is_grad_enabled() or x.device.type != "cpu":
            y: Tensor = self.norm(self.convolution(x), valid)
            return y
        y = self._as_one(x)
        return y if valid is None else y.masked_fill(~valid[:, None], 0.0)

    def _as_one(self, x: Tensor) -> Tensor:
        convolution, norm, beside = self.convolution, self.norm, torch.channels_last
        weight, bias = fuse_conv_bn_weights(
            convolution.weight, None, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
        flat, kernel = (each[:, :, None].contiguous(memory_format=beside) for each in (x, weight))
        half = convolution.kernel_size[0] // 2
        y = nn.functional.conv2d(flat, kernel, bias, (1, *convolution.stride), (0, half), groups=convolution.groups)
        return y[:, :, 0]


class NormedConvolution(TimeLayer):
    """``ConvolutionNorm`` in a chain.

    Shape:
        (n, in_channels, t) to (n, out_channels, ⌈t / stride⌉).
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.layer = ConvolutionNorm(in_channels, out_channels, kernel, stride, groups)

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
