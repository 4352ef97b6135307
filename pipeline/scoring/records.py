"""What a run gives an answer for: each item of a store, or each record, where items are windows of one."""

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.joining import Joining, first_of_each
from pipeline.runs.card import Card
from pipeline.store.reading import Store


def holds_windows(store: Store) -> bool:
    """Whether its items are windows, whose labels are their record's."""
    return store.cut.get("kind") == "windows"


def joining_of(card: Card, store: Store, rows: np.ndarray) -> Joining | None:
    """How a run's scores of some items of a store are joined; None where each item answers for itself."""
    return None if card.join is None else Joining(card.join, store.columns["record_id"][rows], card.kind)


def answered_rows(store: Store, rows: np.ndarray, join: str | None) -> np.ndarray:
    """The rows that stand for what is answered: the first of each record's where windows are joined, else all.

    Args:
        store: the items' store.
        rows: their row numbers.
        join: how they are joined, None where they are not.
    """
    return rows if join is None else rows[first_of_each(store.columns["record_id"][rows])]


def check_records(task: str, store: Store) -> None:
    """Refuses windows of one record that differ in what is its own: its labels and its patient.

    Raises:
        EcgFusionError: some do.
    """
    labels, records = store.task(task), store.columns["record_id"]
    _, first, of_record = np.unique(records, return_index=True, return_inverse=True)
    ours = first[of_record]  # of each item, the row of its record's first
    patients = store.columns["patient_id"]
    unlike = (labels.values != labels.values[ours]).any(1) | (labels.labelled != labels.labelled[ours])
    for what, differs in (("labels", unlike), ("patients", patients != patients[ours])):
        if differs.any():
            raise EcgFusionError(
                f"{store.path}: windows of the record {records[differs.argmax()]} have different {what}, which are "
                f"their record's: make the store anew with create_images.py"
            )
