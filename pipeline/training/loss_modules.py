"""Losses that torch does not have, as modules on logits."""

import torch
from torch import nn
from torch.nn import functional

_FLOOR = 1e-8  # of what a power is taken of: at 0 the gradient of a power below 1 is infinite


class Focal(nn.Module):
    """Cross-entropy in which what is already right counts less: the term of each class times (1 − p)^γ.

    p is the probability that the network gives to the truth: of the class or of its absence (multilabel), or of the
    item's class (multiclass). With γ = 0 it is the cross-entropy.

    Args:
        kind: ``multilabel`` or ``multiclass``.
        weights: of the positives (multilabel) or of the classes, as in the cross-entropy; None for 1.
        gamma: γ, 0 or more; 2 is what the paper found best.

    Shape:
        logits and targets ``(items, classes)`` to ``()``.

    Reference:
        Lin et al., Focal Loss for Dense Object Detection, ICCV 2017. Our class weights stand where it has α, and the
        mean where it has the sum over positives, so that learning rates carry over from the cross-entropy.
    """

    weights: torch.Tensor

    def __init__(self, kind: str, weights: torch.Tensor | None, gamma: float = 2.0) -> None:
        super().__init__()
        self.kind, self.gamma = kind, gamma
        self.register_buffer("weights", torch.ones(1) if weights is None else weights)

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if self.kind == "multilabel":
            found, missed = functional.logsigmoid(logits), functional.logsigmoid(-logits)
            # (1 − p)^γ as an exponential of the other side's logarithm: finite in value and gradient for any logit
            positive = self.weights * targets * (self.gamma * missed).exp() * found
            negative = (1 - targets) * (self.gamma * found).exp() * missed
            return -(positive + negative).mean()
        right = logits.log_softmax(1)
        easy = (1 - right.exp()).clamp_min(_FLOOR) ** self.gamma
        return -(self.weights * targets * easy * right).sum(1).mean()


class Asymmetric(nn.Module):
    """Binary cross-entropy that forgets easy negatives: of p below a margin all, above it by a power.

    With p the probability of a class and q = max(p − margin, 0), a positive costs −(1 − p)^γ₊ log p and a negative
    −q^γ₋ log(1 − q). With all three at 0 it is the binary cross-entropy.

    Args:
        weights: of the positives; None for 1.
        gamma_positive: γ₊, 0 or more.
        gamma_negative: γ₋, 0 or more.
        margin: from 0 to below 1; negatives with a probability below it cost nothing.

    Shape:
        logits and targets ``(items, classes)`` to ``()``.

    Reference:
        Ridnik et al., Asymmetric Loss For Multi-Label Classification, ICCV 2021, with the values it recommends. It
        takes sums and we the mean, so that learning rates carry over from the cross-entropy; class weights are ours.
    """

    weights: torch.Tensor

    def __init__(
        self,
        weights: torch.Tensor | None,
        gamma_positive: float = 0.0,
        gamma_negative: float = 4.0,
        margin: float = 0.05,
    ) -> None:
        super().__init__()
        self.gamma_positive, self.gamma_negative, self.margin = gamma_positive, gamma_negative, margin
        self.register_buffer("weights", torch.ones(1) if weights is None else weights)

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        found, missed = functional.logsigmoid(logits), functional.logsigmoid(-logits)
        shifted = (logits.sigmoid() - self.margin).clamp_min(_FLOOR)  # q
        # log(1 − q) from q loses all digits where p is near 1, which only a margin keeps away from
        absent = torch.log1p(-shifted) if self.margin else missed
        positive = self.weights * targets * (self.gamma_positive * missed).exp() * found
        negative = (1 - targets) * shifted**self.gamma_negative * absent
        return -(positive + negative).mean()


class LargeMargin(nn.Module):
    """Cross-entropy that also asks the classes an item is not of to be alike, which moves them away from the truth.

    For an item of class k, with q the softmax over the C - 1 other classes, it adds
    λ / 2 Σ (q - 1 / (C - 1)) log q, which is least, 0, where all of q are the same. Of targets between two
    classes it is between their losses, each with its own q. With λ = 0, or of two classes, it is the cross-entropy.

    Args:
        weights: of the classes, as in the cross-entropy; None for 1.
        margin: λ, 0 or more; 0.3 is what the paper takes.

    Shape:
        logits and targets ``(items, classes)`` to ``()``.

    Reference:
        Kobayashi, Large-Margin in Softmax Cross-Entropy Loss, BMVC 2019. There a target is one class; class weights
        and targets between are ours.
    """

    weights: torch.Tensor

    def __init__(self, weights: torch.Tensor | None, margin: float = 0.3) -> None:
        super().__init__()
        self.margin = margin
        self.register_buffer("weights", torch.ones(1) if weights is None else weights)

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        n_classes = logits.shape[1]
        own = torch.eye(n_classes, dtype=torch.bool, device=logits.device)  # a row for each class that could be true
        others = logits[:, None].masked_fill(own, -torch.inf).log_softmax(2).masked_fill(own, 0.0)
        unlike = ((others.exp() - 1 / (n_classes - 1)) * others).sum(2)  # (items, classes)
        of_each = self.margin / 2 * unlike - logits.log_softmax(1)
        return (self.weights * targets * of_each).sum(1).mean()
