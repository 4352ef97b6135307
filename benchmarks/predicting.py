"""How fast recording files are answered by resnet1d_wang: one of them, start-up included; and many, on one thread.

Files are simulated recordings in WFDB, 12 leads of 10 s at 100 Hz, seen whole; all is read, filtered, looked at for
what is doubtful, and scored. The rival of many is what one writes first: a loop of wfdb, scipy's filter and the
network, a file at a time. That of one is a process that imports torch and does nothing.

    python -m benchmarks.predicting
"""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.ratio import Row, medians
from benchmarks.simulated_store import simulate
from benchmarks.startup import run
from pipeline.commands.parser import CommandParser, positive_int, run_command

if TYPE_CHECKING:
    from pipeline.runs.build import Run

A_SECOND = 200  # records, at least
ONE_WITHIN_S = 4.0


def main(words: Sequence[str] | None = None) -> None:
    """Times both in turn and prints a line each."""
    parser = CommandParser(prog="python -m benchmarks.predicting", description=__doc__)
    parser.option("turns", type=positive_int, default=5, help="default %(default)s")
    parser.option("files", type=positive_int, default=256, help="default %(default)s")
    options = parser.parse_args(words)
    for row in measure(options.turns, options.files):
        print(row)


def measure(turns: int = 5, n_files: int = 256) -> list[Row]:
    """The two claims, on one thread."""
    from pipeline.machine.devices import set_up_cpu
    from pipeline.runs.load import load_run
    from pipeline.scoring.files import Reader

    set_up_cpu(1)
    with tempfile.TemporaryDirectory() as folder:
        recordings = simulate(Path(folder), max(n_files, 60))
        trained = train_one(recordings, Path(folder))
        files = sorted(str(path) for path in recordings.rglob("*.hea"))[:n_files]
        loaded = load_run(trained)
        reader = Reader(loaded)
        many = {"ours": lambda: list(reader.answers(files)), "plain": lambda: plain(loaded, files)}
        words = ["predict.py", "-run", str(trained), "-threads", "1", files[0]]
        one = {"ours": partial(run, words), "torch": partial(run, ["-c", "import torch"])}
        found, alone = medians(many, turns), medians(one, turns)
    rate = len(files) / found["ours"]
    what = f"{len(files)} files answered by resnet1d_wang on one thread, against a plain loop of wfdb and the network"
    return [
        Row(what, found["ours"], found["plain"], note=f"{rate:.0f} records a second", limit=len(files) / A_SECOND),
        Row(
            "python predict.py of one file, start-up included, against importing torch",
            alone["ours"],
            alone["torch"],
            limit=ONE_WITHIN_S,
        ),
    ]


def train_one(recordings: Path, folder: Path) -> Path:
    """A run of resnet1d_wang on whole recordings, trained as little as can be; gives its folder."""
    from pipeline import create_stores, open_source, train

    create_stores(open_source("ptbxl", recordings), folder / "stores", representations="none", workers=1)
    stores, made = str(folder / "stores"), str(folder / "run")
    train(model="resnet1d_wang", data=stores, epochs=1, threads=1, limit=16, path_save_model=made)
    return folder / "run"


def plain(loaded: "Run", files: Sequence[str]) -> np.ndarray:
    """The probabilities of each file, (files, classes), as they are computed without this library."""
    import torch
    import wfdb
    from scipy.signal import butter, sosfiltfilt

    scale, found = loaded.spec.scale_mv, []
    with torch.no_grad():
        for file in files:
            record = wfdb.rdrecord(file.removesuffix(".hea"))
            sections = butter(2, (0.5, 40.0), "bandpass", fs=record.fs, output="sos")
            x = sosfiltfilt(sections, record.p_signal.T, axis=-1, padlen=int(record.fs / 0.5))
            batch = torch.from_numpy(x / scale).float()[None]
            found.append(torch.sigmoid(loaded.network(batch))[0].numpy())
    return np.stack(found)


if __name__ == "__main__":
    run_command(main)
