"""Where integrated gradients begin: a recording in which nothing is to be seen."""

from collections.abc import Callable, Mapping
from pathlib import Path as FilePath

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import EcgFusionError
from pipeline.explain.path import SIGNAL, Path
from pipeline.scoring.needs import Needs
from pipeline.signals.counts import to_millivolts

_MOST = 500  # recordings whose mean is taken


def flat(needs: Needs, path: Path) -> dict[str, Tensor]:
    """0 mV everywhere."""
    return {name: torch.zeros_like(x) for name, x in path.inputs.items()}


def own(needs: Needs, path: Path) -> dict[str, Tensor]:
    """Each lead's own baseline: its median over the recording, or over the median beat."""
    return {name: x.median(-1, keepdim=True).values.expand_as(x).clone() for name, x in path.inputs.items()}


def mean(needs: Needs, path: Path) -> dict[str, Tensor]:
    """The mean of the training's recordings, of the first 500 that are as long.

    Raises:
        EcgFusionError: its store is missing, has none as long or lacks a lead, or the run sees median beats.
    """
    from pipeline.store.reading import open_partition

    if set(path.inputs) != {SIGNAL}:
        raise EcgFusionError(
            f"{needs.run.folder} sees median beats, whose mean no store holds: take -baseline own, or another"
        )
    store = open_partition(FilePath(needs.card.data.folder), "train")
    n_samples = path.inputs[SIGNAL].shape[1]
    rows = np.flatnonzero(store.lengths == n_samples)[:_MOST]
    lacking = [lead for lead in path.leads if lead not in store.leads]
    if not len(rows) or lacking:
        what = f"lead {', '.join(lacking)}" if lacking else f"recording of {n_samples} samples"
        raise EcgFusionError(f"{store.path} has no {what}, of which the mean is to be: take another -baseline")
    signals = store.signals.open()
    store.signals.check(rows, signals)
    order = [store.leads.index(lead) for lead in path.leads]
    total = sum(to_millivolts(np.asarray(signals[row])[order][:, :n_samples], store.gain) for row in rows)
    return {SIGNAL: torch.from_numpy(np.asarray(total / len(rows), np.float64))}


BASELINES: Mapping[str, Callable[[Needs, Path], dict[str, Tensor]]] = {"flat": flat, "own": own, "mean": mean}
"""By the names of ``-baseline``."""
