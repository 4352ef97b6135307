"""The two stages that fill a store: signals, then the images that are drawn of them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from pipeline.listening import progress_bar
from pipeline.machine.threads import in_background, ordered_map
from pipeline.representations import draw_images
from pipeline.signals.counts import PADDING, to_millivolts
from pipeline.signals.leads import choose_leads
from pipeline.sources import BadRecord
from pipeline.store.job import RECORDS_DRAWN_AT_ONCE, Job
from pipeline.store.writing import StoreWriter

RECORDS_READ_AT_ONCE = 32
_BYTES_BETWEEN_SYNCS = 256 * 2**20


def read_counts(job: Job, items: pd.DataFrame) -> tuple[np.ndarray, list[BadRecord]]:
    """Rows of ``/signals``, padding where a record is bad, and the bad ones: (items, leads, time) int16."""
    rows = np.full((len(items), len(job.source.leads), job.n_samples), PADDING, np.int16)
    found = job.source.read(items)
    prepared = iter(_prepare(job, [signal for signal in found if not isinstance(signal, BadRecord)]))
    bad = []
    for row, record_id, signal in zip(rows, items["record_id"], found, strict=True):
        counts = signal if isinstance(signal, BadRecord) else next(prepared)
        if isinstance(counts, BadRecord):
            bad.append(counts)
        elif isinstance(counts, ValueError):
            bad.append(BadRecord(record_id, f"it {counts}"))
        else:
            row[:, : counts.shape[-1]] = counts
    return rows, bad


def _prepare(job: Job, found: Sequence[np.ndarray]) -> list[np.ndarray | ValueError]:
    """Counts of each signal, or what is wrong with it. Together they take half as long as one by one."""
    try:
        return list(job.signal_recipe.counts(np.stack(found), job.source.sampling_rate))
    except ValueError:  # of unequal lengths, none at all, or a bad one among them
        return [_prepare_one(job, signal) for signal in found]


def _prepare_one(job: Job, signal: np.ndarray) -> np.ndarray | ValueError:
    try:
        return job.signal_recipe.counts(signal, job.source.sampling_rate)
    except ValueError as problem:
        return problem


def store_signals(job: Job, writer: StoreWriter) -> list[BadRecord]:
    """Fills ``/signals``; gives the bad records, all of them."""
    items = job.items

    def store(first: int, last: int) -> list[BadRecord]:
        rows, bad = read_counts(job, items.iloc[first:last])
        writer.write("signals", first, rows)
        return bad

    bytes_per_item = 2 * len(job.source.leads) * job.n_samples
    return _run_stage(job, writer, "signals", store, RECORDS_READ_AT_ONCE, bytes_per_item)


def store_images(job: Job, writer: StoreWriter) -> None:
    """Fills ``/images`` from the stored signals."""
    if not job.image_recipe.representations:
        writer.mark_finished("images", len(job.rows))
        return
    import torch

    torch.set_num_threads(1)  # the workers are the parallelism
    leads = choose_leads(job.source.leads, job.image_leads)
    recipes = {name: replace(job.image_recipe, representations=(name,)) for name in job.image_recipe.representations}
    of_thread = threading.local()

    def store(first: int, last: int) -> list[BadRecord]:
        x = torch.from_numpy(to_millivolts(writer.read_signals(first, last)[:, leads], job.signal_recipe.gain))
        if not hasattr(of_thread, "drawn"):  # memory is slow when it is new, and where numpy asks for no huge pages
            of_thread.drawn = torch.from_numpy(np.empty((RECORDS_DRAWN_AT_ONCE, *job.image_shape), np.uint8))
        drawn = of_thread.drawn[: last - first]
        for name, recipe in recipes.items():
            draw_images(x, job.signal_recipe.sampling_rate, recipe, out=drawn[:, :, None], known_finite=True)
            writer.write(name, first, drawn.numpy())
        return []

    _run_stage(job, writer, "images", store, RECORDS_DRAWN_AT_ONCE, job.image_bytes)


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
    with (
        progress_bar(name=f"{job.partition} {stage}", total=n_items, initial=marked, unit="records") as bar,
        in_background() as behind,
    ):
        for (_, last), found in zip(chunks, ordered_map(lambda chunk: store(*chunk), chunks, job.workers), strict=True):
            bad += found
            enough = (last - marked) * bytes_per_item >= _BYTES_BETWEEN_SYNCS
            if not bad and (enough or last == n_items):
                behind(partial(writer.mark_finished, stage, last))
                marked = last
            bar.update(last - bar.n)
    return bad
