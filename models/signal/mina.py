"""Bands of frequency, each read by convolutions and a recurrence, whose attention is guided by what is known."""

import math

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.masked import blanked
from models.signal.padding import blank, within
from models.signal.recurrent import run_both_ways

SLOW = 0.5  # Hz, below which the baseline wanders
FAST = 50.0  # Hz, above which published bands end; half of the highest frequency there is where that is no more
N_BANDS = 4  # all, slow, middle, fast
TIME_CONSTANTS = 4.0  # of a filter, after which nothing of it is left on either side: e⁻⁴ is 2 %
CHANNELS, KERNEL, STRIDE = 64, 32, 2  # of the convolutions within a segment
HIDDEN = 32  # neurons of a direction
ASKED, ASKED_OF_BANDS = 8, 2  # neurons that weigh positions and segments, and that weigh bands
EPS = 1e-6  # of a variance, whose root has no slope at 0


class Bands(nn.Module):
    """What of each lead is slow, middling and fast, beside all of it: the three add up to the fourth.

    A low-pass of the first order, run forward and backward, is a mean of the samples around, whose weights fall with
    the distance as an exponential does. It is taken over an item's own samples alone, so that a constant stays what it
    is at either end, and padding is not seen. The slow band is the mean at the lower cut-off, the fast one what the
    mean at the upper cut-off leaves, the middle one what is between them.

    Args:
        sampling_rate: Hz.

    Shape:
        - x: (n, leads, time), zero where padded
        - own: (n or 1, time) bool, the samples of each item
        - returns: (n, N_BANDS, leads, time), zero where padded

    Raises:
        ValueError: the rate has no frequencies on both sides of ``SLOW``.
    """

    weights_slow: Tensor
    weights_fast: Tensor

    def __init__(self, sampling_rate: float) -> None:
        super().__init__()
        if not 8 * SLOW <= sampling_rate < math.inf:
            raise ValueError(f"sampling_rate is {sampling_rate}; it is {8 * SLOW:g} Hz or more")
        highest = sampling_rate / 2
        self.cut_offs = (SLOW, FAST if highest > FAST else highest / 2)  # Hz
        for name, cut_off in zip(("weights_slow", "weights_fast"), self.cut_offs, strict=True):
            self.register_buffer(name, around(cut_off, sampling_rate), persistent=False)

    def forward(self, x: Tensor, own: Tensor) -> Tensor:
        slow, fast = (self._mean(x, own, weights) for weights in (self.weights_slow, self.weights_fast))
        return torch.stack([x, slow, fast - slow, x - fast], 1)

    def _mean(self, x: Tensor, own: Tensor, weights: Tensor) -> Tensor:
        counted = own[:, None].to(x.dtype)  # (n or 1, 1, time)
        single = x.flatten(0, 1)[:, None]  # (n · leads, 1, time)
        beside = weights.shape[2] // 2
        sums, totals = (nn.functional.conv1d(each, weights.to(x.dtype), padding=beside) for each in (single, counted))
        mean = sums.view(x.shape) / totals.clamp(min=EPS)
        return mean.masked_fill(~own[:, None], 0.0)


def around(cut_off: float, sampling_rate: float) -> Tensor:
    """The weights of the samples around one, (1, 1, an odd number), which sum to 1.

    Args:
        cut_off: Hz, where half of a wave's height is left.
        sampling_rate: Hz.
    """
    turned = 2 - math.cos(2 * math.pi * cut_off / sampling_rate)
    ratio = turned - math.sqrt(turned**2 - 1)  # of the weight of one sample to that of the next one inwards
    beside = max(1, math.ceil(-TIME_CONSTANTS / math.log(ratio)))
    weights = ratio ** torch.arange(-beside, beside + 1).abs()
    return (weights / weights.sum())[None, None]


