"""Convolutions of three widths, channels weighed by what they say, and a transformer that reads time both ways."""

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.masked import Chain, Convolution, MaxPool, Norm, Residual, Steps, TimeLayer, blanked
from models.signal.padding import blank, within
from models.signal.patch_transformer import sinusoids
from models.signal.rhythm import Activated, SqueezeExcitation

WIDTHS = (32, 64, 128)  # of the three convolutions, each of which leaves half of the steps
SCALES, KERNEL = (5, 9, 11), 8  # kernels of the first, and of the others
N_RECALIBRATED, REDUCTION = 3, 4
N_LAYERS, N_HEADS = 3, 4


class MeanOfScales(TimeLayer):
    """The mean of what kernels of several widths say."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(Convolution(in_channels, width, kernel, bias=False) for kernel in SCALES)

    def n_steps(self, n: Steps) -> Steps:
        return n

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        return torch.stack([scale(x, length) for scale in self.scales]).mean(0)


def _recalibrated(width: int) -> Activated:
    """Two layers on each step, whose channels are weighed, around a shortcut."""
    layers = [Convolution(width, width, 1), Norm(width), nn.ReLU(), Convolution(width, width, 1), Norm(width)]
    return Activated(Residual(Chain(*layers, SqueezeExcitation(width, REDUCTION, bias=False))))


@register("ecgtransform", modality="signal", family="transformer", paper="El-Ghaish & Eldele 2024")
class EcgTransform(SignalNetwork):
    """Three convolutions, three recalibrating blocks, and three transformer layers that read time both ways.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        hidden_size: neurons of the layer within each transformer layer, 1 or more; 2048 as published.
        dropout: probability behind the first convolution, in [0, 1); half of it in the transformer.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 8 samples
        - output: (n, n_classes)

    Raises:
        ValueError: ``hidden_size`` is below 1.

    Reference:
        El-Ghaish and Eldele, ECGTransForm: empowering adaptive ECG arrhythmia classification framework with
        bidirectional transformer, Biomed. Signal Process. Control 89 (2024) 105714. With 12 leads and 9 classes it has
        218,313 weights outside the transformer, which the published count leaves out, and 593,024 in each of its
        layers: 1,997,385. There the steps of time were numbers of a token that was a channel, so that one length went
        in, and in a form with tokens of time the channels were turned around in place of time. Here tokens are times;
        and since attention without places gives the same in either direction, each direction counts the steps from
        where it begins. Padded items, which it does not know, give what they would give alone.
    """

    def __init__(self, in_channels: int, n_classes: int, hidden_size: int = 2048, dropout: float = 0.2) -> None:
        super().__init__()
        if hidden_size < 1:
            raise ValueError(f"hidden_size is {hidden_size}; it is 1 or more")
        first, second, width = WIDTHS
        self.body = Chain(
            MeanOfScales(in_channels, first),
            Norm(first),
            nn.ReLU(),
            MaxPool(2),
            nn.Dropout(dropout),
            *(Convolution(first, second, KERNEL, bias=False), Norm(second), nn.ReLU(), MaxPool(2)),
            *(Convolution(second, width, KERNEL, bias=False), Norm(width), nn.ReLU(), MaxPool(2)),
            *(_recalibrated(width) for _ in range(N_RECALIBRATED)),
        )
        self.in_channels = in_channels
        self.token_dim = self.feature_dim = width
        self.smallest_size = self.body.smallest()
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, N_HEADS, hidden_size, dropout / 2, batch_first=True)
            for _ in range(N_LAYERS)
        )
        self.head = nn.Linear(width, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """What both directions say of each step together, zero where an item has ended."""
        length = self.check(x, length)
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x = blanked(x, length)
        steps = self.body(x, length).transpose(1, 2)
        if length is None:
            return self.both_ways(steps, None)
        own = self.token_length(length)
        return blank(self.both_ways(steps, own), own)

    def both_ways(self, steps: Tensor, own: Tensor | None) -> Tensor:
        """The sum of what the layers say of a sequence and of the same one from its end, laid back onto its steps.

        Turning time around, asking, and turning it back is to count the places from the item's own end.

        Shape:
            - steps: (n, t, width)
            - own: (n,) steps of each item, on the same device; None where all are
            - returns: (n, t, width)
        """
        time = steps.shape[1]
        places = sinusoids(time, self.token_dim, steps.device)
        if own is None:
            from_end, padded = places.flip(0), None
        else:
            place = torch.arange(time, device=steps.device)
            from_end = places[(own[:, None] - 1 - place).clamp(min=0)]
            padded = ~within(own, time)
        total = torch.zeros_like(steps)
        for direction in (steps + places, steps + from_end):
            for layer in self.layers:
                direction = layer(direction, src_key_padding_mask=padded)
            total = total + direction
        return total

    def token_length(self, length: Tensor) -> Tensor:
        return self.body.n_steps(length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The mean over an item's own steps."""
        if length is None:
            return tokens.mean(1)
        own = self.token_length(length.to(tokens.device, non_blocking=True))
        return blank(tokens, own).sum(1) / own[:, None]
