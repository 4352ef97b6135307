"""Data sets of a few records, for tests of what is cut from them and of where it goes."""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from pipeline.labels import Labels
from pipeline.sources import Source, SourceEntry


class Toy(Source):
    """Records of any lengths and rates, leads II and V5: each is a ramp, so that a sample says where it is.

    Args:
        seconds: length of each record.
        patients: whose each is; None for a patient a record.
        rates: of each record, Hz; None for 100.
        folds: of each record; None for 1, 2, 3, 1, …
        spoiled: record id to what is read instead.
    """

    name, version, leads, gain = "toy", "1", ("II", "V5"), 1000.0
    entry = SourceEntry(default_task="rhythm", default_folds=("train=1", "dev=2", "test=3"), default_band=None)

    def __init__(self, seconds: Sequence[float], patients=None, rates=None, folds=None, spoiled=None) -> None:
        n = len(seconds)
        ids = [f"r{number}" for number in range(n)]
        self.spoiled = spoiled or {}
        self.asked: list[str] = []
        self.records = pd.DataFrame(
            {
                "record_id": ids,
                "patient_id": patients or ids,
                "fold": np.arange(n) % 3 + 1 if folds is None else folds,
                "length": np.array(seconds, float),
                "age": np.nan,
                "sex": -1,
            }
        )
        if rates:
            self.records["sampling_rate"] = np.array(rates, float)
        self.sampling_rate = float(min(rates or [100.0]))
        values = np.eye(2, dtype=np.uint8)[np.arange(n) % 2]
        self.labels = {"rhythm": Labels(("AF", "SR"), "multiclass", values, np.ones(n, bool))}
        self.options = MappingProxyType({})

    def read(self, records):
        self.asked += records["record_id"].tolist()
        return [self.spoiled.get(name, self.ramp(name)) for name in records["record_id"]]

    def ramp(self, record_id: str) -> np.ndarray:
        """(leads, time) mV: lead II is the time in units of 10 s plus the record's number, lead V5 its negative."""
        row = self.records.set_index("record_id").loc[record_id].to_dict()
        rate = float(row.get("sampling_rate", self.sampling_rate))
        x = np.arange(round(float(row["length"]) * rate)) / rate / 10 + int(record_id[1:])
        return np.stack([x, -x])
