"""The PhysioNet/CinC Challenge 2017: 8,528 recordings of one lead, 9 to 61 s, by people who held a small device.

Each bears one of four labels: normal rhythm (N), another rhythm (O), atrial fibrillation (A) or too noisy (~). Four
versions of them are published, REFERENCE-v0.csv to REFERENCE-v3.csv; REFERENCE.csv is one of them, and its counts tell
which. What the challenge's paper calls V1 is v0 here.

Reference: Clifford et al., AF classification from a short single lead ECG recording: the PhysioNet/Computing in
    Cardiology Challenge 2017, CinC 2017.
"""

import hashlib
import os
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.machine.places import Entry, entries_of, is_remote, sizes_of
from pipeline.sources.base import BadRecord, Source
from pipeline.sources.folders import looks_like, refuse_no_folder, where_meant
from pipeline.sources.formats.wfdb import RecordError, read_recording
from pipeline.sources.schemes import Scheme
from pipeline.sources.tables import Table, content, first_twice, read_table

if TYPE_CHECKING:
    from pipeline.sources.items import ItemTable

RHYTHMS = ("N", "O", "A", "~")
N_RECORDS = 8528
VERSIONS: dict[int, tuple[int, ...]] = {
    0: (5154, 2557, 771, 46),
    1: (5040, 2469, 736, 283),
    2: (5050, 2456, 738, 284),
    3: (5076, 2415, 758, 279),
}
"""Label version → how many records bear each of ``RHYTHMS``, as published."""
SAMPLING_RATE = 300.0
_REFERENCE = re.compile(r"REFERENCE(?:-v([0-3]))?\.csv")
_PLACES = ("", "training2017", "training")
_NAME = re.compile(r"A[0-9]{5}")
_PART = re.compile(r"A[0-9]{2}")
_BEFORE_SAMPLES = 24  # bytes of a .mat
_LONGEST = 3600.0  # s; a file that is larger is no recording of this set, and is told of when it is read
_REMEDY = "take the challenge's own REFERENCE-v3.csv"
_GET_IT = (
    "unpack training2017.zip there, with REFERENCE-v3.csv beside it, from https://physionet.org/content/challenge-2017"
)
NO_CHECKSUMS = (
    "The checksums in its headers are all 0, which says that none was made: recordings are read unverified where the "
    "header says 0, and verified where it says anything else."
)
_UNSAID = -1  # bytes of a file in the list of a web server


class Cinc2017(Source):
    """The opened set; see ``Source``."""

    name = "cinc2017"
    patients_known = False
    sampling_rate = SAMPLING_RATE
    leads = ("ECG",)
    gain = 1000.0

    def __init__(self, folder: Path, label_version: int | None) -> None:
        self.folder = folder
        tables = dict(_references(folder))
        path, version = _chosen(folder, tables, label_version)
        self.version = "1.0.0" if version is not None else f"unknown (labels {_digest(path)})"
        self.options = {} if version is None else {"label_version": version}
        reference = _read_reference(path)
        recordings = _recordings(folder)
        listed = reference.columns["record"]
        there = np.array([name in recordings for name in listed], bool)
        if not there.any():
            raise EcgFusionError(
                f"{path} lists {len(listed):,} records, and no .mat of theirs is in {folder}: {_GET_IT}"
            )
        self.remarks = (NO_CHECKSUMS, *_told(path, version, listed, recordings))
        self.records = _records([name for name in listed if name in recordings], recordings)
        self.labels = _labels(np.array(reference.columns["label"])[there])
        self.schemes = {"shuffle74": Scheme(("train=1", "dev=2", "test=3"), shuffle74)}

    def read(self, records: pd.DataFrame) -> list[np.ndarray | BadRecord]:
        return [
            self._read_one(*row) for row in zip(records["record_id"], records["file"], records["length"], strict=True)
        ]

    def _read_one(self, record_id: str, file: str, length: float) -> np.ndarray | BadRecord:
        path, n_samples = os.path.join(self.folder, file), round(length * SAMPLING_RATE)
        try:
            recording = read_recording(path, zero_is_no_checksum=True)
        except RecordError as problem:
            return BadRecord(record_id, str(problem))
        if recording.sampling_rate != SAMPLING_RATE:
            return BadRecord(record_id, f"{path} is at {recording.sampling_rate:g} Hz, not {SAMPLING_RATE:g}")
        if recording.signal.shape != (1, n_samples):
            n_leads, found = recording.signal.shape
            return BadRecord(record_id, f"{path} has {n_leads} x {found} samples, not 1 x {n_samples} as its size says")
        return recording.signal


