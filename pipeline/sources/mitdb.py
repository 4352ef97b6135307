"""MIT-BIH Arrhythmia: 48 half-hour recordings of two leads, 360 Hz, each heartbeat annotated by two cardiologists.

    python -m pipeline.sources.mitdb --to_csv FOLDER --data data/mitdb

writes ``mitbih_train.csv`` and ``mitbih_test.csv`` as the well-known files have them. Items are heartbeats; the classes
are the five of AAMI EC57. Other annotations (changes of rhythm and of signal quality, ventricular flutter waves, P
waves that nothing follows, artefacts) are no beats.

Reference: Moody and Mark, The impact of the MIT-BIH Arrhythmia Database, IEEE EMB Magazine 2001; de Chazal, O'Dwyer and
    Reilly, Automatic classification of heartbeats using ECG morphology and heartbeat interval features, IEEE TBME 2004.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.machine.places import names_in
from pipeline.sources.base import BadRecord, Beats, Source
from pipeline.sources.folders import looks_like, where_meant
from pipeline.sources.formats.annotations import Annotations, read_annotations
from pipeline.sources.formats.recording import MOST_SAMPLES
from pipeline.sources.formats.wfdb import RecordError, read_recording
from pipeline.sources.formats.wfdb_comments import read_facts
from pipeline.sources.formats.wfdb_headers import Header, header_lines, parse_header
from pipeline.sources.random_beats import random_beats
from pipeline.sources.schemes import Scheme

SAMPLING_RATE = 360.0
CLASSES = ("N", "S", "V", "F", "Q")
SYMBOLS = {
    **dict.fromkeys("NLRej", "N"),
    **dict.fromkeys("AaJS", "S"),
    **dict.fromkeys("VE", "V"),
    "F": "F",
    **dict.fromkeys("/fQ", "Q"),
}
"""What a beat is annotated with, and its class in AAMI EC57."""

PACED = (102, 104, 107, 217)
DS1 = (101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122, 124, 201, 203, 205, 207, 208, 209, 215, 220, 223, 230)
DS2 = (100, 103, 105, 111, 113, 117, 121, 123, 200, 202, 210, 212, 213, 214, 219, 221, 222, 228, 231, 232, 233, 234)
RECORDS = tuple(sorted(DS1 + DS2 + PACED))
DEV = (114, 118, 203, 205, 223)
"""Of DS1: the five records that hold all classes in about the shares that DS1 has, and leave them in train."""

_ONE_PATIENT = {202: 201}
_FIRST_LEAD = "MLII"
_LEADS_OF_THE_CHEST = ("V1", "V2", "V4", "V5")
_ABOUT = re.compile(r"#\s*(-1|[0-9]{1,3})\s+([MF])\b")
_GET_IT = "fetch it from https://physionet.org/content/mitdb/1.0.0/"


class MitDb(Source):
    """The opened set; see ``Source``. Leads are ``MLII`` and ``V``, one of V1, V2, V4 and V5."""

    name = "mitdb"
    version = "1.0.0"
    sampling_rate = SAMPLING_RATE
    leads = (_FIRST_LEAD, "V")
    gain = 200.0

    def __init__(self, folder: Path, numbers: Iterable[int]) -> None:
        self.folder, self.labels = folder, {}
        here = tuple(numbers)
        headers = [_Head(folder, number) for number in here]
        self.records = pd.DataFrame(
            {
                "record_id": [str(number) for number in here],
                "patient_id": [str(_ONE_PATIENT.get(number, number)) for number in here],
                "fold": np.array(here, np.int64),
                "length": [head.n_samples / SAMPLING_RATE for head in headers],
                "age": [head.age for head in headers],
                "sex": [head.sex for head in headers],
            }
        )
        self.beats = _beats(folder, here, headers)
        self.remarks = tuple(_remarks(here, headers))
        self.schemes = {"inter_patient": Scheme(_inter_patient(here)), "intra_patient": random_beats()}

    def read(self, records: pd.DataFrame) -> list[np.ndarray | BadRecord]:
        return [self._read_one(record_id) for record_id in records["record_id"]]

    def _read_one(self, record_id: str) -> np.ndarray | BadRecord:
        path = os.path.join(self.folder, record_id)
        try:
            recording = read_recording(path)
        except RecordError as problem:
            return BadRecord(record_id, str(problem))
        # the header has been looked at when the set was opened
        return recording.signal[::-1] if recording.leads[1] == _FIRST_LEAD else recording.signal


def open_mitdb(folder: Path, sampling_rate: float = SAMPLING_RATE) -> MitDb:
    """Opens the folder as PhysioNet lays it out, with those of the 48 records that are there.

    Args:
        folder: with ``100.dat``, ``100.hea``, ``100.atr`` and so on.
        sampling_rate: any; the records have 360 Hz.

    Raises:
        EcgFusionError: the folder has none of the records, or a file of one is missing or not what it should be.
    """
    try:
        names = set(names_in(folder))
    except FileNotFoundError:
        raise EcgFusionError(
            f"there is no folder {folder}: name the MIT-BIH folder with --data, or {_GET_IT}"
        ) from None
    except NotADirectoryError:
        raise EcgFusionError(f"{folder} is a file: name the MIT-BIH folder, the one with 101.hea") from None
    except OSError as problem:
        raise EcgFusionError(f"{folder} cannot be read ({problem.strerror}): see who may read it") from None
    here = [number for number in RECORDS if f"{number}.hea" in names]
    if not here:
        other = where_meant(folder, "101.hea") or where_meant(folder, "100.hea")
        if other:
            raise EcgFusionError(f"{folder} has no record of MIT-BIH, and {other} has: give --data {other}")
        raise EcgFusionError(f"{folder} has no record of MIT-BIH (100.hea …), it {looks_like(folder)}: {_GET_IT}")
    for number in here:
        absent = next((f"{number}{ending}" for ending in (".dat", ".atr") if f"{number}{ending}" not in names), None)
        if absent:
            raise EcgFusionError(f"{folder / absent} is missing beside {number}.hea: {_GET_IT}")
    return MitDb(folder, here)


class _Head:
    """What a record's header says: length, leads, age and sex.

    Raises:
        EcgFusionError: it is malformed, or is none of MIT-BIH's.
    """

    def __init__(self, folder: Path, number: int) -> None:
        path = f"{folder / str(number)}.hea"
        try:
            header, comments = parse_header(path, header_lines(path)), read_facts(path).comments
        except RecordError as problem:
            raise EcgFusionError(f"{problem}: {_GET_IT}") from None
        self.n_samples = _checked(path, header)
        self.leads = tuple(signal.lead for signal in header.signals)
        about = _ABOUT.match(comments[0]) if comments else None
        self.age = float(about[1]) if about and about[1] != "-1" else float("nan")
        self.sex = "MF".index(about[2]) if about else -1


def _checked(path: str, header: Header) -> int:
    """The number of samples, where the header is as those of MIT-BIH are."""
    leads = tuple(signal.lead for signal in header.signals)
    if header.sampling_rate != SAMPLING_RATE or not header.n_samples:
        raise EcgFusionError(
            f"{path} says {header.sampling_rate:g} Hz and {header.n_samples or 'no number of'} samples, and records "
            f"of MIT-BIH have 360 Hz and say how long they are: {_GET_IT}"
        )
    if header.n_samples * len(leads) > MOST_SAMPLES:
        raise EcgFusionError(f"{path} announces {header.n_samples:,} samples, which no recording here has: {_GET_IT}")
    chest = [lead for lead in leads if lead in _LEADS_OF_THE_CHEST]
    if len(leads) != 2 or len(set(leads)) != 2 or len(chest) + leads.count(_FIRST_LEAD) != 2:
        raise EcgFusionError(
            f"{path} has the leads {' '.join(leads)[:60]}, and records of MIT-BIH have MLII and one of "
            f"{' '.join(_LEADS_OF_THE_CHEST)}, or two of these: {_GET_IT}"
        )
    return header.n_samples


def _beats(folder: Path, here: Iterable[int], headers: Iterable[_Head]) -> Beats:
    samples, symbols = [], []
    for number, head in zip(here, headers, strict=True):
        file = f"{folder / str(number)}.atr"
        try:
            found = read_annotations(file)
        except RecordError as problem:
            raise EcgFusionError(f"{problem}: {_GET_IT}") from None
        kept = _checked_beats(file, found, head.n_samples)
        samples.append(found.samples[kept])
        symbols.append(np.array(found.symbols, object)[kept])
    record = np.repeat(np.arange(len(samples)), [len(each) for each in samples])
    classes = [CLASSES.index(SYMBOLS[symbol]) for each in symbols for symbol in each]
    values = np.eye(len(CLASSES), dtype=np.uint8)[np.array(classes, np.int64)]
    four = np.ascontiguousarray(values[:, :4])
    labels = {
        "aami5": Labels(CLASSES, "multiclass", values, np.ones(len(values), bool)),
        "aami4": Labels(CLASSES[:4], "multiclass", four, np.asarray(four.any(axis=1))),
    }
    return Beats(record, np.concatenate(samples), labels)


def _checked_beats(file: str, found: Annotations, n_samples: int) -> np.ndarray:
    """Which annotations are beats: their numbers."""
    if found.sampling_rate not in (None, SAMPLING_RATE):
        raise EcgFusionError(f"{file} counts samples at {found.sampling_rate:g} Hz, not at 360: {_GET_IT}")
    if len(found.samples) and found.samples[-1] >= n_samples:
        raise EcgFusionError(
            f"{file} has an annotation at sample {found.samples[-1]}, and its record ends at {n_samples}: {_GET_IT}"
        )
    return np.array([number for number, symbol in enumerate(found.symbols) if symbol in SYMBOLS], np.int64)


def _inter_patient(here: Iterable[int]) -> tuple[str, ...]:
    """De Chazal's DS1 and DS2, without the patient who is in both: of 201 and 202 the latter, where it is there."""
    learnt = set(DS1) - set(DEV) - (set(_ONE_PATIENT.values()) if set(_ONE_PATIENT) & set(here) else set())
    words = {"train": learnt, "dev": DEV, "test": DS2}
    return tuple(f"{name}={','.join(map(str, sorted(numbers)))}" for name, numbers in words.items())


def _remarks(here: tuple[int, ...], headers: Iterable[_Head]) -> Iterable[str]:
    absent = [number for number in RECORDS if number not in here]
    if absent:
        of_them = ", ".join(map(str, absent[:5])) + (" …" if len(absent) > 5 else "")
        yield f"{len(absent)} of the 48 records are not there ({of_them}), and are left out."
    pairs = zip(here, headers, strict=True)
    others = [f"{number} {head.leads[0]}" for number, head in pairs if _FIRST_LEAD not in head.leads]
    if others:
        yield f"Another lead stands in the place of MLII, where a record has none: {', '.join(others)}."
    for number, other in _ONE_PATIENT.items():
        if {number, other} <= set(here):
            yield f"{other} (DS1) and {number} (DS2) are of one patient: inter_patient leaves {other} out of train."


if __name__ == "__main__":
    from pipeline.commands.parser import run_command
    from pipeline.sources.mitbih_csv import main

    run_command(main)
