"""PTB-XL: 21,799 twelve-lead recordings of 10 s, by its official folder, versions 1.0.1 to 1.0.3.

Labels are those of the published benchmark: every statement that is present counts, whatever its likelihood. The task
``mi``, which is stored where it is named, has the classes of PTB Diagnostic's: an infarction and no normal ECG
(``MI``), or a normal ECG and no other superclass (``HC``; these people need not be healthy).

Reference: Wagner et al., PTB-XL, a large publicly available electrocardiography dataset, Scientific Data 2020;
    Strodthoff et al., Deep learning for ECG analysis: benchmarks and insights from PTB-XL, JBHI 2021.
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.machine.places import exists, first_bytes, is_file, is_folder, is_remote, may_be_read
from pipeline.signals.leads import LEADS
from pipeline.sources.base import BadRecord, Source
from pipeline.sources.cuts import RATES
from pipeline.sources.folders import looks_like, where_meant
from pipeline.sources.formats.wfdb import RecordError, read_recording
from pipeline.sources.ptbdb import CLASSES as INFARCTION_OR_CONTROL
from pipeline.sources.scp_statements import KINDS, Statements, parse_codes, read_statements
from pipeline.sources.tables import (
    Table,
    age_in_years,
    content,
    file_name,
    first_twice,
    fold_number,
    identifiers,
    no_column,
    read_table,
    sex_code,
)
from pipeline.typed import near_names

DURATION = 10.0
DISEASES = ("MI", "STTC", "CD", "HYP")
TABLE = "ptbxl_database.csv"
N_FOLDS = 10
_NEEDED = ("ecg_id", "patient_id", "scp_codes", "strat_fold")
_REMEDY = "take the official table of PTB-XL"
_LONGEST_LIST = 64 * 2**20  # bytes of SHA256SUMS.txt
_USUAL = ("disease", "superdiagnostic", "subdiagnostic", *KINDS, "all")
TASKS = (*_USUAL, "mi")
"""What the records are labelled for; the last one only where it is named, since stores hold the others."""

_FILES = {100.0: "filename_lr", 500.0: "filename_hr"}  # Hz, and the column of the recordings at that rate
_HOW_TO_TELL = (
    "Its version is not known, since neither the folder's name nor a SHA256SUMS.txt or change log beside the table "
    "says it: name the folder after it (ptb-xl-1.0.3), or put its SHA256SUMS.txt there."
)


class PtbXl(Source):
    """The opened set; see ``Source``."""

    name = "ptbxl"
    leads = LEADS
    gain = 1000.0

    def __init__(self, folder: Path, sampling_rate: float, min_likelihood: float, tasks: Sequence[str]) -> None:
        self.folder = folder
        self.options = {"min_likelihood": float(min_likelihood)}
        self.sampling_rate = _rate(folder, sampling_rate)
        path = folder / TABLE
        table = read_table(path, _NEEDED, ("age", "sex", *_FILES.values()), remedy=_REMEDY)
        files, other = _FILES[self.sampling_rate], 600 - self.sampling_rate
        if files not in table.columns:
            raise no_column(path, [files], table.header, f"{_REMEDY}, or --sampling_rate {other:g}")
        if not len(table):
            raise EcgFusionError(f"{path} lists no record: {_REMEDY}")
        statements = read_statements(folder / "scp_statements.csv")
        self.version = _version(folder)
        self.remarks = (_HOW_TO_TELL,) if self.version.startswith("unknown") else ()
        self.records = _records(table, files)
        self.labels = _labels(table, statements, min_likelihood, tasks or _USUAL)
        if self.sampling_rate < sampling_rate:
            self.remarks += (
                f"{sampling_rate:g} Hz are wanted: records100 is interpolated, since no records500 is there.",
            )
        if tasks:
            self._keep_labelled(tasks)

    def _keep_labelled(self, tasks: Sequence[str]) -> None:
        """Leaves the records that none of the chosen tasks says anything of."""
        kept = np.flatnonzero(np.any([labels.labelled for labels in self.labels.values()], axis=0))
        if not len(kept):
            raise EcgFusionError(f"{self.folder} has no record that {' or '.join(tasks)} labels: choose other --tasks")
        n_others = len(self.records) - len(kept)
        if n_others:
            self.remarks += (f"{n_others:,} records are left out, which {' or '.join(tasks)} says nothing of.",)
        self.records = self.records.iloc[kept].reset_index(drop=True)
        self.labels = {task: labels.rows(kept) for task, labels in self.labels.items()}
        self.usual = {"default_task": tasks[0]}

    def read(self, records: pd.DataFrame) -> list[np.ndarray | BadRecord]:
        recordings = self.folder / ("records100" if self.sampling_rate == 100 else "records500")
        if not recordings.exists() and not self._has_first(records):  # one sentence, not one for each record
            other = "500" if self.sampling_rate == 100 else "100"
            raise EcgFusionError(f"there is no {recordings}: download it, or take --sampling_rate {other}")
        return [self._read_one(*row) for row in zip(records["record_id"], records["file"], strict=True)]

    def _has_first(self, records: pd.DataFrame) -> bool:
        """Whether the first recording is there though its folder is none, as on a web server that lists none."""
        return is_remote(self.folder) and any(is_file(self.folder / f"{file}.hea") for file in records["file"][:1])

    def _read_one(self, record_id: str, file: str) -> np.ndarray | BadRecord:
        path, n_samples = os.path.join(self.folder, file), round(DURATION * self.sampling_rate)
        try:
            recording = read_recording(path)
        except RecordError as problem:
            return BadRecord(record_id, str(problem))
        if recording.sampling_rate != self.sampling_rate:
            return BadRecord(record_id, f"{path} is at {recording.sampling_rate:g} Hz, not {self.sampling_rate:g}")
        if set(recording.leads) != set(LEADS):
            return BadRecord(record_id, f"{path} has the leads {' '.join(recording.leads)}, not the standard twelve")
        if recording.signal.shape[1] != n_samples:
            return BadRecord(record_id, f"{path} has {recording.signal.shape[1]} samples, not {n_samples}")
        if recording.leads == LEADS:
            return recording.signal
        return recording.signal[[recording.leads.index(lead) for lead in LEADS]]


def open_ptbxl(folder: Path, sampling_rate: float, min_likelihood: float = 0, tasks: Sequence[str] = ()) -> PtbXl:
    """Opens the official folder.

    Args:
        folder: as PhysioNet lays it out.
        sampling_rate: up to 100 Hz reads ``records100``, above it ``records500``; for a rate that heartbeats are cut
            at, 125 Hz, the former will do where the latter is not there, since they hold all of the filter's band.
        min_likelihood: percent below which a diagnostic statement does not count; 0, "unknown", always does.
        tasks: of ``TASKS`` those to label, and the records that these say something of; none for the benchmark's.

    Raises:
        EcgFusionError: the percentage, the folder or one of its tables is not what it should be.
    """
    if not 0 <= min_likelihood <= 100:
        raise EcgFusionError(f"--min_likelihood {min_likelihood:g} is no percentage: give 0 to 100")
    for task in tasks:
        if task not in TASKS:
            raise EcgFusionError(f"there is no task {task:.60} of ptbxl: {near_names(task, TASKS)}")
    _check_folder(folder)
    return PtbXl(folder, sampling_rate, min_likelihood, tasks)


def _rate(folder: Path, wanted: float) -> float:
    """Hz of the recordings that are read."""
    has_finer = (folder / "records500").exists() or not (folder / "records100").exists()
    return 100.0 if wanted <= 100 or (wanted in RATES.values() and not has_finer) else 500.0


def _check_folder(folder: Path) -> None:
    """Refuses what is not the set's folder, with the one that is meant where it is near."""
    if is_file(folder / TABLE):
        return
    get_it = (
        f"fetch it with python -m pipeline.sources.ptbxl --download {folder}, "
        f"or make a small one with python -m pipeline.sources.synthetic {folder} --records 1000"
    )
    if not exists(folder):
        raise EcgFusionError(f"there is no folder {folder}: name the PTB-XL folder with --data, {get_it}")
    if not is_folder(folder):
        meant = folder.parent if is_file(folder.parent / TABLE) else where_meant(folder.parent, TABLE)
        remedy = f"give --data {meant}" if meant else f"name the PTB-XL folder, the one with {TABLE}"
        raise EcgFusionError(f"{folder} is a file: {remedy}")
    if not may_be_read(folder):
        raise EcgFusionError(f"{folder} may not be read by this user (permission denied): see who may read it")
    if exists(folder / TABLE):
        raise EcgFusionError(f"{folder / TABLE} is no file: {_REMEDY}")
    other = where_meant(folder, TABLE)
    if other:
        raise EcgFusionError(f"{folder / TABLE} is missing, and {other} has one: give --data {other}")
    seen = looks_like(folder)
    raise EcgFusionError(
        f"{folder / TABLE} is missing ({folder} {seen}): --data must name the official PTB-XL folder"
        + (f", or {get_it}" if seen == "is empty" else "; --source ptbxl reads no other set")
    )


