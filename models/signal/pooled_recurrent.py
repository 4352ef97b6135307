"""The recurrent networks of the PTB-XL benchmark, read over all samples."""

import torch
from torch import Tensor, nn

from models.registry import register
from models.signal.benchmark import HIDDEN, as_in_the_benchmark, hidden_layer, largest_and_mean
from models.signal.recurrent import Recurrent


class PooledLstm(Recurrent):
    """Layers of long short-term memory, read by mean, maximum and last step, one hidden layer.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        hidden_size: neurons of a direction.
        n_layers: layers on top of each other.
        dropout: probability before the head, in [0, 1); half of it before the hidden layer.
        bidirectional: whether a second recurrence runs from the end to the start.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is a sample
        - output: (n, n_classes)
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        *,
        hidden_size: int,
        n_layers: int,
        dropout: float,
        bidirectional: bool,
    ) -> None:
        super().__init__(
            nn.LSTM,
            in_channels,
            n_classes,
            hidden_size=hidden_size,
            n_layers=n_layers,
            dropout=0.0,
            bidirectional=bidirectional,
        )
        self.feature_dim = HIDDEN
        self.hidden = hidden_layer(3 * self.token_dim, dropout)
        self.head = nn.Linear(HIDDEN, n_classes)
        for part in (self.hidden, self.head):
            part.apply(as_in_the_benchmark)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The hidden layer on the mean, the maximum and the step where a direction has seen all of an item."""
        steps = None if length is None else length.to(tokens.device, non_blocking=True)
        largest, mean = largest_and_mean(tokens, steps)
        y: Tensor = self.hidden(torch.cat([mean, largest, super().pool(tokens, length)], dim=1))
        return y


@register(
    "lstm_bidir", modality="signal", family="lstm", paper="Strodthoff et al. 2021, after Hochreiter & Schmidhuber 1997"
)
def lstm_bidir(
    in_channels: int, n_classes: int, hidden_size: int = 256, n_layers: int = 2, dropout: float = 0.5
) -> PooledLstm:
    """Long short-term memory in both directions, read by mean, maximum and last step.

    Reference:
        Strodthoff et al., Deep learning for ECG analysis: benchmarks and insights from PTB-XL, IEEE J. Biomed. Health
        Inform. 25 (2021) 1519. With 12 leads and 5 classes it has 2,330,629 weights: 552,960 and 1,576,960 of the
        layers (a direction has 4 · 256 · (its input + 256 + 2)), 200,709 of the head. There both directions are read
        at the last sample, of which the backward one has seen no other; here each is read where it has seen all.
    """
    return PooledLstm(
        in_channels, n_classes, hidden_size=hidden_size, n_layers=n_layers, dropout=dropout, bidirectional=True
    )


@register(
    "lstm_pooled", modality="signal", family="lstm", paper="Strodthoff et al. 2021, after Hochreiter & Schmidhuber 1997"
)
def lstm_pooled(
    in_channels: int, n_classes: int, hidden_size: int = 256, n_layers: int = 2, dropout: float = 0.5
) -> PooledLstm:
    """Long short-term memory, read by mean, maximum and last step: the ``lstm`` of the PTB-XL benchmark.

    Reference:
        As ``lstm_bidir``. With 12 leads and 5 classes it has 903,685 weights: 276,480 and 526,336 of the layers,
        100,869 of the head.
    """
    return PooledLstm(
        in_channels, n_classes, hidden_size=hidden_size, n_layers=n_layers, dropout=dropout, bidirectional=False
    )
