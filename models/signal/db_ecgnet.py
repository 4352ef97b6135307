"""DB-ECGNet: a branch of waveforms, a branch of tokens, and attention from the tokens to the waveforms."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.attention_kinds import CrossAttention, make_attention
from models.signal.compact_transformer import Positions
from models.signal.heads import in_windows
from models.signal.masked import Chain, Convolution, Norm, blanked
from models.signal.mixers import Added, FeedForward, OverTime, merged_sandwich
from models.signal.padding import blank

TIMES = (1, 2, 4)  # channels of each stage, and heads, in those of the first
DEPTHS = (2, 3, 4)  # blocks of each stage
N_HEADS = 2  # of the first stage
KERNEL = 3  # of the stem, and between stages


class Block(nn.Module):
    """Kernels on the map, what the tokens are told of it, and, ``between``, what they are told of each other.

    Shape:
        - waves: (n, t, width), zero where an item has ended
        - steps: (n,) of it that are each item's own; None where all are
        - tokens: (n, 1 + p, width), zero where an item has ended
        - own: (n,) of them that are each item's own; None where all are
        - returns: waves and tokens, before they hear each other
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.near = Added(width, OverTime(merged_sandwich(width)))
        self.told = CrossAttention(width, n_heads)
        self.between = nn.ModuleList(
            [Added(width, make_attention("multi_head", width, n_heads)), Added(width, FeedForward(width))]
        )

    def forward(self, waves: Tensor, steps: Tensor | None, tokens: Tensor, own: Tensor | None) -> tuple[Tensor, Tensor]:
        waves = self.near(waves, steps)
        tokens = tokens + self.told(tokens, waves, steps)
        return waves, tokens if own is None else blank(tokens, own)

    def mixed(self, tokens: Tensor, own: Tensor | None) -> Tensor:
        """The tokens in the light of each other."""
        for part in self.between:
            tokens = part(tokens, own)
        return tokens


@register("db_ecgnet", modality="signal", family="hybrid", paper="LongWei 2024")
class DbEcgNet(SignalNetwork):
    """Few tokens hear a map of waveforms in each block, and one of them, of the whole item, is read.

    ``tokens`` gives that one, then one a patch, before the last layer in which they hear each other; ``pool`` is that
    layer, so that what the patches bring to the answer can be told.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        width: channels of the first stage, an even number; the others have 2 and 4 times as many.
        patch: samples of a token; an item's last one is filled up with zeros.
        n_positions: rows of the table of places: an item of so many patches has one for each, a longer one shares them.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Raises:
        ValueError: a number is too small, or ``width`` is odd.

    Reference:
        LongWei, db_ecgnet, 2024, after Chen et al., Mobile-Former, CVPR 2022. With 12 leads and 9 classes it has
        6,907,185 weights: 2,808 of the stem, 87,408 of patches, places, first token and their norm, 16d² + 79d of a
        block of d channels (177,264, 1,029,456 and 5,399,424 of the stages), 208,224 between the stages, 2,601 of the
        head. There the map is normed over time, here over channels; there an item is of 1000 samples, here of any
        number, and padded items give what they would give alone. The kernels of a channel are one throughout
        (``MergedKernels``), there once a training is over.
    """

    smallest_size = 1
    n_class_tokens = 1

    def __init__(
        self, in_channels: int, n_classes: int, width: int = 72, patch: int = 100, n_positions: int = 10
    ) -> None:
        super().__init__()
        for what, number in (("patch", patch), ("n_positions", n_positions)):
            if number < 1:
                raise ValueError(f"{what} is {number}; it is 1 or more")
        if width < 2 or width % 2:
            raise ValueError(f"width is {width}; it is an even number, 2 or more")
        widths = [times * width for times in TIMES]
        self.in_channels, self.token_dim, self.feature_dim, self.patch = in_channels, widths[-1], widths[-1], patch
        self.stem = Chain(Convolution(in_channels, width, KERNEL, 2), Norm(width))
        self.project = nn.Linear(patch * in_channels, width)
        self.of_item = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.positions = Positions(n_positions, width)
        self.norm = nn.LayerNorm(width)
        self.stages = nn.ModuleList(
            nn.ModuleList(Block(times * width, times * N_HEADS) for _ in range(depth))
            for times, depth in zip(TIMES, DEPTHS, strict=True)
        )
        self.shorter = nn.ModuleList(Convolution(before, behind, KERNEL, 2) for before, behind in pairwise(widths))
        self.wider = nn.ModuleList(nn.Linear(before, behind) for before, behind in pairwise(widths))
        self.head = nn.Linear(widths[-1], n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """What is said of the item, then of each patch, zero where an item has ended."""
        length = self.check(x, length)
        steps, own = length, None
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x, steps, own = blanked(x, length), self.stem.n_steps(length), self.token_length(length)
        tokens = self._embedded(x, own)
        waves = self.stem(x, length).transpose(1, 2)
        for stage, blocks in enumerate(self.stages):
            if stage:
                shorter, wider = self.shorter[stage - 1], self.wider[stage - 1]
                waves = shorter(waves.transpose(1, 2), steps).transpose(1, 2)
                steps = None if steps is None else shorter.n_steps(steps)  # type: ignore[operator]
                tokens = wider(tokens)
                tokens = tokens if own is None else blank(tokens, own)
            for block in blocks:  # type: ignore[attr-defined]
                waves, tokens = block(waves, steps, tokens, own)
                tokens = tokens if block is self.stages[-1][-1] else block.mixed(tokens, own)  # type: ignore[index]
        return tokens

    def _embedded(self, x: Tensor, own: Tensor | None) -> Tensor:
        """What each patch holds and where it stands, behind the token of the item, (n, 1 + p, width)."""
        patches = in_windows(x.transpose(1, 2), None, self.patch)[0].flatten(2)
        n_patches = patches.shape[1]
        of_each = torch.tensor([n_patches], device=x.device) if own is None else own - self.n_class_tokens
        patches = self.project(patches) + self.positions(of_each, n_patches)
        tokens: Tensor = self.norm(torch.cat([self.of_item.expand(x.shape[0], -1, -1), patches], 1))
        return tokens if own is None else blank(tokens, own)

    def token_length(self, length: Tensor) -> Tensor:
        return self.n_class_tokens - (-length // self.patch)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """What the token of the item is told by the others in the last layer."""
        own = None if length is None else self.token_length(length.to(tokens.device, non_blocking=True))
        y: Tensor = self.stages[-1][-1].mixed(tokens, own)[:, 0]  # type: ignore[index]
        return y
