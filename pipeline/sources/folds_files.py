"""The fold of each record as a table, so that a division of a data set can be used again, and by others."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.listening import warn
from pipeline.machine.files import write_text
from pipeline.sources.base import Source
from pipeline.sources.formats.recording import shown
from pipeline.sources.items import ItemTable
from pipeline.sources.tables import Table, content, read_table, whole_number

FOLDS_FILE = "folds.csv"
_MOST_FOLDS = 9999
_REMEDY = "write record_id,fold (or patient_id,fold) in its first line and a record in each line below"


def read_folds(path: Path, source: Source) -> np.ndarray:
    """The fold of each record of a data set, (records,) int64; 0 for a record that the file does not name.

    Of records that are not named, and of names that are no records, the listener is warned.

    Raises:
        EcgFusionError: the file is no such table, names no record, one twice, or a patient in two folds.
    """
    table = read_table(path, ("fold",), ("record_id", "patient_id", "item_id"), remedy=_REMEDY)
    key = next((name for name in ("record_id", "patient_id") if name in table.columns), None)
    if key is None and "item_id" in table.columns:
        raise EcgFusionError(
            f"{path} gives folds of single items, so that a patient is in several: make them again by the scheme that "
            f"made them, with its --folds_seed"
        )
    if key is None:
        raise EcgFusionError(f"{path} has neither a column record_id nor patient_id: {_REMEDY}")
    fold_of = _fold_of(table, key)
    names = source.records[key].astype(str)
    fold = np.array([fold_of.get(name, 0) for name in names], np.int64)
    if not fold.any():
        raise EcgFusionError(
            f"{path} has no fold for any {key} of {source.folder}: it names {shown(next(iter(fold_of), 'none'))}, and "
            f"the data set has {shown(names.iloc[0]) if len(names) else 'none'}"
        )
    _check_patients(path, source.records["patient_id"].to_numpy(), fold)
    if key == "record_id" and "patient_id" in table.columns:  # whoever wrote it may know more than the data set
        patients = dict(zip(table.columns[key], table.columns["patient_id"], strict=True))
        _check_patients(path, names.map(patients).to_numpy(), fold)
    _warn_of_others(path, source, names, fold_of, fold)
    return fold


def _fold_of(table: Table, key: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line, name, fold in zip(table.lines, table.columns[key], table.each("fold", _fold_number), strict=True):
        if found.setdefault(name, fold) != fold:
            raise EcgFusionError(
                f"{table.path} line {line}: {key} {shown(name)} is in fold {fold}, and before in {found[name]}"
            )
    return found


def _fold_number(text: str) -> int:
    try:
        number = whole_number(text)
    except ValueError:
        number = ""
    if not number or len(number) > 9 or not 1 <= int(number) <= _MOST_FOLDS:
        raise ValueError(f"is {text[:40]!r}, not a fold from 1 to {_MOST_FOLDS}: count from 1")
    return int(number)


def _check_patients(path: Path, patients: np.ndarray, fold: np.ndarray) -> None:
    """Refuses a patient who is in two folds; names that are empty or missing are nobody's."""
    rows = pd.DataFrame({"patient": patients, "fold": fold})
    rows = rows[(rows["fold"] > 0) & rows["patient"].notna() & (rows["patient"] != "")].drop_duplicates()
    twice = rows[rows.duplicated("patient")]
    if len(twice):
        patient = twice["patient"].iloc[0]
        folds = " and ".join(map(str, sorted(rows.loc[rows["patient"] == patient, "fold"])))
        raise EcgFusionError(
            f"{path} has records of one patient in two folds ({shown(patient)} in {folds}, one of {len(twice)} such "
            f"patients): give each patient one fold"
        )


def _warn_of_others(
    path: Path, source: Source, names: "pd.Series[str]", fold_of: dict[str, int], fold: np.ndarray
) -> None:
    unnamed = names[fold == 0]
    if len(unnamed):
        warn(
            f"{path} names {len(names) - len(unnamed):,} of the {len(names):,} records of {source.folder}: the others, "
            f"such as {shown(unnamed.iloc[0])}, are left out"
        )
    known = set(names)
    foreign = [name for name in fold_of if name not in known]
    if foreign:
        are = "are no records" if len(foreign) > 1 else "is no record"
        warn(f"{path}: {len(foreign):,} of its names, such as {shown(foreign[0])}, {are} of {source.folder}")


def write_folds(path: Path, items: ItemTable) -> None:
    """Writes the fold of each record, as ``read_folds`` takes it; of each item, where a record is in several.

    A file that says the same is left as it is.

    Raises:
        EcgFusionError: there is a file that says something else, or none can be written.
    """
    columns = ["record_id", "patient_id", "fold"]
    rows = items.rows[columns].drop_duplicates()
    if rows["record_id"].duplicated().any():
        rows = items.rows[["item_id", "fold"]]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows.columns)
    writer.writerows(rows.itertuples(index=False, name=None))
    if not path.exists():
        write_text(path, text.getvalue())
    elif content(path).decode("utf-8", "replace").splitlines() != text.getvalue().splitlines():
        raise EcgFusionError(
            f"{path} holds other folds, of another --folds_seed, scheme or set of recordings: choose another --out, or "
            f"divide as it says with --folds_file {path}"
        )
