"""A network of vision that works on an image of one row as a network of signals does."""

import torch
from torch import nn


@torch.no_grad()
def give_weights_of_a_row(flat: nn.Module, network: nn.Module) -> None:
    """The weights of a network of signals for the middle rows of kernels, zeros for the rows that see no image."""
    theirs, ours = flat.state_dict(), network.state_dict()
    for wanted, given in zip(theirs.values(), ours.values(), strict=True):
        if wanted.ndim == 4:
            wanted.zero_()[:, :, wanted.shape[2] // 2] = given
        else:
            wanted.copy_(given)
