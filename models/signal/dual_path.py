"""Recurrences within short chunks of the signal and from chunk to chunk, in turn."""

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.masked import Convolution, blanked
from models.signal.padding import blank, within
from models.signal.recurrent import run_both_ways

WIDTH, KERNEL, STRIDE = 64, 8, 4  # of the convolution in front
BINS = 4  # of an item's time, each read by its mean
EPS = 1e-5  # of a variance


def chunked(frames: Tensor, size: int) -> Tensor:
    """Chunks of which each begins half a chunk behind the last; zeros as long as one stand before and behind.

    Shape:
        - frames: (n, t, d)
        - returns: (n, chunks, size, d), ⌊(t + size) / ⌊size / 2⌋⌋ + 1 chunks
    """
    hop = size // 2
    n_chunks, n_pieces = (frames.shape[1] + size) // hop + 1, -(-size // hop)  # pieces, as long as a hop, of a chunk
    behind = (n_chunks + n_pieces - 1) * hop - size - frames.shape[1]
    framed = nn.functional.pad(frames, (0, 0, size, behind))
    pieces = framed.reshape(framed.shape[0], -1, hop, framed.shape[2])
    return torch.cat([pieces[:, first : first + n_chunks] for first in range(n_pieces)], 2)[:, :, :size]


def overlap_added(chunks: Tensor, time: int) -> Tensor:
    """The sum over all chunks that hold a frame, laid back onto the ``time`` frames that ``chunked`` cut.

    Shape:
        - chunks: (n, chunks, size, d)
        - returns: (n, time, d)
    """
    size = chunks.shape[2]
    hop = size // 2
    place = torch.arange(time, device=chunks.device) + size
    last = place // hop  # of the chunks that hold a frame, the one that begins latest
    total = chunks[:, last, place % hop] + chunks[:, last - 1, place % hop + hop]
    if size % 2 == 0:
        return total
    both_ends = (place % hop == 0)[:, None]  # a chunk of an odd size is one frame longer than two hops
    return total + chunks[:, last - 2, size - 1] * both_ends


