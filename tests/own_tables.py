"""A table of one's own recordings, small, with its files, to be read and damaged."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

LEADS = ("I", "II", "V2")
RATE, N_SAMPLES = 250.0, 500


def signal_of(number: int) -> np.ndarray:
    """(leads, time) mV of recordings that all differ."""
    times = np.arange(N_SAMPLES) / RATE
    return np.stack([np.sin(2 * np.pi * times * (1 + number + lead)) for lead in range(len(LEADS))]).round(3)


def write_csv(
    path: Path, signal: np.ndarray, head: Sequence[str] = ("time (s)", "I (mV)", "II (mV)", "V2 (mV)")
) -> None:
    """A recording that says all of itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows([f"{number / RATE:.3f}", *moment] for number, moment in enumerate(signal.T.tolist()))


def write_table(folder: Path, rows: Sequence[Mapping[str, Any]], name: str = "records.csv") -> Path:
    """A table with these rows, patient_id being the row's number where it is not given."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(column for row in rows for column in row)) or ["file", "patient_id"]
    with open(folder / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return folder


def write_own(folder: Path, n_records: int = 6, **columns: Sequence[Any]) -> Path:
    """Recordings ``r0.csv`` … and their table, with these further columns."""
    rows = []
    for number in range(n_records):
        write_csv(folder / f"r{number}.csv", signal_of(number))
        own = {name: values[number] for name, values in columns.items()}
        rows.append({"file": f"r{number}.csv", "patient_id": f"p{number}", **own})
    return write_table(folder, rows)
