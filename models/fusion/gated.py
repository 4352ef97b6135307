"""Gated multimodal units: for every feature, a learnt share of each branch."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.fusion.intermediate import IntermediateFusion
from models.fusion.registry import register_fusion


@register_fusion("gated", level="intermediate", reads="features", fitting="gradient", paper="after Arevalo et al. 2017")
class GatedFusion(IntermediateFusion):
    """The mean of the branches, weighted for each item and feature by gates that see all of them.

    Args:
        branches: names and widths.
        n_classes: logits that come out.
        hidden_size: width that every branch is projected to, and number of gates of a branch.
        dropout: probability before the head, in [0, 1).
        branch_dropout: probability that a branch of an item is hidden in training, in [0, 1].

    Shape:
        - input: for each branch (n, feature_dim)
        - output: (n, n_classes)

    Reference:
        Arevalo et al., Gated multimodal units for information fusion, ICLR 2017 workshop. Two
        branches have the gates z and 1 − z of their bimodal unit. More than two have a sigmoid
        each there; here a softmax over the branches, so that the shares still sum to 1. Our gates
        read the normalised projections, not the features, so that they see what is hidden too.
    """

    def add_layers(self, hidden_size: int) -> None:
        self.gate = nn.Linear(len(self.branches) * hidden_size, len(self.branches) * hidden_size)

    def gates(self, own: Tensor) -> Tensor:
        """The share of each branch in each feature, in [0, 1], which sum to 1 over the branches.

        Shape:
            - own: (n, branches, hidden_size), the projections
            - returns: (n, branches, hidden_size)
        """
        y: Tensor = self.gate(own.flatten(1)).view_as(own).softmax(1)
        return y

    def fuse(self, own: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        stacked = torch.stack(list(own), dim=1)  # (n, branches, hidden_size)
        return (self.gates(stacked) * stacked.tanh()).sum(1)
