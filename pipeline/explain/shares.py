"""What each branch of a fusion adds to the log-odds, on the way from a baseline to the recording."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from models.fusion.late import CERTAIN, Mean
from pipeline.explain.path import Path


class Watch:
    """Keeps what a fusion was told by each branch, step by step, and the slope of its answer there.

    A branch's share is the sum over the steps of slope times change, of all that the fusion reads of it: the integral
    of the gradient along the way that its features, tokens or probabilities take. All shares together are what the
    answer changes by. A late mean of logits is a sum, so that its shares are known without steps.
    """

    def __init__(self, path: Path) -> None:
        graph = getattr(path.graph, "inner", path.graph)  # where windows are joined, it answers each
        self._graph: Any = graph
        fusion = getattr(graph, "fusion", None)
        self._is_sum = isinstance(fusion, Mean) and (fusion.fuse_on, fusion.kind) == ("logits", "multilabel")
        self._number, self._n_classes = path.number, path.n_classes
        self._said: dict[str, list[Tensor]] = {}
        self._slopes: dict[str, list[Tensor]] = {}
        self._now: dict[str, Tensor] = {}
        self._ends: dict[str, Tensor] = {}

    def __enter__(self) -> Self:
        """Begins to listen, where the run is a fusion."""
        if hasattr(self._graph, "told"):
            self._graph.told = self._hear
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        """Listens no more."""
        if hasattr(self._graph, "told"):
            self._graph.told = None

    def _hear(self, said: dict[str, Tensor]) -> None:
        self._now = said

    def keep_ends(self) -> None:
        """What was said last was of the two ends of the way."""
        self._ends = {name: self._by_step(x, 2) for name, x in self._now.items()}

    def gradients(self, scores: Tensor, inputs: Sequence[Tensor]) -> list[Tensor | None]:
        """Of the sum of some scores, with respect to inputs; what branches said and their slopes are kept."""
        heard = list(self._now.items())
        wanted = [*inputs, *(x for _, x in heard)]
        found = torch.autograd.grad(scores.sum(), wanted, allow_unused=True)
        for (name, x), slope in zip(heard, found[len(inputs) :], strict=True):
            self._said.setdefault(name, []).append(self._by_step(x, len(scores)))
            self._slopes.setdefault(name, []).append(
                self._by_step(torch.zeros_like(x) if slope is None else slope, len(scores))
            )
        return list(found[: len(inputs)])

    def shares(self) -> dict[str, float]:
        """Of each branch; none of a run that is no fusion."""
        return {name: self._share(name) for name in self._said}

    def _share(self, name: str) -> float:
        ends = self._ends[name]
        if self._is_sum and ends.shape[1] == self._n_classes:
            first, last = ends[:, self._number].clamp(CERTAIN, 1 - CERTAIN).logit().tolist()
            return float(last - first) / len(self._ends)
        said = torch.cat([ends[:1], *self._said[name], ends[1:]])
        slopes = torch.cat(self._slopes[name])
        slopes = torch.cat([slopes[:1], slopes, slopes[-1:]])
        return float(((slopes[1:] + slopes[:-1]) / 2 * said.diff(dim=0)).sum())

    @staticmethod
    def _by_step(x: Tensor, n_steps: int) -> Tensor:
        """(crops · n, …), crop by crop, to (n, all numbers)."""
        return x.detach().double().reshape(-1, n_steps, *x.shape[1:]).transpose(0, 1).flatten(1)
