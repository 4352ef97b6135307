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
