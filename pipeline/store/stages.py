"""The two stages that fill a store: signals, then the images that are drawn of them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd

from pipeline.listening import progress_bar
from pipeline.machine.places import is_remote
from pipeline.machine.remote_asking import READ_AT_ONCE
from pipeline.machine.threads import in_background, ordered_map
from pipeline.representations import draw_images
from pipeline.signals.counts import PADDING, to_counts, to_millivolts
from pipeline.signals.leads import choose_leads
from pipeline.signals.windows import samples_of
from pipeline.sources import BadRecord
from pipeline.store.job import RECORDS_DRAWN_AT_ONCE, Job
from pipeline.store.writing import StoreWriter

RECORDS_READ_AT_ONCE = 32
_SAMPLES_PREPARED_AT_ONCE = 4_000_000  # of all leads; filtering them takes some 200 MB
_BYTES_BETWEEN_SYNCS = 256 * 2**20


def chunks_of(items: pd.DataFrame, first: int = 0, n_records: int | None = None) -> list[tuple[int, int]]:
    """Spans of items that are read together: those of some records each, so that no file is read twice.

    Args:
        items: those of a record stand together.
        first: where the first span begins.
        n_records: of how many records; None for ``RECORDS_READ_AT_ONCE``.
    """
    record = items["record"].to_numpy()[first:]
    begins = np.flatnonzero(np.append(True, record[1:] != record[:-1])) if len(record) else np.array([], int)
    cuts = [*(first + begins[:: n_records or RECORDS_READ_AT_ONCE]).tolist(), len(items)]
    return list(pairwise(cuts))


def read_counts(job: Job, items: pd.DataFrame) -> tuple[np.ndarray, list[BadRecord]]:
    """Rows of ``/signals``, padding where a record is bad, and the bad ones: (items, leads, time) int16."""
    lengths = job.source.records["length"].iloc[items["record"].unique()]
    longest = float(lengths.max()) * job.source.sampling_rate * len(job.source.leads)
    at_once = max(1, min(RECORDS_READ_AT_ONCE, int(_SAMPLES_PREPARED_AT_ONCE / max(longest, 1))))
    parts = [_read_together(job, items.iloc[first:last]) for first, last in chunks_of(items, n_records=at_once)]
    rows = parts[0][0] if len(parts) == 1 else np.concatenate([rows for rows, _ in parts])
    return rows, [each for _, bad in parts for each in bad]


def _read_together(job: Job, items: pd.DataFrame) -> tuple[np.ndarray, list[BadRecord]]:
    rows = np.full((len(items), len(job.source.leads), job.n_samples), PADDING, np.int16)
    numbers, n_items = np.unique(items["record"].to_numpy(), return_counts=True)
    records = job.source.records.iloc[numbers]
    found = job.source.read(records)
    rates = records["sampling_rate"].tolist() if "sampling_rate" in records else [job.source.sampling_rate] * len(found)
    signals = _prepared(job, found, rates)
    announced = samples_of(records["length"].to_numpy(), job.signal_recipe.sampling_rate).tolist()
    cuts = bool(job.division.cut.parameters())
    bad, last = [], 0
    for n, record_id, n_samples, signal in zip(n_items.tolist(), records["record_id"], announced, signals, strict=True):
        first, last = last, last + n
        try:
            if isinstance(signal, Exception):
                raise signal
            if isinstance(signal, BadRecord):
                bad.append(signal)
                continue
            if signal.shape[-1] != n_samples:
                raise ValueError(f"has {signal.shape[-1]} samples at the store's rate where {n_samples} were announced")
            # to take a row out of a table takes longer than to prepare a record, and a whole one is not asked for it
            _fill(job, rows[first:last], signal, items.iloc[first:last] if cuts else items)
        except ValueError as problem:
            bad.append(BadRecord(record_id, f"it {problem}"))
            rows[first:last] = PADDING
    return rows, bad


def _fill(job: Job, rows: np.ndarray, signal: np.ndarray, items: pd.DataFrame) -> None:
    """Writes the items of one prepared record, rounded, into their rows.

    Raises:
        ValueError: see ``to_counts``.
    """
    for row, item in zip(rows, job.division.cut.cut(signal, job.signal_recipe.sampling_rate, items), strict=True):
        row[:, : item.shape[-1]] = to_counts(item, job.signal_recipe.gain)


Prepared = np.ndarray | BadRecord | ValueError


def _prepared(job: Job, found: Sequence[np.ndarray | BadRecord], rates: Sequence[float]) -> list[Prepared]:
    """Each whole record at the store's rate, or what is wrong with it.

    Together they take half as long as one by one, where they are of one rate and length.
    """
    good = [signal for signal in found if not isinstance(signal, BadRecord)]
    if good and len(set(rates)) == 1 and len({signal.shape for signal in good}) == 1:
        try:
            together = iter(job.signal_recipe.prepared(np.stack(good), rates[0]))
            return [signal if isinstance(signal, BadRecord) else next(together) for signal in found]
        except ValueError:  # a bad one among them
            pass
    return [_prepare_one(job, signal, rate) for signal, rate in zip(found, rates, strict=True)]


def _prepare_one(job: Job, signal: np.ndarray | BadRecord, rate: float) -> Prepared:
    if isinstance(signal, BadRecord):
        return signal
    try:
        return job.signal_recipe.prepared(signal, rate)
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
    chunks = chunks_of(items, writer.finished("signals"))
    # across a network a thread waits for answers most of its time
    workers = max(job.workers, READ_AT_ONCE) if is_remote(job.source.folder) else job.workers
    return _run_stage(replace(job, workers=workers), writer, "signals", store, chunks, bytes_per_item)


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

    n_items = len(job.rows)
    firsts = range(writer.finished("images"), n_items, RECORDS_DRAWN_AT_ONCE)
    chunks = [(first, min(first + RECORDS_DRAWN_AT_ONCE, n_items)) for first in firsts]
    _run_stage(job, writer, "images", store, chunks, job.image_bytes)


def _run_stage(
    job: Job,
    writer: StoreWriter,
    stage: str,
    store: Callable[[int, int], list[BadRecord]],
    chunks: Sequence[tuple[int, int]],
    bytes_per_item: int,
) -> list[BadRecord]:
    """Stores what is left of a stage, behind a bar; rows after a bad record never count as finished."""
    marked, n_items = writer.finished(stage), len(job.rows)
    bad: list[BadRecord] = []
    with (
        progress_bar(
            name=f"{job.partition} {stage}",
            total=n_items,
            initial=marked,
            unit="records" if not job.division.cut.parameters() else "items",
        ) as bar,
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
