"""Two transformers over tokens of two lengths, whose later layers hear those tokens alone that matter."""

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.inception1d import Inception
from models.signal.masked import Chain, Convolution, Norm, blanked
from models.signal.padding import blank, within
from models.signal.patch_transformer import sinusoids

CHANNELS = 128  # of the map that is cut into tokens: those of ``Inception``
COARSE, FINE = 20, 5  # samples from one token to the next
MEMORY = 0.99  # of what was attended to before
FROM_LAYER = (4, 3)  # of each branch, counted from 1: where attention begins to be kept


class Layer(nn.Module):
    """A transformer layer that normalises before it acts, and says what its first token attends to.

    Shape:
        - x: (n, t, width)
        - padded: (n, t) bool, tokens that no other one sees; None where there are none
        - returns: (n, t, width), and (n, t) the first token's attention, its heads averaged
    """

    def __init__(self, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.value = nn.Linear(width, width), nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)  # a softmax over keys takes a bias away
        self.joined, self.dropout = nn.Linear(width, width), nn.Dropout(dropout)
        self.hidden = nn.Sequential(
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor, padded: Tensor | None) -> tuple[Tensor, Tensor]:
        normed = self.before(x)
        query, key, value = (
            part(normed).unflatten(2, (self.n_heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )  # (n, heads, t, width / heads)
        scores = query @ key.transpose(2, 3) * query.shape[3] ** -0.5
        if padded is not None:
            scores = scores.masked_fill(padded[:, None, None], -torch.inf)
        attention = scores.softmax(3)
        x = x + self.dropout(self.joined((attention @ value).transpose(1, 2).flatten(2)))
        return x + self.hidden(self.between(x)), attention[:, :, 0].mean(1)


class SelectingEncoder(nn.Module):
    """Layers over tokens behind a learnt first one; from one layer on, only tokens that it has attended to act.

    Args:
        width: of a token.
        n_layers: of the encoder.
        n_heads: of each layer.
        first: the layer, from 1, with which attention begins to be kept; those behind it choose.
        kept: part of an item's tokens that a layer hears, in (0, 1].
        dropout: probability in a layer, in [0, 1).

    Shape:
        - x: (n, t, width)
        - own: (n,) tokens of each item; None where all are
        - returns: (n, 1 + t, width), of which those that wait are as they were
    """

    def __init__(self, width: int, n_layers: int, n_heads: int, first: int, kept: float, dropout: float) -> None:
        super().__init__()
        self.first, self.kept = first, kept
        self.summary = nn.Parameter(torch.randn(width) * 0.02)
        self.layers = nn.ModuleList(Layer(width, n_heads, dropout) for _ in range(n_layers))

    def forward(self, x: Tensor, own: Tensor | None) -> Tensor:
        n, time, width = x.shape
        summary = self.summary.expand(n, 1, width).to(x.dtype)
        padded = None if own is None else ~within(own, time)
        attended = x.new_zeros(n, time, dtype=torch.float32)
        for number, layer in enumerate(self.layers, start=1):
            if number <= self.first or self.kept == 1:
                both, attention = layer(torch.cat([summary, x], 1), with_summary(padded))
                summary, x = both[:, :1], both[:, 1:]
                attention = attention[:, 1:].detach().float()
            else:
                chosen, unheard = choose(attended, own, self.kept)
                at = chosen[..., None].expand(-1, -1, width)
                both, seen = layer(torch.cat([summary, x.gather(1, at)], 1), with_summary(unheard))
                said = both[:, 1:] if unheard is None else torch.where(unheard[..., None], x.gather(1, at), both[:, 1:])
                summary, x = both[:, :1], x.scatter(1, at, said.to(x.dtype))
                attention = torch.zeros_like(attended).scatter(1, chosen, seen[:, 1:].detach().float())
            if number >= self.first:
                attended = MEMORY * attended + (1 - MEMORY) * attention
        return torch.cat([summary, x], 1)


def with_summary(padded: Tensor | None) -> Tensor | None:
    """The mask with the first token before it, which everyone sees, (n, t) -> (n, 1 + t)."""
    return None if padded is None else nn.functional.pad(padded, (1, 0), value=False)


def choose(attended: Tensor, own: Tensor | None, kept: float) -> tuple[Tensor, Tensor | None]:
    """The tokens with the highest attention, ``kept`` of an item's own, rounded up.

    Args:
        attended: what was attended to, 0 or more.
        own: tokens of each item; None where all are.
        kept: in (0, 1].

    Shape:
        - attended: (n, t)
        - returns: (n, k) places, the highest first, and (n, k) bool, those of shorter items that are too many
    """
    time = attended.shape[1]
    n_kept = share_of(time, kept)
    if own is None:
        return attended.topk(n_kept, 1).indices, None
    chosen = attended.masked_fill(~within(own, time), -1.0).topk(n_kept, 1).indices
    of_each = torch.tensor([share_of(n, kept) for n in range(time + 1)], device=own.device)
    return chosen, ~within(of_each[own], n_kept)


def share_of(n: int, kept: float) -> int:
    """So many of ``n`` tokens, rounded up."""
    return -int(-n * kept // 1)


def correlation_loss(first: Tensor, second: Tensor) -> Tensor:
    """1 − the correlation of both vectors of each item, averaged over items, (n, d) and (n, d) -> ()."""
    first, second = (x.float() - x.float().mean(1, keepdim=True) for x in (first, second))
    return 1 - nn.functional.cosine_similarity(first, second, dim=1).mean()


@register("token_selection", modality="signal", family="transformer", paper="after KBS 111006, 2023")
class TokenSelection(SignalNetwork):
    """Convolutions, tokens of 200 and of 50 ms at 100 Hz, and a transformer over each that selects among them.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        width: of a token, an even multiple of ``n_heads``; 424 as published.
        n_heads: heads of a layer.
        n_coarse: layers over the long tokens, 4 or more.
        n_fine: layers over the short ones, 3 or more.
        kept: part of the tokens that the layers behind the fourth and third one hear, in (0, 1].
        rr_weight: of 1 − the correlation of what both say, beside the task's loss; 0 for none.
        dropout: probability in a layer and before the head, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes); a token is one of both first ones, then in time order a long one and its four short

    Raises:
        ValueError: a number is out of its range.

    Reference:
        A dual-branch convolution-transformer with token selection, Knowledge-Based Systems (2023) 111006: convolutions
        12-128-256-128 (7, 5, 3) and an inception block; tokens are two kernels side by side, 20 and 40 samples every
        20, 5 and 100 every 5; 8 and 5 layers, 8 heads, the first token's attention kept by a mean of 0.99, half the
        tokens stay. Its code is not public: hidden layers are twice as wide here, sinusoids say where a token stands,
        and a token that waits keeps what it says and may be chosen again. Our width is 128, for one processor.
    """

    smallest_size = 1

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        width: int = 128,
        n_heads: int = 8,
        n_coarse: int = 8,
        n_fine: int = 5,
        kept: float = 0.5,
        rr_weight: float = 0.1,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        for what, number, least in (
            *(("width", width, 2), ("n_heads", n_heads, 1)),
            *(("n_coarse", n_coarse, FROM_LAYER[0]), ("n_fine", n_fine, FROM_LAYER[1])),
        ):
            if number < least:
                raise ValueError(f"{what} is {number}; it is {least} or more")
        if width % n_heads or width % 2:
            raise ValueError(f"width is {width}; it is an even multiple of n_heads, {n_heads}")
        if not 0 < kept <= 1:
            raise ValueError(f"kept is {kept}; it is above 0 and at most 1")
        if not 0 <= rr_weight < float("inf"):
            raise ValueError(f"rr_weight is {rr_weight}; it is 0 or more")
        self.in_channels, self.token_dim, self.feature_dim, self.rr_weight = in_channels, width, 2 * width, rr_weight
        self.chooses = kept < 1
        layers: list[nn.Module] = []
        for before, after, kernel in ((in_channels, CHANNELS, 7), (CHANNELS, 256, 5), (256, CHANNELS, 3)):
            layers += [Convolution(before, after, kernel, bias=False), Norm(after), nn.ReLU()]
        self.body = Chain(*layers, Inception(CHANNELS))
        self.coarse = nn.ModuleList(Convolution(CHANNELS, width // 2, kernel, COARSE) for kernel in (20, 40))
        self.fine = nn.ModuleList(Convolution(CHANNELS, width // 2, kernel, FINE) for kernel in (5, 100))
        self.encoders = nn.ModuleList(
            SelectingEncoder(width, n_layers, n_heads, first, kept, dropout)
            for n_layers, first in zip((n_coarse, n_fine), FROM_LAYER, strict=True)
        )
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(dropout)
        self.head = nn.Linear(2 * width, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """Both first tokens, then in time order those of both lengths, zero where an item has ended."""
        length = self.check(x, length)
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x = blanked(x, length)
        x = self.body(x, length)
        said = []
        for scale, stride, encoder in zip((self.coarse, self.fine), (COARSE, FINE), self.encoders, strict=True):
            steps = torch.cat([each(x, length) for each in scale], 1).transpose(1, 2)
            steps = steps + sinusoids(steps.shape[1], self.token_dim, steps.device)
            said.append(encoder(steps, None if length is None else -(-length // stride)))
        coarse, fine = (self.norm(each) for each in said)
        n_tokens = coarse.shape[1] + fine.shape[1]
        filled = nn.functional.pad(fine[:, 1:], (0, 0, 0, -(fine.shape[1] - 1) % (COARSE // FINE)))
        groups = torch.unflatten(filled, 1, (-1, COARSE // FINE))  # (n, coarse ones, 4, width)
        in_time = torch.cat([coarse[:, 1:, None], groups], 2).flatten(1, 2)
        tokens = torch.cat([coarse[:, :1], fine[:, :1], in_time], 1)[:, :n_tokens]
        return tokens if length is None else blank(tokens, self.token_length(length))

    def token_length(self, length: Tensor) -> Tensor:
        return 2 - (-length // COARSE) - (-length // FINE)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """Both first tokens side by side."""
        y: Tensor = self.dropout(tokens[:, :2].flatten(1))
        return y

    def penalty(self, features: Tensor) -> Tensor | None:
        """``rr_weight`` times 1 − the correlation of both halves of the features."""
        return self.rr_weight * correlation_loss(*features.chunk(2, 1)) if self.rr_weight else None
