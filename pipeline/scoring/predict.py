"""Run + store → scores."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from models.fusion.late import LateFusion
from pipeline.fusion.learners import fusion_items, fusion_learner
from pipeline.inputs.batches import Items, load, scoring_picks
from pipeline.inputs.placement import store_items, streaming_workers
from pipeline.listening import progress_bar
from pipeline.machine.devices import full_fp32, placed
from pipeline.runs.build import Run
from pipeline.runs.card import kind_of
from pipeline.runs.learners import Learner, NetworkLearner
from pipeline.store.reading import Store


@torch.no_grad()
@full_fp32()
def predict_probabilities(
    learner: Learner,
    items: Items,
    kind: str,
    batch_size: int,
    device: torch.device,
    workers: int = 0,
    progress: str | None = None,
) -> np.ndarray:
    """Probabilities of each item, the mean over its crops; independent of the batch size but for rounding.

    Args:
        learner: gives logits; its mode is restored afterwards.
        items: what to score.
        kind: ``multilabel`` (sigmoid) or ``multiclass`` (softmax).
        batch_size: crops at once.
        device: where the learner is.
        workers: processes that read ahead.
        progress: the name of a bar, or None for no bar.

    Shape:
        (items, classes) float32.
    """
    was_training = learner.training
    learner.eval()
    picks = scoring_picks(items, batch_size)
    answers: list[torch.Tensor] = []  # on the device, which nothing waits for until all are there
    batches = progress_bar(
        load(items, picks, workers, device), progress, total=len(picks), disable=progress is None, leave=False
    )
    for batch in batches:
        logits = learner(batch.to(device)).float()
        answers.append(logits.sigmoid() if kind == "multilabel" else logits.softmax(-1))
    learner.train(was_training)
    if not answers:
        raise ValueError("there is no item to score")
    return _means_over_crops(torch.cat(answers).cpu(), np.concatenate([pick.rows for pick in picks]), len(items))


def _means_over_crops(answers: torch.Tensor, rows: np.ndarray, n_items: int) -> np.ndarray:
    """(crops, classes) to (items, classes): added on the CPU, one crop after another; a GPU adds in no fixed order."""
    totals = torch.zeros(n_items, answers.shape[1]).index_add_(0, torch.from_numpy(rows), answers)
    n_crops = np.bincount(rows, minlength=n_items).astype(np.float32)
    # rounding can carry a mean of ones a little beyond 1
    return np.clip(totals.numpy() / n_crops[:, None], 0, 1)


def probabilities(run: Run, store: Store, rows: np.ndarray, device: torch.device, **how: Any) -> np.ndarray:
    """Probabilities that a run gives some items of a store.

    Args:
        run: a loaded run; what it consists of goes to ``device``.
        store: the items' store, which fits the run.
        rows: their row numbers.
        device: where to compute.
        how: ``batch_size`` (None for the run's own), ``workers`` (None for some where signals stream from the disk)
            and ``progress`` of ``predict_probabilities``.

    Shape:
        (items, classes) float32.
    """
    return _PREDICTORS[kind_of(run.card)](run, store, rows, device, **how)


def _by_network(
    run: Run, store: Store, rows: np.ndarray, device: torch.device, workers: int | None = None, **how: Any
) -> np.ndarray:
    workers = streaming_workers(store, len(rows), [run.spec], device) if workers is None else workers
    learner = placed(NetworkLearner(run.network, run.spec), device)
    return _predict(run, learner, store_items(store, rows, run.spec, device), device, workers=workers, **how)


def _by_late_fusion(run: Run, store: Store, rows: np.ndarray, device: torch.device, **how: Any) -> np.ndarray:
    answers = {name: probabilities(branch, store, rows, device, **how) for name, branch in run.parts.items()}
    return fuse(run.network, answers)


def _by_intermediate_fusion(
    run: Run, store: Store, rows: np.ndarray, device: torch.device, workers: int | None = None, **how: Any
) -> np.ndarray:
    specs = [part.spec for part in run.parts.values()]
    workers = streaming_workers(store, len(rows), specs, device) if workers is None else workers
    learner = placed(fusion_learner(run.card, run.network, run.parts), device)
    items = fusion_items(run.card, run.network, run.parts, store, rows, device, workers)
    return _predict(run, learner, items, device, workers=workers, **how)


def _by_members(run: Run, store: Store, rows: np.ndarray, device: torch.device, **how: Any) -> np.ndarray:
    total = np.zeros((len(rows), len(run.card["classes"])))
    for member in run.parts.values():
        total += probabilities(member, store, rows, device, **how)
    return (total / len(run.parts)).astype(np.float32)


_PREDICTORS: dict[str, Callable[..., np.ndarray]] = {
    "network": _by_network,
    "members": _by_members,
    "late": _by_late_fusion,
    "intermediate": _by_intermediate_fusion,
}


def _predict(
    run: Run, learner: Learner, items: Items, device: torch.device, batch_size: int | None = None, **how: Any
) -> np.ndarray:
    batch_size = batch_size or run.card["training"]["batch_size"]
    return predict_probabilities(learner, items, run.card["kind"], batch_size, device, **how)


@torch.no_grad()
def fuse(fusion: LateFusion, answers: Mapping[str, np.ndarray]) -> np.ndarray:
    """What a late fusion makes of its branches' probabilities, (items, classes) float32."""
    logits = fusion({name: torch.from_numpy(values) for name, values in answers.items()})
    fused = logits.sigmoid() if fusion.kind == "multilabel" else logits.softmax(-1)
    return fused.numpy().astype(np.float32)
