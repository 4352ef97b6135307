"""How the image networks pool the tokens of their last map: a mean, or layers on all of it."""

from collections.abc import Sequence

from torch import Tensor, nn


class MeanPool(nn.Module):
    """The mean of all tokens, whatever their number.

    Args:
        dropout: probability with which a feature is dropped, in [0, 1).

    Shape:
        - input: (n, t, d)
        - output: (n, d)
    """

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        y: Tensor = self.dropout(tokens.mean(1))
        return y


class FlattenPool(nn.Module):
    """Hidden layers on all tokens side by side, channel after channel as a flattened map is.

    Args:
        in_features: the number of tokens times their width.
        widths: neurons of each hidden layer, a ReLU after each.
        dropouts: probability after each hidden layer, in [0, 1).

    Shape:
        - input: (n, t, d) with t d = ``in_features``
        - output: (n, ``widths[-1]``)
    """

    def __init__(self, in_features: int, widths: Sequence[int], dropouts: Sequence[float]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width_in, width, dropout in zip([in_features, *widths[:-1]], widths, dropouts, strict=True):
            layers += [nn.Linear(width_in, width), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers)

    def forward(self, tokens: Tensor) -> Tensor:
        y: Tensor = self.layers(tokens.transpose(1, 2).flatten(1))
        return y


def only_size(head: str, size: int, smallest_size: int) -> int | None:
    """The one side in pixels that a network with this head takes, None where any will do.

    Args:
        head: ``"mean"`` or ``"flatten"``.
        size: side that a flattened map is built for, in pixels.
        smallest_size: smallest side that the convolutions take, in pixels.

    Raises:
        ValueError: ``head`` is neither, or ``"flatten"`` is built for less than ``smallest_size``.
    """
    if head not in ("mean", "flatten"):
        raise ValueError(f"head {head!r} is neither 'mean' nor 'flatten'")
    if head == "mean":
        return None
    if size < smallest_size:
        raise ValueError(f"size {size} is below the smallest that goes in, {smallest_size} pixels")
    return size
