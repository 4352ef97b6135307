"""PTB Diagnostic: 549 recordings of 290 people, half a minute to two, 1000 Hz, with the diagnosis in the header.

The twelve leads are taken; Frank's three, in a file of their own, are left. The task ``mi`` is infarction (``MI``)
against healthy control (``HC``); recordings of other diagnoses are in neither.

Reference: Bousseljot, Kreiseler and Schnabel, Nutzung der EKG-Signaldatenbank CARDIODAT der PTB über das Internet,
    Biomedizinische Technik 1995.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.machine.places import names_in
from pipeline.signals.leads import LEADS
from pipeline.sources.base import BadRecord, Source
from pipeline.sources.folders import looks_like
from pipeline.sources.formats.recording import MOST_SAMPLES, RecordError, shown
from pipeline.sources.formats.wfdb import read_recording
from pipeline.sources.formats.wfdb_comments import read_facts
from pipeline.sources.tables import first_twice

SAMPLING_RATE = 1000.0
CLASSES = ("MI", "HC")
REASONS = {"myocardial infarction": "MI", "healthy control": "HC"}
"""What a header gives as reason for admission, and its class."""

MOST_RECORDS = 10_000
_PATIENT = re.compile(r"patient[0-9]{3}")
_OLDEST = 130
_SEXES = {"male": 0, "female": 1}
_GET_IT = "fetch it from https://physionet.org/content/ptbdb/1.0.0/"


@dataclass(frozen=True)
class _Head:
    """What a record's header says.

    Attributes:
        file: below the folder, without an ending.
        n_samples: of each lead.
        age: years, NaN where it is not said.
        sex: as in ``Source.records``.
        reason: for admission, in small letters; empty where it is not said.
    """

    file: str
    n_samples: int
    age: float
    sex: int
    reason: str


class PtbDb(Source):
    """The opened set; see ``Source``."""

    name = "ptbdb"
    version = "1.0.0"
    sampling_rate = SAMPLING_RATE
    leads = LEADS
    gain = 2000.0

    def __init__(self, folder: Path, heads: Sequence[_Head]) -> None:
        self.folder = folder
        self.records = pd.DataFrame(
            {
                "record_id": [os.path.basename(head.file) for head in heads],
                "patient_id": [os.path.dirname(head.file) for head in heads],
                "fold": 0,
                "length": [head.n_samples / SAMPLING_RATE for head in heads],
                "age": [head.age for head in heads],
                "sex": np.array([head.sex for head in heads], np.int64),
                "file": [head.file for head in heads],
            }
        )
        reasons = [REASONS.get(head.reason) for head in heads]
        values = np.array([[reason == name for name in CLASSES] for reason in reasons], np.uint8)
        self.labels = {"mi": Labels(CLASSES, "multiclass", values, np.asarray(values.any(axis=1)))}
        n_other = sum(reason is None for reason in reasons)
        self.remarks = (f"{n_other:,} records have another diagnosis, or none: mi leaves them out.",) if n_other else ()

    def read(self, records: pd.DataFrame) -> list[np.ndarray | BadRecord]:
        return [self._read_one(*row) for row in zip(records["record_id"], records["file"], strict=True)]

    def _read_one(self, record_id: str, file: str) -> np.ndarray | BadRecord:
        path = os.path.join(self.folder, file)
        try:
            recording = read_recording(path, files_of=LEADS)
        except RecordError as problem:
            return BadRecord(record_id, str(problem))
        if recording.sampling_rate != SAMPLING_RATE:
            return BadRecord(record_id, f"{path} is at {recording.sampling_rate:g} Hz, not 1000")
        absent = [lead for lead in LEADS if lead not in recording.leads]
        if absent:
            return BadRecord(record_id, f"{path} has no lead {' '.join(absent)}")
        if recording.leads[: len(LEADS)] == LEADS:
            return recording.signal[: len(LEADS)]
        return recording.signal[[recording.leads.index(lead) for lead in LEADS]]


def open_ptbdb(folder: Path, sampling_rate: float = SAMPLING_RATE) -> PtbDb:
    """Opens the folder as PhysioNet lays it out: ``patient001/s0010_re.hea`` and so on.

    Args:
        folder: with ``patient001`` and the others; those that are there are taken.
        sampling_rate: any; the records have 1000 Hz.

    Raises:
        EcgFusionError: the folder holds no such record, or a header is not what it should be.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is not there"
        raise EcgFusionError(f"{folder} {what}: name the PTB Diagnostic folder with --data, or {_GET_IT}")
    files = list(_files(folder))
    if not files:
        raise EcgFusionError(
            f"{folder} has no record of PTB Diagnostic (patient001/s0010_re.hea), it {looks_like(folder)}: {_GET_IT}"
        )
    heads = [_head(folder, file) for file in files]
    twice = first_twice(os.path.basename(file) for file in files)
    if twice:
        one, other = (files[number] for number in twice)
        raise EcgFusionError(f"{folder} has one record of two patients, {one} and {other}: {_GET_IT}")
    return PtbDb(folder, heads)


def _files(folder: Path) -> Iterator[str]:
    """The records below a folder, in the order of patients."""
    found = 0
    for patient in sorted(name for name in _entries(folder) if _PATIENT.fullmatch(name)):
        for name in sorted(_entries(folder / patient)):
            if name.endswith(".hea") and name.isprintable():
                found += 1
                if found > MOST_RECORDS:
                    raise EcgFusionError(f"{folder} has more than {MOST_RECORDS:,} records: that is no PTB Diagnostic")
                yield f"{patient}/{name.removesuffix('.hea')}"


def _entries(folder: Path) -> list[str]:
    try:
        return names_in(folder) if folder.is_dir() else []
    except OSError as problem:
        raise EcgFusionError(f"{folder} cannot be read ({problem.strerror}): see who may read it") from None


def _head(folder: Path, file: str) -> _Head:
    path = f"{folder / file}.hea"
    try:
        facts = read_facts(path)
    except RecordError as problem:
        raise EcgFusionError(f"{problem}: {_GET_IT}") from None
    if facts.sampling_rate != SAMPLING_RATE or not facts.n_samples:
        raise EcgFusionError(
            f"{path} says {facts.sampling_rate:g} Hz and {facts.n_samples or 'no number of'} samples, and records of "
            f"PTB Diagnostic have 1000 Hz and say how long they are: {_GET_IT}"
        )
    if facts.n_samples * len(LEADS) > MOST_SAMPLES:
        raise EcgFusionError(f"{path} announces {facts.n_samples:,} samples, which no recording here has: {_GET_IT}")
    said = {name: values[0] for name, values in facts.said.items()}
    return _Head(
        file,
        facts.n_samples,
        _age(path, said),
        _SEXES.get(said.get("sex", "").lower(), -1),
        said.get("reason for admission", "").lower(),
    )


def _age(path: str, said: Mapping[str, str]) -> float:
    text = said.get("age", "")
    if not text.isascii() or not text.isdigit():  # n/a of some
        return float("nan")
    if len(text) > 3 or int(text) > _OLDEST:
        raise EcgFusionError(f"{path} gives the age {shown(text)}, which nobody has: {_GET_IT}")
    return float(text)
