"""What a data set holds, in words: printed before anything is made of it."""

import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.commands.escaping import one_line
from pipeline.sources import Labels, Source
from pipeline.sources.items import ItemTable


def source_overview(source: Source, items: ItemTable, rows: Mapping[str, np.ndarray]) -> str:
    """Version, records and patients, then for each partition and task the items, the unlabelled, each class."""
    records, cut = source.records, len(items.rows) != len(source.records)
    rates = records["sampling_rate"] if "sampling_rate" in records else pd.Series([source.sampling_rate])
    rate = f"{rates.min():g} Hz" if rates.nunique() == 1 else f"{rates.min():g} to {rates.max():g} Hz"
    lines = [
        f"{source.name} {one_line(source.version)} in {source.folder}: {len(records):,} records"
        f"{_of_patients(records) if source.patients_known else ', each counted as a patient,'} at {rate}",
        *source.remarks,
        *items.remarks,
    ]
    for partition, chosen in rows.items():
        of = items.rows.iloc[chosen]
        what = f"{len(of):,} items of {of['record_id'].nunique():,} records" if cut else f"{len(of):,} records"
        lines.append(f"{partition}: {what}{_of_patients(of) if source.patients_known else ''}")
        lines += [task_overview(task, labels.rows(chosen)) for task, labels in items.labels.items() if len(chosen)]
    return "\n".join(lines)


def _of_patients(table: pd.DataFrame) -> str:
    return f" of {table['patient_id'].nunique():,} patients"


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
