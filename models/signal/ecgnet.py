"""Kernels of four widths, deep residual blocks, and a recurrence over the samples beside them."""

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.lead_maps import SideBySide
from models.signal.masked import Chain, Convolution, MaxPool, Norm, Residual, blanked
from models.signal.padding import blank, last_step

STEM_KERNELS, OF_EACH = (15, 17, 19, 21), 16  # and channels of each
KERNEL = 17
N_BLOCKS, IN_A_ROW, MORE = 15, 4, 32  # every fourth block halves the steps, and has so many channels more
READ, HIDDEN = 640, 40  # numbers that are read of the map, and neurons of the recurrence


def _block(width_in: int, width: int, dropout: float) -> Residual:
    """Two convolutions behind norms; half as many steps where the channels become more."""
    layers: list[nn.Module] = []
    for before in (width_in, width):
        layers += [Norm(before), nn.ReLU(), nn.Dropout(dropout), Convolution(before, width, KERNEL, bias=False)]
    if width == width_in:
        return Residual(Chain(*layers))
    return Residual(Chain(*layers, MaxPool(2)), Chain(MaxPool(2), Convolution(width_in, width, 1)))


@register("ecgnet", modality="signal", family="surveyed", paper="after Murugesan et al. 2018")
class EcgNet(SignalNetwork):
    """An inception stem and fifteen residual blocks, the mean over time, and the last state of an LSTM beside it.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        dropout: probability before each convolution of a block, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 16 samples: a step of the last map, and
          what the recurrence has heard until its end
        - output: (n, n_classes)

    Reference:
        Murugesan et al., ECGNet: deep network for arrhythmia classification, IEEE MeMeA 2018, with the widths of the
        one public form for twelve leads (hhhey-lw/db_ecgnet), which reads a mean of the map by a layer of 640, beside
        the 40 of the recurrence. With 12 leads and 9 classes it has 7,419,953 weights: 83,712 of the stem, 7,218,112
        of the blocks (of w to v channels 17 · (w v + v²) + 2 (w + v), and (w + 1) v of a shortcut where v is more),
        320 of the norm behind them, 8,640 of the recurrence, 109,169 of the two layers behind. An older form
        (Amadeuszhao/SE-ECGNet) lays the stem's four maps one after the other in time; here they stand side by side.
        Padded items, which it does not know, give what they would give alone.
    """

    def __init__(self, in_channels: int, n_classes: int, dropout: float = 0.1) -> None:
        super().__init__()
        width = OF_EACH * len(STEM_KERNELS)
        layers: list[nn.Module] = [
            SideBySide([Convolution(in_channels, OF_EACH, kernel) for kernel in STEM_KERNELS]),
            Norm(width),
            nn.ReLU(),
            Convolution(width, width, KERNEL, 2),
        ]
        for block in range(1, N_BLOCKS + 1):
            wider = width + (0 if block % IN_A_ROW else MORE)
            layers.append(_block(width, wider, dropout))
            width = wider
        self.body = Chain(*layers, Norm(width), nn.ReLU())
        self.in_channels, self.width = in_channels, width
        self.token_dim, self.feature_dim = width + HIDDEN, READ + HIDDEN
        self.smallest_size = self.body.smallest()
        self.recurrent = nn.LSTM(in_channels, HIDDEN, batch_first=True)
        self.read = nn.Linear(width, READ)
        self.head = nn.Linear(self.feature_dim, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """Steps of the last map with the recurrence at each one's end, the last one's at the item's own end."""
        length = self.check(x, length)
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x = blanked(x, length)
        steps = self.body(x, length).transpose(1, 2)
        heard = self.recurrent(x.transpose(1, 2))[0]  # (n, time, HIDDEN)
        of_a_step = 2 ** (1 + N_BLOCKS // IN_A_ROW)
        # All but the last token's: that one ends with the item, which may have samples of no whole token behind it.
        before = heard[:, of_a_step - 1 :: of_a_step][:, : steps.shape[1] - 1]
        if length is None:
            return torch.cat([steps, torch.cat([before, heard[:, -1:]], 1)], 2)
        own = self.token_length(length)
        filled = nn.functional.pad(before, (0, 0, 0, steps.shape[1] - before.shape[1]))
        is_last = torch.arange(steps.shape[1], device=x.device) == own[:, None] - 1
        heard_until = torch.where(is_last[..., None], last_step(heard, length)[:, None], filled)
        return blank(torch.cat([steps, heard_until], 2), own)

    def token_length(self, length: Tensor) -> Tensor:
        return self.body.n_steps(length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """A layer on the mean of the map over an item's own steps, and the recurrence at its end."""
        own = None if length is None else self.token_length(length.to(tokens.device, non_blocking=True))
        steps = tokens[..., : self.width]
        mean = steps.mean(1) if own is None else blank(steps, own).sum(1) / own[:, None]
        return torch.cat([self.read(mean), last_step(tokens[..., self.width :], own)], 1)
