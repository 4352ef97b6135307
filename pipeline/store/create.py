"""Source → signals → representations → store, one partition at a time.

Two stages, each resumed where a kill left it: first every record is read, filtered, resampled and rounded into
``/signals``; then the images are made from those very numbers. So all bad records are known before the first
image is made, and a store of signals only is the first stage alone.
"""

import resource
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import EcgFusionError
from pipeline.listening import remark, warn
from pipeline.machine.locks import locked
from pipeline.machine.memory import machine_memory
from pipeline.machine.threads import ordered_map
from pipeline.sources import BadRecord
from pipeline.store.job import Job
from pipeline.store.reading import digest_of_items, from_attribute, open_store
from pipeline.store.stages import _RECORDS_READ_AT_ONCE, _read_counts, _store_images, _store_signals
from pipeline.store.writing import StoreWriter, complete, differing, lay_out, part_path, recorded_attributes

_SHOWN_BAD_RECORDS = 20
_SHARE_OF_MEMORY = 0.1  # of the machine's, that a partition's images may take in the system's cache


class BadRecordsError(EcgFusionError):
    """Bad records that nobody asked to leave out; each has been named."""

    def __init__(self, bad: Sequence[BadRecord]) -> None:
        self.bad = bad
        super().__init__(
            f"{len(bad)} bad record{'s, each' if len(bad) > 1 else ','} named above: "
            f"mend the files, or leave them out with --skip_bad_records"
        )


@dataclass(frozen=True)
class Summary:
    """What became of one partition; ``seconds`` of this run."""

    job: Job
    left_out: list[BadRecord]
    seconds: float

    def __str__(self) -> str:
        """One line, and one more for each record that was left out, up to a screenful."""
        job, n_items = self.job, len(self.job.rows)
        n_images = n_items * len(job.image_leads) * len(job.image_recipe.representations)
        lines = [
            f"{job.path}: {n_items} records, {len(self.left_out)} left out, {n_images} images, "
            f"{job.path.stat().st_size:,} bytes, {self.seconds:.1f} s, peak memory {peak_memory():.0f} MB",
            *(f"  left out {bad.record_id}: {bad.problem}" for bad in self.left_out[:_SHOWN_BAD_RECORDS]),
        ]
        if len(self.left_out) > _SHOWN_BAD_RECORDS:
            lines.append(f"  and {len(self.left_out) - _SHOWN_BAD_RECORDS} more: see the store's bad_records")
        return "\n".join(lines)


def peak_memory() -> float:
    """The most memory that this process has held so far, in MB."""
    # ru_maxrss counts kilobytes on Linux and bytes on macOS
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**10 if sys.platform == "linux" else 2**20)


def create_stores(jobs: Sequence[Job]) -> list[Summary]:
    """Makes the stores of several partitions, those that are complete aside.

    Raises:
        EcgFusionError: see ``create_store``; where one partition has bad records, those of all are named first.
    """
    check_disk(jobs)
    summaries = []
    for number, job in enumerate(jobs):
        try:
            summary = create_store(job)
        except BadRecordsError as found:
            bad = list(found.bad)
            for other in jobs[number + 1 :]:
                bad += _find_bad(other)
            raise BadRecordsError(bad) from None
        if summary:
            summaries.append(summary)
    return summaries


def create_store(job: Job) -> Summary | None:
    """Makes the store of a partition, or goes on with it; None where it is complete already.

    Raises:
        EcgFusionError: bad records (all of them named first), a store or a part made with other parameters, or
            another process at work on it.
    """
    started = time.monotonic()
    job.out.mkdir(parents=True, exist_ok=True)
    busy = f"{job.path} is being written by another process: wait for it, or choose another --out"
    with locked(job.path, busy):
        if job.path.exists():
            open_store(job.path)
            _refuse_to_mix(job, job.path)
            remark(f"{job.path} is complete: nothing to do")
            return None
        part = part_path(job.path)
        if part.exists():
            _refuse_to_mix(job, part)
        job, left_out = _fill(job, part)
        complete(part, job.path, open_store)
    return Summary(job, left_out, time.monotonic() - started)


