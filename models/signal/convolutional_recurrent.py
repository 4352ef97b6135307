"""Three convolutions that shorten the signal, and one recurrent layer over what is left."""

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.padding import blank, last_step

KERNEL, STRIDE = 5, 2  # of a convolution without padding, and of the pooling behind it
WIDENINGS = (2, 4, 8)  # channels of each convolution, for one lead


class ConvolutionalRecurrent(SignalNetwork):
    """Convolution, ReLU, maximum of two and dropout, three times; then a recurrence read at its last step.

    Args:
        layer: ``nn.GRU`` or ``nn.LSTM``.
        in_channels: leads of the signal; the convolutions have 2, 4 and 8 times as many channels.
        n_classes: logits that come out.
        hidden_size: neurons of the recurrent layer.
        dropout: probability after each pooling, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Reference:
        Narotamo et al. 2024 (see ``alexnet``), which reshaped where it had to transpose and so
        mixed time with leads; here a step of the recurrence is one time, with all its channels.
    """

    smallest_size = 36  # 32, 16; 12, 6; 2, 1

    def __init__(
        self,
        layer: type[nn.GRU] | type[nn.LSTM],
        in_channels: int,
        n_classes: int,
        *,
        hidden_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.token_dim = self.feature_dim = hidden_size
        layers: list[nn.Module] = []
        widths = [in_channels, *(widening * in_channels for widening in WIDENINGS)]
        for width_in, width in pairwise(widths):
            layers += [nn.Conv1d(width_in, width, KERNEL), nn.ReLU(), nn.MaxPool1d(STRIDE), nn.Dropout(dropout)]
        self.convolutions = nn.Sequential(*layers)
        self.recurrent = layer(widths[-1], hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """The recurrent output at every step, one for about eight samples, zero where an item has ended."""
        length = self.check(x, length)
        if length is None:
            return self._steps(x)
        length = length.to(x.device, non_blocking=True)
        # Nothing is padded at the ends, so that no step of an item sees what stands after it.
        samples = blank(x.transpose(1, 2), length).transpose(1, 2)
        return blank(self._steps(samples), self.token_length(length))

    def _steps(self, x: Tensor) -> Tensor:
        steps = self.convolutions(x).transpose(1, 2)  # (n, t, channels)
        outputs: Tensor = self.recurrent(steps)[0]
        return outputs

    def token_length(self, length: Tensor) -> Tensor:
        for _ in WIDENINGS:
            length = (length - KERNEL + 1) // STRIDE
        return length

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The recurrent output at an item's last step."""
        return last_step(tokens, None if length is None else self.token_length(length))


def _builder(layer: type[nn.GRU] | type[nn.LSTM], what: str) -> Callable[..., ConvolutionalRecurrent]:
    def build(in_channels: int, n_classes: int, hidden_size: int = 128, dropout: float = 0.0) -> ConvolutionalRecurrent:
        return ConvolutionalRecurrent(layer, in_channels, n_classes, hidden_size=hidden_size, dropout=dropout)

    build.__doc__ = what
    return build


ROWS: dict[str, tuple[type[nn.GRU] | type[nn.LSTM], str, str]] = {
    "cnn_gru": (nn.GRU, "Cho et al. 2014", "Convolutions and gated recurrent units."),
    "cnn_lstm": (nn.LSTM, "Hochreiter & Schmidhuber 1997", "Convolutions and long short-term memory."),
}
"""Each with its recurrent layer, whom the study follows, and the network in a sentence."""

for _name, (_layer, _after, _what) in ROWS.items():
    register(_name, modality="signal", family="recurrent", paper=f"Narotamo et al. 2024, after {_after}")(
        _builder(_layer, _what)
    )
