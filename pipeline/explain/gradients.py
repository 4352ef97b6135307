"""Integrated gradients: what each sample of each lead is worth on the way from a baseline to the recording."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from pipeline.explain.path import SIGNAL, Path
from pipeline.explain.shares import Watch

NEAR = 0.01  # of the difference of the scores, to which the sum of all values is to come
_STEPS = (48, 96, 192, 384, 768)  # tried one after the other until it does
_BENT = 3  # steps lie closer where the recording fades, by this power, since a logarithm has its slope there
_AT_ONCE = 8  # recordings


@dataclass(frozen=True)
class Integrated:
    """What integrated gradients say.

    Attributes:
        values: what each sample of each lead adds to the log-odds.
        score: log-odds of the recording.
        at_baseline: log-odds of the baseline.
        n_steps: of the way between the two.
        shares: of a fusion, what each branch adds; together the difference of the two scores.

    Shape:
        values (leads, time).
    """

    values: np.ndarray
    score: float
    at_baseline: float
    n_steps: int
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def missing(self) -> float:
        """How far the values' sum is from the difference of the scores, as a part of that."""
        whole = self.score - self.at_baseline
        return abs(float(self.values.sum()) - whole) / max(abs(whole), 1e-6)


def integrate(path: Path, baseline: Mapping[str, Tensor]) -> Integrated:
    """Integrated gradients of a run's log-odds, in as many steps as their sum needs to come near what it should be.

    Args:
        path: the run and the recording.
        baseline: each of the path's inputs where nothing is to be seen, (leads, time) mV.

    Reference:
        Sundararajan, Taly and Yan, Axiomatic attribution for deep networks, ICML 2017. Steps are closer near the
        baseline, and joined by trapezoids; what a lead is scaled by is held, as ``Smooth`` says.
    """
    for n_steps in _STEPS:
        found = _integrate(path, baseline, n_steps)
        if found.missing <= NEAR:
            break
    return found


def _integrate(path: Path, baseline: Mapping[str, Tensor], n_steps: int) -> Integrated:
    along = torch.linspace(0, 1, n_steps + 1, dtype=torch.float64) ** _BENT
    weight = torch.zeros(n_steps + 1, dtype=torch.float64)  # of each gradient: half the steps at its sides
    weight[1:] += along.diff() / 2
    weight[:-1] += along.diff() / 2
    away = {name: x - baseline[name] for name, x in path.inputs.items()}
    total = {name: torch.zeros_like(x) for name, x in path.inputs.items()}
    scores: list[float] = []
    with Watch(path) as watch:
        for some in _parts(n_steps + 1):
            inputs = {
                name: (baseline[name] + along[some][:, None, None] * away[name]).requires_grad_() for name in away
            }
            found = path(inputs)
            gradients = watch.gradients(found, list(inputs.values()))
            for name, gradient in zip(inputs, gradients, strict=True):
                if gradient is not None:  # a run of beats alone sees nothing else of the signal
                    total[name] += (gradient * weight[some][:, None, None]).sum(0)
            scores += found.tolist()
        shares = watch.shares()
    n_samples = path.inputs[SIGNAL].shape[1]
    parts = [path.places[name].spread((total[name] * away[name]).numpy(), n_samples) for name in total]
    return Integrated(np.sum(parts, axis=0), scores[-1], scores[0], n_steps, shares)


def _parts(n: int) -> Iterator[slice]:
    return (slice(first, min(first + _AT_ONCE, n)) for first in range(0, n, _AT_ONCE))
