"""Cross-attention: the tokens of each branch ask those of all others."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from models.fusion.branches import BranchShape
from models.fusion.intermediate import BRANCH_DROPOUT, DROPOUT, HIDDEN_SIZE, MAX_TOKENS, TokenFusion
from models.fusion.registry import register_fusion
from models.fusion.tokens import largest_token, mean_token, padded, relative_position

OCTAVES = 6  # of the position's waves: from half a period an item to sixteen, two of 32 tokens each


class PositionCode(nn.Module):
    """A learnt mixture of waves over the item, from the relative position of a token.

    Args:
        width: of a token.

    Shape:
        - position: (n, t) in [0, 1]
        - returns: (n, t, width)

    Reference:
        Vaswani et al., Attention is all you need, NeurIPS 2017, for sinusoids; theirs count steps,
        ours are relative, so that branches with unequal numbers of tokens lie over each other.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mixture = nn.Linear(2 * OCTAVES, width, bias=False)

    def forward(self, position: Tensor) -> Tensor:
        phase = math.pi * position[..., None] * 2 ** torch.arange(OCTAVES, device=position.device)
        waves = torch.cat([phase.sin(), phase.cos()], dim=-1)
        y: Tensor = self.mixture(waves.to(self.mixture.weight.dtype))
        return y


class CrossAttention(nn.Module):
    """What a branch's tokens read from others, and a feed-forward, each added to them and normalised.

    Args:
        width: of a token.
        n_heads: of the attention, a divisor of ``width``.
        dropout: probability on the attention's weights, its result and the feed-forward, in [0, 1).

    Shape:
        - own: (n, t, width)
        - others: (n, s, width)
        - padding: (n, s) bool, true where a token of ``others`` belongs to no item
        - returns: (n, t, width)

    Reference:
        Vaswani et al. 2017: a layer of the decoder without the self-attention, twice instead of
        four times as wide in between.
    """

    def __init__(self, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, n_heads, dropout, batch_first=True)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))

    def forward(self, own: Tensor, others: Tensor, padding: Tensor) -> Tensor:
        attended, _ = self.attention(own, others, others, key_padding_mask=padding, need_weights=False)
        own = self.norms[0](own + self.dropout(attended))
        y: Tensor = self.norms[1](own + self.dropout(self.feed_forward(own)))
        return y


@register_fusion(
    "attention",
    level="intermediate",
    reads="tokens",
    fitting="gradient",
    paper="after Tsai et al. 2019 and Vaswani et al. 2017",
)
class AttentionFusion(TokenFusion):
    """Cross-attention of each branch to all others, mean and maximum over the tokens, a hidden layer.

    Args:
        branches: names and widths.
        n_classes: logits that come out.
        hidden_size: width that every token is projected to, and of the hidden layer.
        dropout: probability in the attention, before and after the hidden layer, in [0, 1).
        branch_dropout: probability that all tokens of a branch of an item are hidden in training,
            in [0, 1].
        n_heads: of each attention, a divisor of ``hidden_size``.
        max_tokens: of an item in a branch; of more, neighbours are averaged first (see ``at_most``).

    Shape:
        - input: for each branch (n, t, token_dim), t of its own, and (n, t) bool where padded
        - output: (n, n_classes)

    Raises:
        ValueError: ``n_heads`` does not divide ``hidden_size``, or ``max_tokens`` is less than 1.

    Reference:
        Tsai et al., Multimodal transformer for unaligned multimodal language sequences, ACL 2019,
        which has a stack of layers for every pair of branches and a transformer behind them; ours
        has one layer a branch, which asks all others at once. Position is the order of the tokens:
        time for a signal, the rows of its map for an image.
    """

    def __init__(
        self,
        branches: Mapping[str, BranchShape],
        n_classes: int,
        hidden_size: int = HIDDEN_SIZE,
        dropout: float = DROPOUT,
        branch_dropout: float = BRANCH_DROPOUT,
        n_heads: int = 4,
        max_tokens: int = MAX_TOKENS,
    ) -> None:
        super().__init__(branches, n_classes, hidden_size, dropout, branch_dropout, max_tokens)
        if n_heads < 1 or hidden_size % n_heads:
            raise ValueError(f"n_heads is {n_heads}; it must divide hidden_size, {hidden_size}")
        self.position = PositionCode(hidden_size)
        self.layers = nn.ModuleList(CrossAttention(hidden_size, n_heads, dropout) for _ in branches)
        self.hidden = nn.Linear(2 * len(branches) * hidden_size, hidden_size)

    def attend(self, own: Sequence[Tensor], masks: Sequence[Tensor | None]) -> list[Tensor]:
        """The tokens of each branch after they have read those of all others.

        Every branch reads the others as they were, so that none comes first.

        Shape:
            - own: for each branch (n, t, hidden_size), the projections
            - masks: for each branch (n, t) bool, or None
            - returns: for each branch (n, t, hidden_size)
        """
        placed = [x + self.position(relative_position(x, mask)) for x, mask in zip(own, masks, strict=True)]
        padding = [padded(x, mask) for x, mask in zip(own, masks, strict=True)]
        return [
            layer(placed[branch], _all_but(branch, placed), _all_but(branch, padding))
            for branch, layer in enumerate(self.layers)
        ]

    def fuse(self, own: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        pooled = [
            pool(x, mask)
            for x, mask in zip(self.attend(own, masks), masks, strict=True)
            for pool in (mean_token, largest_token)
        ]
        y: Tensor = self.hidden(self.dropout(torch.cat(pooled, dim=1))).relu()
        return y


def _all_but(branch: int, of_each: Sequence[Tensor]) -> Tensor:
    return torch.cat([*of_each[:branch], *of_each[branch + 1 :]], dim=1)
