"""The one-dimensional residual network of the PTB-XL benchmark."""

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from models.base import SignalNetwork
from models.registry import register
from models.signal.masked import PaddedBatchNorm
from models.signal.padding import within

STRIDES = (1, 2, 2)  # of the blocks
WIDTH = 128


class ConvolutionNorm(nn.Module):
    """A convolution with zeros beyond both ends of each item, and batch norm.

    Where nothing is learnt, on a CPU, the two are one convolution, over channels that lie side by side in memory: the
    same to rounding in about three quarters of the time.

    Shape:
        - x: (n, in_channels, t), zero where padded
        - valid: (n, ⌈t / stride⌉) bool, of what comes out; None where nothing is padded
        - returns: (n, out_channels, ⌈t / stride⌉), zero where padded
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
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
        y = nn.functional.conv2d(flat, kernel, bias, (1, *convolution.stride), (0, convolution.kernel_size[0] // 2))
        return y[:, :, 0]


class Block(nn.Module):
    """Kernels of 5 and 3 around a shortcut, which is a 1 × 1 convolution where the stride is not 1."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.first = ConvolutionNorm(width, width, 5, stride)
        self.second = ConvolutionNorm(width, width, 3)
        self.shortcut = ConvolutionNorm(width, width, 1, stride) if stride != 1 else None

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        residual = self.second(self.first(x, valid).relu_(), valid)
        shortcut = x if self.shortcut is None else self.shortcut(x, valid)
        y: Tensor = residual.add_(shortcut).relu_()
        return y


@register(
    "resnet1d_wang",
    modality="signal",
    family="resnet1d",
    paper="Strodthoff et al. 2021, after Wang et al. 2017",
)
class ResNet1dWang(SignalNetwork):
    """Stem, three basic blocks, maximum and mean over time, one hidden layer.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        dropout: probability before the head, in [0, 1); half of it before the hidden layer.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Reference:
        Strodthoff et al., Deep learning for ECG analysis: benchmarks and insights from PTB-XL,
        IEEE J. Biomed. Health Inform. 25 (2021) 1519. Padded items, which it does not know,
        give what they would give alone.
    """

    smallest_size = 4  # of which the last map is one step

    def __init__(self, in_channels: int, n_classes: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.token_dim = self.feature_dim = WIDTH
        self.stem = ConvolutionNorm(in_channels, WIDTH, 7)
        self.blocks = nn.ModuleList(Block(WIDTH, stride) for stride in STRIDES)
        self.hidden = nn.Sequential(
            nn.BatchNorm1d(2 * WIDTH),
            nn.Dropout(dropout / 2),
            nn.Linear(2 * WIDTH, WIDTH),
            nn.ReLU(),
            nn.BatchNorm1d(WIDTH),
            nn.Dropout(dropout),
        )
        self.head = nn.Linear(WIDTH, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """The steps of the last map, one for every four samples, zero where an item has ended."""
        length = self.check(x, length)
        valid = None
        if length is not None:
            valid = within(length.to(x.device, non_blocking=True), x.shape[2])
            x = x.masked_fill(~valid[:, None], 0.0)
        x = self.stem(x, valid).relu_()
        for block, stride in zip(self.blocks, STRIDES, strict=True):
            valid = None if valid is None else valid[:, ::stride]
            x = block(x, valid)
        return x.transpose(1, 2)

    def token_length(self, length: Tensor) -> Tensor:
        for stride in STRIDES:
            length = -(-length // stride)
        return length

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The hidden layer on the maximum and the mean over an item's own steps."""
        if length is None:
            largest, mean = tokens.amax(1), tokens.mean(1)
        else:
            steps = self.token_length(length.to(tokens.device, non_blocking=True))[:, None]
            padded = ~within(steps[:, 0], tokens.shape[1])[..., None]  # (n, t, 1)
            largest = tokens.masked_fill(padded, -torch.inf).amax(1)
            mean = tokens.masked_fill(padded, 0.0).sum(1) / steps
        y: Tensor = self.hidden(torch.cat([largest, mean], dim=1))
        return y
