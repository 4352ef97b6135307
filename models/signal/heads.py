"""Heads of attention over time, each of which looks at an item's steps in its own way.

All take items of unequal length, and none hangs on how far a batch is padded: windows and regions are counted in steps
from an item's beginning, never as parts of the batch.
"""

import torch
from torch import Tensor, nn

from models.signal.masked import Convolution


def in_windows(x: Tensor, own: Tensor | None, size: int, before: int = 0) -> tuple[Tensor, Tensor | None]:
    """Steps in windows of ``size``, filled up with zeros in front and behind.

    Args:
        x: steps of a padded batch, zero where ``own`` is false.
        own: true where a step belongs to its item; None where all do.
        size: steps of a window.
        before: zeros in front of the first step.

    Shape:
        - x: (n, t, d)
        - own: (n, t) bool
        - returns: (n, m, size, d), and (n, m, size) bool, None where all is an item's own
    """
    time = x.shape[1]
    behind = -(time + before) % size
    if before or behind:
        x = nn.functional.pad(x, (0, 0, before, behind))
        if own is None:
            place = torch.arange(before + time + behind, device=x.device)
            own = ((place >= before) & (place < before + time)).expand(x.shape[0], -1)
        else:
            own = nn.functional.pad(own, (before, behind))
    windows = torch.unflatten(x, 1, (-1, size))
    return windows, None if own is None else torch.unflatten(own, 1, (-1, size))


def held(own: Tensor, size: int) -> Tensor:
    """Which windows of ``size`` steps hold a step of their item, (n, t) to (n, ⌈t / size⌉)."""
    filled = nn.functional.pad(own, (0, -own.shape[1] % size))
    return torch.unflatten(filled, 1, (-1, size)).any(2)


def means(x: Tensor, own: Tensor | None, size: int) -> Tensor:
    """The mean of each ``size`` steps, of those that are an item's own, (n, t, d) to (n, ⌈t / size⌉, d)."""
    windows, seen = in_windows(x, own, size)
    if seen is None:
        return windows.mean(2)
    return windows.sum(2) / seen.sum(2).clamp(min=1)[..., None]


def attended(query: Tensor, key: Tensor, value: Tensor, seen: Tensor | None, n_heads: int) -> Tensor:
    """Scaled dot products of heads, side by side.

    Args:
        query: of those who ask.
        key: of what they hear.
        value: of the same.
        seen: what is heard, by all of an item or by each of its steps; who would hear nothing hears all, since a
            softmax over nothing is no number. None where nothing is padded.
        n_heads: parts of the width.

    Shape:
        - query: (n, t, d)
        - key, value: (n, s, d)
        - seen: (n, s) or (n, t, s) bool
        - returns: (n, t, d)
    """
    query, key, value = (torch.unflatten(x, -1, (n_heads, -1)).transpose(1, 2) for x in (query, key, value))
    if seen is not None:
        seen = seen | ~seen.any(-1, keepdim=True)
        seen = seen[:, None, None] if seen.ndim == 2 else seen[:, None]
    return dot_products(query, key, value, seen).transpose(1, 2).flatten(2)


def dot_products(query: Tensor, key: Tensor, value: Tensor, seen: Tensor | None) -> Tensor:
    """Torch's attention of heads, in fp32 where it would be in bf16 on a CPU.

    There torch takes 2 to 4 times as long for both passes over 10 to 250 steps (``python -m benchmarks.cpu_steps``).

    Shape:
        - query: (n, heads, t, d)
        - key, value: (n, heads, s, d)
        - seen: bool, to be broadcast to (n, heads, t, s); None where all is heard
        - returns: (n, heads, t, d), of the query's type
    """
    if query.device.type != "cpu" or query.dtype != torch.bfloat16:
        return nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
    with torch.autocast("cpu", enabled=False):
        said = nn.functional.scaled_dot_product_attention(query.float(), key.float(), value.float(), attn_mask=seen)
    return said.to(query.dtype)


