"""Recurrent networks for single heartbeats: over the time of a beat, or with the whole beat as one step, as published.

The published code handed batches of (n, 1, 187) to recurrences that take time first, so that they ran from beat to beat
of a batch, which at evaluation was sorted by class. Here they never do.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.heartbeat import BEAT_SAMPLES
from models.signal.masked import Chain, Convolution, MaxPool, blanked
from models.signal.padding import blank, last_step
from models.signal.recurrent import Recurrent, run_both_ways

STEPS = ("time", "beat")
_PAPER = "dl-4-health-uiuc, ecg_classification"


class BeatRecurrent(Recurrent):
    """Two layers of both directions, whose ends are summed, and a hidden layer.

    Args:
        layer: ``nn.GRU`` or ``nn.LSTM``.
        in_channels: leads of the signal.
        n_classes: logits that come out.
        steps: ``time`` for a sample a step; ``beat`` for all of it as the one step there is, as published.
        n_samples: of a beat that is one step.
        hidden_size: neurons of a direction.
        dropout: probability between the layers, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Raises:
        ValueError: ``steps`` is neither.
    """

    def __init__(
        self,
        layer: type[nn.GRU] | type[nn.LSTM],
        in_channels: int,
        n_classes: int,
        *,
        steps: str,
        n_samples: int,
        hidden_size: int,
        dropout: float,
    ) -> None:
        check_steps(steps)
        super().__init__(
            layer,
            in_channels * n_samples if steps == "beat" else in_channels,
            n_classes,
            hidden_size=hidden_size,
            n_layers=2,
            dropout=dropout,
            bidirectional=True,
        )
        self.in_channels, self.steps = in_channels, steps
        if steps == "beat":
            self.smallest_size = self.only_samples = n_samples
        self.feature_dim = 64
        self.hidden = nn.Sequential(nn.Linear(hidden_size, self.feature_dim), nn.ReLU())
        self.head = nn.Linear(self.feature_dim, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """The recurrent output at every step, the backward direction in the second half."""
        if self.steps == "time":
            return super().tokens(x, length)
        self.check(x, length)
        step = _as_long_as(x, self.smallest_size).flatten(1)[:, None]  # (n, 1, leads · time)
        for number, layer in enumerate(self.layers):
            step = self._run(layer, self.dropout(step) if number else step, None)
        return step

    def token_length(self, length: Tensor) -> Tensor:
        return length if self.steps == "time" else torch.ones_like(length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The sum of both directions where each has seen everything, and the hidden layer."""
        ends = super().pool(tokens, None if length is None else self.token_length(length))
        y: Tensor = self.hidden(sum(ends.chunk(2, dim=1)))
        return y


def check_steps(steps: str) -> None:
    if steps not in STEPS:
        raise ValueError(f"steps {steps!r} is neither {' nor '.join(STEPS)}")


def _as_long_as(x: Tensor, n_samples: int) -> Tensor:
    """The items of a batch without the padding beyond them."""
    return x[..., :n_samples]


def _builder(layer: type[nn.GRU] | type[nn.LSTM], what: str) -> Callable[..., BeatRecurrent]:
    def build(
        in_channels: int,
        n_classes: int,
        steps: str = "time",
        n_samples: int = BEAT_SAMPLES,
        hidden_size: int = 128,
        dropout: float = 0.1,
    ) -> BeatRecurrent:
        return BeatRecurrent(
            layer,
            in_channels,
            n_classes,
            steps=steps,
            n_samples=n_samples,
            hidden_size=hidden_size,
            dropout=dropout,
        )

    build.__doc__ = what
    return build


ROWS: dict[str, tuple[type[nn.GRU] | type[nn.LSTM], str]] = {
    "beat_bilstm": (nn.LSTM, "Long short-term memory in both directions over a beat, or one step of it."),
    "beat_bigru": (nn.GRU, "Gated recurrent units in both directions over a beat, or one step of it."),
}
"""Each with its recurrent layer, and the network in a sentence."""

for _name, (_layer, _what) in ROWS.items():
    register(_name, modality="signal", family="heartbeat", paper=_PAPER)(_builder(_layer, _what))


