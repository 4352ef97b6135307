"""A store of simulated recordings, made for a benchmark by ``create_images.py``."""

from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.store.reading import Store


def simulate(folder: Path, n_records: int) -> Path:
    """Recordings in PTB-XL's layout; gives the folder they are in."""
    from pipeline.sources.synthetic import write_dataset

    write_dataset(folder / "recordings", n_records=n_records, seed=0)
    return folder / "recordings"


def make_store(recordings: Path, folder: Path, options: Sequence[str]) -> "Store":
    """The store of the recordings of the train folds."""
    import create_images
    from pipeline.store.reading import open_store

    words = ["--data", str(recordings), "--out", str(folder), "--partition", "train", "--workers", "1"]
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        create_images.main([*words, *options])
    return open_store(folder / "train.h5")
