"""Kinds of attention over time, as data: groups of heads, and linear layers around them.

A new kind is a class of heads and a line of ``ATTENTIONS``.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from models.registry import check_options, chosen, read_options
from models.signal.heads import (
    Heads,
    PooledHeads,
    ReducedHeads,
    RoutedHeads,
    ShuntedHeads,
    StrideHeads,
    WindowHeads,
)
from models.signal.padding import within


class Attention(nn.Module):
    """Groups of heads, whose words a linear layer puts together.

    Args:
        width: of a step.
        groups: heads, whose inner widths add up to ``width``.

    Shape:
        - x: (n, t, width), zero where an item has ended
        - steps: (n,) that are each item's own, on the same device; None where all are
        - returns: (n, t, width), anything where an item has ended
    """

    def __init__(self, width: int, *groups: Heads) -> None:
        super().__init__()
        self.groups = nn.ModuleList(groups)
        self.project = nn.Linear(width, width)

    def forward(self, x: Tensor, steps: Tensor | None) -> Tensor:
        own = None if steps is None else within(steps, x.shape[1])
        y: Tensor = self.project(torch.cat([group(x, own) for group in self.groups], -1))
        return y


class CrossAttention(nn.Module):
    """What some steps are told of others; both are normed first.

    Args:
        width: of a step of either.
        n_heads: a divisor of it.

    Shape:
        - asking: (n, t, width)
        - heard: (n, s, width)
        - steps: (n,) of ``heard`` that are each item's own, on the same device; None where all are
        - returns: (n, t, width)
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.before, self.of_heard = nn.LayerNorm(width), nn.LayerNorm(width)
        self.heads = Heads(width, width, n_heads)
        self.project = nn.Linear(width, width)

    def forward(self, asking: Tensor, heard: Tensor, steps: Tensor | None) -> Tensor:
        own = None if steps is None else within(steps, heard.shape[1])
        y: Tensor = self.project(self.heads.answers(self.before(asking), self.of_heard(heard), own))
        return y


def multi_head(width: int, n_heads: int, place: int) -> Attention:
    """All heads look at all steps."""
    return Attention(width, Heads(width, width, n_heads))


def spatial_reduction(width: int, n_heads: int, place: int, rate: int = 2) -> Attention:
    """All heads hear each ``rate`` steps as one."""
    return Attention(width, ReducedHeads(width, width, n_heads, rate))


def bi_level(width: int, n_heads: int, place: int, window: int = 10, top: int = 10) -> Attention:
    """All heads look at the ``top`` nearest regions of ``window`` steps: of 25 in an item of 250."""
    return Attention(width, RoutedHeads(width, width, n_heads, window, top))


def window(width: int, n_heads: int, place: int, window: int = 25) -> Attention:
    """All heads look at their own window."""
    return Attention(width, WindowHeads(width, width, n_heads, window))


def shifted_window(width: int, n_heads: int, place: int, window: int = 25) -> Attention:
    """The same; in every other block windows begin half a window earlier."""
    return Attention(width, WindowHeads(width, width, n_heads, window, place % 2 * (window // 2)))


def shunted(width: int, n_heads: int, place: int) -> Attention:
    """Half of the heads hear every step, a quarter every two as one, a quarter every four."""
    inner = _parts("shunted", width, n_heads, 4)
    shares = {1: 2, 2: 1, 4: 1}  # parts of four, by the rate
    groups = (ShuntedHeads(width, n * inner, n * n_heads // 4, rate) for rate, n in shares.items())
    return Attention(width, *groups)


def hilo(width: int, n_heads: int, place: int, window: int = 5) -> Attention:
    """Half of the heads look at their own window, half at the mean of each."""
    half = _parts("hilo", width, n_heads, 2)
    high = WindowHeads(width, half, n_heads // 2, window)
    return Attention(width, high, PooledHeads(width, half, n_heads // 2, window))


def stride_pooled(width: int, n_heads: int, place: int, window: int = 5) -> Attention:
    """Half of the heads look at every ``window``-th step, half at the mean of each ``window``, mixed anew."""
    half = _parts("stride_pooled", width, n_heads, 2)
    far = StrideHeads(width, half, n_heads // 2, window)
    return Attention(width, far, PooledHeads(width, half, n_heads // 2, window, mixed=True))


ATTENTIONS: Mapping[str, Callable[..., Attention]] = {
    "multi_head": multi_head,
    "spatial_reduction": spatial_reduction,
    "bi_level": bi_level,
    "window": window,
    "shifted_window": shifted_window,
    "shunted": shunted,
    "hilo": hilo,
    "stride_pooled": stride_pooled,
}
"""By name: what makes a kind for a width, a number of heads and its place among the attentions of a network."""


def make_attention(kind: str, width: int, n_heads: int, place: int = 0, **own: int) -> Attention:
    """A fresh attention.

    Args:
        kind: one of ``ATTENTIONS``.
        width: of a step.
        n_heads: a divisor of it.
        place: how many attentions come before it.
        own: numbers that the kind takes, with the defaults of its function.

    Raises:
        ValueError: there is no such kind, it does not take a number, a number is below 1, or the heads do not divide
            the width.
    """
    build = chosen("attention", kind, ATTENTIONS)
    what = f"attention {kind!r}"
    check_options(own, read_options(build, what=what, required=("width", "n_heads", "place")), what=what)
    for name, number in {"n_heads": n_heads, **own}.items():
        if number < 1:
            raise ValueError(f"{name} is {number}; it is a whole number, 1 or more")
    if width % n_heads:
        raise ValueError(f"n_heads is {n_heads}; it is a divisor of {width}")
    return build(width, n_heads, place, **own)


def _parts(kind: str, width: int, n_heads: int, n_parts: int) -> int:
    """The width of a part of the heads."""
    if n_heads % n_parts:
        raise ValueError(f"n_heads is {n_heads}; {kind} attention takes a multiple of {n_parts}")
    return width // n_parts
