"""A data set that is nothing but a table: whose records they are, and which classes they bear."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.labels import Labels
from pipeline.sources import BadRecord, Source


class Cohort(Source):
    """Records of two leads, 2 s at 200 Hz, of noise.

    Args:
        values: 0 or 1 for each record and class; none for no task.
        patients: whose each record is; None for a patient each.
        labelled: whether each record is; None for all.
    """

    name, version, leads, gain, sampling_rate = "toy", "1", ("II", "V5"), 1000.0, 200.0

    def __init__(self, values, patients: Sequence[str] | None = None, labelled=None) -> None:
        values = np.asarray(values, np.uint8)
        ids = [f"t{number:03d}" for number in range(len(values))]
        columns = {"record_id": ids, "patient_id": ids if patients is None else list(patients)}
        self.records = pd.DataFrame({**columns, "fold": 0, "length": 2.0, "age": np.nan, "sex": -1})
        classes = tuple("ABCDEFGH"[: values.shape[1]])
        known = np.ones(len(values), bool) if labelled is None else np.asarray(labelled, bool)
        self.labels = {"letters": Labels(classes, "multilabel", values, known)} if classes else {}

    def read(self, records: pd.DataFrame) -> list[np.ndarray | BadRecord]:
        return [np.random.default_rng(int(name[1:])).normal(size=(2, 400)) for name in records["record_id"]]
