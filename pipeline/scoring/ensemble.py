"""What a run says of records, item by item, and what each of its members or branches says of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from pipeline.evaluation.joining import Joining
from pipeline.runs.build import Run
from pipeline.runs.kinds import kind_named
from pipeline.scoring.predict import probabilities
from pipeline.store.reading import Store


@dataclass(frozen=True)
class Said:
    """Probabilities of a store's items and of the records that these are of, in the order in which they come.

    Attributes:
        items: of each item by itself.
        records: of each record: its one item's; joined, where the run joins windows; else the mean.
        parts: of an ensemble, what each member or branch says of the records.

    Shape:
        items (items, classes), records and each of parts (records, classes), float32.
    """

    items: np.ndarray
    records: np.ndarray
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)


def say(run: Run, store: Store, device: torch.device, **how: Any) -> Said:
    """What a loaded run says of all items of a store; each network is asked once.

    Args:
        run: of any kind.
        store: the items; ``record_id`` says which are of one record.
        device: where to compute.
        how: as in ``probabilities``.
    """
    combine = kind_named(run.card.run_kind).combine
    if combine is None:
        alone = replace(run, card=replace(run.card, join=None))
        items = probabilities(alone, store, np.arange(store.n_items), device, **how)
        return Said(items, _of_records(run, items, store))
    parts = {name: say(part, store, device, **how) for name, part in run.parts.items()}
    items = combine(run, {name: part.items for name, part in parts.items()})
    of_parts = {name: part.records for name, part in parts.items()}
    # a fusion combines what its branches have joined
    records = _of_records(run, items, store) if run.card.join is None else combine(run, of_parts)
    return Said(items, records, of_parts)


def _of_records(run: Run, items: np.ndarray, store: Store) -> np.ndarray:
    how = run.card.join or "mean"
    if run.card.join is None and len(items) == len(set(store.columns["record_id"])):
        return items
    return Joining(how, store.columns["record_id"], run.card.kind)(items)