def _version(folder: Path) -> str:
    named = re.search(r"1\.0\.[1-3]", folder.resolve().name)
    if named:
        return named[0]
    sums = folder / "SHA256SUMS.txt"
    try:
        if sums.is_file():
            # each release lists the change logs up to its own: none before 1.0.2
            listed = re.findall(rb"ptbxl_v10([23])_changelog", first_bytes(sums, _LONGEST_LIST))
            return f"1.0.{max(listed, default=b'1').decode()}"
    except OSError as problem:
        raise EcgFusionError(f"{sums} cannot be read ({problem.strerror}): see who may read it") from None
    logs = [number for number in "32" if (folder / f"ptbxl_v10{number}_changelog.txt").exists()]
    if logs:
        return f"1.0.{logs[0]}"
    digest = hashlib.sha256(content(folder / TABLE)).hexdigest()
    return f"unknown (table {digest[:12]})"


def _records(table: Table, files: str) -> pd.DataFrame:
    ids = identifiers(table, "ecg_id")
    names = table.each(files, file_name(".hea", ".dat"))
    twice, again = first_twice(ids), first_twice(names)
    if twice:
        raise EcgFusionError(f"{table.path} lists ecg_id {ids[twice[0]]} twice: download it again")
    if again:
        first, then = (ids[number] for number in again)
        raise EcgFusionError(
            f"{table.path} has one file, {names[again[0]]}, for the records {first} and {then}: download it again"
        )
    return pd.DataFrame(
        {
            "record_id": ids,
            "patient_id": identifiers(table, "patient_id"),
            "fold": np.array(table.each("strat_fold", fold_number(N_FOLDS)), np.int64),
            "length": DURATION,
            "age": np.array(table.each("age", age_in_years), float) if "age" in table.columns else np.nan,
            "sex": np.array(table.each("sex", sex_code), np.int64) if "sex" in table.columns else -1,
            "file": names,
        }
    )