def open_cinc2017(folder: Path, sampling_rate: float | None = None, label_version: int | None = None) -> Cinc2017:
    """Opens the folder of the challenge's training set.

    Args:
        folder: the recordings lie in it, in its ``training2017`` or ``training``, flat or in ``A00`` to ``A08``; so do
            the tables of labels.
        sampling_rate: of what is wanted, in Hz; the set has 300 alone.
        label_version: which table is taken, as it is numbered; None for the newest that is there.

    Raises:
        EcgFusionError: the folder, the version or the table is not what it should be.
    """
    refuse_no_folder(folder, "the challenge's folder", _GET_IT)
    return Cinc2017(folder, label_version)


# the tables of labels


def _references(folder: Path) -> Iterator[tuple[int | None, Path]]:
    """Each version's table; under None the one that says no version, where it is none of the others."""
    known: dict[int, Path] = {}
    plain: Path | None = None
    for place in _PLACES:
        for entry in _entries(folder / place):
            match = _REFERENCE.fullmatch(entry.name)
            if match and match[1]:
                known.setdefault(int(match[1]), folder / place / entry.name)
            elif match:
                plain = plain or folder / place / entry.name
    if plain:
        counts = Counter(_read_reference(plain).columns["label"])
        named = {counted: version for version, counted in VERSIONS.items()}
        version = named.get(tuple(counts[rhythm] for rhythm in RHYTHMS))
        if version is not None:
            known.setdefault(version, plain)
        elif not known:
            yield None, plain
    yield from known.items()


def _chosen(folder: Path, tables: Mapping[int | None, Path], asked: int | None) -> tuple[Path, int | None]:
    """The table to take, and its version."""
    if not tables:
        raise EcgFusionError(_no_table(folder))
    known = sorted(version for version in tables if version is not None)
    if asked is None:
        newest = known[-1] if known else None
        return tables[newest], newest
    if asked not in VERSIONS:
        raise EcgFusionError(
            f"--label_version {asked} is none of {', '.join(map(str, sorted(VERSIONS)))}: leave it out"
        )
    if asked not in known:
        there = " and ".join(sorted(path.name for path in tables.values()))
        give = f"give --label_version {known[-1]}" if known else "leave --label_version out"
        raise EcgFusionError(
            f"{folder} has no labels of version {asked} but {there}: {give}, or put REFERENCE-v{asked}.csv there"
        )
    return tables[asked], asked


def _no_table(folder: Path) -> str:
    for name in ("REFERENCE-v3.csv", "REFERENCE.csv", "REFERENCE-v2.csv", "REFERENCE-v1.csv"):
        other = where_meant(folder, name)
        if other:
            return f"{folder / 'REFERENCE-v3.csv'} is missing, and {other} has {name}: give --data {other}"
    return f"{folder / 'REFERENCE-v3.csv'} is missing ({folder} {looks_like(folder)}): {_GET_IT}"


def _read_reference(path: Path) -> Table:
    """Record and label of each line, all of them checked."""
    table = read_table(path, ("record", "label"), names=("record", "label"), remedy=_REMEDY)
    if not len(table):
        raise EcgFusionError(f"{path} is empty: {_REMEDY}")
    names = table.each("record", _record_name)
    table.each("label", _label)
    twice = first_twice(names)
    if twice:
        first, again = (table.lines[number] for number in twice)
        raise EcgFusionError(f"{path} lists {names[twice[0]]} in line {first} and in line {again}: {_REMEDY}")
    return table


def _record_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"is {text[:40]!r}, which is no record of this set (A00001 to A{N_RECORDS:05d}); {_REMEDY}")
    return text


def _label(text: str) -> str:
    if text not in RHYTHMS:
        raise ValueError(f"is {text[:40]!r}, not one of {', '.join(RHYTHMS)}; {_REMEDY}")
    return text


def _digest(path: Path) -> str:
    return f"{path.name} {hashlib.sha256(content(path)).hexdigest()[:12]}"


# the recordings


