"""Frozen branches: what each says of an item is computed once and kept in memory, so that an epoch takes seconds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from models import at_most
from pipeline.fusion.branch_reading import read_branch
from pipeline.inputs.batches import CPU, Items, Pick, load, on, pinned, scoring_picks
from pipeline.inputs.items import StoreItems
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.placement import fits, store_items
from pipeline.listening import progress_bar
from pipeline.machine.devices import full_fp32, placed
from pipeline.runs.build import Run
from pipeline.runs.learners import FusionLearner
from pipeline.store.reading import Store


@dataclass(frozen=True)
class KeptBatch:
    """What each branch said of some items: features (n, d), or tokens (n, t, d) and (n, t) masks."""

    branches: dict[str, Tensor]
    masks: dict[str, Tensor]
    rows: Tensor

    def to(self, device: torch.device) -> "KeptBatch":
        """All of it on the device, as ``Batch.to``."""
        return self._each(partial(on, device))

    def pin_memory(self) -> "KeptBatch":
        """As ``Batch.pin_memory``."""
        return self._each(pinned)

    def _each(self, change: Callable[[Tensor], Tensor]) -> "KeptBatch":
        branches, masks = ({name: change(x) for name, x in part.items()} for part in (self.branches, self.masks))
        return KeptBatch(branches, masks, change(self.rows))


class KeptItems(Items):
    """Items as their branches' features or tokens; the batch is a ``KeptBatch``, each item whole.

    Args:
        branches: (items, d) or (items, t, d) of each branch.
        masks: (items, t) of those that have tokens.
        home: the device where all of it lies.
    """

    crop_samples = 1

    def __init__(self, branches: Mapping[str, Tensor], masks: Mapping[str, Tensor], home: torch.device = CPU) -> None:
        self._branches, self._masks, self._home = branches, masks, home
        self.lengths = np.ones(len(next(iter(branches.values()))), np.int64)

    def crop_starts(self, n_samples: int) -> list[int]:
        return [0]

    def __getitem__(self, pick: Pick) -> KeptBatch:
        rows = on(self._home, torch.from_numpy(pick.rows))
        branches, masks = ({name: x[rows] for name, x in part.items()} for part in (self._branches, self._masks))
        return KeptBatch(branches, masks, rows)


class KeptLearner(FusionLearner):
    """A fusion on what was kept of its branches."""

    def read(self, batch: KeptBatch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        return batch.branches, batch.masks


def keep(
    branches: Mapping[str, Run],
    max_tokens: int | None,
    store: Store,
    rows: np.ndarray,
    device: torch.device,
    workers: int = 0,
) -> KeptItems:
    """What the branches say of some items of a store.

    Args:
        branches: runs of one network each.
        max_tokens: to which number an item's tokens are averaged, so that they stay in memory; None for features. Of
            an item seen in crops these are the mean of the features over the crops that are scored, and the tokens of
            all these crops in time order.
        store: the items' store.
        rows: their row numbers.
        device: where to compute, and where to keep it if it takes no more than its share of the memory there; else it
            lies in the machine's.
        workers: processes that read ahead what lies on disk.
    """
    kept: dict[str, Tensor] = {}
    masks: dict[str, Tensor] = {}
    for name, run in branches.items():
        items = store_items(store, rows, run.spec, device)
        crops = partial(_crops, name, run, items, device, workers)
        if max_tokens is None:
            kept[name] = _features(run, items, crops)
        else:
            kept[name], mask = _tokens(run, items, crops, max_tokens)
            if not mask.all():
                masks[name] = mask
    home = device if fits(sum(x.nbytes for x in (*kept.values(), *masks.values())), device) else CPU
    on_branches, on_masks = ({name: x.to(home) for name, x in part.items()} for part in (kept, masks))
    return KeptItems(on_branches, on_masks, home)


_Crops = Iterator[tuple[Tensor, Tensor, Tensor, Tensor | None]]


def _features(run: Run, items: StoreItems, crops: Callable[[str], _Crops]) -> Tensor:
    """(items, feature_dim), means over crops."""
    # float64, so that a mean of crops does not depend on how they fall into batches
    total = torch.zeros(len(items), run.network.feature_dim, dtype=torch.float64)
    n_crops = torch.zeros(len(items), 1)
    for _, rows, features, _ in crops("features"):
        total.index_add_(0, rows, features.double())
        n_crops.index_add_(0, rows, torch.ones(len(rows), 1))
    return (total / n_crops).float()


def _tokens(run: Run, items: StoreItems, crops: Callable[[str], _Crops], most: int) -> tuple[Tensor, Tensor]:
    """(items, t, token_dim) and (items, t): each crop has its share of ``most`` places, crops in time order.

    The share is one of the item's own crops, whatever the others have.
    """
    n_crops = torch.tensor([len(items.crop_starts(n)) for n in items.lengths.tolist()])
    shares = (most // n_crops).clamp(min=1)
    n_places = int((n_crops * shares).max())
    kept = torch.zeros(len(items), n_places, run.network.token_dim)  # what stays 0 is masked
    masks = torch.zeros(len(items), n_places, dtype=torch.bool)
    for numbers, rows, tokens, mask in crops("tokens"):
        for share in sorted(set(shares[rows].tolist())):
            own = shares[rows] == share
            fewer, within = at_most(tokens[own], None if mask is None else mask[own], share)
            at = rows[own, None], numbers[own, None] * share + torch.arange(fewer.shape[1])
            kept[at] = fewer
            masks[at] = True if within is None else within
    return kept, masks


@torch.no_grad()
def _crops(name: str, run: Run, items: StoreItems, device: torch.device, workers: int, reads: str) -> _Crops:
    """Of each batch of crops: which crop of its item each is, its row, what is read, and its mask."""
    network, maker = placed(run.network, device).eval(), InputMaker(run.spec)
    picks = scoring_picks(items, run.card.batch_size)
    seen = np.zeros(len(items), np.int64)  # crops of each item so far; they come in time order
    batches = progress_bar(load(items, picks, workers, device), f"reading {name}", total=len(picks), leave=False)
    for pick, batch in zip(picks, batches, strict=True):
        # a batch holds the crops of an item side by side, and may begin in the middle of them
        first = np.r_[True, pick.rows[1:] != pick.rows[:-1]]  # (crops,) whether an item's crops begin here
        # (crops,) how many of its item stand before it in this batch
        runs = np.arange(len(first)) - np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))
        crops = seen[pick.rows] + runs
        np.add.at(seen, pick.rows, 1)
        with full_fp32():
            read, mask = read_branch(network, maker, batch.to(device), reads)
        yield (
            torch.from_numpy(crops),
            torch.from_numpy(pick.rows),
            read.float().cpu(),
            None if mask is None else mask.cpu(),
        )
