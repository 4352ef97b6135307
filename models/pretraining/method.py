"""What every method of pretraining is: an encoder, and a loss that asks for no label."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from models.base import SignalNetwork


@dataclass(frozen=True)
class Outcome:
    """What a method says of a batch.

    Attributes:
        loss: of which a step takes the gradient, a number.
        figures: what else is worth knowing, by name, a number each; no gradient goes through them.
    """

    loss: Tensor
    figures: Mapping[str, Tensor] = field(default_factory=dict)


class Method(nn.Module):
    """The contract of all methods; randomness comes from torch's own generators, which a training seeds.

    Attributes:
        encoder: the network whose weights are wanted.
        fewest_items: of a batch, so that there is something to learn.
    """

    encoder: SignalNetwork
    fewest_items: int = 1

    def forward(self, x: Tensor, length: Tensor | None = None, patients: Tensor | None = None) -> Outcome:
        """The loss of a batch.

        Args:
            x: signals, as the encoder takes them.
            length: samples of each item, on the host; None where all are whole.
            patients: a number for each item's patient; None where each has its own.

        Shape:
            - x: (n, leads, time)
            - length: (n,)
            - patients: (n,)
        """
        raise NotImplementedError

    def fewest_samples(self) -> int:
        """Samples of the shortest item that can be learnt of."""
        return self.encoder.smallest_size


def fewest_samples_of(encoder: SignalNetwork, n_tokens: int) -> int:
    """The fewest samples of which an encoder makes so many tokens."""
    low, high = encoder.smallest_size, encoder.smallest_size
    while _tokens_of(encoder, high) < n_tokens:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if _tokens_of(encoder, middle) < n_tokens else (low, middle)
    return low


def _tokens_of(encoder: SignalNetwork, n_samples: int) -> int:
    return int(encoder.token_length(torch.tensor([n_samples]))[0])


def in_range(what: str, value: float, least: float, end: float) -> None:
    """Refuses a number that is not from ``least`` to just below ``end``.

    Raises:
        ValueError: it is not.
    """
    if not least <= value < end:
        raise ValueError(f"{what} is {value:g}; it is at least {least:g} and below {end:g}")


def own_tokens(encoder: SignalNetwork, x: Tensor, length: Tensor | None, n_tokens: int) -> Tensor:
    """Tokens that are each item's own, (n,) on the host."""
    if length is None:
        return torch.full((len(x),), n_tokens)
    return encoder.token_length(length.cpu())


def on_device(host: Tensor, like: Tensor) -> Tensor:
    """What was drawn on the host, where the signals are; nothing waits for it."""
    return host.to(like.device, non_blocking=True)
