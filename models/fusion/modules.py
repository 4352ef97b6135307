"""A transformer whose tokens are the branches themselves, one each."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from models.fusion.branches import BranchShape
from models.fusion.intermediate import BRANCH_DROPOUT, DROPOUT, HIDDEN_SIZE, IntermediateFusion
from models.fusion.registry import register_fusion
from models.signal.patch_transformer import layer


@register_fusion("modules", level="intermediate", reads="features", fitting="gradient", paper="after Le et al. 2021")
class ModulesFusion(IntermediateFusion):
    """Transformer layers over one token a branch, each with a learnt vector of its branch, and their mean.

    Args:
        branches: names and widths.
        n_classes: logits that come out.
        hidden_size: width that every branch is projected to.
        dropout: probability in the layers and before the head, in [0, 1).
        branch_dropout: probability that a branch of an item is hidden in training, in [0, 1].
        n_heads: of each layer's attention, a divisor of ``hidden_size``.
        n_layers: transformer layers.

    Shape:
        - input: for each branch (n, feature_dim)
        - output: (n, n_classes)

    Raises:
        ValueError: ``n_heads`` does not divide ``hidden_size``, there are no layers, or another option is out of range.

    Reference:
        Le et al., Multi-module recurrent convolutional neural network with transformer encoder for ECG arrhythmia
        classification, BHI 2021: recurrent convolutional networks of the signal and of its spectrogram, and age and
        sex, are a token each. Age and sex come in here with a branch: a network with ``-features tabular`` carries an
        embedding of them at the end of its features, which its token then is made of, too.
    """

    def __init__(
        self,
        branches: Mapping[str, BranchShape],
        n_classes: int,
        hidden_size: int = HIDDEN_SIZE,
        dropout: float = DROPOUT,
        branch_dropout: float = BRANCH_DROPOUT,
        n_heads: int = 4,
        n_layers: int = 1,
    ) -> None:
        super().__init__(branches, n_classes, hidden_size, dropout, branch_dropout)
        if n_heads < 1 or hidden_size % n_heads:
            raise ValueError(f"n_heads is {n_heads}; it must divide hidden_size, {hidden_size}")
        if n_layers < 1:
            raise ValueError(f"n_layers is {n_layers}; a transformer needs 1 or more")
        self.module = nn.Parameter(0.02 * torch.randn(len(branches), hidden_size))
        self.layers = nn.ModuleList(layer(hidden_size, n_heads, dropout) for _ in range(n_layers))
        self.norm = nn.LayerNorm(hidden_size)

    def fuse(self, own: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        tokens = torch.stack(list(own), dim=1) + self.module  # (n, branches, hidden_size)
        for each in self.layers:
            tokens = each(tokens)
        y: Tensor = self.norm(tokens.mean(1))
        return y
