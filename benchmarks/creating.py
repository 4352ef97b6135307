"""How much longer making the stores of a data set takes than writing as many bytes to the same disk.

Ours is what create_images.py does with its options as they are: the table, the signals, all forms of the default leads
at 256 pixels, every byte synced. The rival writes as many bytes one after another and syncs them. Both take turns in
one folder, which is emptied before each; start-up is not counted.

The older system's 1.99 s a record, for the images of three leads, are a constant: measured once on this kind of
machine, and not again here; its row says so, as a row of a single turn says that it is no median.

    python -m benchmarks.creating                                 simulated recordings in PTB-XL's layout
    python -m benchmarks.creating -data data/ptbxl -turns 1       the real ones, all of them
"""

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np

from benchmarks.ratio import Row, medians
from benchmarks.simulated_store import simulate
from pipeline.commands.parser import CommandParser, positive_int, run_command

OLDER_SYSTEM = 1.99  # s a record
BYTES_AT_ONCE = 8 * 2**20


def main(words: Sequence[str] | None = None) -> None:
    """Times both in turn and prints the ratios."""
    parser = CommandParser(prog="python -m benchmarks.creating", description=__doc__)
    parser.option("data", type=Path, help="a PTB-XL folder (default: simulated recordings)")
    parser.option("records", type=positive_int, help="of each partition (default all; 1000 simulated ones in all)")
    parser.option("folds", nargs="+", help="as create_images.py has them")
    parser.option("workers", type=positive_int, help="threads (default: the cores that are free)")
    parser.option("out", type=Path, default=Path("."), help="a folder on the disk to write to (default %(default)s)")
    parser.option("turns", type=positive_int, default=3, help="default %(default)s")
    options = parser.parse_args(words)
    for row in measure(options.data, options.records, options.folds, options.workers, options.out, options.turns):
        print(row)
    from pipeline.machine.memory import peak_memory

    print(f"peak memory of this process: {peak_memory():.0f} MB")


def measure(
    data: Path | None = None,
    n_records: int | None = None,
    folds: Sequence[str] | None = None,
    workers: int | None = None,
    out: Path = Path("."),
    turns: int = 3,
) -> list[Row]:
    """The claims, measured; without arguments within a minute."""
    words = [*(["--folds", *folds] if folds else []), *(["--workers", str(workers)] if workers else [])]
    with tempfile.TemporaryDirectory(dir=out) as folder:
        if data is None:
            data = simulate(Path(folder), n_records or 1000)
        elif n_records:
            words += ["--limit", str(n_records)]
        return _measure(["--data", str(data), *words], Path(folder, "stores"), turns)


def _measure(words: Sequence[str], stores: Path, turns: int) -> list[Row]:
    n_records, n_bytes = make_stores(words, stores)
    block = np.random.default_rng(0).bytes(BYTES_AT_ONCE)
    runs: dict[str, Callable[[], object]] = {
        "ours": partial(make_stores, words, stores),
        "theirs": partial(write_bytes, block, n_bytes, stores / "bytes"),
    }
    runs["without sums"] = partial(_without_sums, words, stores)
    found = medians(runs, turns, before=partial(_empty, stores))
    each = found["ours"] / n_records
    gigabytes = f"{n_bytes / 1e9:.1f} GB"
    once = "one turn, no median" if turns == 1 else ""
    constant = "its time is a constant, measured once and in another run"
    bytes_of = f"stores of {n_records} records against writing {gigabytes}"
    summed = f"stores of {n_records} records, with checksums against none"
    older = f"a record of these ({1 / each:.0f} a second) against an older system"
    return [
        Row(bytes_of, found["ours"], found["theirs"], 1 / 2, once),
        Row(summed, found["ours"], found["without sums"], 0.95, once),
        Row(older, each, OLDER_SYSTEM, 1000, f"{once}; {constant}" if once else constant),
    ]


def make_stores(words: Sequence[str], stores: Path) -> tuple[int, int]:
    """Makes them as create_images.py does; how many records and bytes they have."""
    from pipeline.store.reading import open_store

    create_only(words, stores)
    made = [open_store(path) for path in stores.glob("*.h5")]
    return sum(store.n_items for store in made), sum(store.path.stat().st_size for store in made)


def create_only(words: Sequence[str], stores: Path) -> None:
    """Makes them, and says nothing."""
    import create_images

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        create_images.main([*words, "--out", str(stores)])


def _without_sums(words: Sequence[str], stores: Path) -> None:
    """As ``make_stores``, but that no item is summed up."""
    with mock.patch("pipeline.store.writing.sums_of", lambda rows: np.zeros(len(rows), np.uint64)):
        create_only(words, stores)


def write_bytes(block: bytes, n_bytes: int, path: Path) -> None:
    """Writes a block again and again, until the file has so many bytes, and syncs it."""
    with open(path, "wb", buffering=0) as file:
        while n_bytes > 0:
            n_bytes -= file.write(block[:n_bytes])
        os.fsync(file.fileno())


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


if __name__ == "__main__":
    run_command(main)
