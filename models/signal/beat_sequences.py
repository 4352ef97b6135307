"""Networks for a heartbeat among its neighbours: each beat is a token, each token has an answer, the middle one counts.

An item is ``n_beats`` beats side by side in time, as ``create_images.py --beats`` lays them out. The answer of the item
is that of the beat in the middle, whose label it bears. Those of its neighbours are not learnt from: a store has no
label of them there, and every beat that has neighbours is the middle of an item of its own.
"""

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.convolutional import HEADS
from models.signal.heartbeat import BEAT_SAMPLES, heartbeat_body
from models.signal.masked import Chain, Convolution, MaxPool, Norm
from models.signal.padding import within

N_BEATS = 3


class BeatEncoder(nn.Module):
    """What convolutions say of each beat of a sequence, alike for all of them.

    Args:
        body: from the leads of one beat to its last map.
        width: channels of that.
        n_beats: beats of an item.
        head: how the map of a beat is read: its ``max`` or ``mean`` over time, or all of it (``flatten``).
        n_samples: of the items that a flattened map is built for.

    Shape:
        - x: (n, leads, time), and (n,) samples of each item or None
        - returns: (n, n_beats, feature_dim)

    Raises:
        ValueError: the head is none, the number of beats is not odd, or ``n_samples`` are too few for ``body``.
    """

    def __init__(self, body: Chain, width: int, n_beats: int, head: str, n_samples: int) -> None:
        super().__init__()
        if head not in HEADS:
            raise ValueError(f"head {head!r} is none of {', '.join(HEADS)}")
        if n_beats < 1 or n_beats % 2 == 0:
            raise ValueError(f"n_beats is {n_beats}; it is odd, so that a beat is in the middle")
        self.body, self.n_beats, self.pooling = body, n_beats, head
        self.smallest_size = n_beats * body.smallest()
        self.feature_dim = width
        if head == "flatten":
            if n_samples < self.smallest_size:
                raise ValueError(f"n_samples is {n_samples}; the smallest number that goes in is {self.smallest_size}")
            self.feature_dim *= body.n_steps(-(-n_samples // n_beats))

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        beats, of_each = side_by_side(x, length, self.n_beats)
        maps = self.body(beats.flatten(0, 1), of_each)  # (n · beats, width, t)
        read = self._read(maps, None if of_each is None else self.body.n_steps(of_each))
        return read.reshape(-1, self.n_beats, self.feature_dim)

    def _read(self, maps: Tensor, steps: Tensor | None) -> Tensor:
        if self.pooling == "flatten":
            return maps.flatten(1)
        if self.pooling == "mean":
            return maps.mean(2) if steps is None else maps.sum(2) / steps[:, None]
        return (maps if steps is None else maps.masked_fill(~within(steps, maps.shape[2])[:, None], -torch.inf)).amax(2)


def side_by_side(x: Tensor, length: Tensor | None, n_beats: int) -> tuple[Tensor, Tensor | None]:
    """The beats of items that are so many beats long, all of an item with equally many samples.

    Where the samples are no multiple of the beats, a beat begins at the nearest sample, and may show one of the next.

    Args:
        x: items.
        length: samples of each item, on x's device; None where all are whole.
        n_beats: beats of each.

    Shape:
        - x: (n, leads, time)
        - length: (n,)
        - returns: (n, n_beats, leads, time of a beat), zero where an item has ended, and (n · n_beats,) samples of each
          beat, or None where all are whole
    """
    n, leads, time = x.shape
    if length is None and time % n_beats == 0:
        return x.reshape(n, leads, n_beats, -1).transpose(1, 2), None
    total = torch.full((1,), time, dtype=torch.int64, device=x.device) if length is None else length
    of_each = -(-total // n_beats)  # (items,)
    numbers = torch.arange(n_beats, device=x.device)
    begins = torch.div(2 * numbers * total[:, None] + n_beats, 2 * n_beats, rounding_mode="floor")  # (items, beats)
    begins = torch.minimum(begins, (total - of_each)[:, None])
    offsets = torch.arange(-(-time // n_beats), device=x.device)
    places = (begins[..., None] + offsets).clamp(max=time - 1)  # (items, beats, time of a beat)
    chosen = x.gather(2, places.flatten(1)[:, None].expand(n, leads, -1))
    beats = chosen.reshape(n, leads, n_beats, -1).transpose(1, 2)
    if length is None:
        return beats, None
    ended = offsets >= of_each[:, None]
    return beats.masked_fill(ended[:, None, None], 0.0), of_each.repeat_interleave(n_beats)


class BeatSequenceNetwork(SignalNetwork):
    """A network whose tokens are beats.

    Args:
        beats: what is said of each beat by itself.
        in_channels: leads of the signal.
        n_samples: of the items, where the end of ``beats`` is built for one number of them.
    """

    def __init__(self, beats: BeatEncoder, in_channels: int, n_samples: int) -> None:
        super().__init__()
        self.in_channels, self.beats, self.n_beats = in_channels, beats, beats.n_beats
        self.smallest_size = beats.smallest_size
        if beats.pooling == "flatten":
            self.smallest_size = self.only_samples = n_samples

    def _follow(self, beats: Tensor) -> Tensor:
        """What is said of each beat in the light of the others, (n, n_beats, d) -> (n, n_beats, token_dim)."""
        raise NotImplementedError

    def _features(self, tokens: Tensor) -> Tensor:
        """What the head reads of each beat, (…, token_dim) -> (…, feature_dim)."""
        raise NotImplementedError

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """What is said of each beat, (n, n_beats, token_dim)."""
        return self._follow(self._of_beats(x, length))

    def _of_beats(self, x: Tensor, length: Tensor | None) -> Tensor:
        """What is said of each beat by itself."""
        length = self.check(x, length)
        if self.only_samples is not None:
            x, length = x[..., : self.only_samples], None
        y: Tensor = self.beats(x, None if length is None else length.to(x.device, non_blocking=True))
        return y

    def token_length(self, length: Tensor) -> Tensor:
        return torch.full_like(length, self.n_beats)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """What the head reads of the beat in the middle."""
        return self._features(tokens[:, self.n_beats // 2])

    def outputs(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """The logits of every beat, (n, n_beats, n_classes); ``forward`` gives those of the one in the middle."""
        y: Tensor = self.head(self._features(self.tokens(x, length)))
        return y


def _all_samples(n_samples: int | None, n_beats: int) -> int:
    return BEAT_SAMPLES * n_beats if n_samples is None else n_samples


@register("beat_cnn_lstm", modality="signal", family="heartbeat", paper="Jaewon-py, ECG-Classification")
class BeatCnnLstm(BeatSequenceNetwork):
    """The convolutions of ``heartbeat_cnn`` on each beat, and two recurrent layers from beat to beat.

    The recurrence runs forward, as published: of its neighbours a beat's answer knows those before it.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        n_beats: beats of an item, an odd number.
        head: how the map of a beat is read: its ``max`` or ``mean`` over time, or all of it (``flatten``) as published.
        n_samples: of the items that a flattened map is built for; None for 187 a beat.
        dropout: probability after each pooling and, twice as high, before the head, in [0, 0.5].

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Reference:
        Jaewon-py, ECG-Classification. Its recurrent layers had a ReLU in the place of the hyperbolic tangent, with
        which a state can grow without bound; these have the tangent.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        n_beats: int = N_BEATS,
        head: str = "max",
        n_samples: int | None = None,
        dropout: float = 0.1,
    ) -> None:
        body, width = heartbeat_body(in_channels, dropout)
        beats = BeatEncoder(body, width, n_beats, head, _all_samples(n_samples, n_beats))
        super().__init__(beats, in_channels, _all_samples(n_samples, n_beats))
        self.token_dim, self.feature_dim = 11, 75
        self.first = nn.LSTM(beats.feature_dim, 78, batch_first=True)
        self.second = nn.LSTM(78, self.token_dim, batch_first=True)
        dropped = nn.Dropout(min(2 * dropout, 0.9))
        self.hidden = nn.Sequential(nn.Linear(self.token_dim, self.feature_dim), nn.ReLU(), dropped)
        self.head = nn.Linear(self.feature_dim, n_classes)

    def _follow(self, beats: Tensor) -> Tensor:
        y: Tensor = self.second(self.first(beats)[0])[0]
        return y

    def _features(self, tokens: Tensor) -> Tensor:
        y: Tensor = self.hidden(tokens)
        return y


class BeatAttention(nn.Module):
    """What a decoder's state makes of the beats: their mean, weighted by what a hidden layer says of state and beat.

    Shape:
        - state: (n, h)
        - beats: (n, n_beats, d)
        - returns: (n, d), and the weights (n, n_beats), which sum to 1

    Reference:
        Bahdanau, Cho and Bengio, Neural machine translation by jointly learning to align and translate, ICLR 2015.
    """

    def __init__(self, state_dim: int, beat_dim: int, hidden_size: int = 64) -> None:
        super().__init__()
        self.of_state = nn.Linear(state_dim, hidden_size)
        self.of_beat = nn.Linear(beat_dim, hidden_size, bias=False)
        self.score = nn.Linear(hidden_size, 1, bias=False)

    def forward(self, state: Tensor, beats: Tensor) -> tuple[Tensor, Tensor]:
        scores = self.score((self.of_state(state)[:, None] + self.of_beat(beats)).tanh()).squeeze(2)
        weights = scores.softmax(1)
        return (weights[..., None] * beats).sum(1), weights


@register("beat_seq2seq", modality="signal", family="heartbeat", paper="after Mousavi & Afghah 2019")
class BeatSeq2Seq(BeatSequenceNetwork):
    """From a sequence of beats to a sequence of answers: convolutions, an encoder of both directions, a decoder.

    The decoder goes from beat to beat. At each it is fed what the encoder says of the beat, of all beats by attention,
    and its own answer to the beat before: its own in training, too, so that it is never taught by labels that it will
    not have.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        n_beats: beats of an item, an odd number.
        head: how the map of a beat is read: its ``max`` or ``mean`` over time, or all of it (``flatten``).
        n_samples: of the items that a flattened map is built for; None for 187 a beat.
        hidden_size: neurons of a direction of the encoder, half of the decoder's.
        dropout: probability on what is said of each beat and before the head, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Reference:
        Mousavi and Afghah, Inter- and intra-patient ECG heartbeat classification for arrhythmia detection: a sequence
        to sequence deep learning approach, ICASSP 2019. Here convolutions have norms, the attention is Bahdanau's, the
        decoder is fed probabilities instead of the class that it said, and the classes of rare beats are not
        multiplied.
    """

    hears_itself = True
    WIDTHS = (24, 48, 96)  # of pairs of convolutions, each pooled; the first halves the steps

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        n_beats: int = N_BEATS,
        head: str = "max",
        n_samples: int | None = None,
        hidden_size: int = 64,
        dropout: float = 0.2,
    ) -> None:
        layers: list[nn.Module] = []
        channels = in_channels
        for width in self.WIDTHS:
            kernel, stride = (5, 1) if layers else (7, 2)
            for width_in in (channels, width):
                layers += [Convolution(width_in, width, kernel, stride, bias=False), Norm(width), nn.ReLU()]
                kernel, stride = 5, 1
            layers += [MaxPool(2)]
            channels = width
        beats = BeatEncoder(Chain(*layers), channels, n_beats, head, _all_samples(n_samples, n_beats))
        super().__init__(beats, in_channels, _all_samples(n_samples, n_beats))
        self.token_dim = self.feature_dim = width = 2 * hidden_size
        self.dropout = nn.Dropout(dropout)
        self.encoder = nn.GRU(beats.feature_dim, hidden_size, batch_first=True, bidirectional=True)
        self.begin = nn.Linear(width, width)
        self.attention = BeatAttention(width, width)
        self.decoder = nn.GRUCell(2 * width + n_classes, width)
        self.head = nn.Linear(width, n_classes)

    def _follow(self, beats: Tensor) -> Tensor:
        return self._decoded(beats)[0]

    def _decoded(self, beats: Tensor) -> tuple[Tensor, Tensor]:
        """The decoder's states, and to which beats it attended at each, (n, n_beats, n_beats)."""
        encoded = self.encoder(self.dropout(beats))[0]
        state = self.begin(encoded.mean(1)).tanh()
        answer = state.new_zeros(state.shape[0], self.head.out_features)
        states, attended = [], []
        for beat in encoded.unbind(1):
            context, weights = self.attention(state, encoded)
            state = self.decoder(torch.cat([beat, context, answer.to(beat.dtype)], dim=1), state)
            answer = self.head(state).softmax(1)
            states.append(state)
            attended.append(weights)
        return torch.stack(states, dim=1), torch.stack(attended, dim=1)

    def attended(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """How much each beat's answer attended to each beat, (n, n_beats, n_beats), rows that sum to 1."""
        return self._decoded(self._of_beats(x, length))[1]

    def _features(self, tokens: Tensor) -> Tensor:
        y: Tensor = self.dropout(tokens)
        return y
