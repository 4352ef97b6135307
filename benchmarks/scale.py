"""What a store costs from a thousand to a million records, stage by stage: where the line stops being straight.

Records are simulated and cost nothing to read: twelve leads of a handful of samples, the same numbers for each but for
its own, so that what is measured is what the program itself takes for a record: tables, checks, sums, its shards. Times
are those of the processor, of one thread, so that a busy machine changes them little. Each number of records is a
process of its own, so that its peak memory is its own.

    python -m benchmarks.scale                             1,000 to 100,000 records, a minute or two
    python -m benchmarks.scale -records 1000000 -one       a million, without shards
    python -m benchmarks.scale -records 20000 -shards 200  what a shard costs beside its records
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from pipeline.commands.parser import CommandParser, positive_int, run_command
from pipeline.labels import Labels
from pipeline.signals.leads import LEADS
from pipeline.sources import BadRecord, Source, SourceEntry
from pipeline.store.job import Job

RATE, N_SAMPLES = 50.0, 8
CLASSES = tuple(f"class{number}" for number in range(5))


class Sparse(Source):
    """Records that exist only when they are read, and cost nothing then.

    Args:
        folder: where it is said to lie.
        n_records: how many; three of a patient, in ten folds.
    """

    name, version, sampling_rate, leads, gain = "sparse", "1", RATE, LEADS, 1000.0
    entry = SourceEntry(default_folds=("train=1-8", "dev=9", "test=10"), default_sampling_rate=RATE, default_band=None)

    def __init__(self, folder: Path, n_records: int) -> None:
        number = np.arange(n_records)
        self.folder = folder
        self.records = pd.DataFrame(
            {
                "record_id": number.astype(str).astype(object),
                "patient_id": (number // 3).astype(str).astype(object),
                "fold": number // 3 % 10 + 1,
                "length": np.full(n_records, N_SAMPLES / RATE),
                "age": np.full(n_records, 60.0),
                "sex": number % 2,
            }
        )
        values = (number[:, None] % 7 == np.arange(len(CLASSES))).astype(np.uint8)
        self.labels = {"task": Labels(CLASSES, "multilabel", values, np.ones(n_records, bool))}

    def read(self, records: pd.DataFrame) -> list[np.ndarray | BadRecord]:
        """(leads, time) mV: a ramp for each, that begins at the record's own number."""
        ramp = np.linspace(0, 1, len(LEADS) * N_SAMPLES).reshape(len(LEADS), N_SAMPLES)
        return [ramp + int(record_id) % 1000 / 1000 for record_id in records["record_id"]]


@dataclass(frozen=True)
class Stage:
    """One stage: s of the processor, MB that the process held at most behind it, and bytes that it left on the disk."""

    name: str
    seconds: float
    peak_mb: float
    n_bytes: int = 0


class Here:
    """The workers of shards, in this process, one task after another."""

    def run(self, task: Callable[[Job], Any], jobs: Iterable[Job], n_jobs: int, stage: str, total: int) -> list[Any]:
        """See ``pipeline.store.sharding.Workers``."""
        return [task(job) for job in jobs]


def main(words: Sequence[str] | None = None) -> None:
    """Measures every number of records, prints a table of each stage."""
    parser = CommandParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.option("records", type=positive_int, nargs="+", default=[1000, 10_000, 100_000], help="1000 10000 100000")
    parser.option("folder", type=Path, default=Path("."), help="a folder on the disk to write to (default %(default)s)")
    parser.option("shards", type=positive_int, default=64, help="of the store in shards, about (default %(default)s)")
    parser.option("one", action="store_true", help="leave out the store in shards, and merging it")
    options = parser.parse_args(words)
    print(
        "| records | stage | s | µs a record | peak memory, MB | MB on disk |\n" + "| ---: | --- " + "| ---: " * 4 + "|"
    )
    for n_records in options.records:
        for stage in measured(n_records, options.folder, 0 if options.one else options.shards):
            print(row(n_records, stage), flush=True)


def measured(n_records: int, folder: Path, n_shards: int) -> list[Stage]:
    """All stages of so many records, in a process of their own; see ``stages_of``."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as out,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        return pool.submit(stages_of, n_records, Path(out), n_shards).result()


def row(n_records: int, stage: Stage) -> str:
    """A line of the table."""
    each = 1e6 * stage.seconds / n_records
    on_disk = f"{stage.n_bytes / 1e6:.1f}" if stage.n_bytes else ""
    return f"| {n_records} | {stage.name} | {stage.seconds:.2f} | {each:.1f} | {stage.peak_mb:.0f} | {on_disk} |"


def stages_of(n_records: int, folder: Path, n_shards: int) -> list[Stage]:
    """All stages.

    Args:
        n_records: how many.
        folder: an empty one.
        n_shards: about how many the store in shards has; 0 for no such store.
    """
    from pipeline.machine.memory import peak_memory
    from pipeline.store import sharding
    from pipeline.store.check import damage_of_store
    from pipeline.store.division import divide
    from pipeline.store.filling import create_store
    from pipeline.store.merging import merge_store
    from pipeline.store.options import StoreOptions
    from pipeline.store.plan import plan_stores
    from pipeline.store.reading import open_store

    found: list[Stage] = []

    @contextmanager
    def stage(name: str, *files: Path) -> Iterator[None]:
        before = time.process_time()
        yield
        seconds = time.process_time() - before
        n_bytes = sum(each.stat().st_size for path in files for each in _files(path))
        found.append(Stage(name, seconds, peak_memory(), n_bytes))

    with stage("the table of records"):
        source = Sparse(folder, n_records)
    with stage("items, folds and what is to be made"):
        options = StoreOptions.of(
            source,
            folder / "one",
            {"partition": "train", "folds": "train=1-10", "representations": "none", "workers": 1},
        )
        (job,) = plan_stores(options, divide(options))
    with stage("a store made by one machine", job.path):
        create_store(job)
    with stage("it is opened"):
        open_store(job.path)
    with stage("--check"):
        assert not list(damage_of_store(job.path))
    if not n_shards:
        return found
    job = replace(job, out=folder / "many")
    with (
        stage("a store made in shards", job.path, job.path.with_name("train.shards")),
        mock.patch.object(sharding, "_LEAST_BYTES", job.bytes_to_come / n_shards),
    ):
        sharding.create_sharded(job, Here())
    with stage("it is opened"):
        store = open_store(job.path)
    rows = np.random.default_rng(0).permutation(n_records)[:10_000]
    signals = store.signals.open()
    with stage(f"{len(rows)} random items of it are read"):
        for each in rows:
            signals[each]
    with stage("merged", job.path):
        merge_store(job.path)
    return found


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else list(path.iterdir()) if path.is_dir() else []


if __name__ == "__main__":
    run_command(main)
