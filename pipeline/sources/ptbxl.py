"""PTB-XL: 21,799 twelve-lead recordings of 10 s, by its official folder, versions 1.0.1 to 1.0.3.

Labels are those of the published benchmark: every statement that is present counts, whatever its likelihood.

Reference: Wagner et al., PTB-XL, a large publicly available electrocardiography dataset, Scientific Data 2020;
    Strodthoff et al., Deep learning for ECG analysis: benchmarks and insights from PTB-XL, JBHI 2021.
"""

import ast
import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.signals.leads import LEADS
from pipeline.sources.base import BadRecord, Source
from pipeline.sources.formats.wfdb import RecordError, read_recording

DURATION = 10.0
DISEASES = ("MI", "STTC", "CD", "HYP")
_OVER_89, _STORED_OVER_89 = 300, 90.0
_NEEDED = ("ecg_id", "patient_id", "scp_codes", "strat_fold")


class PtbXl(Source):
    """The opened set; see ``Source``."""

    name = "ptbxl"
    leads = LEADS
    gain = 1000.0

    def __init__(self, folder: Path, sampling_rate: float, min_likelihood: float) -> None:
        self.folder = folder
        self.options = {"min_likelihood": float(min_likelihood)}
        self.sampling_rate = 100.0 if sampling_rate <= 100 else 500.0
        table = _read_table(folder / "ptbxl_database.csv", _NEEDED)
        statements = _read_statements(folder / "scp_statements.csv")
        self.version = _version(folder)
        self.items = _items(table, self._file_column(table), folder / "ptbxl_database.csv")
        self.labels = _labels(table, statements, min_likelihood, folder / "ptbxl_database.csv")

    def _file_column(self, table: pd.DataFrame) -> pd.Series:
        column = "filename_lr" if self.sampling_rate == 100 else "filename_hr"
        if column not in table:
            raise EcgFusionError(
                f"{self.folder / 'ptbxl_database.csv'} has no column {column}: take the official table, "
                f"or another --sampling_rate"
            )
        return table[column].astype(str)

    def read(self, items: pd.DataFrame) -> list[np.ndarray | BadRecord]:
        recordings = self.folder / ("records100" if self.sampling_rate == 100 else "records500")
        if not recordings.exists():  # one sentence, not one for each record
            other = "500" if self.sampling_rate == 100 else "100"
            raise EcgFusionError(f"there is no {recordings}: download it, or take --sampling_rate {other}")
        return [self._read_one(*row) for row in zip(items["record_id"], items["file"], strict=True)]

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


def open_ptbxl(folder: Path, sampling_rate: float, min_likelihood: float = 0) -> PtbXl:
    """Opens the official folder.

    Args:
        folder: as PhysioNet lays it out.
        sampling_rate: up to 100 Hz reads ``records100``, above it ``records500``.
        min_likelihood: percent below which a diagnostic statement does not count; 0, "unknown", always does.

    Raises:
        EcgFusionError: the percentage, the folder or one of its tables is not what it should be.
    """
    if not 0 <= min_likelihood <= 100:
        raise EcgFusionError(f"--min_likelihood {min_likelihood:g} is no percentage: give 0 to 100")
    if not folder.is_dir():
        raise EcgFusionError(
            f"there is no folder {folder}: name the PTB-XL folder with --data, fetch it with "
            f"python -m pipeline.sources.ptbxl --download {folder}, "
            f"or make a small one with python -m pipeline.sources.synthetic {folder} --records 1000"
        )
    return PtbXl(folder, sampling_rate, min_likelihood)


