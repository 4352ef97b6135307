"""The features of all branches side by side, and one hidden layer over them."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from models.fusion.branches import BranchShape
from models.fusion.intermediate import BRANCH_DROPOUT, DROPOUT, HIDDEN_SIZE, IntermediateFusion
from models.fusion.registry import register_fusion


@register_fusion("concat", level="intermediate", reads="features", paper="Narotamo et al. 2024")
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

    def __init__(
        self,
        branches: Mapping[str, BranchShape],
        n_classes: int,
        hidden_size: int = HIDDEN_SIZE,
        dropout: float = DROPOUT,
        branch_dropout: float = BRANCH_DROPOUT,
    ) -> None:
        super().__init__(
            {name: shape.feature_dim for name, shape in branches.items()},
            n_classes,
            hidden_size=hidden_size,
            dropout=dropout,
            branch_dropout=branch_dropout,
        )
        self.hidden = nn.Linear(len(branches) * hidden_size, hidden_size)

    def fuse(self, own: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        return self.hidden(self.dropout(torch.cat(list(own), dim=1))).relu()