class Heads(nn.Module):
    """Heads that look at all of an item's steps.

    Args:
        width: of a step.
        inner: of what these heads say together.
        n_heads: that share it.

    Shape:
        - x: (n, t, width), zero where ``own`` is false
        - own: (n, t) bool, true where a step belongs to its item; None where all do
        - returns: (n, t, inner), anything where ``own`` is false

    Reference:
        Vaswani et al., Attention is all you need, NeurIPS 2017.
    """

    def __init__(self, width: int, inner: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query, self.key_value = nn.Linear(width, inner), nn.Linear(width, 2 * inner)

    def forward(self, x: Tensor, own: Tensor | None) -> Tensor:
        return self.answers(x, *self.heard(x, own))

    def heard(self, x: Tensor, own: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """What keys and values are made of, (n, s, width), and which of it is an item's own, (n, s)."""
        return x, own

    def values(self, value: Tensor, own: Tensor | None) -> Tensor:
        """The values as they are read, (n, s, inner)."""
        return value

    def answers(self, asking: Tensor, heard: Tensor, own: Tensor | None) -> Tensor:
        """What (n, t, width) are told of (n, s, width), (n, t, inner)."""
        key, value = self.key_value(heard).chunk(2, -1)
        return attended(self.query(asking), key, self.values(value, own), own, self.n_heads)


class WindowHeads(Heads):
    """Heads that look at the steps of their own window.

    Args:
        width: of a step.
        inner: of what these heads say together.
        n_heads: that share it.
        window: its steps.
        shift: steps by which the first window is shorter, below ``window``.

    Reference:
        Liu et al., Swin transformer, ICCV 2021. There steps go around from the end to the beginning and are masked;
        here the windows at both ends are shorter, which is the same and does not hang on the padding.
    """

    def __init__(self, width: int, inner: int, n_heads: int, window: int, shift: int = 0) -> None:
        super().__init__(width, inner, n_heads)
        self.window, self.before = window, shift

    def forward(self, x: Tensor, own: Tensor | None) -> Tensor:
        windows, seen = in_windows(x, own, self.window, self.before)  # (n, m, window, width)
        flat = windows.flatten(0, 1)
        said = self.answers(flat, flat, None if seen is None else seen.flatten(0, 1))
        return said.reshape(x.shape[0], -1, said.shape[-1])[:, self.before : self.before + x.shape[1]]


class StrideHeads(Heads):
    """Heads that look at every ``stride``-th step, from their own on in both directions.

    Reference:
        Tu et al., MaxViT, ECCV 2022, whose grid is of a fixed number of places; this one is of a fixed distance.
    """

    def __init__(self, width: int, inner: int, n_heads: int, stride: int) -> None:
        super().__init__(width, inner, n_heads)
        self.stride = stride

    def forward(self, x: Tensor, own: Tensor | None) -> Tensor:
        windows, seen = in_windows(x, own, self.stride)
        by_place = windows.transpose(1, 2).flatten(0, 1)  # (n · stride, m, width)
        said = self.answers(by_place, by_place, None if seen is None else seen.transpose(1, 2).flatten(0, 1))
        together = said.reshape(x.shape[0], self.stride, -1, said.shape[-1]).transpose(1, 2)
        return together.flatten(1, 2)[:, : x.shape[1]]


class ReducedHeads(Heads):
    """Heads that hear each ``rate`` steps as one: a convolution whose kernel is its stride, and a layer norm.

    Args:
        width: of a step.
        inner: of what these heads say together.
        n_heads: that share it.
        rate: steps that are heard as one; with 1 there is no such layer.

    Reference:
        Wang et al., Pyramid vision transformer, ICCV 2021 (spatial reduction).
    """

    def __init__(self, width: int, inner: int, n_heads: int, rate: int) -> None:
        super().__init__(width, inner, n_heads)
        self.rate = rate
        self.shorter = (
            nn.Identity() if rate == 1 else nn.Sequential(nn.Linear(rate * width, width), nn.LayerNorm(width))
        )

    def heard(self, x: Tensor, own: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if self.rate == 1:
            return x, own
        short = self.shorter(in_windows(x, own, self.rate)[0].flatten(2))
        return short, None if own is None else held(own, self.rate)


class ShuntedHeads(ReducedHeads):
    """Heads that hear each ``rate`` steps as one, with a kernel of three steps for each channel of the values added.

    Reference:
        Ren et al., Shunted self-attention via multi-scale token aggregation, CVPR 2022.
    """

    def __init__(self, width: int, inner: int, n_heads: int, rate: int) -> None:
        super().__init__(width, inner, n_heads, rate)
        self.local = Convolution(inner, inner, 3, groups=inner)

    def heard(self, x: Tensor, own: Tensor | None) -> tuple[Tensor, Tensor | None]:
        short, seen = super().heard(x, own)
        return (short if self.rate == 1 else nn.functional.gelu(short)), seen

    def values(self, value: Tensor, own: Tensor | None) -> Tensor:
        if own is not None:
            value = value.masked_fill(~own[..., None], 0.0)
        y: Tensor = value + self.local(value.transpose(1, 2), None).transpose(1, 2)
        return y


class PooledHeads(Heads):
    """Heads that hear the mean of each ``rate`` steps.

    Args:
        width: of a step.
        inner: of what these heads say together.
        n_heads: that share it.
        rate: steps of a mean.
        mixed: whether a linear layer, a layer norm and a GELU follow the mean, where it is one of several steps.

    Reference:
        Pan, Cai and Zhuang, Fast vision transformers with HiLo attention, NeurIPS 2022: its heads of low frequencies.
    """

    def __init__(self, width: int, inner: int, n_heads: int, rate: int, *, mixed: bool = False) -> None:
        super().__init__(width, inner, n_heads)
        self.rate = rate
        mixing = [nn.Linear(width, width), nn.LayerNorm(width), nn.GELU()] if mixed and rate > 1 else []
        self.mixing = nn.Sequential(*mixing)

    def heard(self, x: Tensor, own: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if self.rate == 1:
            return x, own
        return self.mixing(means(x, own, self.rate)), None if own is None else held(own, self.rate)


class RoutedHeads(Heads):
    """Heads that look at the ``top`` regions that are nearest to their own, by the means of queries and keys.

    Regions are chosen by a mask on all steps and not gathered: the same answer, whose gradients no index adds up in
    any order. No gradient goes through the choice.

    Args:
        width: of a step.
        inner: of what these heads say together.
        n_heads: that share it.
        region: its steps.
        top: regions that a step looks at; an item that has no more is seen whole.

    Reference:
        Zhu et al., BiFormer: vision transformer with bi-level routing attention, CVPR 2023, without its convolution of
        the values.
    """

    chooses = True

    def __init__(self, width: int, inner: int, n_heads: int, region: int, top: int) -> None:
        super().__init__(width, inner, n_heads)
        self.region, self.top = region, top

    def forward(self, x: Tensor, own: Tensor | None) -> Tensor:
        query, (key, value) = self.query(x), self.key_value(x).chunk(2, -1)
        return attended(query, key, value, self._seen(x.detach(), own), self.n_heads)

    def _seen(self, x: Tensor, own: Tensor | None) -> Tensor | None:
        """Which steps each step looks at, (n, t, t)."""
        time = x.shape[1]
        of_regions = means(x, own, self.region)  # the layers are linear: of a mean they give the mean
        n_regions = of_regions.shape[1]
        if n_regions <= self.top:
            return own
        nearness = self.query(of_regions) @ self.key_value(of_regions).chunk(2, -1)[0].transpose(1, 2)
        if own is not None:
            nearness = nearness.masked_fill(~held(own, self.region)[:, None], -torch.inf)
        least: Tensor = nearness.topk(self.top, -1).values[..., -1:]
        near: Tensor = (nearness >= least)[:, :, None, :, None]  # (n, regions, 1, regions, 1)
        spread = near.expand(-1, -1, self.region, -1, self.region).flatten(3, 4).flatten(1, 2)[:, :time, :time]
        return spread if own is None else spread & own[:, None]
