"""A compact convolutional transformer for the rhythm of one lead."""

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.masked import Chain, Convolution, MaxPool, Norm, blanked
from models.signal.padding import blank, shares, within

WIDTH, FINAL_WIDTH = 64, 32  # of a token, and of the hidden layer before the head
EPS, MOMENTUM = 1e-3, 0.01  # Keras's own, the momentum counted the other way round


class Positions(nn.Module):
    """What is learnt of the place of a step: a row for each, stretched over items that have more steps than rows.

    Args:
        n_positions: rows of the table.
        width: of a row.

    Shape:
        - steps: (n,) that are an item's own, or (1,) for all
        - time: steps of the padded batch
        - returns: (n, time, width)
    """

    def __init__(self, n_positions: int, width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(n_positions, width))
        nn.init.trunc_normal_(self.table, std=0.02)

    def forward(self, steps: Tensor, time: int) -> Tensor:
        n_rows = len(self.table)
        of_a_row = (steps / n_rows).clamp(min=1.0)[:, None]  # steps that share one
        middle = torch.arange(time, device=steps.device) + 0.5
        row = (middle / of_a_row - 0.5).clamp(0, n_rows - 1)  # (n, time)
        # Weights of both neighbours, and a product: an index by rows would add up its gradients in any order on a GPU.
        near = (1 - (row[..., None] - torch.arange(n_rows, device=steps.device)).abs()).clamp(min=0)
        return near.to(self.table.dtype) @ self.table


@register(
    "compact_transformer",
    modality="signal",
    family="rhythm",
    paper="Kovalchuk 2023, after Hassani et al. 2021",
)
class CompactTransformer(SignalNetwork):
    """Two convolutions make tokens of 15 samples, transformer layers compare them, and their weighted mean is read.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        n_layers: transformer layers.
        n_heads: heads of each, a divisor of 64.
        n_positions: rows of the table of places: an item of so many tokens has one for each, a longer one shares them.
        dropout: probability after the places, in a layer and after the pooling, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Reference:
        Kovalchuk, ECG_Test_Resnet_Transformer, 2023 (C1DCT 2_64_4_2), after Hassani et al., Escaping the big data
        paradigm with compact transformers, 2021. There one matrix was query, key and value, places were 100 for 1500
        samples, and fresh weights had a deviation of 1, so that it gave one class or no number; here each is its
        own, items may have any length, and fresh weights are those of transformers.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        n_layers: int = 2,
        n_heads: int = 4,
        n_positions: int = 100,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        for what, number in (("n_layers", n_layers), ("n_heads", n_heads), ("n_positions", n_positions)):
            if number < 1:
                raise ValueError(f"{what} is {number}; it is 1 or more")
        if WIDTH % n_heads:
            raise ValueError(f"n_heads is {n_heads}; it is a divisor of {WIDTH}")
        self.in_channels, self.token_dim, self.feature_dim = in_channels, WIDTH, FINAL_WIDTH
        self.tokenizer = Chain(
            Convolution(in_channels, WIDTH // 2, 5),
            nn.ReLU(),
            Norm(WIDTH // 2, EPS, MOMENTUM),
            MaxPool(5),
            Convolution(WIDTH // 2, WIDTH, 3),
            nn.ReLU(),
            Norm(WIDTH, EPS, MOMENTUM),
            MaxPool(3),
        )
        self.smallest_size = self.tokenizer.smallest()
        self.positions = Positions(n_positions, WIDTH)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(_layer(n_heads, dropout) for _ in range(n_layers))
        self.norm = nn.LayerNorm(WIDTH, EPS)
        self.score = nn.Linear(WIDTH, 1)
        self.hidden = nn.Sequential(nn.Dropout(dropout), nn.Linear(WIDTH, FINAL_WIDTH), nn.ReLU())
        self.head = nn.Linear(FINAL_WIDTH, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """What is said of each 15 samples in the light of the others, zero where an item has ended."""
        length = self.check(x, length)
        if length is None:
            steps = self.tokenizer(x, None).transpose(1, 2)
            own, padded = torch.tensor([steps.shape[1]], device=x.device), None
        else:
            length = length.to(x.device, non_blocking=True)
            steps = self.tokenizer(blanked(x, length), length).transpose(1, 2)
            own = self.token_length(length)
            padded = ~within(own, steps.shape[1])
        steps = self.dropout(steps + self.positions(own, steps.shape[1]))
        for layer in self.layers:
            steps = layer(steps, src_key_padding_mask=padded)
        return steps if padded is None else blank(steps, own)

    def token_length(self, length: Tensor) -> Tensor:
        return self.tokenizer.n_steps(length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The hidden layer on the mean of an item's own tokens, weighted by what is said of each."""
        own = None if length is None else self.token_length(length.to(tokens.device, non_blocking=True))
        normed = self.norm(tokens if own is None else blank(tokens, own))
        y: Tensor = self.hidden((shares(self.score(normed).squeeze(2), own)[..., None] * normed).sum(1))
        return y


def _layer(n_heads: int, dropout: float) -> nn.TransformerEncoderLayer:
    layer = nn.TransformerEncoderLayer(
        WIDTH, n_heads, 2 * WIDTH, dropout, "relu", layer_norm_eps=EPS, batch_first=True, norm_first=True
    )
    layer.dropout.p = 0.0  # the one within the feed-forward part, which the study has not
    return layer
