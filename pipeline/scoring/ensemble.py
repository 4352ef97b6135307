"""What a run says of records, item by item, and what each of its members or branches says of them."""

from collections.abc import Mapping, Sequence
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
        crops: where each record is one item, of which networks see several crops: what would be said of each record if
            one of these crops stood for all of its branch; members of one run see the same crops. Else nothing.

    Shape:
        items (items, classes), records and each of parts (records, classes), each of crops (crops, classes), float32.
    """

    items: np.ndarray
    records: np.ndarray
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)
    crops: Sequence[np.ndarray] = ()


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
        return _said_by_one(run, store, device, **how)
    parts = {name: say(part, store, device, **how) for name, part in run.parts.items()}
    items = combine(run, {name: part.items for name, part in parts.items()})
    of_parts = {name: part.records for name, part in parts.items()}
    # a fusion combines what its branches have joined
    records = _of_records(run, items, store) if run.card.join is None else combine(run, of_parts)
    return Said(items, records, of_parts, _crops_of_parts(run, parts))


def _said_by_one(run: Run, store: Store, device: torch.device, **how: Any) -> Said:
    alone, crops = replace(run, card=replace(run.card, join=None)), list[np.ndarray]()

    def keep(answers: np.ndarray, of: np.ndarray) -> None:
        crops.extend(answers[of == item] for item in range(store.n_items))

    items = probabilities(alone, store, np.arange(store.n_items), device, tell_crops=keep, **how)
    several = _is_one_item_each(store) and any(len(each) > 1 for each in crops)
    return Said(items, _of_records(run, items, store), crops=crops if several else ())


def _crops_of_parts(run: Run, parts: Mapping[str, Said]) -> Sequence[np.ndarray]:
    """Each crop of each branch in the place of this branch's answer, beside those of the others; see ``Said``."""
    combine = kind_named(run.card.run_kind).combine
    if combine is None or not any(len(part.crops) for part in parts.values()):
        return ()
    found = []
    for record in range(len(next(iter(parts.values())).records)):
        if run.card.run_kind == "members":
            found.append(combine(run, {name: part.crops[record] for name, part in parts.items()}))
            continue
        varied = [
            {of: values if of == name else _repeated(part.records[record], len(values)) for of, part in parts.items()}
            for name, values in ((name, part.crops[record]) for name, part in parts.items() if len(part.crops))
        ]
        found.append(np.concatenate([combine(run, each) for each in varied]))
    return found


def _repeated(answer: np.ndarray, times: int) -> np.ndarray:
    """(classes,) → (times, classes)."""
    return np.repeat(answer[None], times, axis=0)


def _of_records(run: Run, items: np.ndarray, store: Store) -> np.ndarray:
    how = run.card.join or "mean"
    if run.card.join is None and _is_one_item_each(store):
        return items
    return Joining(how, store.columns["record_id"], run.card.kind)(items)


def _is_one_item_each(store: Store) -> bool:
    return store.n_items == len(set(store.columns["record_id"]))
