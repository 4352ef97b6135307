"""Networks in stages: blocks at one rate, then half the steps and more channels, and the mean of the last map."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from models.base import SignalNetwork
from models.signal.masked import Chain, Convolution, blanked
from models.signal.padding import blank

SHORTER = 3  # kernel between two stages, which halves the steps


class Staged(SignalNetwork):
    """A stem, stages of blocks with a convolution of stride 2 before each but the first, and the mean over time.

    Args:
        stem: from leads to the first stage's channels, (n, in_channels, time) -> (n, widths[0], t).
        stages: the blocks of each, which take (n, t, width), zero where an item has ended, and the steps of each item
            or None, and give the same shape.
        widths: channels of each stage.
        in_channels: leads of the signal.
        n_classes: logits that come out.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)
    """

    smallest_size = 1

    def __init__(
        self,
        stem: Chain,
        stages: Sequence[Sequence[nn.Module]],
        widths: Sequence[int],
        *,
        in_channels: int,
        n_classes: int,
    ) -> None:
        super().__init__()
        self.in_channels, self.token_dim, self.feature_dim = in_channels, widths[-1], widths[-1]
        self.stem = stem
        self.stages = nn.ModuleList(nn.ModuleList(blocks) for blocks in stages)
        self.shorter = nn.ModuleList(Convolution(before, width, SHORTER, 2) for before, width in pairwise(widths))
        self.head = nn.Linear(widths[-1], n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """The steps of the last map, zero where an item has ended."""
        length = self.check(x, length)
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x = blanked(x, length)
        x = self.stem(x, length)
        length = None if length is None else self.stem.n_steps(length)
        for stage, blocks in enumerate(self.stages):
            if stage:
                shorter = self.shorter[stage - 1]
                x = shorter(x, length)
                length = None if length is None else shorter.n_steps(length)  # type: ignore[operator]
            x = x.transpose(1, 2)
            for block in blocks:  # type: ignore[attr-defined]
                x = block(x, length)
            x = x.transpose(1, 2)
        return x.transpose(1, 2)

    def token_length(self, length: Tensor) -> Tensor:
        return Chain(self.stem, *self.shorter).n_steps(length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The mean over an item's own steps."""
        if length is None:
            return tokens.mean(1)
        steps = self.token_length(length.to(tokens.device, non_blocking=True))
        return blank(tokens, steps).sum(1) / steps[:, None]
