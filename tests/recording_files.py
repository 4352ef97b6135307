"""The files of one simulated recording at 100 Hz, to be read and damaged."""

from pathlib import Path

import numpy as np


def data_file(folder: Path, record: int) -> Path:
    return folder / f"records100/00000/{record:05d}_lr.dat"


def write_counts(folder: Path, record: int, counts: np.ndarray) -> None:
    """Puts other samples into a record, with the checksums that belong to them."""
    path = data_file(folder, record)
    counts.astype("<i2").tofile(path)
    first, *leads = path.with_suffix(".hea").read_text().splitlines()
    totals = counts.astype("<i2").sum(axis=0, dtype=np.int64) % 65536
    fields = [line.split() for line in leads]
    leads = [" ".join([*field[:6], str(total), *field[7:]]) for field, total in zip(fields, totals, strict=True)]
    path.with_suffix(".hea").write_text("\n".join([first, *leads]))


def counts_in(folder: Path, record: int) -> np.ndarray:
    return np.fromfile(data_file(folder, record), "<i2").reshape(-1, 12)