@register("seq", modality="signal", family="heartbeat", paper=f"{_PAPER}, after Mousavi & Afghah 2019")
class Seq(SignalNetwork):
    """Convolutions, an encoder of both directions, and a decoder of one step that begins where the encoder ended.

    Published, 187 samples were laid out as 11 channels of 17, and what three convolutions leave of them, 256 numbers,
    was the one step of the encoder, and zeros that of the decoder: no sequence at all (``steps="beat"``). With
    ``steps="time"`` the leads are the channels, the encoder runs over what the same convolutions leave of time, and
    the decoder is fed their mean; state and memory in which it begins are what the encoder said at either end.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        steps: ``time`` or ``beat``.
        n_samples: of a beat that is one step.
        hidden_size: neurons of a direction.
        dropout: probability before the head, in [0, 1); the published network has none.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Raises:
        ValueError: ``steps`` is neither, or ``n_samples`` are too few for the convolutions.
    """

    PIECES = 11  # side by side as channels

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        steps: str = "time",
        n_samples: int = BEAT_SAMPLES,
        hidden_size: int = 100,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_steps(steps)
        self.in_channels, self.steps = in_channels, steps
        self.body = Chain(
            Convolution(in_channels * (self.PIECES if steps == "beat" else 1), 32, 2, valid=True),
            nn.ReLU(),
            MaxPool(2),
            Convolution(32, 64, 2, valid=True),
            nn.ReLU(),
            MaxPool(2),
            Convolution(64, 128, 2, valid=True),
            nn.ReLU(),
        )
        self.smallest_size, self.token_dim = self.body.smallest(), 128
        if steps == "beat":
            self.piece = -(-n_samples // self.PIECES)
            if self.piece < self.smallest_size:
                fewest = self.PIECES * (self.smallest_size - 1) + 1
                raise ValueError(f"n_samples is {n_samples}; the smallest number that goes in is {fewest}")
            self.token_dim *= self.body.n_steps(self.piece)
            self.smallest_size = self.only_samples = n_samples
        self.encoder, self.decoder = (
            nn.LSTM(self.token_dim, hidden_size, batch_first=True, bidirectional=True) for _ in range(2)
        )
        self.feature_dim = 50
        self.hidden = nn.Sequential(nn.Linear(hidden_size, self.feature_dim), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(self.feature_dim, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """What the convolutions leave of time, zero where an item has ended; or all of it as one step."""
        length = self.check(x, length)
        if self.steps == "beat":
            pieces = _as_long_as(x, self.smallest_size)
            pieces = nn.functional.pad(pieces, (0, self.PIECES * self.piece - self.smallest_size))
            last_map = self.body(pieces.reshape(x.shape[0], -1, self.piece), None)  # (n, leads · 11, 17) goes in
            return torch.flatten(last_map, 1)[:, None]
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x = blanked(x, length)
        y: Tensor = self.body(x, length).transpose(1, 2)
        return y

    def token_length(self, length: Tensor) -> Tensor:
        return self.body.n_steps(length) if self.steps == "time" else torch.ones_like(length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """Encoder, the sum of both directions of the decoder, and the hidden layer."""
        steps = None if length is None else self.token_length(length.to(tokens.device, non_blocking=True))
        context, state = self._encoded(tokens, steps)
        decoded = self.decoder(context[:, None], state)[0]  # (n, 1, both directions)
        y: Tensor = self.hidden(sum(decoded[:, 0].chunk(2, dim=1)))
        return y

    def _encoded(self, tokens: Tensor, steps: Tensor | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """What the decoder is fed, and the state and memory in which it begins."""
        if self.steps == "beat":
            return torch.zeros_like(tokens[:, 0]), self.encoder(tokens)[1]
        mean = tokens.mean(1)
        if steps is not None:
            tokens = blank(tokens, steps)
            mean = tokens.sum(1) / steps[:, None]
        forward, backward = run_both_ways(self.encoder, tokens, steps).chunk(2, dim=2)
        ends = torch.stack([last_step(forward, steps), backward[:, 0]])  # (2, n, hidden_size)
        return mean, (ends, ends)
