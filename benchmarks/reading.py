"""How much faster PTB-XL's recordings are read here, checksums verified, than by wfdb.rdsamp in a loop.

And how much slower those of MIT-BIH (format 212) and of PTB Diagnostic (format 16) than by a few lines of numpy, which
verify nothing: their sources are opened, and all records read. Both read the same files, which the operating system
has in memory by then, one thread each, in turn, and both give all leads as float64 in mV: the same numbers to the last
bit, which is looked at before the clock starts.

    python -m benchmarks.reading                                         simulated recordings in these layouts
    python -m benchmarks.reading -data data/ptbxl -mitdb data/mitdb      the real ones
"""

import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.ratio import Row, medians
from benchmarks.simulated_heartbeats import simulate_mitdb, simulate_ptbdb
from benchmarks.simulated_store import simulate
from pipeline.commands.parser import CommandParser, positive_int, run_command
from pipeline.errors import EcgFusionError


def main(words: Sequence[str] | None = None) -> None:
    """Times both in turn and prints the ratio."""
    parser = CommandParser(prog="python -m benchmarks.reading", description=__doc__)
    parser.option("data", type=Path, help="a PTB-XL folder (default: simulated recordings)")
    parser.option("mitdb", type=Path, help="a MIT-BIH folder (default: simulated recordings)")
    parser.option("records", type=positive_int, default=200, help="default %(default)s")
    parser.option("turns", type=positive_int, default=7, help="default %(default)s")
    options = parser.parse_args(words)
    for row in measure(options.data, options.records, options.turns, options.mitdb):
        print(row)


def measure(folder: Path | None = None, n_records: int = 200, turns: int = 7, mitdb: Path | None = None) -> list[Row]:
    """The claims, measured; times are those of one record."""
    with tempfile.TemporaryDirectory() as simulated:
        place = Path(simulated)
        rows = _measure(folder or simulate(place / "ptbxl", n_records), n_records, turns)
        rows += [_against_numpy("MIT-BIH's", mitdb or simulate_mitdb(place / "mitdb"), "mitdb", turns)]
        return [*rows, _against_numpy("PTB Diagnostic's", simulate_ptbdb(place / "ptbdb"), "ptbdb", turns)]


def _against_numpy(whose: str, folder: Path, name: str, turns: int) -> Row:
    """A source opened and all of its records read, against the same files by numpy alone."""
    read, files = {"mitdb": read_212, "ptbdb": read_16}[name], sorted(folder.rglob("*.dat"))
    n_records = 0
    for one, other in zip(read_source(name, folder), map(read, files), strict=True):
        n_records += 1
        if not np.array_equal(np.sort(one, axis=0), np.sort(other, axis=0)):  # leads may stand in another order
            raise EcgFusionError(f"numpy reads other numbers from {folder}: there is nothing to compare")
    runs = {"ours": lambda: deque(read_source(name, folder), 0), "numpy": lambda: deque(map(read, files), 0)}
    found = medians(runs, turns)
    what = f"opening {whose} {n_records} records and reading them, one of them, against numpy alone"
    note = f"all of them in {found['ours']:.2f} s"
    return Row(what, found["ours"] / n_records, found["numpy"] / n_records, 1 / 1.5, note)


def read_source(name: str, folder: Path) -> Iterator[np.ndarray]:
    """The records of a source one after another, as those who make stores read them."""
    from pipeline.sources import open_source

    source = open_source(name, folder)
    for number in range(len(source.records)):
        yield _sound(source.read(source.records.iloc[number : number + 1]))  # held no longer than by those who get it


def _sound(read: Sequence[object]) -> np.ndarray:
    (signal,) = read
    if not isinstance(signal, np.ndarray):
        raise EcgFusionError(f"a record is bad, {signal}: there is nothing to compare")
    return signal


def read_212(file: Path) -> np.ndarray:
    """Two leads of format 212, 200 counts to the millivolt, by what one would write oneself."""
    low, middle, high = np.fromfile(file, np.uint8).reshape(-1, 3).T.astype(np.int16)
    counts = np.stack([low | (middle & 15) << 8, high | (middle & 240) << 4])
    counts[counts > 2047] -= 4096
    return (counts - 1024) / 200


def read_16(file: Path) -> np.ndarray:
    """Twelve leads of format 16, 2000 counts to the millivolt."""
    return np.ascontiguousarray(np.fromfile(file, "<i2").reshape(-1, 12).T) / 2000


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
