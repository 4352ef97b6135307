"""Items of several recordings → what a run says of each recording, in batches of those that are alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pipeline.evaluation.calibration import apply_temperatures
from pipeline.listening import ItemsRemark, keeping
from pipeline.runs.card import Card
from pipeline.scoring.ensemble import say
from pipeline.scoring.fitting import Fitted
from pipeline.scoring.needs import Needs
from pipeline.store.arrays import ArrayStore

_MOST_ITEMS = 4096  # that are scored together


@dataclass(frozen=True)
class Reply:
    """What a run says of one recording, at the temperatures of its card, where it has some.

    Attributes:
        record: of the recording.
        items: of each of its items.
        parts: what each member or branch of an ensemble says of the recording; none of one network.
        crops: what would be said if one of a branch's crops stood for all of them; none where items are the crops.
        as_said: ``record`` as the networks say it, which thresholds were chosen for.
        items_as_said: the same of ``items``.
        remarks: sentences on what the networks saw of it.

    Shape:
        record and as_said (classes,), items and items_as_said (items, classes), parts (parts, classes).
    """

    record: np.ndarray
    items: np.ndarray
    parts: np.ndarray
    crops: np.ndarray
    as_said: np.ndarray
    items_as_said: np.ndarray
    remarks: tuple[str, ...] = ()


def ask(needs: Needs, recordings: Sequence[Fitted], device: torch.device, batch_size: int | None = None) -> list[Reply]:
    """What a run says of some recordings, in their order.

    Args:
        needs: of the run.
        recordings: their items.
        device: where to compute.
        batch_size: items at once; None for the run's own.
    """
    replies: dict[int, Reply] = {}
    for numbers in _alike(recordings):
        some = [recordings[number] for number in numbers]
        with keeping(ItemsRemark) as remarks:
            said, first = say(needs.run, store_of(needs, some), device, batch_size=batch_size), 0
        for place, (number, each) in enumerate(zip(numbers, some, strict=True)):
            last = first + len(each.items)
            parts = np.array([part[place] for part in said.parts.values()])
            record, items = said.records[place], said.items[first:last]
            crops = said.crops[place] if said.crops else items[:0]
            at = [calibrated(needs.run.card, values) for values in (record[None], items, parts, crops)]
            notes = tuple(_notes_on(each, first, remarks))
            replies[number] = Reply(at[0][0], at[1], at[2], at[3], record, items, notes)
            first = last
    return [replies[number] for number in range(len(recordings))]


def _notes_on(one: Fitted, first: int, remarks: Sequence[ItemsRemark]) -> Iterator[str]:
    """What was remarked on the items of one recording, the first of which has the number ``first``."""
    own = {str(number) for number in range(first, first + len(one.items))}
    for sentence in dict.fromkeys(remark.of_one for remark in remarks):  # of several branches, which may see the same
        of = own.intersection(item for each in remarks if each.of_one == sentence for item in each.items)
        if of:
            yield sentence if len(own) == 1 else f"{sentence} (in {len(of)} of its {len(own)} {one.what})"


def calibrated(card: Card, values: np.ndarray) -> np.ndarray:
    """Probabilities at the temperatures of a run's card; as they are where it has none.

    Shape:
        values (n, classes), n may be 0.
    """
    if card.calibration is None or card.calibration.temperatures is None or not len(values):
        return values
    return apply_temperatures(values, card.classes, card.calibration.temperatures, card.kind)


def store_of(needs: Needs, recordings: Sequence[Fitted], name: str = "the recordings") -> ArrayStore:
    """A store of the items of recordings that are alike; ``record_id`` is the recording's number."""
    counts = [item for each in recordings for item in each.items]
    records = np.repeat(np.arange(len(recordings)).astype(str), [len(each.items) for each in recordings])
    named = recordings[0].features
    return ArrayStore.of_counts(
        counts,
        recordings[0].leads,
        needs.recipe,
        needs.recipe.sampling_rate,
        item_ids=[str(number) for number in range(len(counts))],
        record_ids=records.tolist(),
        features={of: np.concatenate([each.features[of] for each in recordings]) for of in named},
        name=name,
    )


def _alike(recordings: Sequence[Fitted]) -> Iterator[list[int]]:
    """Numbers of recordings whose items have one length and one order of leads, no more than are scored together."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for number, each in enumerate(recordings):
        groups.setdefault((each.items.shape[2], each.leads), []).append(number)
    for numbers in groups.values():
        some: list[int] = []
        n_items = 0
        for number in numbers:
            if some and n_items + len(recordings[number].items) > _MOST_ITEMS:
                yield some
                some, n_items = [], 0
            some.append(number)
            n_items += len(recordings[number].items)
        yield some
