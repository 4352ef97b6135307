"""Source → signals → representations → store, one partition at a time.

Two stages, each resumed where a kill left it: first every record is read, filtered, resampled and rounded into
``/signals``; then the pictures are made from those very numbers. So all bad records are known before the first
picture is made, and a store of signals only is the first stage alone.
"""

import resource
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline import signals
from pipeline.errors import EcgFusionError, warn
from pipeline.folds import Folds
from pipeline.parallel import ordered_map
from pipeline.progress import progress_bar
from pipeline.representations import ImageRecipe, pictures
from pipeline.sources import BadRecord, Labels, Source
from pipeline.store import digest_of_items, from_attribute, open_store, store_path
from pipeline.store_writer import (
    StoreWriter,
    complete,
    differing,
    lay_out,
    part_path,
    recorded_attributes,
    store_lock,
)

_RECORDS_READ_AT_ONCE, _RECORDS_DRAWN_AT_ONCE = 32, 8
_BYTES_BETWEEN_SYNCS = 256 * 2**20
_SHOWN_BAD_RECORDS = 20


@dataclass(frozen=True)
class SignalRecipe:
    """How signals are prepared: ``band`` and ``sampling_rate`` in Hz, ``gain`` in counts to the millivolt."""

    band: signals.Band | None
    sampling_rate: float
    gain: float

    def counts(self, signal: np.ndarray, native_rate: float) -> np.ndarray:
        """(leads, time) mV at the native rate to int16 at the store's.

        Raises:
            ValueError: see ``to_counts``.
        """
        if not np.isfinite(signal).all():
            raise ValueError("has a missing sample")
        filtered = signals.band_pass(signal, native_rate, self.band)
        return signals.to_counts(signals.resample(filtered, native_rate, self.sampling_rate), self.gain)


@dataclass(frozen=True)
class Job:
    """One partition to be stored: which rows of which source, how, and where."""

    source: Source
    partition: str
    rows: np.ndarray
    folds: Folds
    signal_recipe: SignalRecipe
    image_recipe: ImageRecipe
    image_leads: tuple[str, ...]
    extra: dict[str, Any]
    out: Path
    skip_bad_records: bool
    workers: int

    @property
    def path(self) -> Path:
        return store_path(self.out, self.partition)

    @property
    def items(self) -> pd.DataFrame:
        return self.source.items.iloc[self.rows]

    @property
    def labels(self) -> dict[str, Labels]:
        return {task: labels.rows(self.rows) for task, labels in self.source.labels.items()}

    @property
    def n_samples(self) -> int:
        return round(float(self.items["length"].max()) * self.signal_recipe.sampling_rate)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return len(self.image_leads), self.image_recipe.size, self.image_recipe.size

    @property
    def image_bytes(self) -> int:
        """Bytes of one item's pictures."""
        return int(np.prod(self.image_shape)) * len(self.image_recipe.representations)

    @property
    def bytes_to_come(self) -> int:
        """Bytes of the finished store, its small tables aside."""
        return len(self.rows) * (2 * len(self.source.leads) * self.n_samples + self.image_bytes)

    def recipe(self) -> dict[str, Any]:
        """What makes the store what it is: its attributes, and what a second run is compared with."""
        band = self.signal_recipe.band
        return {
            "source": self.source.name,
            "source_version": self.source.version,
            "partition": self.partition,
            "folds": self.folds,
            "leads": list(self.source.leads),
            "image_leads": list(self.image_leads) if self.image_recipe.representations else [],
            "sampling_rate": float(self.signal_recipe.sampling_rate),
            "source_sampling_rate": float(self.source.sampling_rate),
            "band": list(band) if band else None,
            "filter": f"Butterworth, order {signals.FILTER_ORDER}, forward and backward" if band else "none",
            "gain": float(self.signal_recipe.gain),
            "images": {name: self.image_recipe.parameters(name) for name in self.image_recipe.representations},
            "tasks": list(self.source.labels),
            "items_digest": digest_of_items(self.items["item_id"]),
            **self.extra,
        }


@dataclass(frozen=True)
class Summary:
    """What became of one partition; ``seconds`` of this run."""

    job: Job
    left_out: list[BadRecord]
    seconds: float

    def __str__(self) -> str:
        job, n_items = self.job, len(self.job.rows)
        n_images = n_items * len(job.image_leads) * len(job.image_recipe.representations)
        # ru_maxrss counts kilobytes on Linux and bytes on macOS
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**10 if sys.platform == "linux" else 2**20)
        return (
            f"{job.path}: {n_items} records, {len(self.left_out)} left out, {n_images} images, "
            f"{job.path.stat().st_size:,} bytes, {self.seconds:.1f} s, peak memory {peak:.0f} MB"
        )


def create_store(job: Job) -> Summary | None:
    """Makes the store of a partition, or goes on with it; None where it is complete already.

    Raises:
        EcgFusionError: bad records (all of them listed first), too little disk, a store or a part made with other
            parameters, or another process at work on it.
    """
    started = time.monotonic()
    job.out.mkdir(parents=True, exist_ok=True)
    with store_lock(job.path):
        if job.path.exists():
            _refuse_to_mix(job, job.path)
            open_store(job.path)
            print(f"{job.path} is complete: nothing to do")
            return None
        part = part_path(job.path)
        if part.exists():
            _refuse_to_mix(job, part)
        _check_disk(job, part)
        job, left_out = _fill(job, part)
        closing = {"bad_records": [[bad.record_id, bad.problem] for bad in left_out]}
        complete(part, job.path, closing, open_store)
    return Summary(job, left_out, time.monotonic() - started)


