"""Look-alikes of the four CSV files of heartbeats: amplitudes from 0 to 1, zeros behind a beat, a label, no header."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

FILES = ("mitbih_train", "mitbih_test", "ptbdb_normal", "ptbdb_abnormal")


def beats_of(labels: Sequence[int], seed: int = 0) -> np.ndarray:
    """Rows as they are published: R peak at the start, the next beat's where the median distance ends, then zeros.

    Shape:
        (rows, 188), the label last.
    """
    rng, time = np.random.default_rng(seed), np.arange(187)
    rows = np.zeros((len(labels), 188))
    for row, label in zip(rows, labels, strict=True):
        width, length = 3 + 2 * label + rng.random(), int(rng.integers(90, 187))
        beat = np.exp(-((time / width) ** 2)) + (0.3 + 0.1 * label) * np.exp(-(((time - 45) / 12) ** 2))
        beat += 0.02 * rng.random(187)
        row[:length] = (beat / beat.max())[:length]
        row[187] = label
    return rows


def write_rows(path: Path, rows: np.ndarray) -> Path:
    np.savetxt(path, rows, delimiter=",")  # in numpy's own way of writing, as the published files are
    return path


def write_beats(folder: Path, n_train: int = 100, files: Sequence[str] = FILES) -> Path:
    """The files, all five classes of MIT-BIH in shares of 10 : 1 : 3 : 1 : 5, and of PTB 1 : 2."""
    folder.mkdir(parents=True, exist_ok=True)
    mit = [0] * 10 + [1] + [2] * 3 + [3] + [4] * 5
    labels = {
        "mitbih_train": (mit * n_train)[:n_train],
        "mitbih_test": mit,
        "ptbdb_normal": [0] * (n_train // 4),
        "ptbdb_abnormal": [1] * (n_train // 2),
    }
    for seed, name in enumerate(files):
        write_rows(folder / f"{name}.csv", beats_of(labels[name], seed))
    return folder
