"""How processes share the steps of a training: which items of a batch each takes, and what they bring together of it.

A step of several processes is that of one, but for rounding. Each sees some items of the batch, with the crops, changes
and partners that they have in it. Losses are means over items, so that each process's counts by its share of them, and
gradients are added. What looks at all items of a batch at once looks at all of them here, too: batch normalisation, and
losses that compare items.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.fusion.branches import BranchDropout
from pipeline.inputs.batches import Pick
from pipeline.machine.group import Group
from pipeline.runs.learners import Mix
from pipeline.signals.augmentations import PartOfDraws

_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
_OF_RANK = 2  # keeps what one process draws for itself apart from the other numbers of a step


@dataclass(frozen=True)
class Part:
    """What a process does of a batch.

    Attributes:
        pick: what it reads: its own items, and behind them those that they are mixed with, if these are no own ones.
        mix: how its own items are mixed, of those that it reads; None where they are not.
        share: what the mean loss of its items counts in that of the batch.
        of_whole: what a loss of the whole batch counts in each process, so that all of them make 1.
        whole: which items the batch is of.
        whole_mix: how they are mixed.
        first: the place of its first own item in the batch.
        n_own: how many there are.
        places: (items read,) the place of each in the batch; None where these are all, in their order.
    """

    pick: Pick
    mix: Mix | None
    share: float
    of_whole: float
    whole: np.ndarray
    whole_mix: Mix | None
    first: int
    n_own: int
    places: np.ndarray | None = None

    @property
    def n_items(self) -> int:
        """How many items the batch has."""
        return len(self.whole)

    def draws(self, generator: torch.Generator) -> torch.Generator | PartOfDraws:
        """What the changes of the items that are read are drawn from, by the generator of the batch."""
        return generator if self.places is None else PartOfDraws(generator, self.places, self.n_items)


def part_of(pick: Pick, mix: Mix | None, lengths: np.ndarray, group: Group) -> Part:
    """What a process of a group does of a batch.

    A batch of fewer items than processes is computed by each of them whole, and counts by as much less.

    Args:
        pick: the batch.
        mix: how its items are mixed; None where they are not.
        lengths: (items,) samples of all items.
        group: the processes.
    """
    n_items = len(pick.rows)
    if group.size == 1 or n_items < group.size:
        return Part(pick, mix, 1 / group.size, 1 / group.size, pick.rows, mix, 0, n_items)
    own = np.array(group.share(n_items))
    read, own_mix = own, None
    if mix is not None:
        partners = mix.partners.numpy()[own]
        read = np.concatenate([own, np.setdiff1d(partners, own)])
        at = np.empty(n_items, np.int64)
        at[read] = np.arange(len(read))
        own_mix = Mix(mix.weight, torch.from_numpy(at[partners]))
    longest = int((lengths[pick.rows] - pick.starts).max())
    of_read = Pick(pick.rows[read], pick.starts[read], longest)
    share = len(own) / n_items
    return Part(of_read, own_mix, share, 1 / group.size, pick.rows, mix, int(own[0]), len(own), read)


def seed_of_rank(seed: int, step: int, rank: int) -> int:
    """What a process draws from for itself in a step, as the dropout within a recurrence; not what others draw."""
    return int(np.random.SeedSequence((seed, step, _OF_RANK, rank)).generate_state(1, np.uint64)[0])


def add_gradients(parameters: Iterable[nn.Parameter], group: Group) -> None:
    """Makes the gradient of each parameter its sum over the processes; one that none of them has stays None.

    All go at once. DistributedDataParallel would send some while others are still computed; it would also have a
    network called through it alone, and these networks, of some millions of weights, are sent in less than a step.
    """
    if group.size == 1:
        return
    known = list(parameters)
    # on the host, so that nothing waits for a device; where nobody has one, an optimizer is to leave the weight alone
    there = group.add(torch.tensor([int(parameter.grad is not None) for parameter in known])).tolist()
    own = [parameter for parameter, n_there in zip(known, there, strict=True) if n_there]
    if not own:
        return
    widest = torch.float64 if any(parameter.dtype == torch.float64 for parameter in own) else torch.float32
    flat = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten().to(widest) for p in own]
    sums = torch.split(group.add(torch.cat(flat)), [parameter.numel() for parameter in own])
    for parameter, total in zip(own, sums, strict=True):
        if parameter.grad is None:
            parameter.grad = torch.empty_like(parameter)
        parameter.grad.copy_(total.view_as(parameter))  # which keeps the order in memory that a fused step relies on


class _Gathered(torch.autograd.Function):
    """Rows of all processes one behind the other; a gradient comes back as the sum over who has looked at them."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, first: int, n_rows: int, group: Group) -> Tensor:
        ctx.own, ctx.group = slice(first, first + len(x)), group
        rows = x.new_zeros(n_rows, *x.shape[1:])
        rows[ctx.own] = x
        gathered: Tensor = group.add(rows)
        return gathered

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        added = ctx.group.add(gradients[0].clone())
        return added[ctx.own], None, None, None


