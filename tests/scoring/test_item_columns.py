"""Age and sex of a store's records, as columns that groups are made of."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from pipeline.scoring.item_columns import columns_of_store


def test_unknown_is_empty_and_records_have_what_their_first_item_has():
    columns = {
        "item_id": np.array(["r-0", "r-1", "s"]),
        "record_id": np.array(["r", "r", "s"]),
        "age": np.array([61.0, 62.0, np.nan], np.float32),
        "sex": np.array([1, 1, -1], np.int8),
    }
    store: Any = SimpleNamespace(columns=columns, path=Path("data/test.h5"))
    table = columns_of_store(store)
    assert table.name == "data/test.h5"
    assert table.columns["age"] == {"r": "61", "r-0": "61", "r-1": "62", "s": ""}
    assert table.columns["sex"] == {"r": "female", "r-0": "female", "r-1": "female", "s": ""}
