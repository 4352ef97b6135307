"""A folder of WFDB recordings whose headers bear SNOMED CT codes (``# Dx: 426783006,164889003``).

So CPSC 2018, Chapman-Shaoxing and Ningbo, Georgia, PTB and PTB-XL are published for the challenges of 2020 and 2021,
and the set of 45,152 recordings of Chapman and Ningbo on PhysioNet: any depth of folders, any lengths and rates.

Reference: Reyna et al., Will two do? Varying dimensions in electrocardiography: the PhysioNet/Computing in Cardiology
    Challenge 2021, CinC 2021; Perez Alday et al., Classification of 12-lead ECGs: the PhysioNet/Computing in
    Cardiology Challenge 2020, Physiological Measurement 2020.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.listening import progress_bar
from pipeline.machine.places import exists, is_folder
from pipeline.signals.leads import LEADS
from pipeline.sources.base import BadRecord, Source
from pipeline.sources.folders import looks_like
from pipeline.sources.formats.recording import MOST_SAMPLES
from pipeline.sources.formats.wfdb import RecordError, Recording, read_recording
from pipeline.sources.formats.wfdb_comments import HeaderFacts, read_facts
from pipeline.sources.formats.wfdb_tree import HeaderTree, headers_below
from pipeline.sources.snomed_codes import OWN_TASK, code_number, read_classes, rows_of_codes, tasks_of
from pipeline.sources.tables import age_in_years, content, sex_code

Value = TypeVar("Value")
LEAST_RATE, MOST_RATE = 50.0, 100_000.0  # Hz; beyond them a header is mistaken
_UNKNOWN = frozenset(["", "unknown", "nan", "none", "n/a"])


@dataclass(frozen=True)
class _Record:
    """What a header says of its recording.

    Attributes:
        file: below the folder, without its ending.
        sampling_rate: Hz.
        n_samples: of each lead.
        codes: those of its diagnoses; none where it has no such line, or one that cannot be understood.
        is_understood: whether each word of its diagnoses is a code.
        age: years, NaN unknown.
        sex: 0 male, 1 female, −1 unknown.
        digest: of what the header says.
        problem: why it cannot be read; None where it can.
    """

    file: str
    sampling_rate: float = np.nan
    n_samples: int = 0
    codes: tuple[str, ...] = ()
    is_understood: bool = True
    age: float = np.nan
    sex: int = -1
    digest: bytes = b""
    problem: str | None = None


class Snomed(Source):
    """The opened set; see ``Source``."""

    name = "snomed"
    patients_known = False
    leads = LEADS
    gain = 1000.0

    def __init__(self, folder: Path, classes: Path | None) -> None:
        self.folder = folder
        tree = headers_below(folder)
        if not tree.names:
            raise EcgFusionError(
                f"{folder} holds no WFDB header (.hea), at any depth ({folder} {looks_like(folder)}): name the folder "
                f"of the recordings with --data"
            )
        own = read_classes(classes) if classes is not None else None
        found = [_read_header(folder, name) for name in progress_bar(tree.names, "headers", unit="records")]
        sound = [record for record in found if record.problem is None]
        if not sound:
            raise EcgFusionError(f"none of the {len(found):,} headers in {folder} can be used: {found[0].problem}")
        if not any(record.codes for record in found):
            raise EcgFusionError(
                f"none of the {len(found):,} headers in {folder} has a line # Dx: with SNOMED CT codes "
                f"({folder / sound[0].file}.hea is one of them; the folder {looks_like(folder)}): --source snomed "
                f"reads no other labels"
            )
        self.options = {} if classes is None else {"classes": f"{classes.name}, {_digest([content(classes)])}"}
        self.version = f"headers {_digest([record.digest for record in found])}"
        self.records = _table(found, sound)
        self.sampling_rate = float(self.records["sampling_rate"].min())
        has_codes = np.array([bool(record.codes) for record in found])
        self.labels = tasks_of(rows_of_codes(record.codes for record in found), has_codes, own)
        if own is not None and not self.labels[OWN_TASK].values.any():
            raise EcgFusionError(f"no record of {folder} bears a code of {classes}: {_commonest(found)}")
        self.remarks = _remarks(folder, tree, found, bool(self.labels))

    def read(self, records: pd.DataFrame) -> list[np.ndarray | BadRecord]:
        columns = (records[name] for name in ("record_id", "file", "sampling_rate", "length"))
        return [self._read_one(*row) for row in zip(*columns, strict=True)]

    def _read_one(self, record_id: str, file: str, rate: float, length: float) -> np.ndarray | BadRecord:
        path = os.path.join(self.folder, file)
        try:
            recording = read_recording(path)
            if not LEAST_RATE <= recording.sampling_rate <= MOST_RATE:
                raise RecordError(f"{path} is at {recording.sampling_rate:g} Hz, which no electrocardiogram is")
            if recording.sampling_rate != rate or recording.signal.shape[1] != round(length * rate):
                raise RecordError(f"{path}.hea is not what it was when the folder was opened: open it again")
            return _twelve_leads(path, recording)
        except RecordError as problem:
            return BadRecord(record_id, str(problem))


def open_snomed(folder: Path, sampling_rate: float | None = None, classes: Path | None = None) -> Snomed:
    """Opens a folder of recordings.

    Args:
        folder: with recordings at any depth.
        sampling_rate: taken by no set of this kind: each recording has its own.
        classes: a CSV of ``code,name``, which makes one more task.

    Raises:
        EcgFusionError: the folder or the file is not what it should be, or no header has a code.
    """
    if not is_folder(folder):
        what = "is no folder" if exists(folder) else "is not there"
        raise EcgFusionError(f"{folder} {what}: name the folder of the recordings with --data")
    return Snomed(folder, classes)


def _read_header(folder: Path, name: str) -> _Record:
    path = os.path.join(folder, name)
    try:
        facts = read_facts(f"{path}.hea")
        n_samples = facts.n_samples or read_recording(path).signal.shape[1]
    except RecordError as problem:
        return _Record(name, problem=str(problem))
    if not LEAST_RATE <= facts.sampling_rate <= MOST_RATE:
        return _Record(name, problem=f"{path}.hea says {facts.sampling_rate:g} Hz, which no electrocardiogram is")
    if n_samples * facts.n_leads > MOST_SAMPLES:
        return _Record(name, problem=f"{path}.hea says {n_samples} samples of {facts.n_leads} leads, too many to read")
    codes, is_understood = _codes(facts)
    said = f"{name} {facts.sampling_rate} {n_samples} {facts.comments}"
    return _Record(
        name,
        facts.sampling_rate,
        n_samples,
        codes if is_understood else (),
        is_understood,
        _understood(facts.said.get("age", ()), age_in_years, np.nan),
        _understood(facts.said.get("sex", ()), sex_code, -1),
        hashlib.sha256(said.encode("utf-8", "replace")).digest(),
    )


def _codes(facts: HeaderFacts) -> tuple[tuple[str, ...], bool]:
    """The codes of a header's diagnoses, each once, and whether each word of them is a code."""
    words = [word.strip() for line in facts.said.get("dx", ()) for word in line.split(",")]
    known = [word for word in words if word.lower() not in _UNKNOWN]
    try:
        return tuple(dict.fromkeys(map(code_number, known))), True
    except ValueError:
        return (), False


