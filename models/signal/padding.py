"""Where an item ends in a padded batch."""

import torch
from torch import Tensor


def within(length: Tensor, time: int) -> Tensor:
    """Which of ``time`` steps belong to each item.

    Args:
        length: steps of each item, on the device where the answer is wanted.
        time: steps of the padded batch.

    Shape:
        - length: (n,)
        - returns: (n, time) bool
    """
    return torch.arange(time, device=length.device) < length[:, None]


def blank(steps: Tensor, length: Tensor) -> Tensor:
    """Zero where an item has ended.

    Args:
        steps: steps of a padded batch.
        length: steps of each item, on the same device.

    Shape:
        - steps: (n, time, d)
        - length: (n,)
        - returns: (n, time, d)
    """
    return steps.masked_fill(~within(length, steps.shape[1])[..., None], 0.0)


def last_step(steps: Tensor, length: Tensor | None) -> Tensor:
    """The last step that belongs to each item, (n, time, d) -> (n, d); of all steps where ``length`` is None."""
    if length is None:
        return steps[:, -1]
    return steps[torch.arange(len(steps), device=steps.device), length.to(steps.device, non_blocking=True) - 1]


def shares(scores: Tensor, length: Tensor | None) -> Tensor:
    """The softmax of scores over each item's own steps, (n, time) and (n,) -> (n, time), zero where it has ended."""
    if length is not None:
        length = length.to(scores.device, non_blocking=True)
        scores = scores.masked_fill(~within(length, scores.shape[1]), -torch.inf)
    y: Tensor = scores.softmax(1)
    return y