class ItemNorm(nn.Module):
    """Mean and variance of all that is an item's own, of all channels together; scaled and shifted channel by channel.

    Shape:
        - x: (n, chunks, size, channels), of any numbers behind an item's chunks
        - own: (n,) chunks of each item; None where all are
        - returns: as ``x``, zero where an item has ended
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, own: Tensor | None) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, self.weight.dtype))
        ended = None if own is None else ~within(own, x.shape[1])[..., None, None]
        n_chunks = x.shape[1] if own is None else own[:, None, None, None]
        count = n_chunks * x.shape[2] * x.shape[3]
        wide = _without(wide, ended)
        centred = _without(wide - wide.sum((1, 2, 3), keepdim=True) / count, ended)
        variance = centred.square().sum((1, 2, 3), keepdim=True) / count
        return _without(centred * (variance + EPS).rsqrt() * self.weight + self.bias, ended)


def _without(x: Tensor, ended: Tensor | None) -> Tensor:
    return x if ended is None else x.masked_fill(ended, 0.0)


class Path(nn.Module):
    """A recurrence of both directions along one of two axes, a linear layer, a norm, and what went in added.

    Args:
        hidden_size: neurons of a direction.
        is_within: whether it runs over the frames of each chunk; else over the chunks, for each place in them.

    Shape:
        - x: (n, chunks, size, WIDTH), zero where an item has ended
        - own: (n,) chunks of each item; None where all are
        - returns: as ``x``
    """

    def __init__(self, hidden_size: int, *, is_within: bool) -> None:
        super().__init__()
        self.is_within = is_within
        self.recurrent = nn.LSTM(WIDTH, hidden_size, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(2 * hidden_size, WIDTH)
        self.norm = ItemNorm(WIDTH)

    def forward(self, x: Tensor, own: Tensor | None) -> Tensor:
        n, n_chunks, size, width = x.shape
        if self.is_within:  # every chunk is whole, with the zeros behind an item's end that it has alone, too
            said = self.recurrent(x.reshape(n * n_chunks, size, width))[0].reshape(n, n_chunks, size, -1)
        else:
            lines = x.transpose(1, 2).reshape(n * size, n_chunks, width)
            steps = None if own is None else own.repeat_interleave(size)
            said = run_both_ways(self.recurrent, lines, steps).reshape(n, size, n_chunks, -1).transpose(1, 2)
        y: Tensor = x + self.norm(self.linear(said), own)
        return y


@register("dual_path_rnn", modality="signal", family="lstm", paper="Wang et al. 2023, after Luo et al. 2020")
class DualPathRnn(SignalNetwork):
    """A convolution, chunks that overlap by half, and blocks of a recurrence within chunks and one across them.

    A recurrence over a long record has many steps; here it has as many as a chunk, and then as many as there are
    chunks, so that what is far away is few steps off. The chunks are added up again, and the means of four parts of
    an item's time go through a hidden layer.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        n_blocks: of both recurrences, 1 or more.
        hidden_size: neurons of a direction of each, 1 or more.
        chunk: its frames, 2 or more; a frame is 4 samples.
        dropout: probability behind the hidden layer, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is a frame
        - output: (n, n_classes)

    Raises:
        ValueError: a number is too small.

    Reference:
        Wang, Rahardja, Fränti and Rahardja, Single-lead ECG recordings modeling for end-to-end recognition of atrial
        fibrillation with dual-path RNN, Biomed. Signal Process. Control 79 (2023) 104067, at 300 Hz with 4 classes; the
        blocks are those of Luo, Chen and Yoshioka, Dual-path RNN: efficient long sequence modeling for time-domain
        single-channel speech separation, ICASSP 2020. So it has 666,948 weights: 576 of the convolution, in each of
        eight recurrences 66,560, 8,256 of the linear layer and 128 of the norm, 65,792 of the hidden layer and 1,028
        of the head. There a dropout of one half acted while scoring, and the one named within the blocks nowhere,
        since theirs stands between layers and there is one. Here it acts in training alone; there is no frame more
        than ⌈time / 4⌉, and padded items, which it does not know, give what they would give alone.
    """

    smallest_size = 1

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        n_blocks: int = 4,
        hidden_size: int = 64,
        chunk: int = 45,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        for what, number, least in (("n_blocks", n_blocks, 1), ("hidden_size", hidden_size, 1), ("chunk", chunk, 2)):
            if number < least:
                raise ValueError(f"{what} is {number}; it is {least} or more")
        self.in_channels, self.chunk = in_channels, chunk
        self.token_dim, self.feature_dim = WIDTH, BINS * WIDTH
        self.stem = Convolution(in_channels, WIDTH, KERNEL, STRIDE)
        self.paths = nn.ModuleList(
            Path(hidden_size, is_within=is_within) for _ in range(n_blocks) for is_within in (True, False)
        )
        self.hidden = nn.Sequential(nn.Linear(self.feature_dim, self.feature_dim), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(self.feature_dim, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """What the chunks that hold a frame say of it together, zero where an item has ended."""
        length = self.check(x, length)
        own = None
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x = blanked(x, length)
            own = self._n_chunks(self.token_length(length))
        frames = self.stem(x, length).transpose(1, 2)
        chunks = chunked(frames, self.chunk)
        for path in self.paths:
            chunks = path(chunks, own)
        tokens = overlap_added(chunks, frames.shape[1])
        return tokens if length is None else blank(tokens, self.token_length(length))

    def _n_chunks(self, n_frames: Tensor) -> Tensor:
        return (n_frames + self.chunk) // (self.chunk // 2) + 1

    def token_length(self, length: Tensor) -> Tensor:
        return self.stem.n_steps(length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The hidden layer on the means of four parts of an item's own time, which share a frame at their ends."""
        time = tokens.shape[1]
        place, number = (torch.arange(n, device=tokens.device) for n in (time, BINS))
        steps: int | Tensor = time
        if length is not None:
            own = self.token_length(length.to(tokens.device, non_blocking=True))
            tokens, steps = blank(tokens, own), own[:, None]
        first, end = number * steps // BINS, ((number + 1) * steps + BINS - 1) // BINS  # (bins,) or (n, bins)
        inside = (place >= first[..., None]) & (place < end[..., None])
        weights = inside.to(tokens.dtype) / (end - first)[..., None]
        means = weights.expand(tokens.shape[0], BINS, time) @ tokens  # (n, bins, WIDTH)
        y: Tensor = self.hidden(means.transpose(1, 2).flatten(1))
        return y
