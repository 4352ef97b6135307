"""Run + store → scores."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from pipeline.evaluation.joining import Joining
from pipeline.inputs.batches import Items, load, scoring_picks
from pipeline.listening import progress_bar
from pipeline.machine.devices import full_fp32
from pipeline.machine.group import the_group
from pipeline.runs.build import Run
from pipeline.runs.kinds import kind_named
from pipeline.runs.learners import Learner
from pipeline.store.reading import Store

_QUICK = 2.0
"""What takes less, in s, has no bar."""


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
    tell_crops: Callable[[np.ndarray, np.ndarray], None] | None = None,
) -> np.ndarray:
    """Probabilities of each item, the mean over its crops; independent of the batch size but for rounding.

    Processes that work together score a part of the batches each, and all get all of it.

    Args:
        learner: gives logits; each of its parts has its own mode again afterwards.
        items: what to score.
        kind: ``multilabel`` (sigmoid) or ``multiclass`` (softmax).
        batch_size: crops at once.
        device: where the learner is.
        workers: processes that read ahead.
        progress: the name of a bar, or None for no bar.
        tell_crops: is told the probabilities of all crops, (crops, classes), and the item that each is of, (crops,).

    Shape:
        (items, classes) float32.
    """
    # a loaded network stays in evaluation mode, though the learner around it has just been made
    training = [module for module in learner.modules() if module.training]
    learner.eval()
    picks, group = scoring_picks(items, batch_size), the_group()
    if not picks:
        raise ValueError("there is no item to score")
    own = [picks[number] for number in group.share(len(picks))]
    answers: list[torch.Tensor] = []  # on the device, which nothing waits for until all are there
    batches = progress_bar(
        load(items, own, workers, device),
        progress,
        total=len(own),
        disable=progress is None,
        leave=False,
        delay=_QUICK,
    )
    for batch in batches:
        logits = learner(batch.to(device)).float()
        answers.append(logits.sigmoid() if kind == "multilabel" else logits.softmax(-1))
    for module in training:
        module.training = True
    of_all = group.gather(torch.cat(answers).cpu() if answers else None)
    of_crops = torch.cat([said for said in of_all if said is not None])
    of = np.concatenate([pick.rows for pick in picks])
    if tell_crops is not None:
        tell_crops(of_crops.numpy(), of)
    return _means_over_crops(of_crops, of, len(items))


def _means_over_crops(answers: torch.Tensor, rows: np.ndarray, n_items: int) -> np.ndarray:
    """(crops, classes) to (items, classes): added on the CPU, one crop after another; a GPU adds in no fixed order."""
    totals = torch.zeros(n_items, answers.shape[1]).index_add_(0, torch.from_numpy(rows), answers)
    n_crops = np.bincount(rows, minlength=n_items).astype(np.float32)
    # rounding can carry a mean of ones a little beyond 1
    return np.clip(totals.numpy() / n_crops[:, None], 0, 1)


def probabilities(run: Run, store: Store, rows: np.ndarray, device: torch.device, **how: Any) -> np.ndarray:
    """Probabilities that a run gives some items of a store, or their records, where they are windows that it joins.

    Args:
        run: a loaded run; what it consists of goes to ``device``.
        store: the items' store, which fits the run.
        rows: their row numbers.
        device: where to compute.
        how: ``batch_size`` (None for the run's own), ``workers`` (None for some where signals stream from the disk),
            ``progress`` and ``tell_crops`` of ``predict_probabilities``.

    Shape:
        (items, classes) float32, or (records, classes), in the order in which they come.
    """
    return kind_named(run.card.run_kind).predict(run, store, rows, device, **how)


def by_learner(
    run: Run,
    learner: Learner,
    items: Items,
    device: torch.device,
    joining: Joining | None,
    batch_size: int | None = None,
    **how: Any,
) -> np.ndarray:
    """What a run's learner says of some items, or of their records; see ``probabilities``.

    Args:
        run: the run.
        learner: with its network, on ``device``.
        items: what to score.
        device: where to compute.
        joining: how windows are joined; None where items answer for themselves.
        batch_size: crops at once; None for the run's own.
        how: as in ``predict_probabilities``.
    """
    batch_size = batch_size or run.card.batch_size
    of_items = predict_probabilities(learner, items, run.card.kind, batch_size, device, **how)
    return of_items if joining is None else joining(of_items)
