"""The one-dimensional residual network of the PTB-XL benchmark."""

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.benchmark import ConvolutionNorm, hidden_layer, largest_and_mean
from models.signal.padding import within

STRIDES = (1, 2, 2)  # of the blocks
WIDTH = 128


class Block(nn.Module):
    """Kernels of 5 and 3 around a shortcut, which is a 1 × 1 convolution where the stride is not 1."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.first = ConvolutionNorm(width, width, 5, stride)
        self.second = ConvolutionNorm(width, width, 3)
        self.shortcut = ConvolutionNorm(width, width, 1, stride) if stride != 1 else None

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        residual = self.second(self.first(x, valid).relu(), valid)
        shortcut = x if self.shortcut is None else self.shortcut(x, valid)
        y: Tensor = (residual + shortcut).relu()
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
        self.hidden = hidden_layer(2 * WIDTH, dropout)
        self.head = nn.Linear(WIDTH, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """The steps of the last map, one for every four samples, zero where an item has ended."""
        length = self.check(x, length)
        valid = None
        if length is not None:
            valid = within(length.to(x.device, non_blocking=True), x.shape[2])
            x = x.masked_fill(~valid[:, None], 0.0)
        x = self.stem(x, valid).relu()
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
        steps = None if length is None else self.token_length(length.to(tokens.device, non_blocking=True))
        y: Tensor = self.hidden(torch.cat(largest_and_mean(tokens, steps), dim=1))
        return y
