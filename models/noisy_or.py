"""Log-odds of classes, read from those of the statements that make them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class NoisyOr(nn.Module):
    """A class is there where any of its statements is, each as if it knew nothing of the others: 1 − Π (1 − p).

    It has no weights. What is computed is of float64, since 1 − p of an unlikely statement is nearly 1; log-odds below
    −34 come out as −34.

    Args:
        readings: for each class, one or more lists of statements, by their columns. Each list is one noisy-or; that of
            a single statement is its log-odds. Of several lists, the class has the mean of their log-odds.
        n_statements: columns that come in.

    Shape:
        - input: (n, n_statements) log-odds
        - output: (n, n_classes) log-odds, float32

    Raises:
        ValueError: a class has no list, a list has no statement, or a column is not there.

    Reference:
        Pearl 1988, Probabilistic Reasoning in Intelligent Systems, section 4.3.
    """

    def __init__(self, readings: Sequence[Sequence[Sequence[int]]], n_statements: int) -> None:
        super().__init__()
        lists = [columns for of_class in readings for columns in of_class]
        if not readings or not all(readings) or not all(lists):
            raise ValueError("each class needs a statement that it is read from")
        if not all(0 <= column < n_statements for columns in lists for column in columns):
            raise ValueError(f"a class is read from a column that is not among the {n_statements}")
        any_of = torch.zeros(n_statements, len(lists), dtype=torch.float64)
        for number, columns in enumerate(lists):
            any_of[list(columns), number] = 1
        mean_of = torch.zeros(len(lists), len(readings), dtype=torch.float64)
        of = [number for number, of_class in enumerate(readings) for _ in of_class]
        for number, of_class in enumerate(of):
            mean_of[number, of_class] = 1 / len(readings[of_class])
        # neither is a weight of the run
        self.register_buffer("any_of", any_of, persistent=False)
        self.register_buffer("mean_of", mean_of, persistent=False)
        self.any_of: Tensor
        self.mean_of: Tensor

    def forward(self, logits: Tensor) -> Tensor:
        x = logits.double()
        # log (1 − p), by operations that onnxruntime has in float64
        absent = -(x.clamp(min=0) + torch.log(1 + torch.exp(-x.abs())))
        none_of = absent @ self.any_of  # log Π (1 − p)
        log_odds = torch.log(1 - torch.exp(none_of.clamp(max=_LEAST))) - none_of
        return (log_odds @ self.mean_of).float()


_LEAST = -1e-15  # below which 1 − e^x is no longer 0 in float64
