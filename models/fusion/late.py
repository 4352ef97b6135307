"""Late fusions: what the branches answer, brought to one answer."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from models.fusion.branches import BranchShape
from models.fusion.registry import register_fusion

SCALES = ("probabilities", "logits")
CERTAIN = 1e-6  # nearer to 0 or 1 than this, a probability's logit is that of this: float32 tells no more apart


def mean_logits(logits: Tensor, kind: str) -> Tensor:
    """The logits whose probabilities are the mean of several.

    Args:
        logits: of each of them.
        kind: ``multilabel`` (sigmoid) or ``multiclass`` (softmax).

    Shape:
        (members, n, classes) to (n, classes).
    """
    logits = logits.float()
    if kind == "multiclass":
        return logits.log_softmax(-1).logsumexp(0) - math.log(len(logits))
    return logsigmoid(logits).logsumexp(0) - logsigmoid(-logits).logsumexp(0)


class LateFusion(nn.Module):
    """The contract of all late fusions; ``forward`` gives logits.

    Args:
        branches: their names, in the order of the weights.
        n_classes: of each branch, and logits that come out.
        kind: ``multilabel``, whose probabilities are sigmoids, or ``multiclass``, whose are softmaxes.
        fuse_on: what is combined, ``probabilities`` or ``logits`` (of multiclass, their logarithms).

    Raises:
        ValueError: the kind or what is combined is neither.
    """

    def __init__(
        self,
        branches: Mapping[str, BranchShape],
        n_classes: int,
        kind: str = "multilabel",
        fuse_on: str = "probabilities",
    ) -> None:
        super().__init__()
        for what, value, choices in (("kind", kind, ("multilabel", "multiclass")), ("fuse_on", fuse_on, SCALES)):
            if value not in choices:
                raise ValueError(f"{what} {value!r} is neither {choices[0]!r} nor {choices[1]!r}")
        self.branches, self.n_classes, self.kind, self.fuse_on = tuple(branches), n_classes, kind, fuse_on

    def combine(self, answers: Tensor) -> Tensor:
        """One answer of several, (n, branches, n_classes) -> (n, n_classes), on the scale of ``fuse_on``."""
        raise NotImplementedError

    def forward(self, branches: Mapping[str, Tensor]) -> Tensor:
        """Logits, whose sigmoid or softmax is the fused probability.

        Args:
            branches: probabilities of the same items by branch, in any order.

        Shape:
            - branches: (n, n_classes) each
            - returns: (n, n_classes), float64

        Raises:
            ValueError: the branches are not those that the fusion was built for.
        """
        return self.combine(self.answers(branches))

    def answers(self, branches: Mapping[str, Tensor]) -> Tensor:
        """What is combined, (n, branches, n_classes) float64; raises as ``forward``."""
        if set(branches) != set(self.branches):
            given, built = ", ".join(branches) or "none", ", ".join(self.branches)
            raise ValueError(f"the branches given are {given}; the fusion was built for {built}")
        p = torch.stack([branches[name].double() for name in self.branches], 1)
        if self.fuse_on == "probabilities":
            return p
        p = p.clamp(CERTAIN, 1 - CERTAIN)
        return p.logit() if self.kind == "multilabel" else p.log()

    def shares(self) -> dict[str, float] | None:
        """How much each branch counts, 1 together; None where that cannot be said in one number a branch."""
        return None

    def to_logits(self, mean: Tensor) -> Tensor:
        """The logits of an answer that is a mean of those that ``answers`` gives."""
        if self.fuse_on == "logits":
            return mean
        # weights that are 1 together may be 1 + 2e-16 when they are added
        return mean.clamp(0, 1).logit() if self.kind == "multilabel" else mean.log()


@register_fusion("mean", level="late", reads="probabilities", fitting="nothing", paper="Kittler et al. 1998")
class Mean(LateFusion):
    """Every branch counts alike.

    Args:
        branches: see ``LateFusion``, as all that follow.
        n_classes: see there.
        kind: see there.
        fuse_on: see there.

    Reference:
        Kittler, Hatef, Duin and Matas, On combining classifiers, IEEE Trans. Pattern Anal. Mach. Intell. 20
        (1998) 226.
    """

    def combine(self, answers: Tensor) -> Tensor:
        return self.to_logits(answers.mean(1))


@register_fusion("weighted", level="late", reads="probabilities", fitting="solver", paper="Kittler et al. 1998")
class Weighted(LateFusion):
    """Each branch has a weight of its own, the same for all classes; equal until they are fitted.

    Args:
        branches: see ``LateFusion``.
        n_classes: see there.
        kind: see there.
        fuse_on: see there.

    Attributes:
        weights: (branches,), none below 0, 1 together.
    """

    weights: Tensor

    def __init__(
        self,
        branches: Mapping[str, BranchShape],
        n_classes: int,
        kind: str = "multilabel",
        fuse_on: str = "probabilities",
    ) -> None:
        super().__init__(branches, n_classes, kind, fuse_on)
        self.register_buffer("weights", torch.full((len(branches),), 1 / len(branches), dtype=torch.float64))

    def combine(self, answers: Tensor) -> Tensor:
        return self.to_logits((self.weights[:, None] * answers).sum(1))

    def shares(self) -> dict[str, float] | None:
        return dict(zip(self.branches, self.weights.tolist(), strict=True))


@register_fusion("stacking", level="late", reads="probabilities", fitting="solver", paper="Wolpert 1992")
class Stacking(LateFusion):
    """Logistic regression on the branches' answers: of a class on its own, or multinomial on all of them.

    Args:
        branches: see ``LateFusion``.
        n_classes: see there.
        kind: see there; a class of ``multilabel`` reads the branches' answers on this class, ``multiclass`` all.
        fuse_on: see there.

    Attributes:
        coefficients: (n_classes, branches) or, for multiclass, (n_classes, branches · n_classes).
        intercepts: (n_classes,).

    Reference:
        Wolpert, Stacked generalization, Neural Networks 5 (1992) 241.
    """

    coefficients: Tensor
    intercepts: Tensor

    def __init__(
        self, branches: Mapping[str, BranchShape], n_classes: int, kind: str = "multilabel", fuse_on: str = "logits"
    ) -> None:
        super().__init__(branches, n_classes, kind, fuse_on)
        width = len(branches) * (n_classes if kind == "multiclass" else 1)
        self.register_buffer("coefficients", torch.zeros(n_classes, width, dtype=torch.float64))
        self.register_buffer("intercepts", torch.zeros(n_classes, dtype=torch.float64))

    def combine(self, answers: Tensor) -> Tensor:
        if self.kind == "multiclass":
            return answers.flatten(1) @ self.coefficients.T + self.intercepts
        return torch.einsum("nbc,cb->nc", answers, self.coefficients) + self.intercepts


@register_fusion("mlp", level="late", reads="probabilities", fitting="gradient", paper="Narotamo et al. 2024")
class Perceptron(LateFusion):
    """One hidden layer on all answers side by side.

    Args:
        branches: see ``LateFusion``.
        n_classes: see there.
        kind: see there.
        fuse_on: see there.
        hidden_size: width of the hidden layer.
        dropout: probability that one of its numbers is dropped in training, in [0, 1).

    Reference:
        Narotamo et al. 2024 (see ``alexnet``), who fitted theirs on answers for the items of training.
    """

    def __init__(
        self,
        branches: Mapping[str, BranchShape],
        n_classes: int,
        kind: str = "multilabel",
        fuse_on: str = "probabilities",
        hidden_size: int = 512,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(branches, n_classes, kind, fuse_on)
        if hidden_size < 1:
            raise ValueError(f"hidden_size is {hidden_size}; a layer needs 1 or more")
        self.layers = nn.Sequential(
            nn.Linear(len(branches) * n_classes, hidden_size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, n_classes),
        )

    def combine(self, answers: Tensor) -> Tensor:
        y: Tensor = self.layers(answers.flatten(1).float()).double()
        return y
