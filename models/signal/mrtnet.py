"""Windows of several widths around the same places, each width with an encoder and a transformer of its own."""

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.masked import Chain, Convolution, MaxPoolAround, Norm, Residual, blanked
from models.signal.padding import blank, within
from models.signal.patch_transformer import layer, sinusoids
from models.signal.rhythm import Activated, SqueezeExcitation

WIDTHS = (32, 64)  # of the residual stages
STEM_KERNEL, KERNEL, REDUCTION = 7, 5, 8


def windows(x: Tensor, size: int, hop: int) -> Tensor:
    """What stands around the middle of every ``hop`` samples; zeros beyond the ends.

    Args:
        x: the signals.
        size: samples of a window, a multiple of ``hop``.
        hop: samples from one window to the next.

    Shape:
        - x: (n, leads, time)
        - returns: (n, ⌈time / hop⌉, leads, size)
    """
    n_units, n_pieces = -(-x.shape[2] // hop), size // hop
    before = (size - hop) // 2
    behind = (n_units + n_pieces - 1) * hop - before - x.shape[2]
    filled = nn.functional.pad(x, (before, behind))
    pieces = filled.reshape(x.shape[0], x.shape[1], -1, hop).transpose(1, 2)  # (n, pieces, leads, hop)
    return torch.cat([pieces[:, first : first + n_units] for first in range(n_pieces)], 3)


def _stage(width_in: int, width: int, dropout: float) -> Activated:
    """A residual block of two convolutions whose channels are weighed; it leaves half of the steps."""
    body = Chain(
        *(Convolution(width_in, width, KERNEL, 2, bias=False), Norm(width), nn.ReLU(), nn.Dropout(dropout)),
        *(Convolution(width, width, KERNEL, bias=False), Norm(width), SqueezeExcitation(width, REDUCTION)),
    )
    return Activated(Residual(body, Chain(Convolution(width_in, width, 1, 2, bias=False), Norm(width))))


class Scale(nn.Module):
    """Of windows of one width: residual blocks, mean and maximum over time, and transformer layers over the windows.

    Args:
        in_channels: leads of the signal.
        size: samples of a window.
        hop: samples from one window to the next.
        width: of what is said of a window.
        n_layers: transformer layers.
        n_heads: heads of each.
        dropout: probability within a block and a layer.

    Shape:
        - x: (n, leads, time), zero where an item has ended
        - own: (n,) windows of each item; None where all are
        - returns: (n, ⌈time / hop⌉, width), of any numbers where an item has ended
    """

    def __init__(
        self, in_channels: int, size: int, hop: int, *, width: int, n_layers: int, n_heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.size, self.hop = size, hop
        self.body = Chain(
            *(Convolution(in_channels, WIDTHS[0], STEM_KERNEL, 2, bias=False), Norm(WIDTHS[0]), nn.ReLU()),
            MaxPoolAround(3, 2),
            *(_stage(before, after, dropout) for before, after in zip((WIDTHS[0], *WIDTHS), WIDTHS, strict=False)),
        )
        self.project = nn.Linear(2 * WIDTHS[-1], width)
        self.layers = nn.ModuleList(layer(width, n_heads, dropout) for _ in range(n_layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, own: Tensor | None) -> Tensor:
        cut = windows(x, self.size, self.hop)
        n, n_units = cut.shape[:2]
        units = self.encoded(cut.flatten(0, 1), None if own is None else within(own, n_units).flatten())
        units = units.reshape(n, n_units, -1) + sinusoids(n_units, units.shape[1], x.device)
        padded = None if own is None else ~within(own, n_units)
        for each in self.layers:
            units = each(units, src_key_padding_mask=padded)
        y: Tensor = self.norm(units)
        return y

    def encoded(self, cut: Tensor, is_own: Tensor | None) -> Tensor:
        """What is said of each window by itself.

        Args:
            cut: the windows.
            is_own: those that are none of an item's are not seen by the norms, as if they were of no steps at all.

        Shape:
            - cut: (windows, leads, size)
            - is_own: (windows,) bool; None where all are
            - returns: (windows, width)
        """
        last_map = self.body(cut, None if is_own is None else is_own * self.size)
        both = torch.cat([last_map.mean(2), last_map.amax(2)], 1)  # a window is whole, and a map not below zero
        y: Tensor = self.project(both)
        return y


@register("mrtnet", modality="signal", family="transformer", paper="after Multi Res Trans Net 2023")
class MrtNet(SignalNetwork):
    """Windows of several widths around the same places, each width with residual blocks and a transformer of its own.

    A window may hold a wave, a beat or some beats. Those of one width go through a residual network with squeeze and
    excitation, are read by mean and maximum, and see each other in a transformer.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        window: samples of the narrowest one, an even number, 16 or more; a place is as many samples behind the last.
        n_scales: widths, each twice the one before, 1 or more.
        width: of what is said of a window, 1 or more.
        n_layers: transformer layers of each width, 1 or more.
        n_heads: heads of each, a divisor of ``width``.
        dropout: probability within blocks and layers and before the head, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is a place, what all widths say side by side
        - output: (n, n_classes)

    Raises:
        ValueError: a number is too small or odd, or ``n_heads`` does not divide ``width``.

    Reference:
        Multi Res Trans Net (MRTNet), Applied Soft Computing, 2023, of which no code and no table of layers is public:
        windows of several scales, a residual network with squeeze and excitation, means and maxima combined, a
        transformer encoder, and scales fused are its; widths and depths are ours. There a window lies around a beat
        that was looked for first; here windows lie at fixed times, so that no beat is lost with its peak. With 12
        leads and 5 classes it has 472,265 weights: in each of three widths 48,748 of the residual network, 8,256
        behind its means and maxima, 99,968 of the transformer and 128 of its norm; 965 of the head.
    """

    smallest_size = 1

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        window: int = 50,
        n_scales: int = 3,
        width: int = 64,
        n_layers: int = 2,
        n_heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        for what, number in (("n_scales", n_scales), ("width", width), ("n_layers", n_layers), ("n_heads", n_heads)):
            if number < 1:
                raise ValueError(f"{what} is {number}; it is 1 or more")
        if window < 16 or window % 2:
            raise ValueError(f"window is {window}; it is an even number of samples, 16 or more")
        if width % n_heads:
            raise ValueError(f"n_heads is {n_heads}; it is a divisor of {width}")
        self.in_channels, self.window = in_channels, window
        self.token_dim = self.feature_dim = n_scales * width
        self.scales = nn.ModuleList(
            Scale(
                in_channels,
                window * 2**power,
                window,
                width=width,
                n_layers=n_layers,
                n_heads=n_heads,
                dropout=dropout,
            )
            for power in range(n_scales)
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.feature_dim, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """What all widths say of each place, side by side, zero where an item has ended."""
        length = self.check(x, length)
        own = None
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x, own = blanked(x, length), self.token_length(length)
        tokens = torch.cat([scale(x, own) for scale in self.scales], 2)
        return tokens if own is None else blank(tokens, own)

    def token_length(self, length: Tensor) -> Tensor:
        return -(-length // self.window)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The mean over an item's own places."""
        if length is None:
            mean = tokens.mean(1)
        else:
            own = self.token_length(length.to(tokens.device, non_blocking=True))
            mean = blank(tokens, own).sum(1) / own[:, None]
        y: Tensor = self.dropout(mean)
        return y
