"""A small challenge of 2017, as its folder lies on a disk: MATLAB files behind headers whose checksums are 0."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

LABELS = ("N", "O", "A", "~", "N", "N", "O", "N", "A", "N")


def counts_of(record: str, n_samples: int) -> np.ndarray:
    """The samples of a record, (time,) int16."""
    return np.random.default_rng(int(record[1:])).integers(-900, 900, n_samples).astype("<i2")


def write_record(folder: Path, record: str, n_samples: int = 3000, checksum: int = 0, rate: int = 300) -> Path:
    """Writes one recording; gives the path of its .mat."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = counts_of(record, n_samples)
    # a matrix of one row of int16, named val
    head = np.array([30, 1, n_samples, 0, 4], "<i4").tobytes() + b"val\0"
    path = folder / f"{record}.mat"
    path.write_bytes(head + counts.tobytes())
    signal = f"{record}.mat 16+24 1000/mV 16 0 {counts[0]} {checksum} 0 ECG "
    path.with_suffix(".hea").write_text(
        f"{record} 1 {rate} {n_samples} 05:05:15 1/05/2000 \r\n{signal}\r\n", newline=""
    )
    return path


def write_reference(path: Path, labels: Mapping[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{record},{label}\n" for record, label in labels.items()))
    return path


def write_set(folder: Path, labels: Mapping[str, str] | None = None, below: str = "training2017") -> Path:
    """Records of 10 s to 14.5 s, each half a second longer than the one before, and the table of their labels, v3."""
    labels = labels or {f"A{number:05d}": label for number, label in enumerate(LABELS, start=1)}
    for number, record in enumerate(labels):
        write_record(folder / below, record, 3000 + 150 * number)
    write_reference(folder / "REFERENCE-v3.csv", labels)
    return folder
