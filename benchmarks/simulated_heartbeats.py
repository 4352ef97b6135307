"""Recordings in the layouts of MIT-BIH and PTB Diagnostic, as long as theirs, of noise: their size takes the time."""

import os
from pathlib import Path

import numpy as np

from pipeline.signals.leads import LEADS

_NORMAL_BEAT = 1 << 10


def simulate_mitdb(folder: Path, n_samples: int = 650_000) -> Path:
    """All 48 records, 2250 beats each, whose samples are those of one file."""
    from pipeline.sources.mitdb import RECORDS

    folder.mkdir(parents=True)
    counts = np.random.default_rng(0).integers(600, 1500, (n_samples, 2))
    packed = np.empty((n_samples, 3), np.uint8)
    packed[:, 0], packed[:, 2] = (counts & 255).T
    packed[:, 1] = counts[:, 0] >> 8 & 15 | (counts[:, 1] >> 8 & 15) << 4
    sums = counts.sum(axis=0) % 65536
    n_beats = n_samples // 288
    annotations = (np.full(n_beats, _NORMAL_BEAT | 288).astype("<u2")).tobytes() + bytes(2)
    first = folder / f"{RECORDS[0]}.dat"
    first.write_bytes(packed.tobytes())
    for number in RECORDS:
        path = folder / f"{number}.dat"
        if path != first:
            os.link(first, path)
        lines = [
            f"{number}.dat 212 200 11 1024 0 {total} 0 {lead}" for total, lead in zip(sums, ("MLII", "V1"), strict=True)
        ]
        path.with_suffix(".hea").write_text("\n".join([f"{number} 2 360 {n_samples}", *lines, "# 69 M 1085 1629 x1"]))
        path.with_suffix(".atr").write_bytes(annotations)
    return folder


def simulate_ptbdb(folder: Path, n_patients: int = 20, n_samples: int = 115_200) -> Path:
    """A record of each patient, whose samples are those of one file; without Frank's leads, which are not read."""
    counts = np.random.default_rng(0).integers(-3000, 3000, (n_samples, len(LEADS))).astype("<i2")
    sums, first = counts.sum(axis=0, dtype=np.int16), None
    for number in range(1, n_patients + 1):
        path = folder / f"patient{number:03}" / f"s{number:04}lre.dat"
        path.parent.mkdir(parents=True)
        if first is None:
            first = path
            path.write_bytes(counts.tobytes())
        else:
            os.link(first, path)
        lines = [
            f"{path.name} 16 2000 16 0 0 {total} 0 {lead.lower()}" for total, lead in zip(sums, LEADS, strict=True)
        ]
        about = ["# age: 60", "# sex: male", "# Reason for admission: Healthy control"]
        path.with_suffix(".hea").write_text("\n".join([f"{path.stem} 12 1000 {n_samples}", *lines, *about]))
    return folder
