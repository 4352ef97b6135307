"""What convolutional signal networks share: a chain of layers, a pooled or flattened end, hidden layers."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.signal.masked import Chain
from models.signal.padding import blank, within

HEADS = ("mean", "max", "flatten")


class ConvolutionalNetwork(SignalNetwork):
    """A chain of convolutions, its last map pooled over an item's own steps or flattened, hidden layers, a linear one.

    Args:
        body: from leads to the last map, (n, in_channels, time) -> (n, token_dim, t).
        in_channels: leads of the signal.
        token_dim: channels of the last map.
        n_classes: logits that come out.
        head: how the map is read: its ``mean`` or ``max`` over time, or all of it side by side (``flatten``), as small
            networks of signals of one length have it.
        n_samples: of the signals that a flattened map is built for; others go in with the other heads alone.
        widths: neurons of the hidden layers.
        dropouts: probability before the first hidden layer and after each, in [0, 1).
        norm: what follows the ReLU of a hidden layer, a function of its width: a batch norm; None for nothing.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Raises:
        ValueError: the head is none, or ``n_samples`` are too few for ``body``.
    """

    def __init__(
        self,
        body: Chain,
        *,
        in_channels: int,
        token_dim: int,
        n_classes: int,
        head: str = "mean",
        n_samples: int | None = None,
        widths: Sequence[int] = (),
        dropouts: Sequence[float] = (0.0,),
        norm: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if head not in HEADS:
            raise ValueError(f"head {head!r} is none of {', '.join(HEADS)}")
        self.in_channels, self.token_dim, self.pooling = in_channels, token_dim, head
        self.body = body
        self.smallest_size = body.smallest()
        n_features = token_dim
        if head == "flatten":
            if n_samples is None or n_samples < self.smallest_size:
                raise ValueError(f"n_samples is {n_samples}; the smallest number that goes in is {self.smallest_size}")
            self.smallest_size = self.only_samples = n_samples
            n_features *= body.n_steps(n_samples)
        layers: list[nn.Module] = [nn.Dropout(dropouts[0])]
        for width, dropout in zip(widths, dropouts[1:], strict=True):
            layers += [nn.Linear(n_features, width), nn.ReLU()]
            layers += [] if norm is None else [norm(width)]
            layers += [nn.Dropout(dropout)]
            n_features = width
        self.hidden = nn.Sequential(*layers)
        self.feature_dim = n_features
        self.head = nn.Linear(n_features, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """The steps of the last map, zero where an item has ended."""
        length = self.check(x, length)
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x = x.masked_fill(~within(length, x.shape[2])[:, None], 0.0)
        y: Tensor = self.body(x, length).transpose(1, 2)
        return y

    def token_length(self, length: Tensor) -> Tensor:
        return self.body.n_steps(length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The hidden layers on the pooled or flattened map."""
        y: Tensor = self.hidden(self._pooled(tokens, length))
        return y

    def _pooled(self, tokens: Tensor, length: Tensor | None) -> Tensor:
        if self.pooling == "flatten":
            return tokens.flatten(1)
        if length is None:
            return tokens.amax(1) if self.pooling == "max" else tokens.mean(1)
        steps = self.token_length(length.to(tokens.device, non_blocking=True))
        if self.pooling == "mean":
            return blank(tokens, steps).sum(1) / steps[:, None]
        return tokens.masked_fill(~within(steps, tokens.shape[1])[..., None], -torch.inf).amax(1)
