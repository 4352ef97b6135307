"""Run + store → what its networks see of each item: the features that their heads read."""

import numpy as np
import torch

from pipeline.inputs.batches import load, scoring_picks
from pipeline.inputs.placement import store_items
from pipeline.listening import progress_bar
from pipeline.machine.devices import full_fp32, placed
from pipeline.machine.group import the_group
from pipeline.runs.build import Run
from pipeline.runs.learners import NetworkLearner
from pipeline.store.reading import Store


def features_of(run: Run, store: Store, rows: np.ndarray, device: torch.device) -> np.ndarray:
    """The features of some items of a store; those of all its networks side by side, where a run has several.

    Args:
        run: a loaded run; its networks go to ``device``.
        store: the items' store, which fits the run.
        rows: their row numbers.
        device: where to compute.

    Shape:
        (items, the feature_dim of all networks together) float32; of an item seen in crops the mean over these.
    """
    if run.parts:
        return np.concatenate([features_of(part, store, rows, device) for part in run.parts.values()], axis=1)
    return _of_network(run, store, rows, device)


@torch.no_grad()
@full_fp32()
def _of_network(run: Run, store: Store, rows: np.ndarray, device: torch.device) -> np.ndarray:
    learner = placed(NetworkLearner(run.network, run.spec), device).eval()
    items = store_items(store, rows, run.spec, device)
    picks, group = scoring_picks(items, run.card.batch_size), the_group()
    own = [picks[number] for number in group.share(len(picks))]
    # float64, so that a mean of crops does not depend on how they fall into batches
    total = torch.zeros(len(items), run.network.feature_dim, dtype=torch.float64)
    bar = progress_bar(load(items, own, 0, device), "asking the teacher", total=len(own), leave=False)
    for pick, batch in zip(own, bar, strict=True):
        features, _ = learner.learnt(batch.to(device))
        total.index_add_(0, torch.from_numpy(pick.rows), features.double().cpu())
    n_crops = np.bincount(np.concatenate([pick.rows for pick in picks]), minlength=len(items))
    mean: np.ndarray = (group.add(total).numpy() / n_crops[:, None]).astype(np.float32)
    return mean
