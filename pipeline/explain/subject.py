"""What is explained: a recording file, or a record of a run's stores, and the items that a run would see of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.scoring.files import items_of
from pipeline.scoring.fitting import Fitted, Prepared, fit, fit_item, of_person, prepare, prepared_item
from pipeline.scoring.needs import Needs, refuse_features, refuse_person
from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.registry import open_file


@dataclass(frozen=True)
class Subject:
    """One recording as a run's store would hold it.

    Attributes:
        name: what sentences call it.
        record_id: of it.
        prepared: its leads, filtered and resampled.
        items: what the run sees of a signal in its place.
    """

    name: str
    record_id: str
    prepared: Prepared
    items: Callable[[Prepared], Fitted]

    def with_signal(self, signal: np.ndarray) -> Fitted:
        """What the run would see if the recording were another signal of its shape, (leads, time) mV."""
        return self.items(replace(self.prepared, signal=signal))


def of_file(needs: Needs, path: str, said: Said) -> Subject:
    """A recording file of any format.

    Raises:
        EcgFusionError: it is damaged, or the run cannot answer it.
    """
    try:
        recording = open_file(path, said).read()
    except RecordError as problem:
        raise EcgFusionError(str(problem)) from None
    prepared = of_person(prepare(needs, recording, path), said)
    refuse_features(needs, path)
    refuse_person(needs, said)
    return Subject(path, Path(path).stem, prepared, lambda other: items_of(needs, recording, other, path))


def of_record(needs: Needs, record_id: str, partition: str, data: Path | None) -> Subject:
    """A record, or an item, of a run's stores.

    Raises:
        EcgFusionError: the store is missing or does not fit, or has no such record, or several items of it.
    """
    from pipeline.store.reading import open_partition

    folder = data or Path(needs.card.data.folder)
    store = open_partition(folder, partition)
    if (store.sampling_rate, store.gain) != (needs.recipe.sampling_rate, needs.recipe.gain):
        raise EcgFusionError(f"{store.path} has another rate or gain than what {needs.run.folder} has learnt from")
    ids = store.columns["item_id"]
    rows = np.flatnonzero(ids == record_id)
    if not len(rows):
        rows = np.flatnonzero(store.columns["record_id"] == record_id)
    if not len(rows):
        raise EcgFusionError(f"{store.path} has no record {record_id}: take another one, or another -partition")
    if len(rows) > 1:
        few = ", ".join(ids[rows[:3]])
        raise EcgFusionError(f"{store.path} has {len(rows)} items of record {record_id}: choose one, such as {few}")
    row, name = int(rows[0]), f"{store.path}, record {record_id}"
    absent = [lead for lead in needs.leads if lead not in store.leads]
    if absent:
        raise EcgFusionError(f"{store.path} has no lead {', '.join(absent)}, which {needs.run.folder} sees")
    features = {of: np.asarray(store.features[of][row : row + 1]) for of in needs.features if of in store.features}
    way = fit if needs.kind_of_items == "whole" and not features else fit_item
    prepared = prepared_item(store, row)

    def items(other: Prepared) -> Fitted:
        found = way(needs, other, name)
        return replace(found, features={**found.features, **features})

    return Subject(name, record_id, prepared, items)
