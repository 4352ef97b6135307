"""One's own recordings: a CSV table with a line for each, which names its file, its patient and its classes.

The columns are ``file`` and ``patient_id``, and a column of 0 and 1 for each class (the task ``classes``) or one column
``label`` (the task ``label``, of classes that exclude each other); ``record_id``, ``fold``, ``age``, ``sex``, and
``start`` and ``length`` (s) of a part of the file may stand beside them. Files are in any format of
``formats.registry``.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.machine.places import exists, is_file, is_folder, is_remote, names_in
from pipeline.sources.base import BadRecord, Source
from pipeline.sources.folders import looks_like
from pipeline.sources.formats.opened import OpenedFile, Said, choose_leads_of
from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.registry import open_file
from pipeline.sources.formats.said import said_of_files
from pipeline.sources.table_files import Files, look_at
from pipeline.sources.table_labels import read_labels
from pipeline.sources.table_rows import Rows, read_rows
from pipeline.sources.tables import content, read_table

TABLE = "records.csv"
_KNOWN = ("file", "patient_id", "record_id", "fold", "age", "sex", "start", "length")
_REMEDY = "a table of recordings has the columns file and patient_id, see docs/sources.md"
_MOST_ENTRIES = 1000  # of a folder, among which the table is looked for
_LOOKED_INTO = 8  # recordings, whose amplitude is looked at
_PLAUSIBLE = (0.005, 50.0)  # mV


class OwnTable(Source):
    """The opened table; see ``Source``."""

    name = "table"
    gain = 1000.0

    def __init__(self, path: Path, rows: Rows, files: Files, said: Said) -> None:
        self.folder, self.path, self.said = path.parent, path, said
        self.version = f"{path.name} {hashlib.sha256(content(path)).hexdigest()[:12]}"
        self.leads, self.sampling_rate = files.leads, files.sampling_rate
        self.records = pd.DataFrame(
            {
                "record_id": rows.record_id,
                "patient_id": rows.patient_id,
                "fold": np.array(rows.fold, np.int64),
                "length": files.length,
                "age": np.array(rows.age, float),
                "sex": np.array(rows.sex, np.int64),
                "file": rows.path,
                "line": rows.line,
                "first": files.first,
                "last": files.last,
            }
        )
        if len(set(files.rate.tolist())) > 1:
            self.records["sampling_rate"] = files.rate
        if any(rows.fold):
            self.usual = {"default_folds": _usual_folds({fold for fold in rows.fold if fold})}

    def read(self, records: pd.DataFrame) -> list[np.ndarray | BadRecord]:
        found: list[np.ndarray | BadRecord] = []
        columns = (records[name].tolist() for name in ("file", "record_id", "line", "first", "last"))
        for file, of_file in groupby(zip(*columns, strict=True), key=itemgetter(0)):
            opened: OpenedFile | RecordError
            try:
                opened = choose_leads_of(open_file(file, self.said), self.leads, "the first file")
            except RecordError as problem:
                opened = problem
            found += [self._read_one(opened, *row[1:]) for row in of_file]
        return found

    def _read_one(
        self, opened: OpenedFile | RecordError, record_id: str, line: int, first: int, last: int
    ) -> np.ndarray | BadRecord:
        try:
            if isinstance(opened, RecordError):
                raise opened
            return opened.read(first, last if last else None).signal
        except RecordError as problem:
            return BadRecord(record_id, f"{self.path.name} line {line}: {problem}")


def open_table(
    folder: Path,
    sampling_rate: float,
    files: Path | None = None,
    unit: str | None = None,
    sampling_rate_of_files: float | None = None,
    leads_of_file: Sequence[str] = (),
    array: str | None = None,
    class_columns: Sequence[str] = (),
    patients: str = "column",
) -> OwnTable:
    """Opens a table of recordings, and looks at each of its files.

    Args:
        folder: the table, or the folder that it lies in: ``records.csv``, or the one CSV there with a column ``file``.
        sampling_rate: not asked for: files are read at the rate that they have.
        files: the folder that the names of files begin in, and that no file lies out of; None for that of the table.
        unit: of the samples in files that do not say it.
        sampling_rate_of_files: Hz, of files that do not say it.
        leads_of_file: names of the leads in files that name none, in order; of files that name theirs, those to read.
        array: which array of a file is the recording.
        class_columns: the columns of 0 and 1; none for all that have no other meaning.
        patients: ``column``, or ``record`` where each file is another patient's.

    Raises:
        EcgFusionError: the table or an option is not what it should be, a file is missing, or none can be read.
    """
    said = said_of_files(unit, sampling_rate_of_files, leads_of_file, array, "--sampling_rate_of_files")
    if patients not in ("column", "record"):
        raise EcgFusionError(f"--patients {patients} is not understood: write column or record")
    path = _table_in(folder)
    header = [name for name in read_table(path, ("file",), remedy=_REMEDY).header if name]
    table = read_table(path, ("file",), tuple(dict.fromkeys(header)), remedy=_REMEDY)
    if not len(table):
        raise EcgFusionError(f"{path} has no line below its first: write one for each recording")
    rows = read_rows(table, path.parent if files is None else files, patients == "record")
    labels, remark = read_labels(table, _KNOWN, tuple(class_columns))
    looked = look_at(path, rows, said)
    source = OwnTable(path, rows, looked, replace(said, zero_is_no_checksum=looked.without_sums))
    source.labels = labels
    source.patients_known = patients == "column"
    source.options = _options(files, said, class_columns, patients)
    without = sum(not fold for fold in rows.fold)
    no_fold = f"{without:,} of them have no fold, and come into no partition"
    remarks = (remark, no_fold if 0 < without < len(rows.fold) else None, *looked.remarks, _amplitude_remark(source))
    source.remarks = tuple(each for each in remarks if each)
    return source


def _options(files: Path | None, said: Said, class_columns: Sequence[str], patients: str) -> dict[str, Any]:
    return {
        "files": None if files is None else str(files),
        "unit": said.unit,
        "sampling_rate_of_files": said.sampling_rate,
        "leads_of_file": " ".join(said.leads) or None,
        "array": said.array,
        "class_columns": " ".join(class_columns) or None,
        "patients": patients,
    }


def _table_in(place: Path) -> Path:
    """The table that somebody names, by itself or by its folder."""
    if not exists(place):
        raise EcgFusionError(f"there is no {place}: name a table of recordings with --data; {_REMEDY}")
    if not is_folder(place):
        return place
    if os.path.lexists(place / TABLE) or (is_remote(place) and is_file(place / TABLE)):
        return place / TABLE
    try:
        names = sorted(names_in(place))[:_MOST_ENTRIES]
    except OSError as problem:
        raise EcgFusionError(f"{place} cannot be read ({problem.strerror}): see who may read it") from None
    found = [place / name for name in names if name.lower().endswith((".csv", ".tsv")) and _is_table(place / name)]
    if len(found) > 1:
        shown = ", ".join(path.name for path in found[:3])
        raise EcgFusionError(f"{place} holds {len(found)} tables of recordings ({shown}): name one with --data")
    if not found:
        raise EcgFusionError(f"{place} has no {TABLE}, it {looks_like(place)}: {_REMEDY}")
    return found[0]


def _is_table(path: Path) -> bool:
    if not path.is_file():  # a pipe would wait for its writer
        return False
    try:
        with path.open("rb") as file:
            first = file.readline(2**16).decode("latin-1").replace(";", ",").replace("\t", ",")
    except OSError:
        return False
    return "file" in [name.strip().strip('"').removeprefix("ï»¿").strip('"') for name in first.split(",")]


def _usual_folds(folds: set[int]) -> tuple[str, ...]:
    """The last fold for test, the one before it for dev, the others for train."""
    numbers = sorted(folds)
    train, rest = numbers[: max(1, len(numbers) - 2)], numbers[max(1, len(numbers) - 2) :]
    is_run = train == list(range(train[0], train[-1] + 1))
    words = f"{train[0]}-{train[-1]}" if is_run and len(train) > 1 else ",".join(map(str, train))
    names = ("dev", "test") if len(rest) == 2 else ("test",)
    return (f"train={words}", *(f"{name}={fold}" for name, fold in zip(names, rest, strict=False)))


def _amplitude_remark(source: OwnTable) -> str | None:
    """What is to be said where some recordings are far from what a heart makes."""
    chosen = np.unique(np.linspace(0, len(source.records) - 1, _LOOKED_INTO).round().astype(int))
    read = [found for found in source.read(source.records.iloc[chosen]) if not isinstance(found, BadRecord)]
    # half of what most samples lie within: an offset does not count, nor do flat parts between beats
    spreads = [np.median(np.diff(np.quantile(signal, (0.01, 0.99), axis=1), axis=0)) / 2 for signal in read]
    amplitude = float(np.median(spreads)) if spreads else 1.0
    if _PLAUSIBLE[0] <= amplitude <= _PLAUSIBLE[1] or not amplitude:
        return None
    size, unit = ("large", "uV") if amplitude > 1 else ("small", "mV")
    return (
        f"an ECG has about 1 mV, and these recordings have about {amplitude:.2g} mV, as if a thousand times too "
        f"{size}: is their unit {unit}?"
    )
