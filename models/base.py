"""What every network is: tokens, pooled to features, read by one linear layer."""

import torch
from torch import Tensor, nn


class Undecayed(nn.Parameter):
    """A parameter that no weight decay draws to zero, where zero has no meaning: a time constant, a frequency."""


class Network(nn.Module):
    """The contract of all networks; ``forward`` gives logits.

    Attributes:
        in_channels: channels of the image or leads of the signal.
        token_dim: width of a token, a position of the last map or a step of the recurrence.
        feature_dim: width of what ``head`` reads.
        smallest_size: the smallest side in pixels, or number of samples, that goes in.
        head: the last linear layer.
        chooses: whether it reads some tokens of many, so that its answer jumps where others are chosen.
        hears_itself: whether ``tokens`` reads what ``head`` says, as a decoder does that is fed its own answers.
        n_class_tokens: tokens in front that stand for the whole input, and for no place of it.
    """

    in_channels: int
    token_dim: int
    feature_dim: int
    smallest_size: int
    head: nn.Linear
    hears_itself: bool = False
    chooses: bool = False
    n_class_tokens: int = 0

    def tokens(self, x: Tensor) -> Tensor:
        """What the network says of each place, (n, t, token_dim)."""
        raise NotImplementedError

    def pool(self, tokens: Tensor) -> Tensor:
        """All that lies between the tokens and the head, (n, feature_dim)."""
        raise NotImplementedError

    def features(self, x: Tensor) -> Tensor:
        """What the head reads, (n, feature_dim)."""
        return self.pool(self.tokens(x))

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (n, n_classes)."""
        y: Tensor = self.head(self.features(x))
        return y

    def penalty(self, features: Tensor) -> Tensor | None:
        """What a training adds to the task's loss, (), of features (n, feature_dim), already weighed; None for nothing.

        It is asked where the network itself learns; a fusion that trains on its branches adds none.
        """
        return None


class ImageNetwork(Network):
    """A stack of convolutions, something that pools its last map, and a linear layer.

    Args:
        body: from images to the last map, (n, in_channels, h, w) -> (n, token_dim, h', w').
        pooling: from tokens to features, (n, t, token_dim) -> (n, feature_dim).
        in_channels: channels of the image.
        token_dim: channels of the last map.
        feature_dim: width of what ``pooling`` returns.
        n_classes: logits that come out.
        smallest_size: smallest side that ``body`` takes, in pixels.
        only_size: the one side that ``pooling`` was built for, in pixels; None where any will do.
    """

    def __init__(
        self,
        body: nn.Module,
        pooling: nn.Module,
        *,
        in_channels: int,
        token_dim: int,
        feature_dim: int,
        n_classes: int,
        smallest_size: int,
        only_size: int | None = None,
    ) -> None:
        super().__init__()
        self.in_channels, self.token_dim, self.feature_dim = in_channels, token_dim, feature_dim
        self.smallest_size = smallest_size if only_size is None else only_size
        self.only_size = only_size
        self.body = body
        self.pooling = pooling
        self.head = nn.Linear(feature_dim, n_classes)

    def last_map(self, x: Tensor) -> Tensor:
        """The map whose positions are the tokens, (n, token_dim, h', w').

        Args:
            x: images in [0, 1], (n, in_channels, h, w).

        Raises:
            ValueError: the image is no such array, is too small, or is not of the one size that
                goes in.
        """
        _check_axes(x, ("n", "channels", "height", "width"), self.in_channels)
        height, width = x.shape[2:]
        if min(height, width) < self.smallest_size:
            raise ValueError(f"the image has {height} × {width} pixels; the smallest side is {self.smallest_size}")
        if self.only_size is not None and max(height, width) > self.only_size:
            raise ValueError(
                f"the image has {height} × {width} pixels; the network was built for size={self.only_size}"
            )
        y: Tensor = self.body(x)
        return y

    def tokens(self, x: Tensor) -> Tensor:
        """The positions of the last map, row after row.

        Args:
            x: images in [0, 1].

        Shape:
            - x: (n, in_channels, h, w)
            - returns: (n, h' w', token_dim)

        Raises:
            ValueError: as ``last_map``.
        """
        return self.last_map(x).flatten(2).transpose(1, 2)

    def pool(self, tokens: Tensor) -> Tensor:
        y: Tensor = self.pooling(tokens)
        return y


class SignalNetwork(Network):
    """A network over the leads in time, which may carry items of unequal length.

    ``length`` (n,) counts the samples of each item; what stands after them is padding and never
    changes the answer. None says that nothing is padded. It is read on the host, so that a
    tensor on a device costs a wait: leave it out where all items are whole.

    Attributes:
        only_samples: the one number of samples that goes in; None where any will do, from
            ``smallest_size`` on.
    """

    only_samples: int | None = None

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """Steps in time, zero where an item has ended.

        Args:
            x: signals in mV.
            length: samples of each item.

        Shape:
            - x: (n, in_channels, time)
            - length: (n,)
            - returns: (n, t, token_dim)

        Raises:
            ValueError: the signal is no such array or too short, or a length is not within it.
        """
        raise NotImplementedError

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """From tokens to features; ``length`` is that of the signals, in samples."""
        raise NotImplementedError

    def token_length(self, length: Tensor) -> Tensor:
        """Tokens that belong to each item, (n,), from its samples; the rest is padding."""
        return length

    def features(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        return self.pool(self.tokens(x, length), length)

    def forward(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        y: Tensor = self.head(self.features(x, length))
        return y

    def check(self, x: Tensor, length: Tensor | None) -> Tensor | None:
        """``length`` where at least one item is padded, else None; raises as ``tokens`` does."""
        _check_axes(x, ("n", "leads", "time"), self.in_channels)
        time = shortest = longest = x.shape[2]
        if length is not None:
            if length.shape != x.shape[:1]:
                raise ValueError(f"length has shape {tuple(length.shape)}; one number for each of {len(x)} items")
            shortest, longest = torch.stack(torch.aminmax(length)).tolist()
        if longest > time:
            raise ValueError(f"length says {longest} samples; the signals have {time}")
        if shortest < self.smallest_size:
            raise ValueError(
                f"the signal has {shortest} samples; the smallest number that goes in is {self.smallest_size}"
            )
        if self.only_samples is not None and longest > self.only_samples:
            raise ValueError(
                f"the signal has {longest} samples; the network was built for n_samples={self.only_samples}"
            )
        return length if shortest < time else None


def _check_axes(x: Tensor, axes: tuple[str, ...], in_channels: int) -> None:
    if x.ndim != len(axes):
        raise ValueError(f"the input has shape {tuple(x.shape)}; it must be ({', '.join(axes)})")
    if x.shape[1] != in_channels:
        raise ValueError(f"the input has {x.shape[1]} {axes[1]}; the network was built for {in_channels}")