def _read_table(path: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise EcgFusionError(f"{path} is missing: --data must name the official PTB-XL folder") from None
    except (ValueError, UnicodeDecodeError) as problem:
        raise EcgFusionError(f"{path} is not a readable table ({problem}): download it again") from None
    absent = [name for name in needed if name not in table]
    if absent:
        raise EcgFusionError(f"{path} has no column {', '.join(absent)}: take the official table of PTB-XL")
    return table


def _read_statements(path: Path) -> pd.DataFrame:
    statements = _read_table(path, ("diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass"))
    return statements.set_index(statements.columns[0])


def _version(folder: Path) -> str:
    named = re.search(r"1\.0\.[1-3]", folder.resolve().name)
    if named:
        return named[0]
    sums = folder / "SHA256SUMS.txt"
    if sums.exists():
        # each release lists the change logs up to its own: none before 1.0.2
        listed = re.findall(r"ptbxl_v10([23])_changelog", sums.read_text(errors="replace"))
        return f"1.0.{max(listed, default='1')}"
    digest = hashlib.sha256((folder / "ptbxl_database.csv").read_bytes()).hexdigest()
    return f"unknown (table {digest[:12]})"


def _items(table: pd.DataFrame, files: pd.Series, path: Path) -> pd.DataFrame:
    ids = _whole_numbers(table["ecg_id"], "ecg_id", path)
    if ids.duplicated().any():
        raise EcgFusionError(f"{path} lists ecg_id {ids[ids.duplicated()].iloc[0]} twice: download it again")
    age = pd.to_numeric(table.get("age", pd.Series(np.nan, table.index)), errors="coerce")
    sex = pd.to_numeric(table.get("sex", pd.Series(np.nan, table.index)), errors="coerce")
    return pd.DataFrame(
        {
            "item_id": ids.astype(str),
            "record_id": ids.astype(str),
            "patient_id": _whole_numbers(table["patient_id"], "patient_id", path).astype(str),
            "fold": _whole_numbers(table["strat_fold"], "strat_fold", path),
            "start": 0.0,
            "length": DURATION,
            "age": age.mask(age >= _OVER_89, _STORED_OVER_89),
            "sex": sex.fillna(-1).astype(int),
            "file": files,
        }
    )


def _whole_numbers(column: pd.Series, name: str, path: Path) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.isna().any() or (numbers % 1 != 0).any():
        row = int(np.flatnonzero(numbers.isna() | (numbers % 1 != 0))[0]) + 2
        raise EcgFusionError(f"{path} line {row}: {name} is not a whole number; download the table again")
    return numbers.astype(np.int64)


def _labels(table: pd.DataFrame, statements: pd.DataFrame, min_likelihood: float, path: Path) -> dict[str, Labels]:
    present = _present(table, statements, min_likelihood, path)
    diagnostic = statements.index[statements["diagnostic"] == 1]
    by_class = statements.loc[diagnostic, "diagnostic_class"].to_dict()
    by_subclass = statements.loc[diagnostic, "diagnostic_subclass"].dropna().to_dict()
    of_form = {code: code for code in statements.index[statements["form"] == 1]}
    of_rhythm = {code: code for code in statements.index[statements["rhythm"] == 1]}
    superclasses = _task(present, by_class)
    columns = [superclasses.classes.index(name) for name in DISEASES if name in superclasses.classes]
    if len(columns) != len(DISEASES):
        raise EcgFusionError(f"scp_statements.csv beside {path} lacks one of {', '.join(DISEASES)}")
    return {
        "disease": Labels(DISEASES, "multilabel", superclasses.values[:, columns], superclasses.labelled, "NORM"),
        "superdiagnostic": superclasses,
        "subdiagnostic": _task(present, by_subclass),
        "diagnostic": _task(present, {code: code for code in diagnostic}),
        "form": _task(present, of_form),
        "rhythm": _task(present, of_rhythm),
        "all": _task(present, {code: code for code in statements.index}),
    }


def _present(table: pd.DataFrame, statements: pd.DataFrame, min_likelihood: float, path: Path) -> pd.DataFrame:
    """Which statements each record bears: (records, statements) bool."""
    present = np.zeros((len(table), len(statements)), bool)
    column = {code: number for number, code in enumerate(statements.index)}
    diagnostic = set(statements.index[statements["diagnostic"] == 1])
    for row, text in enumerate(table["scp_codes"]):
        try:
            codes = {str(code): float(likelihood) for code, likelihood in ast.literal_eval(text).items()}
            for code, likelihood in codes.items():
                unlikely = code in diagnostic and 0 < likelihood < min_likelihood
                present[row, column[code]] = not unlikely
        except (ValueError, SyntaxError, TypeError, AttributeError):
            raise EcgFusionError(f"{path} line {row + 2}: scp_codes cannot be read; download it again") from None
        except KeyError as unknown:
            raise EcgFusionError(
                f"{path} line {row + 2}: {unknown} is no statement of scp_statements.csv; take both of one version"
            ) from None
    return pd.DataFrame(present, columns=statements.index)


def _task(present: pd.DataFrame, class_of: dict[str, str]) -> Labels:
    """The task whose classes are the values of ``class_of``, over the statements that are its keys."""
    classes = tuple(sorted(set(class_of.values())))
    values = np.zeros((len(present), len(classes)), np.uint8)
    for code, name in class_of.items():
        values[:, classes.index(name)] |= present[code].to_numpy()
    return Labels(classes, "multilabel", values, np.asarray(values.any(axis=1)))


if __name__ == "__main__":
    from pipeline.commands.parser import run_command
    from pipeline.sources.download.ptbxl import main

    run_command(main, "give the same command again and it goes on")
