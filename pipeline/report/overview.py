"""What a data set holds, in words: printed before anything is made of it."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipeline.commands.escaping import one_line
from pipeline.sources import Labels, Source


def source_overview(source: Source, folder: Path, rows: Mapping[str, np.ndarray]) -> str:
    """Version, records and patients, then for each partition and task the records, the unlabelled, each class."""
    items = source.items
    lines = [
        f"{source.name} {one_line(source.version)} in {folder}: {items['record_id'].nunique():,} records of "
        f"{items['patient_id'].nunique():,} patients at {source.sampling_rate:g} Hz",
        *source.remarks,
    ]
    for partition, chosen in rows.items():
        lines.append(f"{partition}: {len(chosen):,} records of {items['patient_id'].iloc[chosen].nunique():,} patients")
        lines += [task_overview(task, labels.rows(chosen)) for task, labels in source.labels.items() if len(chosen)]
    return "\n".join(lines)


def task_overview(task: str, labels: Labels) -> str:
    """One task's labelled and unlabelled items and the count of each class, wrapped."""
    counts = labels.values[labels.labelled].sum(axis=0, dtype=np.int64)
    classes = " ".join(f"{one_line(name)} {count}" for name, count in zip(labels.classes, counts, strict=True))
    n_labelled = int(labels.labelled.sum())
    return textwrap.fill(
        f"{one_line(task)}: {n_labelled:,} labelled, {len(labels.labelled) - n_labelled:,} not; {classes}",
        width=110,
        initial_indent="  ",
        subsequent_indent="      ",
        break_on_hyphens=False,
    )
