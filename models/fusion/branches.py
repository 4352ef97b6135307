"""The branches of a fusion: how wide each is, and training with some of them hidden."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class BranchShape:
    """The widths of what one branch gives, those of its network.

    Attributes:
        token_dim: width of a token.
        feature_dim: width of the features.
    """

    token_dim: int
    feature_dim: int


class BranchDropout(nn.Module):
    """Puts a learnt vector in the place of some branches of some items, in training only.

    Args:
        n_branches: branches of an item, 2 or more.
        width: of each.
        probability: that a branch of an item is hidden, in [0, 1]. One branch always stays, so that
            of ``k`` branches each is hidden with p − pᵏ / k, and with p = 1 all but one are.

    Shape:
        - input: for each branch (n, width) or (n, t, width)
        - output: the same

    Raises:
        ValueError: ``probability`` is outside [0, 1].

    Reference:
        Neverova et al., ModDrop: adaptive multi-modal gesture recognition, IEEE Trans. Pattern
        Anal. Mach. Intell. 38 (2016) 1692. It puts zeros, which a branch may also say; ours is a
        learnt vector, and an item is never left without any branch.
    """

    absent: nn.Parameter | None

    def __init__(self, n_branches: int, width: int, probability: float) -> None:
        super().__init__()
        if not 0 <= probability <= 1:
            raise ValueError(f"branch_dropout is {probability}; a probability is from 0 to 1")
        self.n_branches, self.probability = n_branches, probability
        # A parameter that is never used would stop a training on several GPUs.
        absent = nn.Parameter(0.02 * torch.randn(n_branches, width)) if probability else None
        self.register_parameter("absent", absent)

    def forward(self, branches: Sequence[Tensor]) -> list[Tensor]:
        if not self.training or self.absent is None:
            return list(branches)
        hidden = self.drawn(len(branches[0]), branches[0].device)
        replaced = []
        for x, absent, items in zip(branches, self.absent, hidden.unbind(1), strict=True):
            items = items.view(-1, *[1] * (x.ndim - 1))  # (n, 1) or (n, 1, 1)
            replaced.append(torch.where(items, absent.to(x.dtype), x))
        return replaced

    def drawn(self, n: int, device: torch.device) -> Tensor:
        """Which branches of ``n`` items are hidden this time; see ``draw_hidden``."""
        return draw_hidden(n, self.n_branches, self.probability, device)


def draw_hidden(n: int, n_branches: int, probability: float, device: torch.device | str = "cpu") -> Tensor:
    """Which branches of ``n`` items are hidden this time, (n, n_branches) bool; never a whole row."""
    drawn = torch.rand(n, n_branches, device=device)
    return (drawn < probability) & (drawn < drawn.amax(1, keepdim=True))