def _recordings(folder: Path) -> dict[str, tuple[str, int]]:
    """Record name → its path below the folder, without ending, and the bytes of its .mat; the first that is met.

    The length follows from the size, so that no header need be read before its recording is.
    """
    found: dict[str, tuple[str, int]] = {}
    for place in _PLACES:
        parts = sorted(entry.name for entry in _entries(folder / place) if _PART.fullmatch(entry.name))
        for inner in (place, *(os.path.join(place, part) for part in parts)):
            for entry in _entries(folder / inner):
                name, ending = entry.name[:-4], entry.name[-4:]
                if ending == ".mat" and _NAME.fullmatch(name) and name not in found:
                    found[name] = (os.path.join(inner, name), _size(entry))
    unsaid = [name for name, (_, size) in found.items() if size == _UNSAID]
    sizes = sizes_of([f"{folder / found[name][0]}.mat" for name in unsaid])
    return found | {name: (found[name][0], size) for name, size in zip(unsaid, sizes, strict=True)}


def _entries(folder: Path) -> Iterator[os.DirEntry[str] | Entry]:
    """What lies in a folder; nothing where it is none."""
    try:
        if is_remote(folder):
            yield from entries_of(folder)
            return
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as problem:
        raise EcgFusionError(f"{folder} cannot be read ({problem.strerror}): see who may read it") from None


def _size(entry: os.DirEntry[str] | Entry) -> int:
    if isinstance(entry, Entry):
        return _UNSAID if entry.size is None else entry.size
    try:
        return entry.stat().st_size
    except OSError:  # a link to nothing: told of when it is read
        return 0


def _told(path: Path, version: int | None, listed: Sequence[str], recordings: Mapping[str, object]) -> Iterator[str]:
    """What the user should know of these labels and recordings."""
    if version is None:
        yield (
            f"{path} is of no version that is known: its counts are none of those published for {N_RECORDS:,} records."
        )
    absent = [name for name in listed if name not in recordings]
    if absent:
        yield f"{_number(absent)} of the {len(listed):,} that {path} lists have no .mat here and are left out."
    more = sorted(recordings.keys() - set(listed))
    if more:
        yield f"{_number(more)} that {path} does not list are left out."


def _number(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(names):,} record{'s' * (len(names) > 1)} ({shown})"


def _records(names: Sequence[str], recordings: Mapping[str, tuple[str, int]]) -> pd.DataFrame:
    sizes = np.array([recordings[name][1] for name in names])
    n_samples = np.clip((sizes - _BEFORE_SAMPLES) // 2, 1, round(_LONGEST * SAMPLING_RATE))
    return pd.DataFrame(
        {
            "record_id": names,
            "patient_id": names,  # nobody is known: each record counts as one
            "fold": 0,
            "length": n_samples / SAMPLING_RATE,
            "age": np.nan,
            "sex": -1,
            "file": [recordings[name][0] for name in names],
        }
    )


def _labels(labels: np.ndarray) -> dict[str, Labels]:
    values = (labels[:, None] == np.array(RHYTHMS)).astype(np.uint8)  # (records, 4)
    rhythms = values[:, :3]
    return {
        "rhythm3": Labels(RHYTHMS[:3], "multiclass", rhythms, np.asarray(rhythms.any(axis=1))),
        "rhythm4": Labels(RHYTHMS, "multiclass", values, np.ones(len(values), bool)),
    }


# the older study's partitions


def shuffle74(source: Source, items: "ItemTable", seed: int) -> np.ndarray:
    """Fold 1, 2 or 3 of each item: the first 80 %, the next 10 % and the rest of all 8,528 names, shuffled.

    Where some records are not there, each is in the part that it has among all of them. ``seed`` changes nothing: the
    study's own, 74, is what makes these partitions.

    Raises:
        EcgFusionError: a record is none of the 8,528.
    """
    order = list(range(N_RECORDS))
    random.Random(74).shuffle(order)
    fold = np.empty(N_RECORDS, np.int64)
    ends = (int(0.8 * N_RECORDS), int(0.9 * N_RECORDS))
    for number, part in enumerate((order[: ends[0]], order[ends[0] : ends[1]], order[ends[1] :]), start=1):
        fold[part] = number
    numbers = items.rows["record_id"].str[1:].astype(int).to_numpy() - 1
    foreign = np.flatnonzero((numbers < 0) | (numbers >= N_RECORDS))
    if len(foreign):
        record = items.rows["record_id"].iloc[foreign[0]]
        raise EcgFusionError(
            f"{source.folder} has the record {record}, and --folds shuffle74 knows A00001 to A{N_RECORDS:05d} alone: "
            "take it out of the table, or choose --folds stratified"
        )
    return np.asarray(fold[numbers])
