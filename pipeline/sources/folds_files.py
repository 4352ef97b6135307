"""The fold of each record as a table, so that a division of a data set can be used again, and by others."""

import csv
import io
from pathlib import Path

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.machine.files import write_text
from pipeline.sources.base import Source
from pipeline.sources.items import ItemTable
from pipeline.sources.tables import fold_number, read_table

FOLDS_FILE = "folds.csv"
_MOST_FOLDS = 9999


def read_folds(path: Path, source: Source) -> np.ndarray:
    """The fold of each record of a data set, (records,) int64.

    Raises:
        EcgFusionError: the file is no such table, or lacks a record.
    """
    table = read_table(path, ("fold",), ("record_id", "patient_id"), remedy="write record_id,fold in its first line")
    key = next((name for name in ("record_id", "patient_id") if name in table.columns), None)
    if key is None:
        raise EcgFusionError(f"{path} has neither a column record_id nor patient_id: say whose folds these are")
    fold_of = dict(zip(table.columns[key], table.each("fold", fold_number(_MOST_FOLDS)), strict=True))
    names = source.records[key].tolist()
    absent = next((name for name in names if name not in fold_of), None)
    if absent is not None:
        raise EcgFusionError(f"{path} has no fold for the {key} {absent} of {source.folder}: add a line for it")
    return np.array([fold_of[name] for name in names], np.int64)


def write_folds(path: Path, items: ItemTable) -> None:
    """Writes the fold of each record, as ``read_folds`` takes it."""
    rows = items.rows.drop_duplicates("record_id")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["record_id", "patient_id", "fold"])
    writer.writerows(rows[["record_id", "patient_id", "fold"]].itertuples(index=False, name=None))
    write_text(path, text.getvalue())
