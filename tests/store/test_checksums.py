"""Sums of items, and parts whose count is too high."""

import numpy as np
import pandas as pd

from pipeline.labels import Labels
from pipeline.store.checksums import sums_of
from pipeline.store.writing import Columns, StoreWriter, lay_out


def test_rows_that_were_never_written_are_taken_back(tmp_path):
    names = ["item_id", "record_id", "patient_id"]
    items = pd.DataFrame({name: [str(n) for n in range(5)] for name in names})
    items = items.assign(fold=1, start=0.0, length=0.5, age=np.nan, sex=-1)
    labels = Labels(("A", "B"), "multilabel", np.eye(5, 2, dtype=np.uint8), np.arange(5) % 2 == 0)
    attributes = {"gain": 1000.0, "sampling_rate": 10.0, "leads": ["I", "II"], "image_leads": ["I"], "tasks": ["t"]}
    lay_out(tmp_path / "x.h5", attributes, Columns(items, {"t": labels}), (2, 5), (1, 3, 3), {})
    with StoreWriter(tmp_path / "x.h5") as writer:
        writer.write("signals", 0, np.ones((2, 2, 5), np.int16))
        writer.mark_finished("signals", 5)
        assert writer.take_back_damaged() == 2
        assert writer.finished("signals") == 2
        assert writer.take_back_damaged() is None


def test_zeros_have_a_sum():
    assert sums_of(np.zeros((1, 5), np.int16))[0] != 0
