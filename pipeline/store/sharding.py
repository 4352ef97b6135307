"""A partition made in shards by several workers, and put together into one store.

A shard is a store of some records of the partition, made as any store is: it goes on after a kill, is renamed when it
is complete, and is kept from a second writer by a lock. Where shards begin depends on what is stored, not on who stores
it; so the content is the same whatever the number of workers, and that of a store that one machine has made.
"""

import copy
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.machine.files import make_folder
from pipeline.machine.locks import locked
from pipeline.sources import BadRecord
from pipeline.sources.items import ItemTable
from pipeline.store.filling import (
    BadRecordsError,
    bad_records_of,
    fill_signals,
    fits_into_cache,
    lay_out_job,
    name_bad,
    refuse_none_readable,
    refuse_to_mix,
    to_be_made,
    without,
)
from pipeline.store.going_on import check_begun
from pipeline.store.job import Job
from pipeline.store.reading import digest_of_items, open_store
from pipeline.store.sharded import shard_name, shards_folder
from pipeline.store.stages import chunks_of, store_images
from pipeline.store.summary import Summary
from pipeline.store.writing import StoreWriter, WrittenShard, complete, part_path, recorded_attributes

_MOST_SHARDS = 512  # but where they would be larger than the largest
_LEAST_BYTES, _MOST_BYTES = 2**24, 2**30  # of a shard
_PATIENCE_S = 600.0  # for a worker that nobody waits for any more, and that still writes a shard


class Workers(Protocol):
    """Those who make shards, wherever they are."""

    def run(self, task: Callable[[Job], Any], jobs: Iterable[Job], n_jobs: int, stage: str, total: int) -> list[Any]:
        """Does a task for each job and gives what came of them, in their order.

        Args:
            task: of one shard; it may be done again where a worker ends in the midst of it.
            jobs: the shards, each made when it is needed.
            n_jobs: how many they are.
            stage: what the bar is called: ``train signals``.
            total: items of all shards.

        Raises:
            EcgFusionError: a task raised it, or the workers are gone.
        """


@dataclass(frozen=True)
class Shards:
    """What a partition is cut into.

    Attributes:
        job: of the whole partition, bad records and all.
        spans: of each shard, the first of its rows in ``job.rows`` and the one behind its last.
    """

    job: Job
    spans: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, job: Job) -> "Shards":
        """Shards of whole records, of about the same number of them."""
        n_records, items = job.items["record"].nunique(), job.items
        of_record = job.bytes_to_come / n_records
        n_bytes = min(max(job.bytes_to_come / _MOST_SHARDS, _LEAST_BYTES), _MOST_BYTES)
        return cls(job, chunks_of(items, n_records=max(1, round(n_bytes / max(of_record, 1)))))

    def jobs(self, longest: float) -> Iterator[Job]:
        """A job for each, which knows nothing of the other shards; ``longest`` of all items in s."""
        return (self._job(number, *span, longest) for number, span in enumerate(self.spans))

    def _job(self, number: int, first: int, last: int, longest: float) -> Job:
        job, rows = self.job, self.job.rows[first:last]
        items, division, source = job.items.iloc[first:last], job.division, copy.copy(job.source)
        numbers, record = np.unique(items["record"].to_numpy(), return_inverse=True)
        # what a worker is sent is only what it reads
        source.records = source.records.iloc[numbers].reset_index(drop=True)
        source.labels, source.beats, source.schemes = {}, None, {}
        table = ItemTable(
            items.assign(record=record).reset_index(drop=True),
            {task: labels.rows(rows) for task, labels in division.items.labels.items()},
            {name: values[rows] for name, values in division.items.features.items()},
        )
        return replace(
            job,
            division=replace(division, source=source, items=table),
            rows=np.arange(len(rows)),
            out=shards_folder(job.path).absolute(),
            name=Path(shard_name(job.path, number)).stem,
            longest=longest,
        )


def create_sharded(job: Job, workers: Workers) -> Summary | None:
    """Makes the store of a partition in shards, or goes on with it; None where it is complete already.

    Args:
        job: the partition.
        workers: who make the shards.

    Raises:
        EcgFusionError: bad records (all of them named first), a store or a shard made with other parameters, one
            machine's work that is begun already, or another process at work on it.
    """
    started, folder = time.monotonic(), shards_folder(job.path)
    with to_be_made(job) as is_to_be:
        if not is_to_be:
            return None
        if part_path(job.path).exists():
            raise EcgFusionError(
                f"{part_path(job.path)} was begun without --scheduler: go on without it, or remove the file to begin "
                f"anew"
            )
        if folder.is_symlink():
            raise EcgFusionError(f"{folder} is a link, and shards lie beside their store: remove the link")
        make_folder(folder)
        shards = Shards.of(job)
        made, bad = _read_all(shards, workers)
        jobs = zip(shards.jobs(float(made.items["length"].max())), bad, strict=True)
        workers.run(
            partial(draw_shard, keep_cached=fits_into_cache(job)),
            (without(shard, found) for shard, found in jobs),
            len(bad),
            f"{job.partition} {'images' if job.image_recipe.representations else 'shards'}",
            len(made.rows),
        )
        left_out = [record for found in bad for record in found]
        _put_together(shards, made, bad)
    return Summary(made, left_out, time.monotonic() - started)