def _refuse_to_mix(job: Job, path: Path) -> None:
    found = recorded_attributes(path)
    # a store without its bad records has fewer items than the source; it says itself which it was asked for
    found["items_digest"] = found.get("asked_items_digest", found.get("items_digest"))
    others = differing(job.recipe(), found)
    if others:
        raise EcgFusionError(f"{path} was made with other parameters ({'; '.join(others)}): choose another --out")


def _check_disk(job: Job, part: Path) -> None:
    free = shutil.disk_usage(job.out).free
    present = part.stat().st_blocks * 512 if part.exists() else 0
    to_come = max(0, job.bytes_to_come - present)
    print(f"{job.path}: {len(job.rows)} records, {to_come:,} bytes to come, {free:,} free on disk", flush=True)
    if to_come > free:
        raise EcgFusionError(
            f"{job.path} needs {to_come:,} bytes and {job.out} has {free:,} free: free some space, "
            f"or choose another --out, a smaller --size or fewer --representations"
        )


def _fill(job: Job, part: Path) -> tuple[Job, list[BadRecord]]:
    """Both stages; where bad records are left out, the signals are laid out again without them."""
    asked = digest_of_items(job.items["item_id"])
    bad = _already_left_out(part)
    job = _without(job, bad)
    while True:
        if not part.exists():
            _begin(job, part, bad, asked)
        with StoreWriter(part) as writer:
            found = _store_signals(job, writer)
            if not found:
                _store_images(job, writer)
                return job, bad
        part.unlink()
        _report(job, found)
        bad, job = [*bad, *found], _without(job, found)


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


def _report(job: Job, bad: list[BadRecord]) -> None:
    """Names every bad record; stops unless they are to be left out."""
    for record in bad:
        warn(f"record {record.record_id} is bad: {record.problem}")
    if not job.skip_bad_records:
        raise EcgFusionError(
            f"{len(bad)} bad record{'s' if len(bad) > 1 else ''} in {job.partition}, each named above: "
            f"mend the files, or leave them out with --skip_bad_records"
        )
    if len(bad) == len(job.rows):
        raise EcgFusionError(f"no record of {job.partition} is readable: check --data and --sampling_rate")


def _store_signals(job: Job, writer: StoreWriter) -> list[BadRecord]:
    """Fills ``/signals``; gives the bad records, all of them."""
    items = job.items

    def store(first: int, last: int) -> list[BadRecord]:
        chunk = items.iloc[first:last]
        rows = np.full((last - first, len(job.source.leads), job.n_samples), signals.PADDING, np.int16)
        bad = []
        for row, record_id, signal in zip(rows, chunk["record_id"], job.source.read(chunk), strict=True):
            try:
                if isinstance(signal, BadRecord):
                    bad.append(signal)
                else:
                    counts = job.signal_recipe.counts(signal, job.source.sampling_rate)
                    row[:, : counts.shape[-1]] = counts
            except ValueError as problem:
                bad.append(BadRecord(record_id, str(problem)))
        writer.write("signals", first, rows)
        return bad

    bytes_per_item = 2 * len(job.source.leads) * job.n_samples
    return _run_stage(job, writer, "signals", store, _RECORDS_READ_AT_ONCE, bytes_per_item)


def _store_images(job: Job, writer: StoreWriter) -> None:
    """Fills ``/images`` from the stored signals."""
    if not job.image_recipe.representations:
        return
    import torch

    torch.set_num_threads(1)  # the workers are the parallelism
    leads = signals.choose_leads(job.source.leads, job.image_leads)

    def store(first: int, last: int) -> list[BadRecord]:
        x = signals.to_millivolts(writer.read_signals(first, last)[:, leads], job.signal_recipe.gain)
        drawn = pictures(torch.from_numpy(x), job.signal_recipe.sampling_rate, job.image_recipe).numpy()
        for number, name in enumerate(job.image_recipe.representations):
            writer.write(name, first, drawn[:, :, number])
        return []

    _run_stage(job, writer, "images", store, _RECORDS_DRAWN_AT_ONCE, job.image_bytes)


def _run_stage(
    job: Job,
    writer: StoreWriter,
    stage: str,
    store: Callable[[int, int], list[BadRecord]],
    records_at_once: int,
    bytes_per_item: int,
) -> list[BadRecord]:
    """Stores what is left of a stage, behind a bar; rows after a bad record never count as finished."""
    marked, n_items = writer.finished(stage), len(job.rows)
    chunks = [(start, min(start + records_at_once, n_items)) for start in range(marked, n_items, records_at_once)]
    bad: list[BadRecord] = []
    with progress_bar(name=f"{job.partition} {stage}", total=n_items, initial=marked, unit="records") as bar:
        for (_, last), found in zip(chunks, ordered_map(lambda chunk: store(*chunk), chunks, job.workers), strict=True):
            bad += found
            enough = (last - marked) * bytes_per_item >= _BYTES_BETWEEN_SYNCS
            if not bad and (enough or last == n_items):
                writer.mark_finished(stage, last)
                marked = last
            bar.update(last - bar.n)
    return bad
