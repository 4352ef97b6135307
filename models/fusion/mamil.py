"""Tokens of all branches as the instances of one bag: the most telling one of each branch asks all of them."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from models.fusion.branches import BranchShape
from models.fusion.intermediate import BRANCH_DROPOUT, DROPOUT, HIDDEN_SIZE, MAX_TOKENS, TokenFusion
from models.fusion.registry import register_fusion
from models.fusion.tokens import padded


@register_fusion(
    "mamil", level="intermediate", reads="tokens", fitting="gradient", paper="Han et al. 2023, after Li et al. 2021"
)
class MamilFusion(TokenFusion):
    """Of each branch the instance with the highest score, and what it reads from all instances of all branches.

    The instances are the tokens: steps of a signal, positions of an image's map, which are its patches. An instance's
    score is the largest of the logits that the branch's auxiliary head gives it. What the loss of the branch alone
    (``-auxiliary``) judges is the critical instance, so that the head learns to tell instances of bags whose labels
    alone are known; without that loss it learns nothing, and which one is critical is chance. No position is read: the
    order of instances does not count.

    Args:
        branches: names and widths.
        n_classes: logits that come out.
        hidden_size: width that every token is projected to, and of the hidden layer.
        dropout: probability before and after the hidden layer, in [0, 1).
        branch_dropout: probability that all tokens of a branch of an item are hidden in training, in [0, 1].
        max_tokens: of an item in a branch; of more, neighbours are averaged first (see ``at_most``).

    Shape:
        - input: for each branch (n, t, token_dim), t of its own, and (n, t) bool where padded
        - output: (n, n_classes)

    Raises:
        ValueError: ``max_tokens`` is less than 1, or another option is out of range.

    Reference:
        Han et al., Multimodal multi-instance learning for long-term ECG classification, Knowl.-Based Syst., 2023:
        instances are heartbeats and patches of a Gramian angular field, the critical one is what max-pooling picks. Its
        score as a logit, and the loss of it, after Li, Li and Eliceiri, Dual-stream multiple instance learning network,
        CVPR 2021.
    """

    chooses = True

    def __init__(
        self,
        branches: Mapping[str, BranchShape],
        n_classes: int,
        hidden_size: int = HIDDEN_SIZE,
        dropout: float = DROPOUT,
        branch_dropout: float = BRANCH_DROPOUT,
        max_tokens: int = MAX_TOKENS,
    ) -> None:
        super().__init__(branches, n_classes, hidden_size, dropout, branch_dropout, max_tokens)
        self.query, self.key, self.value = (nn.Linear(hidden_size, hidden_size, bias=False) for _ in range(3))
        self.hidden = nn.Linear(len(branches) * hidden_size, hidden_size)

    def alone(self, own: Tensor, mask: Tensor | None, head: nn.Module) -> Tensor:
        """The logits of the critical instance."""
        y: Tensor = head(critical(own, mask, head))
        return y

    def attend(self, own: Sequence[Tensor], masks: Sequence[Tensor | None]) -> list[Tensor]:
        """The critical instance of each branch, with what it reads from all instances of all branches added.

        Shape:
            - own: for each branch (n, t, hidden_size), the projections
            - masks: for each branch (n, t) bool, or None
            - returns: for each branch (n, hidden_size)
        """
        bag = torch.cat(list(own), 1)
        nobody = torch.cat([padded(x, mask) for x, mask in zip(own, masks, strict=True)], 1)
        keys, values = self.key(bag), self.value(bag)
        found = []
        for x, mask, head in zip(own, masks, self.auxiliary_heads, strict=True):
            chosen = critical(x, mask, head)
            scores = (keys @ self.query(chosen)[..., None])[..., 0] / math.sqrt(keys.shape[2])  # (n, instances)
            shares = scores.masked_fill(nobody, -torch.inf).softmax(1)
            found.append(chosen + (shares[:, None] @ values)[:, 0])
        return found

    def fuse(self, own: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        y: Tensor = self.hidden(self.dropout(torch.cat(self.attend(own, masks), dim=1))).relu()
        return y


def critical(own: Tensor, mask: Tensor | None, head: nn.Module) -> Tensor:
    """Of each item the instance to which a head gives the largest logit, of whichever class.

    Shape:
        - own: (n, t, width)
        - mask: (n, t) bool, or None
        - returns: (n, width)
    """
    with torch.no_grad():  # which one it is has no gradient
        scores = head(own).amax(2).masked_fill(padded(own, mask), -torch.inf)
        place = scores.argmax(1)
    return own.gather(1, place[:, None, None].expand(-1, 1, own.shape[2]))[:, 0]
