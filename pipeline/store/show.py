"""One record from the source to a figure, by the very steps that fill a store."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.commands.escaping import file_name
from pipeline.errors import EcgFusionError
from pipeline.signals.counts import to_millivolts
from pipeline.signals.leads import choose_leads
from pipeline.sources import BadRecord

if TYPE_CHECKING:
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
        found = np.flatnonzero((job.items["record_id"] == record_id).to_numpy())
        if len(found):
            break
    else:
        raise EcgFusionError(
            f"there is no record {record_id} in these folds and partitions: see the ecg_id of the table"
        )
    item = job.items.iloc[found[:1]]
    signal = job.source.read(item)[0]
    if isinstance(signal, BadRecord):
        raise EcgFusionError(f"record {record_id} is bad: {signal.problem}")
    recipe = job.signal_recipe
    try:
        counts = recipe.counts(signal, job.source.sampling_rate)
    except ValueError as problem:
        raise EcgFusionError(f"record {record_id} is bad: it {problem}") from None
    x = to_millivolts(counts, recipe.gain)[choose_leads(job.source.leads, job.image_leads)]
    drawn = draw_images(torch.from_numpy(x), recipe.sampling_rate, job.image_recipe).numpy()
    path = Path(job.out) / f"{file_name(record_id)}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = _label_words(job, int(found[0]))
    title = f"{job.source.name} record {record_id} ({job.partition}){': ' + labels if labels else ''}"
    parameters = {name: job.image_recipe.parameters(name) for name in job.image_recipe.representations}
    draw_record(path, title, x, job.image_leads, recipe.sampling_rate, drawn, parameters)
    return f"saved {path}"


def _label_words(job: "Job", row: int) -> str:
    """The classes of the finest task, which lists every statement."""
    if not job.labels:
        return ""
    labels = max(job.labels.values(), key=lambda task: len(task.classes))
    return " ".join(np.array(labels.classes)[labels.values[row] == 1])
