"""The features of all branches side by side, and one hidden layer over them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.fusion.intermediate import IntermediateFusion
from models.fusion.registry import register_fusion


@register_fusion("concat", level="intermediate", reads="features", fitting="gradient", paper="Narotamo et al. 2024")
class ConcatFusion(IntermediateFusion):
    """Normalised and projected features side by side, a hidden layer, the head.

    Args:
        branches: names and widths.
        n_classes: logits that come out.
        hidden_size: width that every branch is projected to, and of the hidden layer.
        dropout: probability before and after the hidden layer, in [0, 1).
        branch_dropout: probability that a branch of an item is hidden in training, in [0, 1].

    Shape:
        - input: for each branch (n, feature_dim)
        - output: (n, n_classes)

    Reference:
        Narotamo et al. 2024 (see ``alexnet``), whose joint fusion has two hidden layers and
        normalises nothing, so that the branch with the larger numbers is heard first.
    """

    def add_layers(self, hidden_size: int) -> None:
        self.hidden = nn.Linear(len(self.branches) * hidden_size, hidden_size)

    def fuse(self, own: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        y: Tensor = self.hidden(self.dropout(torch.cat(list(own), dim=1))).relu()
        return y
