"""Stores of signals of a few simulated recordings, to train small networks on."""

from pathlib import Path

import create_images
from pipeline.sources.synthetic import write_dataset


def make_signal_stores(folder: Path, n_records: int = 300) -> Path:
    """Three fifths of the records to train on, a fifth for dev, a fifth for test; gives the stores' folder."""
    write_dataset(folder / "ptbxl", n_records=n_records, seed=0)
    options = "--representations none --workers 1 --folds train=1-6 dev=7-8 test=9-10"
    create_images.main(["--data", str(folder / "ptbxl"), "--out", str(folder / "stores"), *options.split()])
    return folder / "stores"