def _read_all(shards: Shards, workers: Workers) -> tuple[Job, list[list[BadRecord]]]:
    """The signals of all shards; gives the job without its bad records, and those of each shard."""
    job, longest = shards.job, _longest_known(shards)
    while True:
        bad = _read(shards, workers, longest)
        found = [record for of_shard in bad for record in of_shard]
        name_bad(found)
        if found and not job.skip_bad_records:
            raise BadRecordsError(found)
        made = without(job, found)
        if not len(made.rows):
            refuse_none_readable(job)
        if made.items["length"].max() == longest:
            return made, bad
        longest = float(made.items["length"].max())  # the longest was bad, and the store is narrower without it


def _read(shards: Shards, workers: Workers, longest: float) -> list[list[BadRecord]]:
    name, n_items = f"{shards.job.partition} signals", len(shards.job.rows)
    return workers.run(read_shard, shards.jobs(longest), len(shards.spans), name, n_items)


def _longest_known(shards: Shards) -> float:
    """The longest item that is not known to be bad, s."""
    folder, bad = shards_folder(shards.job.path), []
    for path in (*folder.glob("*.h5"), *folder.glob("*.h5.part")):
        bad += bad_records_of(recorded_attributes(path))
    known = without(shards.job, bad) if bad else shards.job
    return float((known if len(known.rows) else shards.job).items["length"].max())


def find_bad_in_shards(job: Job, workers: Workers) -> list[BadRecord]:
    """Has a whole partition read, to name its bad records; none where its store is complete already."""
    if job.path.exists():
        return []
    make_folder(shards_folder(job.path))
    shards = Shards.of(job)
    found = [record for of_shard in _read(shards, workers, _longest_known(shards)) for record in of_shard]
    name_bad(found)
    return found


def read_shard(job: Job) -> list[BadRecord]:
    """The signals of a shard, or what is left of them; gives its bad records.

    A shard that is complete counts as begun: it is looked at as any part is that is gone on with.

    Raises:
        EcgFusionError: this machine sees the recordings or the shards' folder not, or see ``create_store``.
    """
    _check_place(job)
    part = part_path(job.path)
    with locked(job.path, f"{job.path} is written by a worker of an earlier command: end it", _PATIENCE_S):
        if job.path.exists():
            job.path.replace(part)
        begun = None
        if part.exists():
            check_begun(part)
            begun = refuse_to_mix(job, part)
            if _width(part) != job.n_samples:  # made before its longest record was known to be bad
                part.unlink()
                begun = None
        try:
            return fill_signals(job, part, begun, _end_if_bad)[1]
        except BadRecordsError as found:
            return list(found.bad)


def _end_if_bad(job: Job, found: list[BadRecord]) -> None:
    if not job.skip_bad_records:
        raise BadRecordsError(found)


def _width(part: Path) -> int:
    with h5py.File(part, "r") as file:
        return int(file["signals"].shape[2])


def draw_shard(job: Job, keep_cached: bool) -> None:
    """The images of a shard, of its signals; then it is complete.

    Args:
        job: the shard, without its bad records.
        keep_cached: see ``StoreWriter``.
    """
    _check_place(job)
    part = part_path(job.path)
    with locked(job.path, f"{job.path} is written by a worker of an earlier command: end it", _PATIENCE_S):
        if job.path.exists() or not len(job.rows):  # made by a worker that was lost before it could say so
            return
        with StoreWriter(part, keep_cached) as writer:
            store_images(job, writer)
        complete(part, job.path, open_store)


def _check_place(job: Job) -> None:
    """Refuses to work where all recordings would be missing, or shards would lie on a disk of this machine alone."""
    for what, folder in (("the recordings", job.source.folder), ("the shards' folder", job.out)):
        if not folder.exists():
            raise EcgFusionError(
                f"the machine {os.uname().nodename} does not see {folder.absolute()}: {what} must lie on a disk that "
                f"all workers share"
            )


def _put_together(shards: Shards, made: Job, bad: Sequence[Sequence[BadRecord]]) -> None:
    """Writes the partition's file, which points at its shards."""
    job, written = shards.job, []
    for number, ((first, last), found) in enumerate(zip(shards.spans, bad, strict=True)):
        names = {record.record_id for record in found}
        n_items = int((~job.items["record_id"].iloc[first:last].isin(names)).sum())
        name = shard_name(job.path, number)
        if n_items:
            written.append(WrittenShard(name, job.path.parent / name, n_items))
    absent = next((shard.path for shard in written if not shard.path.exists()), None)
    if absent is not None:
        raise EcgFusionError(f"a worker has made {absent}, and it is not here: name an --out that all workers share")
    part = job.path.with_name(f"{job.path.name}.joined")  # not the name of what one machine has begun
    asked = digest_of_items(job.items["item_id"])
    lay_out_job(part, made, [record for found in bad for record in found], asked, written)
    complete(part, job.path, open_store)
