"""The files of one simulated recording at 100 Hz, and of one in any format, to be read and damaged."""

from pathlib import Path

import numpy as np
import wfdb

N_SAMPLES = 300


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


def counts_of(n_leads: int = 3, seed: int = 0, largest: int = 120) -> np.ndarray:
    """(time, leads) counts that no format takes for a missing sample."""
    return np.random.default_rng(seed).integers(-largest, largest + 1, (N_SAMPLES, n_leads))


def write(folder: Path, fmt: str = "16", name: str = "rec", **changes) -> Path:
    """A recording of three leads by wfdb's own writer; gives the path that its reader takes."""
    keywords = {
        "fs": 250,
        "units": ["mV", "mV", "mV"],
        "sig_name": ["I", "aVR", "V2"],
        "d_signal": counts_of(),
        "fmt": [fmt] * 3,
        "adc_gain": [200.0, 100.0, 333.3],
        "baseline": [0, -7, 12],
    }
    wfdb.wrsamp(name, write_dir=str(folder), **(keywords | changes))
    return folder / name


def edit_header(path: Path, old: str, new: str) -> None:
    header = path.with_suffix(".hea")
    text = header.read_text()
    assert old in text
    header.write_text(text.replace(old, new))
