"""One record from the source to a figure, by the very steps that fill a store."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.commands.escaping import file_name
from pipeline.commands.image_options import check_size
from pipeline.errors import EcgFusionError
from pipeline.listening import remark
from pipeline.machine.files import make_folder
from pipeline.signals.counts import to_millivolts
from pipeline.signals.leads import choose_leads
from pipeline.signals.windows import samples_of
from pipeline.store.stages import read_counts

if TYPE_CHECKING:
    from pipeline.signals.filters import Band
    from pipeline.store.job import Job


def show_record(jobs: Sequence["Job"], record_id: str) -> str:
    """Saves ``OUT/RECORD_ID.png`` and gives the sentence that says so.

    Args:
        jobs: the partitions in which to look for the record.
        record_id: which.

    Raises:
        EcgFusionError: no partition has it, or it is bad.
    """
    import torch

    from pipeline.report.drawings import draw_record
    from pipeline.representations import draw_images

    for job in jobs:
        names = job.items[["item_id", "record_id"]].to_numpy()
        found = np.flatnonzero((names == record_id).any(axis=1))  # of a record that was cut, its first item
        if len(found):
            break
    else:
        raise EcgFusionError(_where_it_is(jobs, record_id))
    item = job.items.iloc[found[:1]]
    rows, bad = read_counts(job, item)
    if bad:
        raise EcgFusionError(f"record {bad[0].record_id} is bad: {bad[0].problem}")
    recipe, n_samples = job.signal_recipe, int(samples_of(item["length"].iloc[0], job.signal_recipe.sampling_rate))
    counts = rows[0, :, :n_samples]
    x = to_millivolts(counts, recipe.gain)[choose_leads(job.source.leads, job.image_leads)]
    if job.image_recipe.representations:
        check_size(job.image_recipe, n_samples, recipe.sampling_rate)
        remark(f"drawing record {record_id}; the first images on a machine wait some seconds for the compiler")
    drawn = draw_images(torch.from_numpy(x), recipe.sampling_rate, job.image_recipe).numpy()
    shown = str(item["item_id"].iloc[0])
    path = Path(job.out) / f"{file_name(record_id)}.png"
    make_folder(path.parent)
    labels = _label_words(job, int(found[0]))
    what = "record" if shown == item["record_id"].iloc[0] else "item"
    title = f"{job.source.name} {what} {shown} ({job.partition}){': ' + labels if labels else ''}"
    parameters = {name: job.image_recipe.parameters(name) for name in job.image_recipe.representations}
    is_scaled = job.source.holds_beats or job.division.cut.parameters().get("beat") == "kachuee"
    unit = "amplitude" if is_scaled else "mV"
    filtered = _filter_words(recipe.band, is_scaled)
    draw_record(path, title, x, job.image_leads, recipe.sampling_rate, drawn, parameters, unit, filtered)
    return f"saved {path}"


def _filter_words(band: "Band | None", is_scaled: bool) -> str | None:
    """What a store's signals have been through; None where others have scaled them, and may have filtered them."""
    if band is not None:
        return f"filtered, {band[0]:g} to {band[1]:g} Hz"
    return None if is_scaled else "not filtered"


def _where_it_is(jobs: Sequence["Job"], record_id: str) -> str:
    """The sentence on a record that is in none of the partitions that were asked for."""
    asked = " ".join(job.partition for job in jobs) or "these folds and partitions"
    nowhere = f"there is no record {record_id} in {asked}"
    if jobs:
        items, folds = jobs[0].division.items.rows, jobs[0].division.folds
        of_record = items.loc[items["record_id"] == record_id, "fold"]
        if len(of_record):
            fold = int(of_record.iloc[0])
            partition = next((name for name, numbers in folds.items() if fold in numbers), None)
            if partition is None:
                return f"{nowhere}: it is of fold {fold}, which is in no partition: give other --folds"
            if partition in {job.partition for job in jobs}:
                return f"{nowhere}: it is not in the sample of {partition}: leave --limit out"
            return f"{nowhere}, but in {partition}: give --partition {partition}, or leave it out"
        record = record_id.rpartition("_")[0]
        if record and (items["record_id"] == record).any():
            return (
                f"there is no item {record_id}, but a record {record}: cut it as its store is, with --window or --beat"
            )
    return f"there is no record {record_id} in these folds and partitions: see the names of its records"


def _label_words(job: "Job", row: int) -> str:
    """The classes of the finest task, which lists every statement."""
    if not job.labels:
        return ""
    labels = max(job.labels.values(), key=lambda task: len(task.classes))
    return " ".join(np.array(labels.classes)[labels.values[row] == 1])
