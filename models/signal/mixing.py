"""A layer of a transformer whose steps need not meet by attention: something that mixes time, and a hidden layer."""

from torch import Tensor, nn

from models.signal.masked import TimeLayer
from models.signal.padding import blank


class MixingLayer(nn.Module):
    """What mixes the steps, and a hidden layer on each, both behind a norm and beside a shortcut.

    Args:
        mixer: from steps to as many of the same width.
        width: of a step.
        hidden_size: neurons of the layer on each step.
        dropout: probability behind the mixer and in the hidden layer, in [0, 1).

    Shape:
        - steps: (n, t, width)
        - own: (n,) steps of each item, on the same device; None where all are
        - returns: (n, t, width); where an item has ended it says nothing
    """

    def __init__(self, mixer: TimeLayer, width: int, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.mixer, self.dropout = nn.LayerNorm(width), mixer, nn.Dropout(dropout)
        self.hidden = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, hidden_size),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, width),
            nn.Dropout(dropout),
        )

    def forward(self, steps: Tensor, own: Tensor | None) -> Tensor:
        normed = self.norm(steps) if own is None else blank(self.norm(steps), own)
        steps = steps + self.dropout(self.mixer(normed.transpose(1, 2), own).transpose(1, 2))
        y: Tensor = steps + self.hidden(steps)
        return y