def _labels(table: Table, statements: Statements, min_likelihood: float, tasks: Sequence[str]) -> dict[str, Labels]:
    present = _present(table, statements, min_likelihood)
    superclasses = _task(present, statements.superclass)
    columns = [superclasses.classes.index(name) for name in DISEASES if name in superclasses.classes]
    if len(columns) != len(DISEASES):
        raise EcgFusionError(f"scp_statements.csv beside {table.path} lacks one of {', '.join(DISEASES)}: {_REMEDY}")
    found = {
        "disease": Labels(
            DISEASES,
            "multilabel",
            superclasses.values[:, columns],
            superclasses.labelled,
            "NORM",
            {name: codes for name, codes in (superclasses.made_of or {}).items() if name in DISEASES},
        ),
        "superdiagnostic": superclasses,
        "subdiagnostic": _task(present, statements.subclass),
        **{kind: _task(present, {code: code for code in codes}) for kind, codes in statements.of_kind.items()},
        "all": _task(present, {code: code for code in statements.codes}),
        "mi": _infarction(superclasses),
    }
    return {task: found[task] for task in tasks}


def _infarction(superclasses: Labels) -> Labels:
    """An infarction and no normal ECG, or a normal ECG and no other superclass."""
    has = dict(zip(superclasses.classes, superclasses.values.astype(bool).T, strict=True))
    normal = has.get("NORM", np.zeros(len(superclasses.values), bool))
    values = np.stack([has["MI"] & ~normal, normal & (superclasses.values.sum(axis=1) == 1)], axis=1)
    return Labels(INFARCTION_OR_CONTROL, "multiclass", values.astype(np.uint8), np.asarray(values.any(axis=1)))


def _present(table: Table, statements: Statements, min_likelihood: float) -> pd.DataFrame:
    """Which statements each record bears: (records, statements) bool."""
    present = np.zeros((len(table), len(statements.codes)), bool)
    column = {code: number for number, code in enumerate(statements.codes)}
    diagnostic = set(statements.of_kind["diagnostic"])
    for row, codes in enumerate(table.each("scp_codes", parse_codes)):
        for code, likelihood in codes.items():
            if code not in column:
                raise EcgFusionError(
                    f"{table.path} line {table.lines[row]}: {code[:40]!r} is no statement of scp_statements.csv; "
                    f"take both of one version"
                )
            unlikely = code in diagnostic and 0 < likelihood < min_likelihood
            present[row, column[code]] = not unlikely
    return pd.DataFrame(present, columns=list(statements.codes))


def _task(present: pd.DataFrame, class_of: Mapping[str, str]) -> Labels:
    """The task whose classes are the values of ``class_of``, over the statements that are its keys."""
    classes = tuple(sorted(set(class_of.values())))
    values = np.zeros((len(present), len(classes)), np.uint8)
    for code, name in class_of.items():
        values[:, classes.index(name)] |= present[code].to_numpy()
    made_of = {name: tuple(code for code, made in class_of.items() if made == name) for name in classes}
    return Labels(classes, "multilabel", values, np.asarray(values.any(axis=1)), made_of=made_of)


if __name__ == "__main__":
    from pipeline.commands.parser import run_command
    from pipeline.sources.download.ptbxl import main

    run_command(main, "give the same command again and it goes on")
