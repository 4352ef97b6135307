"""Self-attention over the positions of a map, as one of the AlexNets has it."""

import torch
from torch import Tensor, nn
from torch.nn import functional

NARROWING = 8  # channels of the map for one of the queries and keys


class SelfAttention(nn.Module):
    """Adds to each position what it reads from all others, through a gate that starts shut.

    Args:
        channels: of the map.

    Shape:
        - input: (n, channels, h, w)
        - output: (n, channels, h, w)

    Reference:
        Zhang et al., Self-Attention Generative Adversarial Networks, ICML 2019: products of
        queries and keys are not scaled. The comparative study took its softmax over the queries,
        so that a position's weights did not sum to 1; ours is over the keys.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(1, channels // NARROWING)
        self.query = nn.Conv2d(channels, narrow, 1)
        self.key = nn.Conv2d(channels, narrow, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gamma * self.attended(x)

    def attended(self, x: Tensor) -> Tensor:
        """What each position reads: the mean of the values, weighted by its softmax over the keys."""
        value = _positions(self.value(x))
        # Zeros leave the products as they are. Heads of one width, contiguous, let torch go without the
        # matrix of all pairs, which takes 59 MB an item at 62 × 62 positions.
        missing = value.shape[-1] - self.query.out_channels
        query, key = (functional.pad(_positions(layer(x)), (0, missing)) for layer in (self.query, self.key))
        attended = functional.scaled_dot_product_attention(query, key, value, scale=1.0)  # (n, 1, h w, channels)
        return attended.squeeze(1).transpose(1, 2).reshape(x.shape)


def _positions(x: Tensor) -> Tensor:
    """(n, c, h, w) -> (n, 1, h w, c), the one head of an attention."""
    return x.flatten(2).transpose(1, 2)[:, None].contiguous()
