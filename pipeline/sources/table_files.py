"""What the files of a table have: leads, rates and lengths, without their samples where a format allows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.listening import progress_bar
from pipeline.sources.formats.opened import NotSaidError, Said, choose_leads_of
from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.registry import open_file
from pipeline.sources.formats.wfdb_opening import has_header
from pipeline.sources.table_rows import Rows

_SHOWN_AFTER = 2.0  # s, a bar


@dataclass(frozen=True, eq=False)
class Files:
    """One value a record, and what they have in common.

    Attributes:
        leads: of the first file.
        sampling_rate: the lowest, Hz.
        rate: of each, Hz.
        length: of each, s.
        first: sample that the record begins with.
        last: sample that it ends before; 0 for the end of the file.
        without_sums: whether the headers of all WFDB files say 0 as checksum, which stands for none.
        remarks: what should be said of them.
    """

    leads: tuple[str, ...]
    sampling_rate: float
    rate: np.ndarray
    length: np.ndarray
    first: np.ndarray
    last: np.ndarray
    without_sums: bool
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class _Look:
    n_samples: int
    rate: float
    leads: tuple[str, ...]
    asked: frozenset[str]


def look_at(table: Path, rows: Rows, said: Said) -> Files:
    """Looks at each file once.

    A file that is damaged gets the rate and length of the first good one: it is told of when it is read, where bad
    records can be left out.

    Raises:
        EcgFusionError: no file can be read, one says less than it must, a part is not in its file, or something is
            said that no file needs.
    """
    looks = _looks(table, rows, said)
    good = [look for look in looks.values() if isinstance(look, _Look)]
    if not good:
        raise EcgFusionError(f"{table} line {rows.line[0]}: {looks[rows.path[0]]}; nor can another file be read")
    _refuse_unneeded(good, said)
    leads, n_more = good[0].leads, sum(len(look.leads) > len(good[0].leads) for look in good)
    more = f"{n_more:,} files have more leads than the first one, {' '.join(leads)}, which alone are read"
    of_wfdb = [look for path, look in looks.items() if isinstance(look, _Look) and has_header(path)]
    without_sums = bool(of_wfdb) and all("checksum" in look.asked for look in of_wfdb)
    no_sums = f"the headers of all {len(of_wfdb):,} WFDB files say 0 as checksum: none is verified"
    remarks = (*([more] if n_more else []), *([no_sums] if without_sums else []))
    n_records = len(rows.path)
    rate, length = np.empty(n_records), np.empty(n_records)
    first, last = np.zeros(n_records, np.int64), np.zeros(n_records, np.int64)
    for number, path in enumerate(rows.path):
        look = looks[path]
        known = look if isinstance(look, _Look) else good[0]
        rate[number] = known.rate
        if look is known and (rows.start[number] or not np.isnan(rows.length[number])):
            first[number], last[number] = _part(table, rows, number, known)
            length[number] = (last[number] - first[number]) / known.rate
        else:
            length[number] = known.n_samples / known.rate
    return Files(leads, float(rate.min()), rate, length, first, last, without_sums, remarks)


def _looks(table: Path, rows: Rows, said: Said) -> dict[str, _Look | RecordError]:
    """What each file is, or what is wrong with it; of files that name their leads, those of the first are there."""
    looks: dict[str, _Look | RecordError] = {}
    leads: tuple[str, ...] = ()
    for line, path in zip(progress_bar(rows.line, "files", unit="files", delay=_SHOWN_AFTER), rows.path, strict=True):
        if path in looks:
            continue
        try:
            opened = open_file(path, said)
            choose_leads_of(opened, leads, "the first file")
            looks[path] = _Look(opened.n_samples, opened.sampling_rate, opened.leads, opened.asked)
            leads = leads or opened.leads
        except NotSaidError as problem:
            raise EcgFusionError(f"{table} line {line}: {problem}") from None
        except RecordError as problem:
            looks[path] = problem
    return looks


def _part(table: Path, rows: Rows, number: int, look: _Look) -> tuple[int, int]:
    """The samples that a record is of its file."""
    start, length, there = rows.start[number], rows.length[number], look.n_samples
    first = round(start * look.rate)
    last = there if np.isnan(length) else first + round(length * look.rate)
    if first >= there or last > there:
        until = f" to {start + length:g} s" if not np.isnan(length) else ""
        raise EcgFusionError(
            f"{table} line {rows.line[number]}: {rows.path[number]} has {there / look.rate:g} s, and the record is "
            f"from {start:g}{until}: give a start and length within the file"
        )
    if last <= first:
        raise EcgFusionError(f"{table} line {rows.line[number]}: {length:g} s are less than a sample: give more")
    return first, last


def _refuse_unneeded(good: Sequence[_Look], said: Said) -> None:
    """Refuses what is said of files that all say it themselves."""
    asked = frozenset().union(*(look.asked for look in good))
    if said.unit is not None and "unit" not in asked:
        raise EcgFusionError(f"--unit {said.unit} is said, and every file says its own: leave it out")
    if said.sampling_rate is not None and "sampling_rate" not in asked:
        raise EcgFusionError(
            f"--sampling_rate_of_files {said.sampling_rate:g} is said, and every file says its own: leave it out"
        )
    if said.array is not None and "array" not in asked:
        raise EcgFusionError(
            f"--array {said.array} is for files of several arrays (.npz, .mat) or recordings (.dcm, .xml), "
            "and there are none: leave it out"
        )