class Guided(nn.Module):
    """How much each place counts, in the light of what is known of it beside what is found there: one of each band.

    Args:
        found: channels of what is found.
        known: numbers of what is known.
        asked: neurons between.

    Shape:
        - found: (n, N_BANDS, found, t)
        - known: (n, N_BANDS, known, t)
        - returns: (n, N_BANDS, t), any numbers
    """

    def __init__(self, found: int, known: int, asked: int) -> None:
        super().__init__()
        both = N_BANDS * (found + known)
        self.inner = nn.Conv1d(both, N_BANDS * asked, 1, groups=N_BANDS, bias=False)
        self.outer = nn.Conv1d(N_BANDS * asked, N_BANDS, 1, groups=N_BANDS, bias=False)

    def forward(self, found: Tensor, known: Tensor) -> Tensor:
        both = torch.cat([found, known], 2).flatten(1, 2)
        y: Tensor = self.outer(self.inner(both).tanh())
        return y


@register("mina", modality="signal", family="mina", paper="Hong et al. 2019")
class Mina(SignalNetwork):
    """Four bands, convolutions in short segments, a recurrence over these; attention guided by slope, deviation, power.

    Within a segment, positions are weighed by what is found there and by a convolution of the slope (the difference
    from sample to sample, without its sign); segments by what the recurrence says and by the deviation in them; bands
    by what they come to and by their power.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        sampling_rate: of the signals, Hz, which the filters are made for; below 100 Hz or at it the fast band begins at
            a quarter of the rate, above at 50 Hz.
        segment: samples of one, 32 or more; an item's last one is filled up with zeros.
        out_width: numbers that a band comes to, and that the head reads.
        dropout: probability behind them, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is a segment, all bands side by side
        - output: (n, n_classes)

    Raises:
        ValueError: a number is too small.

    Reference:
        Hong et al., MINA: multilevel knowledge-guided attention for modeling electrocardiography signals, IJCAI 2019,
        for one lead at 300 Hz: with it and 4 classes it has 115,292 weights, of each band 2,145 of the convolutions,
        528 of the attention to positions, 25,088 of the recurrence, 528 of the attention to segments, 520 of the linear
        layer behind; 20 of the attention to bands, 36 of the head. There each record is divided by its deviation, which
        the millivolts of ours are not, filters run forward alone, and bands are cut before anything is learnt; the
        softmax of an exponential that may overflow and the cross-entropy of a softmax are not taken over. More leads
        are channels of each convolution, and more numbers that are known.
    """

    smallest_size = 1

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        sampling_rate: float = 100.0,
        segment: int = 50,
        out_width: int = 8,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if segment < KERNEL:
            raise ValueError(f"segment is {segment}; it is {KERNEL} samples or more")
        if out_width < 1:
            raise ValueError(f"out_width is {out_width}; it is 1 or more")
        self.in_channels, self.segment, self.feature_dim = in_channels, segment, out_width
        self.token_dim = N_BANDS * (2 * HIDDEN + 2 * in_channels)
        self.bands = Bands(sampling_rate)
        self.convolution, self.of_slope = (
            nn.Conv1d(N_BANDS * in_channels, N_BANDS * width, KERNEL, STRIDE, groups=N_BANDS) for width in (CHANNELS, 1)
        )
        self.weigh_positions = Guided(CHANNELS, 1, ASKED)
        self.recurrent = nn.ModuleList(
            nn.LSTM(CHANNELS, HIDDEN, batch_first=True, bidirectional=True) for _ in range(N_BANDS)
        )
        self.weigh_segments = Guided(2 * HIDDEN, in_channels, ASKED)
        self.narrow = nn.Conv1d(N_BANDS * 2 * HIDDEN, N_BANDS * out_width, 1, groups=N_BANDS)
        self.dropout = nn.Dropout(dropout)
        self.weigh_bands = nn.Sequential(
            nn.Linear(out_width + in_channels, ASKED_OF_BANDS, bias=False),
            nn.Tanh(),
            nn.Linear(ASKED_OF_BANDS, 1, bias=False),
        )
        self.head = nn.Linear(out_width, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """Of each segment what the recurrence says, and deviation and power of each lead; zero where an item has ended.

        Shape:
            - returns: (n, t, N_BANDS · (2 · HIDDEN + 2 · leads)), the bands one behind the other
        """
        length = self.check(x, length)
        steps = None
        if length is None:
            own = torch.ones(1, x.shape[2], dtype=torch.bool, device=x.device)
        else:
            length = length.to(x.device, non_blocking=True)
            x, own, steps = blanked(x, length), within(length, x.shape[2]), self.token_length(length)
        bands = self.bands(x, own)
        slopes = nn.functional.pad((bands[..., 1:] - bands[..., :-1]).abs(), (1, 0))
        slopes = slopes.masked_fill(~own[:, None, None], 0.0)  # from the last sample of an item to zero is no slope
        said = self._said(self._cut(bands), self._cut(slopes))  # (n, t, bands, channels)
        spread = torch.cat(self._deviation_and_power(self._cut(bands), self._cut(own[:, None, None])), 3)
        if steps is not None:
            said = blank(said.flatten(2), steps).view(said.shape)
        heard = [run_both_ways(layer, said[:, :, band], steps) for band, layer in enumerate(self.recurrent)]
        tokens = torch.cat([torch.stack(heard, 2), spread.to(said.dtype)], 3).flatten(2)
        return tokens if steps is None else blank(tokens, steps)

    def _cut(self, x: Tensor) -> Tensor:
        """Segments of samples, (…, leads, time) to (…, leads, t, segment), zeros or False behind the last one's end."""
        filled = nn.functional.pad(x, (0, -x.shape[-1] % self.segment))
        return filled.reshape(*filled.shape[:-1], -1, self.segment)

    def _said(self, bands: Tensor, slopes: Tensor) -> Tensor:
        """What the convolutions find in each segment, (n, bands, leads, t, segment) to (n, t, bands, CHANNELS)."""
        n, _, _, t, _ = bands.shape
        pieces, of_slopes = (x.permute(0, 3, 1, 2, 4).flatten(0, 1).flatten(1, 2) for x in (bands, slopes))
        found = self.convolution(pieces).relu()
        found = found.reshape(found.shape[0], N_BANDS, CHANNELS, -1)  # (n · t, bands, CHANNELS, positions)
        known = self.of_slope(of_slopes).relu()[:, :, None]
        shares = self.weigh_positions(found, known).softmax(2)
        y: Tensor = (found * shares[:, :, None]).sum(3).reshape(n, t, N_BANDS, CHANNELS)
        return y

    def _deviation_and_power(self, bands: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """Over the samples of each segment that are its item's, (n, t, bands, leads) each, in mV and mV²."""
        n_own = own.sum(4).clamp(min=1)  # (n or 1, 1, 1, t)
        mean, power = bands.sum(4) / n_own, bands.square().sum(4) / n_own
        variance = ((bands - mean[..., None]) * own).square().sum(4) / n_own
        deviation = (variance + EPS).sqrt()
        return deviation.permute(0, 3, 1, 2), power.permute(0, 3, 1, 2)

    def token_length(self, length: Tensor) -> Tensor:
        return -(-length // self.segment)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """Segments and then bands, each weighed by attention."""
        steps = None if length is None else self.token_length(length.to(tokens.device, non_blocking=True))
        own = tokens if steps is None else blank(tokens, steps)  # nothing that is no number, times a share of 0
        parts = own.reshape(*own.shape[:2], N_BANDS, -1).permute(0, 2, 3, 1)  # (n, bands, numbers, t)
        heard, known = parts[:, :, : 2 * HIDDEN], parts[:, :, 2 * HIDDEN :]
        deviation, power = known.chunk(2, 2)
        scores = self.weigh_segments(heard, deviation)  # (n, bands, t)
        if steps is not None:
            scores = scores.masked_fill(~within(steps, scores.shape[2])[:, None], -torch.inf)
        summed = (heard * scores.softmax(2)[:, :, None]).sum(3)  # (n, bands, 2 · HIDDEN)
        n_steps = scores.shape[2] if steps is None else steps[:, None, None]
        of_band = self.dropout(self.narrow(summed.flatten(1)[..., None]).relu()).reshape(-1, N_BANDS, self.feature_dim)
        mean_power = (power.sum(3) / n_steps).to(of_band.dtype)
        shares = self.weigh_bands(torch.cat([of_band, mean_power], 2)).softmax(1)  # (n, bands, 1)
        y: Tensor = (of_band * shares).sum(1)
        return y