def gathered(x: Tensor, first: int, n_rows: int, group: Group) -> Tensor:
    """What all processes have of a batch, with its gradient.

    Args:
        x: the rows of this one.
        first: the place of the first of them.
        n_rows: how many there are in all.
        group: the processes.

    Shape:
        (own, …) to (n_rows, …).
    """
    found: Tensor = _Gathered.apply(x, first, n_rows, group)
    return found


class Together:
    """Has the layers of a network that look beyond an item do so over all processes.

    Args:
        network: what is trained.
        group: the processes.
    """

    def __init__(self, network: nn.Module, group: Group) -> None:
        self._group = group
        modules = list(network.modules()) if group.size > 1 else []
        self._norms = [module for module in modules if isinstance(module, nn.modules.batchnorm._BatchNorm)]
        self._dropouts = [module for module in modules if isinstance(module, _DROPOUTS)]
        self._hiding = [module for module in modules if isinstance(module, BranchDropout)]

    @contextmanager
    def seeing(self, part: Part, generators: list[torch.Generator], seed: int, step: int) -> Iterator[None]:
        """Within it the network sees its part as a part of the batch.

        What dropout draws is what it draws in one process, where items are the first axis of what it sees, and so are
        the branches that a fusion hides; what else a network draws, each process draws for itself.

        Args:
            part: of the batch.
            generators: that networks draw from, seeded as one process has them.
            seed: of the training.
            step: counted through all epochs.
        """
        if part.places is None:
            yield
            return
        stream = _Stream(generators)
        for generator in generators:
            generator.manual_seed(seed_of_rank(seed, step, self._group.rank))
        for norm in self._norms:
            norm.forward = partial(_normalised, norm, self._group)  # type: ignore[method-assign]
        for dropout in self._dropouts:
            dropout.forward = partial(_dropped, dropout, part, stream)  # type: ignore[method-assign]
        for hiding in self._hiding:
            hiding.drawn = partial(_hidden, hiding, part, stream)  # type: ignore[method-assign]
        try:
            yield
        finally:
            for module in (*self._norms, *self._dropouts):
                del module.forward
            for hiding in self._hiding:
                del hiding.drawn


class _Stream:
    """Random numbers that all processes draw alike, beside those that each draws for itself."""

    def __init__(self, generators: list[torch.Generator]) -> None:
        self._generators = generators
        self._states = [generator.get_state() for generator in generators]

    @contextmanager
    def drawn_from(self) -> Iterator[None]:
        own = [generator.get_state() for generator in self._generators]
        for generator, state in zip(self._generators, self._states, strict=True):
            generator.set_state(state)
        try:
            yield
        finally:
            self._states = [generator.get_state() for generator in self._generators]
            for generator, state in zip(self._generators, own, strict=True):
                generator.set_state(state)


def _dropped(dropout: nn.Module, part: Part, stream: _Stream, x: Tensor) -> Tensor:
    """What dropout leaves of the items: what it would leave of them in the batch."""
    forward = type(dropout).forward
    if not dropout.training or len(x) % part.n_own:
        left: Tensor = forward(dropout, x)
        return left
    each = len(x) // part.n_own  # rows of an item
    with stream.drawn_from():
        kept: Tensor = forward(dropout, _ones_as(x, part.n_items * each))
    return x * kept[part.first * each :][: len(x)]