def _understood(said: Sequence[str], read: Callable[[str], Value], unknown: Value) -> Value:
    try:
        return read(said[0]) if said else unknown
    except ValueError:
        return unknown


def _table(found: Sequence[_Record], sound: Sequence[_Record]) -> pd.DataFrame:
    # what cannot be read is named when it is: till then it takes no room, and is as any other
    shortest = min(sound, key=lambda record: record.n_samples / record.sampling_rate)
    shown = [record if record.problem is None else shortest for record in found]
    rates = np.array([record.sampling_rate for record in shown])
    ids = _record_ids([record.file for record in found])
    return pd.DataFrame(
        {
            "record_id": ids,
            "patient_id": ids,
            "fold": 0,
            "length": np.array([record.n_samples for record in shown]) / rates,
            "age": [record.age for record in found],
            "sex": [record.sex for record in found],
            "sampling_rate": rates,
            "file": [record.file for record in found],
        }
    )


def _record_ids(files: Sequence[str]) -> list[str]:
    """Each recording's own name, with its folders before it where others bear it too.

    Raises:
        EcgFusionError: two are alike even so.
    """
    stems = [file.rpartition("/")[2] for file in files]
    times = Counter(stems)
    ids = [stem if times[stem] == 1 else file.replace("/", "-") for stem, file in zip(stems, files, strict=True)]
    first: dict[str, str] = {}
    for name, file in zip(ids, files, strict=True):
        if name in first:
            raise EcgFusionError(f"the recordings {first[name]} and {file} would have one name, {name}: rename one")
        first[name] = file
    return ids


def _twelve_leads(path: str, recording: Recording) -> np.ndarray:
    if recording.leads == LEADS:
        return recording.signal
    absent = [lead for lead in LEADS if lead not in recording.leads]
    if absent:
        there = " ".join(recording.leads[:20])
        raise RecordError(f"{path} has no lead {' '.join(absent)} (it has {there})")
    twelve: np.ndarray = recording.signal[[recording.leads.index(lead) for lead in LEADS]]
    return twelve


def _remarks(folder: Path, tree: HeaderTree, found: Sequence[_Record], has_tasks: bool) -> tuple[str, ...]:
    broken = [record for record in found if record.problem is not None]
    strange = [record for record in found if not record.is_understood]
    bare = sum(not record.codes for record in found) - len(broken) - len(strange)
    remarks = []
    if broken:
        remarks.append(f"{_of(len(broken), found)} cannot be used, and will be bad: the first, {broken[0].problem}.")
    if strange:
        remarks.append(
            f"{_of(len(strange), found)} have a # Dx: line that is no list of SNOMED CT codes, and are not labelled: "
            f"the first is {folder / strange[0].file}.hea."
        )
    if bare:
        remarks.append(f"{_of(bare, found)} have no code in a # Dx: line, and are not labelled.")
    if tree.n_links_left_out:
        remarks.append(
            f"{tree.n_links_left_out:,} links in {folder} lead to folders, out of it, nowhere or to what is read "
            f"anyway, and are not followed: put there what is to be read."
        )
    if not has_tasks:
        remarks.append(f"No record bears a class of a task that is known: give --classes FILE; {_commonest(found)}.")
    return tuple(remarks)


def _of(n: int, found: Sequence[_Record]) -> str:
    return f"{n:,} of {len(found):,} headers"


def _commonest(found: Sequence[_Record]) -> str:
    times = Counter(code for record in found for code in record.codes)
    return "the commonest codes are " + ", ".join(f"{code} ({n:,})" for code, n in times.most_common(5))


def _digest(parts: Sequence[bytes]) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]
