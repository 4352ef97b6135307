"""Whether a graph is being made of what is done with a tensor, rather than the work itself."""

import torch
from torch import Tensor


def is_recorded(x: Tensor) -> bool:
    """Whether x stands for any leads, so that nothing may leave torch and come back as a constant.

    ``torch.jit`` records what is done with tensors that are real, ``torch.export`` gives a kind of tensor of its own.
    """
    traced = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return bool(traced) or type(x) is not Tensor


def whole_numbers(*sizes: int) -> tuple[int, ...]:
    """Sizes as constants: ``torch.jit`` has tensors in their place, by which nothing that is kept could be found."""
    return tuple(int(size) for size in sizes)
