"""One partition's store: its two stages, each resumed where a kill left it, and what becomes of bad records.

First every record is read, filtered, resampled and rounded into ``/signals``; then the images are made from those very
numbers. So all bad records are known before the first image is made, and a store of signals only is the first stage
alone.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from pipeline.errors import EcgFusionError
from pipeline.listening import remark, warn
from pipeline.machine.files import make_folder
from pipeline.machine.locks import locked
from pipeline.machine.memory import machine_memory
from pipeline.machine.threads import ordered_map
from pipeline.sources import BadRecord
from pipeline.store.attributes import from_attribute
from pipeline.store.going_on import check_begun, check_recordings, check_tables
from pipeline.store.job import Job
from pipeline.store.reading import digest_of_items, open_store
from pipeline.store.sharded import shards_folder
from pipeline.store.stages import chunks_of, read_counts, store_images, store_signals
from pipeline.store.summary import Summary
from pipeline.store.writing import (
    Columns,
    StoreWriter,
    WrittenShard,
    complete,
    differing,
    lay_out,
    part_path,
    recorded_attributes,
)

_SHARE_OF_MEMORY = 0.1  # of the machine's, that a partition's images may take in the system's cache


class BadRecordsError(EcgFusionError):
    """Bad records that nobody asked to leave out; each has been named."""

    def __init__(self, bad: Sequence[BadRecord]) -> None:
        self.bad = bad
        super().__init__(
            f"{len(bad)} bad record{'s, each' if len(bad) > 1 else ','} named above: "
            f"mend the files, or leave them out with --skip_bad_records"
        )


def create_store(job: Job) -> Summary | None:
    """Makes the store of a partition, or goes on with it; None where it is complete already.

    Raises:
        EcgFusionError: bad records (all of them named first), a store or a part made with other parameters, or
            another process at work on it.
    """
    started = time.monotonic()
    with to_be_made(job) as is_to_be:
        if not is_to_be:
            return None
        if shards_folder(job.path).exists():
            raise EcgFusionError(
                f"{job.path} was begun in shards: go on with --scheduler local:2, or remove {shards_folder(job.path)} "
                f"to begin anew"
            )
        part = part_path(job.path)
        begun = None
        if part.exists():
            check_begun(part)
            begun = refuse_to_mix(job, part)
        job, left_out = _fill(job, part, begun)
        complete(part, job.path, open_store)
    return Summary(job, left_out, time.monotonic() - started)


@contextmanager
def to_be_made(job: Job) -> Iterator[bool]:
    """Whether the store of a partition is yet to be made, which no other process does meanwhile.

    Raises:
        EcgFusionError: what is there is another store, or another process is at work on it.
    """
    if job.path.exists():  # before the lock, which a disk that can only be read does not take
        check_complete(job)
        remark(f"{job.path} is complete: nothing to do")
        yield False
        return
    make_folder(job.out)
    with locked(job.path, f"{job.path} is being written by another process: wait for it, or choose another --out"):
        is_there = job.path.exists()  # made by another process since
        if is_there:
            check_complete(job)
        yield not is_there


def check_complete(job: Job) -> None:
    """Refuses what lies where the finished store is to be, and is none, or another one."""
    open_store(job.path)
    refuse_to_mix(job, job.path)


def refuse_to_mix(job: Job, path: Path) -> dict[str, Any]:
    """Gives the attributes of what was begun, where it was begun so."""
    found = recorded_attributes(path)
    # a store without its bad records has fewer items than the source; it says itself which it was asked for
    found["items_digest"] = found.get("asked_items_digest", found.get("items_digest"))
    others = differing(job.recipe(), found)
    if others:
        raise EcgFusionError(f"{path} was made with other parameters ({'; '.join(others)}): choose another --out")
    return found


def _fill(job: Job, part: Path, begun: Mapping[str, Any] | None) -> tuple[Job, list[BadRecord]]:
    """Both stages; where bad records are left out, the signals are laid out again without them.

    Args:
        job: what is to be stored.
        part: where, until it is complete.
        begun: its attributes, where there is one to go on with.
    """
    job, bad = fill_signals(job, part, begun, _tell_bad)
    with StoreWriter(part, keep_cached=fits_into_cache(job)) as writer:
        store_images(job, writer)
    return job, bad


def fill_signals(
    job: Job, part: Path, begun: Mapping[str, Any] | None, meet: Callable[[Job, list[BadRecord]], None]
) -> tuple[Job, list[BadRecord]]:
    """The first stage, all of it; gives the job without its bad records, and these.

    Args:
        job: what is to be stored.
        part: where, until it is complete.
        begun: its attributes, where there is one to go on with.
        meet: is told of bad records that were found, and raises where they end the work.
    """
    asked = digest_of_items(job.items["item_id"])
    bad = bad_records_of(begun)
    if bad and not job.skip_bad_records:
        raise EcgFusionError(
            f"{part} was begun without {len(bad)} bad records ({bad[0].record_id}: {bad[0].problem}): "
            f"go on with --skip_bad_records, or remove it to begin anew"
        )
    job = without(job, bad)
    goes_on = begun is not None
    if goes_on:
        check_tables(job, part)
    while len(job.rows):
        if not part.exists():
            lay_out_job(part, job, bad, asked)
        with StoreWriter(part, keep_cached=fits_into_cache(job)) as writer:
            if goes_on:
                damaged = writer.take_back_damaged()
                if damaged is not None:
                    warn(f"{part} is damaged from record {damaged} on: these are made again")
                check_recordings(job, writer)
                goes_on = False
            found = store_signals(job, writer)
        if not found:
            break
        part.unlink()
        meet(job, found)
        bad, job = [*bad, *found], without(job, found)
    return job, bad


def _tell_bad(job: Job, found: list[BadRecord]) -> None:
    """Names bad records, and ends the work where they are not to be left out, or nothing else is there.

    Raises:
        BadRecordsError: they are not to be left out.
        EcgFusionError: no record would be left.
    """
    name_bad(found)
    if not job.skip_bad_records:
        raise BadRecordsError(found)
    if len(found) == len(job.rows):
        refuse_none_readable(job)


def refuse_none_readable(job: Job) -> NoReturn:
    """Refuses a partition whose records are bad, all of them."""
    raise EcgFusionError(f"no record of {job.partition} is readable: check --data and --sampling_rate")


def bad_records_of(attributes: Mapping[str, Any] | None) -> list[BadRecord]:
    """The bad records that a store was made, or begun, without."""
    return [BadRecord(*pair) for pair in from_attribute(attributes["bad_records"])] if attributes else []


def fits_into_cache(job: Job) -> bool:
    """Whether a first epoch may find the images in memory, where the system keeps what was written."""
    return len(job.rows) * job.image_bytes <= _SHARE_OF_MEMORY * machine_memory()


def lay_out_job(
    part: Path, job: Job, bad: Sequence[BadRecord], asked: str, shards: Sequence[WrittenShard] = ()
) -> None:
    """Writes everything of a store but its signals and images; see ``lay_out``.

    Args:
        part: where; it appears whole.
        job: what is to be stored, without its bad records.
        bad: these.
        asked: the digest of the items that were asked for, bad ones and all.
        shards: see ``lay_out``.
    """
    recipe = job.recipe()
    attributes = {
        **recipe,
        **job.usual(),
        "asked_items_digest": asked,
        "bad_records": [[record.record_id, record.problem] for record in bad],
    }
    laid = part.with_name(part.name + ".new")
    signal_shape = (len(job.source.leads), job.n_samples)
    columns = Columns(job.items, job.labels, job.features)
    lay_out(laid, attributes, columns, signal_shape, job.image_shape, recipe["images"], shards)
    laid.replace(part)


def without(job: Job, bad: Sequence[BadRecord]) -> Job:
    """The job without its bad records."""
    names = {record.record_id for record in bad}
    return replace(job, rows=job.rows[~job.items["record_id"].isin(names).to_numpy()])


def name_bad(bad: Sequence[BadRecord]) -> None:
    """Warns of each."""
    for record in bad:
        warn(f"record {record.record_id} is bad: {record.problem}")


def find_bad(job: Job) -> list[BadRecord]:
    """Reads a whole partition only to name its bad records; none where its store is complete already."""
    items, bad = job.items, []
    if not job.path.exists():
        chunks = [items.iloc[first:last] for first, last in chunks_of(items)]
        for _, found in ordered_map(lambda chunk: read_counts(job, chunk), chunks, job.workers):
            bad += found
    name_bad(bad)
    return bad