def _hidden(hiding: BranchDropout, part: Part, stream: _Stream, n: int, device: torch.device) -> Tensor:
    """Which branches of the items are hidden: those that would be in the batch."""
    if n != part.n_own:  # of heads that have some of the items each
        return BranchDropout.drawn(hiding, n, device)
    with stream.drawn_from():
        return BranchDropout.drawn(hiding, part.n_items, device)[part.first :][:n]


def _ones_as(x: Tensor, n_rows: int) -> Tensor:
    """Ones of so many rows, in the order that x has in memory, which is that in which random numbers fall."""
    order = sorted(range(x.ndim), key=lambda axis: x.stride()[axis], reverse=True)
    shape = [n_rows, *x.shape[1:]]
    return x.new_ones([shape[axis] for axis in order]).permute([order.index(axis) for axis in range(x.ndim)])


def _normalised(norm: Any, group: Group, x: Tensor, valid: Tensor | None = None) -> Tensor:
    """Batch normalisation by the mean and the variance of all items, which nn.SyncBatchNorm has on GPUs alone.

    Args:
        norm: the layer, whose weights and running figures count.
        group: the processes.
        x: what it normalises.
        valid: as in ``PaddedBatchNorm``.

    Shape:
        x (n, channels, …) to the same.

    Reference:
        The parts' means and sums of squares become one as in Chan, Golub and LeVeque, Algorithms for computing the
        sample variance, 1983.
    """
    if not norm.training and norm.running_mean is not None:
        found: Tensor = type(norm).forward(norm, x, *([] if valid is None else [valid]))
        return found
    n_channels, axes = x.shape[1], [0, *range(2, x.ndim)]
    shape = [1, n_channels, *([1] * (x.ndim - 2))]
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    padded = None if valid is None else ~valid[:, None]  # (n, 1, t)
    own = wide if padded is None else wide.masked_fill(padded, 0.0)
    n_own = own.new_tensor(x.numel() / n_channels) if valid is None else valid.sum().to(own.dtype)
    with torch.autocast(x.device.type, enabled=False):
        mean = own.sum(axes) / n_own
        apart = wide - mean.view(shape)
        squares = (apart if padded is None else apart.masked_fill(padded, 0.0)).square().sum(axes)
        parts = gathered(torch.cat([mean, squares, n_own[None]])[None], group.rank, group.size, group)
        means, counts = parts[:, :n_channels], parts[:, -1:]  # (processes, channels), (processes, 1)
        n_all = counts.sum()
        mean = (means * counts).sum(0) / n_all
        squares = parts[:, n_channels:-1].sum(0) + ((means - mean).square() * counts).sum(0)
        _track(norm, mean.detach(), squares.detach(), n_all.detach())
        scale = (squares / n_all + norm.eps).rsqrt()
        if norm.affine:
            scale = scale * norm.weight
        y: Tensor = (wide - mean.view(shape)) * scale.view(shape)
        if norm.affine:
            y = y + norm.bias.view(shape)
        return (y if padded is None else y.masked_fill(padded, 0.0)).to(x.dtype)


@torch.no_grad()
def _track(norm: Any, mean: Tensor, squares: Tensor, n_all: Tensor) -> None:
    """Moves the running figures as batch normalisation does, the variance without its bias."""
    if norm.running_mean is None or not norm.training:
        return
    norm.num_batches_tracked.add_(1)
    momentum = norm.momentum if norm.momentum is not None else 1 / float(norm.num_batches_tracked)
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), momentum)
    norm.running_var.lerp_((squares / (n_all - 1).clamp(min=1)).to(norm.running_var.dtype), momentum)


def agree(network: nn.Module, group: Group) -> None:
    """Has all processes begin with the weights of the first, whatever another machine has drawn."""
    if group.size == 1:
        return
    with torch.no_grad():
        for tensor in network.state_dict(keep_vars=True).values():
            own = tensor if group.leads else torch.zeros_like(tensor)
            tensor.copy_(group.add(own.detach().clone(memory_format=torch.contiguous_format)))
