"""A linear support vector machine on the features of all branches side by side."""

from collections.abc import Mapping

import torch
from torch import Tensor

from models.fusion.branches import BranchShape
from models.fusion.intermediate import BranchReader
from models.fusion.registry import register_fusion

DEAREST = 1e6  # of C, far beyond which no margin is left


@register_fusion("svm", level="intermediate", reads="features", fitting="solver", paper="Ahmad et al. 2021")
class LinearMachine(BranchReader):
    """A linear support vector machine on the standardised features, its answers made probabilities.

    Args:
        branches: names and widths.
        n_classes: logits that come out.
        kind: ``multilabel``, a machine a class, or ``multiclass``, each class against the others.
        C: how much an item on the wrong side costs beside the width of the margin, above 0, at most 1e6.

    Attributes:
        means: (features,), of the items that it was fitted on.
        deviations: (features,), of the same; 1 where all are alike.
        coefficients: (n_classes, features).
        intercepts: (n_classes,).
        slopes: (n_classes,), of the logit over the answer, above 0; of ``multiclass`` they are all alike, so that
            the class that is named is the machine's.
        offsets: (n_classes,), of the logit; of ``multiclass`` 0, but for classes that no item bore.

    Shape:
        - input: for each branch (n, feature_dim)
        - output: (n, n_classes)

    Raises:
        ValueError: an option is out of range.

    Reference:
        Ahmad et al., ECG heartbeat classification using multimodal fusion, IEEE Access 9 (2021) 100615, whose machine
        reads gated features. The machine is scikit-learn's ``LinearSVC``, the logits after Platt, Probabilistic outputs
        for support vector machines, 1999, and for classes that exclude each other after Guo et al., On calibration of
        modern neural networks, ICML 2017 (one temperature).
    """

    means: Tensor
    deviations: Tensor
    coefficients: Tensor
    intercepts: Tensor
    slopes: Tensor
    offsets: Tensor

    def __init__(
        self,
        branches: Mapping[str, BranchShape],
        n_classes: int,
        kind: str = "multilabel",
        C: float = 1.0,
    ) -> None:
        super().__init__(branches, n_classes)
        if kind not in ("multilabel", "multiclass"):
            raise ValueError(f"kind {kind!r} is neither 'multilabel' nor 'multiclass'")
        if not 0 < C <= DEAREST:
            raise ValueError(f"C is {C!r}; it must be a number above 0, at most {DEAREST:.0e}")
        self.kind, self.C = kind, float(C)
        width = sum(self.widths)
        self.register_buffer("means", torch.zeros(width, dtype=torch.float64))
        self.register_buffer("deviations", torch.ones(width, dtype=torch.float64))
        self.register_buffer("coefficients", torch.zeros(n_classes, width, dtype=torch.float64))
        self.register_buffer("intercepts", torch.zeros(n_classes, dtype=torch.float64))
        self.register_buffer("slopes", torch.ones(n_classes, dtype=torch.float64))
        self.register_buffer("offsets", torch.zeros(n_classes, dtype=torch.float64))

    def standardised(self, branches: Mapping[str, Tensor]) -> Tensor:
        """What the machine reads, (n, features); raises as ``check``."""
        self.check(branches, {})
        side_by_side = torch.cat([branches[name] for name in self.branches], dim=1)
        # a feature may change by a thousandth of its mean alone, of which float32 would leave three digits
        return (side_by_side.to(self.means.dtype) - self.means) / self.deviations

    def decide(self, branches: Mapping[str, Tensor]) -> Tensor:
        """How far on the side of each class an item lies, (n, n_classes): scikit-learn's ``decision_function``."""
        return self.standardised(branches) @ self.coefficients.T + self.intercepts

    def logits(self, decisions: Tensor) -> Tensor:
        """Logits of what ``decide`` gives."""
        return self.slopes * decisions + self.offsets

    def outputs(
        self, branches: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits, and none of single branches."""
        self.check(branches, masks or {})
        return self.logits(self.decide(branches)), {}
