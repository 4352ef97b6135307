"""Data sets: where records, labels and the official folds come from. One module and one line each."""

from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels, wrong_name
from pipeline.machine.places import place
from pipeline.signals.leads import IMAGE_LEADS
from pipeline.sources.base import BadRecord, Beats, Source
from pipeline.sources.entry import SourceEntry, SourceOption
from pipeline.typed import near_names

__all__ = ["SOURCES", "BadRecord", "Beats", "Labels", "Source", "SourceEntry", "SourceOption", "open_source"]

DEFAULT_SOURCE = "ptbxl"

SOURCES = {
    "ptbxl": SourceEntry(
        "pipeline.sources.ptbxl:open_ptbxl",
        default_task="disease",
        default_leads=IMAGE_LEADS,
        default_folds=("train=1-8", "dev=9", "test=10"),
        options={
            "min_likelihood": SourceOption(
                float, "percent that a diagnostic statement needs to count (default 0: each that is there counts)"
            ),
            "tasks": SourceOption(
                str,
                "labels of ptbxl to store, and the records that have one (default: its benchmark's); mi: MI or NORM",
                several=True,
            ),
        },
    ),
    "mitdb": SourceEntry(
        "pipeline.sources.mitdb:open_mitdb",
        default_task="aami5",
        default_leads=("MLII",),
        default_folds=("inter_patient",),
        default_sampling_rate=360.0,
        default_cut="window",
    ),
    "ptbdb": SourceEntry("pipeline.sources.ptbdb:open_ptbdb", default_task="mi", default_leads=IMAGE_LEADS),
    "cinc2017": SourceEntry(
        "pipeline.sources.cinc2017:open_cinc2017",
        default_task="rhythm3",
        default_sampling_rate=300.0,
        options={
            "label_version": SourceOption(
                int,
                "of the labels of cinc2017, 0 to 3, as their files are numbered (default: the newest that is there)",
            )
        },
    ),
    "heartbeat_csv": SourceEntry(
        "pipeline.sources.heartbeat_csv:open_heartbeat_csv",
        default_task="aami5",
        default_folds=("intra_patient",),
        default_sampling_rate=125.0,
        default_band=None,  # beats that begin and end anywhere, and are no millivolts
    ),
    "snomed": SourceEntry(
        "pipeline.sources.snomed:open_snomed",
        default_leads=IMAGE_LEADS,
        options={"classes": SourceOption(Path, "a CSV of code,name: a task of your own SNOMED CT codes")},
    ),
    "table": SourceEntry(
        "pipeline.sources.table:open_table",
        options={
            "files": SourceOption(Path, "the folder that the names in the table begin in (default: that of the table)"),
            "unit": SourceOption(str, "of files that do not say theirs: mV or uV"),
            "sampling_rate_of_files": SourceOption(float, "Hz, of files that do not say theirs"),
            "leads_of_file": SourceOption(
                str, "names of the leads in files that name none, or those to read of files that do", several=True
            ),
            "array": SourceOption(str, "which array of .npz and .mat files, or series of XML, or group of DICOM"),
            "class_columns": SourceOption(
                str, "the table's columns of 0 and 1 (default: all that have no other meaning)", several=True
            ),
            "patients": SourceOption(
                str, "where the patients are: column (patient_id, the default), or record: each record is another's"
            ),
        },
    ),
}
"""What is known of each set, and what opens it."""


def data_folder(name: str) -> Path:
    """Where a data set lies unless somebody says otherwise."""
    return Path("data") / name


def open_source(
    name: str, folder: Path | str | None = None, sampling_rate: float | None = None, **options: Any
) -> Source:
    """The data set in a folder.

    Args:
        name: a key of ``SOURCES``.
        folder: the folder as its publisher lays it out; None for ``data/NAME``.
        sampling_rate: hertz that the signals are wanted at, None for what is usual; where a set is published at
            several rates, the one to read is chosen by it. ``source.sampling_rate`` is the rate that ``read`` gives.
        options: the set's own, as its entry in ``SOURCES`` names them.

    Raises:
        EcgFusionError: the name, an option, the folder, one of its tables or names is not what it should be.
    """
    if name not in SOURCES:
        near = near_names(str(name).lower(), SOURCES, otherwise=" ")
        hint = f"; {near}" if near.strip() else ""
        raise EcgFusionError(f"there is no source {str(name)!s:.60}: choose one of {', '.join(SOURCES)}{hint}")
    entry = SOURCES[name]
    foreign = sorted(options.keys() - entry.options.keys())
    if foreign:
        own = f"has only --{' --'.join(entry.options)}" if entry.options else "has none of its own"
        raise EcgFusionError(f"--{foreign[0]} is no option of the source {name}, which {own}: leave it out")
    where = data_folder(name) if folder is None else place(folder)
    wanted = entry.default_sampling_rate if sampling_rate is None else sampling_rate
    opened: Source = resolve_name(entry.opener)(where, sampling_rate=wanted, **options)
    opened.entry = replace(entry, **opened.usual) if opened.usual else entry
    _check_names(opened)
    return opened


def _check_names(source: Source) -> None:
    """Refuses names of leads, tasks and classes that no table or file can bear."""
    names = wrong_name("lead", source.leads) or wrong_name("task", [*source.labels], plain=True)
    of_beats = source.beats.labels if source.beats else {}
    for task, labels in (*source.labels.items(), *of_beats.items()):
        names = names or wrong_name(f"class of {task}", labels.classes)
        if len(set(labels.classes)) != len(labels.classes) or labels.none_name in labels.classes:
            names = names or f"the task {task} has one class twice: {', '.join(labels.classes)}"
    if names:
        raise EcgFusionError(f"{source.folder}: {names}: rename it")
