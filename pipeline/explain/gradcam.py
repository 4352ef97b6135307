"""Which places of a network's last map speak for a class, laid back onto the time that they show."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import EcgFusionError
from pipeline.explain.geometry import over_leads_and_time
from pipeline.explain.path import SIGNAL, Path
from pipeline.export.graph import Joined, Reading


def last_maps(path: Path) -> np.ndarray:
    """What each sample of each lead is worth by Grad-CAM: slope times activation of the last map, signs kept.

    Args:
        path: the run and the recording.

    Shape:
        (leads, time). A map that shows all leads at once gives each of its leads the same.

    Raises:
        EcgFusionError: a network has no such map.

    Reference:
        Selvaraju et al., Grad-CAM, ICCV 2017: channels weigh as their slopes' means over the map. What is below zero
        is kept here, since it speaks against the class.
    """
    readings = [module for module in path.modules() if isinstance(module, Reading)]
    inputs = {name: x[None].clone().requires_grad_() for name, x in path.inputs.items()}
    with _overheard(readings) as heard:
        score = path(inputs).sum()
    if any(tokens is None for tokens in heard):
        raise EcgFusionError("a network of this run has no last map: take another -method")
    slopes = torch.autograd.grad(score, heard, allow_unused=True)
    total = np.zeros((len(path.leads), path.inputs[SIGNAL].shape[1]))
    for reading, tokens, slope in zip(readings, heard, slopes, strict=True):
        if slope is not None:
            cells = (slope.mean(1, keepdim=True) * tokens).sum(-1).detach()
            total += _laid_back(path, reading, cells[:, reading.network.n_class_tokens :])
    return total


@contextmanager
def _overheard(readings: list[Reading]) -> Iterator[list[Tensor]]:
    """The tokens that each network says meanwhile."""
    heard: list[Any] = [None] * len(readings)

    def listen(number: int, network: Any) -> None:
        usual = network.tokens

        def tokens(*given: Any, **named: Any) -> Tensor:
            heard[number] = usual(*given, **named)
            found: Tensor = heard[number]
            return found

        network.tokens = tokens

    for number, reading in enumerate(readings):
        listen(number, reading.network)
    try:
        yield heard
    finally:
        for reading in readings:
            del reading.network.tokens


def _laid_back(path: Path, reading: Reading, cells: Tensor) -> np.ndarray:
    """(crops, t) of one network to (leads, time) of the recording."""
    n_samples = path.inputs[SIGNAL].shape[1]
    total = np.zeros((len(path.leads), n_samples))
    of_leads = [path.leads.index(lead) for lead in reading.spec.leads]
    for start, of_crop in zip(_starts(path, reading), cells.double().numpy(), strict=True):
        values = over_leads_and_time(of_crop, reading.spec, reading.width)
        if reading.beat is not None:
            total[of_leads] += path.places[reading.beat].spread(values, n_samples)
        else:
            total[of_leads, start : start + reading.width] += values
    return total


def _starts(path: Path, reading: Reading) -> list[int]:
    """First samples, in the recording, of what a network sees of it, in the order in which it does."""
    joined = [part for part in path.modules() if isinstance(part, Joined) and reading in list(part.modules())]
    of_windows = joined[0].starts if joined else [0]
    return [own + window + item for own in reading.starts for window in of_windows for item in path.starts]
