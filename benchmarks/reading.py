"""How much faster PTB-XL's recordings are read here, checksums verified, than by wfdb.rdsamp in a loop.

Both read the same files, which the operating system has in memory by then, one thread each, in turn, and both give all
leads as float64 in mV: the same numbers to the last bit, which is looked at before the clock starts.

    python -m benchmarks.reading                      simulated recordings in PTB-XL's layout
    python -m benchmarks.reading -data data/ptbxl     the real ones
"""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.ratio import Row, medians
from benchmarks.simulated_store import simulate
from pipeline.commands.parser import CommandParser, positive_int, run_command
from pipeline.errors import EcgFusionError


def main(words: Sequence[str] | None = None) -> None:
    """Times both in turn and prints the ratio."""
    parser = CommandParser(prog="python -m benchmarks.reading", description=__doc__)
    parser.option("data", type=Path, help="a PTB-XL folder (default: simulated recordings)")
    parser.option("records", type=positive_int, default=200, help="default %(default)s")
    parser.option("turns", type=positive_int, default=7, help="default %(default)s")
    options = parser.parse_args(words)
    for row in measure(options.data, options.records, options.turns):
        print(row)


def measure(folder: Path | None = None, n_records: int = 200, turns: int = 7) -> list[Row]:
    """The claim, measured; times are those of one record."""
    if folder is None:
        with tempfile.TemporaryDirectory() as simulated:
            return _measure(simulate(Path(simulated), n_records), n_records, turns)
    return _measure(folder, n_records, turns)


def _measure(folder: Path, n_records: int, turns: int) -> list[Row]:
    files = [header.with_suffix("") for header in sorted(folder.rglob("*_lr.hea"))[:n_records]]
    if not files:
        raise EcgFusionError(f"{folder} holds no recordings at 100 Hz: name the PTB-XL folder with -data")
    _compare(files)
    found = medians({"ours": partial(read_ours, files), "wfdb": partial(read_wfdb, files)}, turns)
    ours, theirs = (found[name] / len(files) for name in ("ours", "wfdb"))
    return [Row("reading a record of twelve leads, 10 s, against wfdb.rdsamp", ours, theirs, 50)]


def _compare(files: Sequence[Path]) -> None:
    import wfdb

    from pipeline.sources.formats.wfdb import read_recording

    for file in files:
        if not np.array_equal(read_recording(file).signal.T, wfdb.rdsamp(str(file))[0]):
            raise EcgFusionError(f"wfdb reads other numbers from {file}: there is nothing to compare")


def read_ours(files: Sequence[Path]) -> None:
    """All files by the reader that sources use."""
    from pipeline.sources.formats.wfdb import read_recording

    for file in files:
        read_recording(file)


def read_wfdb(files: Sequence[Path]) -> None:
    """All files by wfdb."""
    import wfdb

    for file in files:
        wfdb.rdsamp(str(file))


if __name__ == "__main__":
    run_command(main)
