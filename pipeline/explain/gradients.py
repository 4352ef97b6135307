"""Integrated gradients: what each sample of each lead is worth on the way from a baseline to the recording."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import EcgFusionError
from pipeline.explain.path import SIGNAL, Path
from pipeline.explain.shares import Watch

NEAR = 0.01  # of the difference of the scores, to which the sum of all values is to come
_STEPS = (48, 96, 192, 384)  # tried one after the other until it does
_SMALL = 0.25  # log-odds: of a smaller difference the sum comes as near as of this one
_AT_ONCE = 16  # crops or items, which are images of several numbers a pixel on their way


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
        return abs(float(self.values.sum()) - whole) / max(abs(whole), _SMALL)


def integrate(path: Path, baseline: Mapping[str, Tensor]) -> Integrated:
    """Integrated gradients of a run's log-odds, in as many steps as their sum needs to come near what it should be.

    Args:
        path: the run and the recording.
        baseline: each of the path's inputs where nothing is to be seen, (leads, time) mV.

    Reference:
        Sundararajan, Taly and Yan, Axiomatic attribution for deep networks, ICML 2017. Slopes are taken in the middle
        of steps that are closer at both ends, where a logarithm and a root have steep ones; what a lead is scaled by is
        held, as ``Smooth`` says.

    Raises:
        EcgFusionError: a network or fusion of the run jumps, so that its differences are no sum of its slopes.
    """
    if any(getattr(module, "chooses", False) for module in path.modules()):
        raise EcgFusionError(
            "what the run consists of picks some tokens of many, and its answer jumps where it picks others, which no "
            "gradient sees: occlusion explains it (-method occlusion)"
        )
    for n_steps in _STEPS:
        found = _integrate(path, baseline, n_steps)
        if found.missing <= NEAR:
            break
    return found


def _integrate(path: Path, baseline: Mapping[str, Tensor], n_steps: int) -> Integrated:
    u = (torch.arange(n_steps, dtype=torch.float64) + 0.5) / n_steps
    along, weight = u**3 * (10 - 15 * u + 6 * u**2), 30 * (u * (1 - u)) ** 2 / n_steps
    away = {name: x - baseline[name] for name, x in path.inputs.items()}
    total = {name: torch.zeros_like(x) for name, x in path.inputs.items()}
    with Watch(path) as watch:
        ends = _ends(path, baseline)
        watch.keep_ends()
        for some in _parts(n_steps, max(1, _AT_ONCE // path.n_seen)):
            inputs = {
                name: (baseline[name] + along[some][:, None, None] * away[name]).requires_grad_() for name in away
            }
            gradients = watch.gradients(path(inputs), list(inputs.values()))
            for name, gradient in zip(inputs, gradients, strict=True):
                if gradient is not None:  # a run of beats alone sees nothing else of the signal
                    total[name] += (gradient * weight[some][:, None, None]).sum(0)
        shares = watch.shares()
    n_samples = path.inputs[SIGNAL].shape[1]
    parts = [path.places[name].spread((total[name] * away[name]).numpy(), n_samples) for name in total]
    return Integrated(np.sum(parts, axis=0), ends[1], ends[0], n_steps, shares)


@torch.no_grad()
def _ends(path: Path, baseline: Mapping[str, Tensor]) -> list[float]:
    """Log-odds of the baseline and of the recording."""
    both = {name: torch.stack([baseline[name], x]) for name, x in path.inputs.items()}
    found: list[float] = path(both).tolist()
    return found


def _parts(n: int, size: int) -> Iterator[slice]:
    return (slice(first, min(first + size, n)) for first in range(0, n, size))