def _refuse_to_mix(job: Job, path: Path) -> None:
    found = recorded_attributes(path)
    # a store without its bad records has fewer items than the source; it says itself which it was asked for
    found["items_digest"] = found.get("asked_items_digest", found.get("items_digest"))
    others = differing(job.recipe(), found)
    if others:
        raise EcgFusionError(f"{path} was made with other parameters ({'; '.join(others)}): choose another --out")


def check_disk(jobs: Sequence[Job]) -> None:
    """Prints what each partition still takes on disk.

    Raises:
        EcgFusionError: all of them together take more than there is.
    """
    unfinished = [job for job in jobs if not job.path.exists()]
    if not unfinished:
        return
    out = unfinished[0].out
    out.mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(out).free, 0
    for job in unfinished:
        part = part_path(job.path)
        present = part.stat().st_blocks * 512 if part.exists() else 0
        to_come = max(0, job.bytes_to_come - present)
        needed += to_come
        remark(f"{job.path}: {len(job.rows)} records, {to_come:,} bytes to come, {free:,} free on disk")
    if needed > free:
        raise EcgFusionError(
            f"{out} has {free:,} bytes free and {needed:,} are to come: free some space, "
            f"or choose another --out, a smaller --size or fewer --representations"
        )


def _fill(job: Job, part: Path) -> tuple[Job, list[BadRecord]]:
    """Both stages; where bad records are left out, the signals are laid out again without them."""
    asked = digest_of_items(job.items["item_id"])
    bad = _already_left_out(part)
    if bad and not job.skip_bad_records:
        raise EcgFusionError(
            f"{part} was begun without {len(bad)} bad records ({bad[0].record_id}: {bad[0].problem}): "
            f"go on with --skip_bad_records, or remove it to begin anew"
        )
    job = _without(job, bad)
    while True:
        if not part.exists():
            _begin(job, part, bad, asked)
        with StoreWriter(part, keep_cached=_fits_into_cache(job)) as writer:
            found = _store_signals(job, writer)
            if not found:
                _store_images(job, writer)
                return job, bad
        part.unlink()
        _name(found)
        if not job.skip_bad_records:
            raise BadRecordsError(found)
        if len(found) == len(job.rows):
            raise EcgFusionError(f"no record of {job.partition} is readable: check --data and --sampling_rate")
        bad, job = [*bad, *found], _without(job, found)


def _fits_into_cache(job: Job) -> bool:
    """Whether a first epoch may find the images in memory, where the system keeps what was written."""
    return len(job.rows) * job.image_bytes <= _SHARE_OF_MEMORY * machine_memory()


def _already_left_out(part: Path) -> list[BadRecord]:
    recorded = recorded_attributes(part)["bad_records"] if part.exists() else "[]"
    return [BadRecord(*pair) for pair in from_attribute(recorded)]


def _begin(job: Job, part: Path, bad: list[BadRecord], asked: str) -> None:
    recipe = job.recipe() | {
        "asked_items_digest": asked,
        "bad_records": [[record.record_id, record.problem] for record in bad],
    }
    laid = part.with_name(part.name + ".new")
    signal_shape = (len(job.source.leads), job.n_samples)
    lay_out(laid, recipe, job.items, job.labels, signal_shape, job.image_shape, recipe["images"])
    laid.replace(part)


def _without(job: Job, bad: list[BadRecord]) -> Job:
    names = {record.record_id for record in bad}
    return replace(job, rows=job.rows[~job.items["record_id"].isin(names).to_numpy()])


def _name(bad: Sequence[BadRecord]) -> None:
    for record in bad:
        warn(f"record {record.record_id} is bad: {record.problem}")


def _find_bad(job: Job) -> list[BadRecord]:
    """Reads a whole partition only to name its bad records; none where its store is complete already."""
    items, bad = job.items, []
    if not job.path.exists():
        chunks = [
            items.iloc[first : first + _RECORDS_READ_AT_ONCE] for first in range(0, len(items), _RECORDS_READ_AT_ONCE)
        ]
        for _, found in ordered_map(lambda chunk: _read_counts(job, chunk), chunks, job.workers):
            bad += found
    _name(bad)
    return bad
