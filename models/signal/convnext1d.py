"""A convolutional network built as vision's newer ones are, for signals."""

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.masked import Convolution, blanked
from models.signal.padding import blank

WIDTHS = (64, 128, 192)  # of each stage
DEPTHS = (2, 2, 2)  # blocks of each stage
PATCH, KERNEL, WIDER = 2, 7, 4
LAYER_SCALE = 1e-2  # of what a fresh block adds


class StochasticDepth(nn.Module):
    """Leaves out all that a block adds, item by item, in training; what is kept counts for more.

    Args:
        probability: that it is left out, in [0, 1).

    Shape:
        (n, t, d) to the same.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.probability == 0:
            return x
        kept = 1 - self.probability
        return x * x.new_empty(len(x), 1, 1).bernoulli_(kept) / kept


class Block(nn.Module):
    """A kernel for each channel over time, a layer norm, wider and narrow again with a GELU between, times a scale.

    Shape:
        - x: (n, t, width), zero where an item has ended
        - steps: (n,) of each item; None where all are its own
        - returns: the same shape, zero where an item has ended
    """

    def __init__(self, width: int, left_out: float) -> None:
        super().__init__()
        self.over_time = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wider, self.narrow = nn.Linear(width, WIDER * width), nn.Linear(WIDER * width, width)
        self.scale = nn.Parameter(torch.full((width,), LAYER_SCALE))
        self.depth = StochasticDepth(left_out)

    def forward(self, x: Tensor, steps: Tensor | None) -> Tensor:
        said = self.norm(self.over_time(x.transpose(1, 2)).transpose(1, 2))
        added = self.scale * self.narrow(nn.functional.gelu(self.wider(said)))
        y: Tensor = x + self.depth(added)
        return y if steps is None else blank(y, steps)


class Shorter(nn.Module):
    """A patch of steps becomes one: before the first stage of samples, of which no norm is taken.

    Shape:
        - x: (n, t, width_in), zero where an item has ended
        - length: (n,) steps of each item; None where all are its own
        - returns: (n, ⌈t / PATCH⌉, width), zero where an item has ended
    """

    def __init__(self, width_in: int, width: int, *, of_samples: bool) -> None:
        super().__init__()
        norm = nn.LayerNorm
        self.before = nn.Identity() if of_samples else norm(width_in)
        self.convolution = Convolution(width_in, width, PATCH, PATCH)
        self.behind = norm(width) if of_samples else nn.Identity()

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        x = self.before(x)
        x = x if length is None else blank(x, length)
        y: Tensor = self.behind(self.convolution(x.transpose(1, 2), length).transpose(1, 2))
        return y if length is None else blank(y, self.convolution.n_steps(length))


@register("convnext1d", modality="signal", family="convnext", paper="after Liu et al. 2022")
class ConvNeXt1d(SignalNetwork):
    """Three stages of two blocks, each at half the rate of the one before, and their mean over time.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        stochastic_depth: probability with which the last block is left out of an item in training, in [0, 1); those
            before it less and less, the first never.
        dropout: probability before the head, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 8 samples
        - output: (n, n_classes)

    Raises:
        ValueError: ``stochastic_depth`` is not in [0, 1).

    Reference:
        Liu et al., A ConvNet for the 2020s, 2022, over time. Patches are of two samples, 20 ms at 100 Hz, in place of
        4 × 4 pixels, since a QRS complex is no longer than 100 ms; kernels of 7 then see 140, 280 and 560 ms. What a
        fresh block adds is scaled by 1e-2, not 1e-6, for networks of six blocks that learn for a few thousand steps.
    """

    def __init__(self, in_channels: int, n_classes: int, stochastic_depth: float = 0.1, dropout: float = 0.1) -> None:
        super().__init__()
        if not 0 <= stochastic_depth < 1:
            raise ValueError(f"stochastic_depth is {stochastic_depth}; it is 0 or more and below 1")
        self.in_channels = in_channels
        self.token_dim = self.feature_dim = WIDTHS[-1]
        self.smallest_size = 1
        left_out = (stochastic_depth * place / (sum(DEPTHS) - 1) for place in range(sum(DEPTHS)))
        widths = (in_channels, *WIDTHS)
        self.shorter = nn.ModuleList(
            Shorter(width_in, width, of_samples=not stage)
            for stage, (width_in, width) in enumerate(zip(widths[:-1], WIDTHS, strict=True))
        )
        self.stages = nn.ModuleList(
            nn.ModuleList(Block(width, next(left_out)) for _ in range(depth))
            for width, depth in zip(WIDTHS, DEPTHS, strict=True)
        )
        self.norm, self.dropout = nn.LayerNorm(WIDTHS[-1]), nn.Dropout(dropout)
        self.head = nn.Linear(WIDTHS[-1], n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """The last map, a step for every 8 samples, zero where an item has ended."""
        length = self.check(x, length)
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x = blanked(x, length)
        x = x.transpose(1, 2)
        for shorter, blocks in zip(self.shorter, self.stages, strict=True):
            x = shorter(x, length)
            length = None if length is None else -(-length // PATCH)
            for block in blocks:  # type: ignore[attr-defined]
                x = block(x, length)
        return x

    def token_length(self, length: Tensor) -> Tensor:
        for _ in WIDTHS:
            length = -(-length // PATCH)
        return length

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The mean over an item's own steps, normed."""
        if length is None:
            mean = tokens.mean(1)
        else:
            steps = self.token_length(length.to(tokens.device, non_blocking=True))
            mean = blank(tokens, steps).sum(1) / steps[:, None]
        y: Tensor = self.dropout(self.norm(mean))
        return y
