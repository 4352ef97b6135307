"""One recording in WFDB files, checked as it is read.

The header is read here, and format 16 (nearly all of PhysioNet's ECG sets, those in .mat files too), more than 50 times
as fast as by wfdb (`python -m benchmarks.reading`), and format 212; wfdb decodes the other formats. Headers that are
written as nearly all are take a short way, with the same answer as :mod:`wfdb_headers` and :mod:`wfdb_signals` would
give.

Reference: https://wfdb.io/spec/header-files.html
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.signals.leads import canonical_lead
from pipeline.sources.formats.recording import MOST_SAMPLES, RecordError, Recording, checked_recording, content
from pipeline.sources.formats.wfdb_headers import Header, header_lines, is_gain, parse_header
from pipeline.sources.formats.wfdb_segments import read_segments
from pipeline.sources.formats.wfdb_signals import missing_mark, read_signals

__all__ = ["MISSING_SAMPLE", "RecordError", "Recording", "read_recording"]

MISSING_SAMPLE = missing_mark("16")
_RECORD_LINE = re.compile(
    r"(?P<name>[^\s/]+)\s+(?P<n_leads>[0-9]{1,3})\s+(?P<rate>[1-9][0-9]{0,8}(\.[0-9]{0,9})?)(/[^\s()]*(\(\S*\))?)?"
    r"\s+(?P<n_samples>[1-9][0-9]{0,14})(\s|$)"
)
# what differs from record to record, and between it what a data set says again and again; nothing is matched twice
_SIGNAL_LINE = re.compile(
    r"(?P<file>[^\s/\\:]++)\s++(?P<kind>16(?:x1)?+(?:\+[0-9]++)?+\s++[0-9]\S*+\s++[0-9]{1,9}+\s++-?[0-9]{1,9}+)"
    r"\s++-?[0-9]{1,9}+\s++(?P<checksum>-?[0-9]{1,9}+)\s++0\s++(?P<lead>\S.*)"
)
_KIND = re.compile(
    r"16(x1)?(\+(?P<offset>[0-9]{1,12}))?\s+(?P<gain>[0-9]{1,15}(\.[0-9]{0,15})?)(\((?P<baseline>-?[0-9]{1,9})\))?"
    r"(/(?P<unit>\S+))?\s+[0-9]+\s+(?P<zero>-?[0-9]{1,9})"
)


@dataclass(frozen=True)
class _Layout:
    """What the headers of a data set have in common.

    Attributes:
        offset: bytes before the first sample.
        gains: counts to the unit, (leads, 1); (1, 1) where all leads have the same.
        baselines: the count that stands for 0, (leads, 1); None where it is 0 in all leads.
        units: as written, one a lead.
        leads: canonical names.
    """

    offset: int
    gains: np.ndarray
    baselines: np.ndarray | None
    units: tuple[str, ...]
    leads: tuple[str, ...]


class UsualHeader(NamedTuple):  # made for each record, in a third of a dataclass's time
    """A header as nearly all are: format 16, one file.

    Attributes:
        record: its first line.
        file: of the samples.
        layout: what its other lines say.
        checksums: of each lead, as written.
    """

    record: re.Match[str]
    file: str
    layout: _Layout
    checksums: tuple[str, ...]

    @property
    def n_samples(self) -> int:
        return int(self.record["n_samples"])

    @property
    def sampling_rate(self) -> float:
        return float(self.record["rate"])

    def read(self, zero_is_no_checksum: bool = False) -> Recording:
        """See :func:`read_recording`."""
        return _read_format_16(self.record, self.file, self.layout, self.checksums, zero_is_no_checksum)


def usual_header(header: str, lines: Sequence[str]) -> UsualHeader | None:
    """A header that is written as nearly all are; None where it is read field by field.

    Args:
        header: its path.
        lines: as ``header_lines`` gives them.
    """
    record = _RECORD_LINE.match(lines[0]) if lines else None
    signals = [found.groups() for found in map(_SIGNAL_LINE.fullmatch, lines[1:]) if found] if record else []
    if not record or not signals or not len(signals) == len(lines) - 1 == int(record["n_leads"]):
        return None
    files, kinds, checksums, names = zip(*signals, strict=True)
    layout = _layout(kinds, names)
    if not layout or len(set(files)) != 1:
        return None
    return UsualHeader(record, os.path.join(os.path.dirname(header), files[0]), layout, checksums)


def read_recording(path: str | Path, zero_is_no_checksum: bool = False) -> Recording:
    """Reads the recording whose header is ``path`` plus ``.hea``, and verifies its checksums.

    Args:
        path: the header's, without its ending.
        zero_is_no_checksum: whether a checksum of 0 says that none was made, as in a set whose headers all say 0;
            any other is verified all the same.

    Raises:
        RecordError: a file is missing, short or long, its header malformed, a checksum fails, a sample is missing, a
            unit is foreign.
    """
    return _read(str(path), zero_is_no_checksum, is_segment=False)


def _read(path: str, zero_is_none: bool, is_segment: bool) -> Recording:
    header = f"{path}.hea"
    lines = header_lines(header)
    usual = usual_header(header, lines)
    if usual:
        return usual.read(zero_is_none)
    found = parse_header(header, lines)
    if not found.segments:
        return read_signals(path, _without_zeros(found) if zero_is_none else found)
    if is_segment:
        raise RecordError(f"{header} is a segment that has segments itself, which a segment cannot have")
    return read_segments(path, found, lambda segment: _read(segment, zero_is_none, is_segment=True))


def _without_zeros(header: Header) -> Header:
    """The header with no checksum where it says 0."""
    return replace(header, signals=tuple(replace(one, checksum=one.checksum or None) for one in header.signals))


@lru_cache(maxsize=64)  # a data set has few: parsed for every record, they would take half of its time
def _layout(kinds: tuple[str, ...], names: tuple[str, ...]) -> _Layout | None:
    """What the middle of each signal line says, and its lead; None where it is read field by field."""
    found = [match for match in map(_KIND.fullmatch, kinds) if match]
    offsets = {int(kind["offset"] or 0) for kind in found}
    if len(found) != len(kinds) or len(offsets) != 1:
        return None
    gains = np.array([[float(kind["gain"])] for kind in found])
    if not all(map(is_gain, gains.flat)):  # a gain of 0 among them
        return None
    gains = gains[:1] if (gains == gains[0]).all() else gains
    baselines = np.array([[int(kind["baseline"] or kind["zero"])] for kind in found])
    units = tuple(kind["unit"] or "mV" for kind in found)
    leads = tuple(canonical_lead(name) for name in names)
    return _Layout(offsets.pop(), gains, baselines if baselines.any() else None, units, leads)


def _read_format_16(
    record: re.Match[str], file: str, layout: _Layout, checksums: tuple[str, ...], zero_is_none: bool
) -> Recording:
    n_leads, n_samples = len(layout.leads), int(record["n_samples"])
    data = content(file)
    expected = layout.offset + 2 * n_leads * n_samples
    if len(data) != expected:
        raise RecordError(f"{file} has {len(data)} bytes where its header says {expected}")
    if n_leads * n_samples > MOST_SAMPLES:
        raise RecordError(f"{file} has {n_leads * n_samples} samples, and more than {MOST_SAMPLES} are not read")
    # (leads, time) in memory too: all that follows goes along time
    counts = np.ndarray((n_samples, n_leads), "<i2", data, layout.offset).T.copy()
    if not zero_is_none or any(map(int, checksums)):
        # a checksum has 16 bits, so a sum of 16 bits may overflow
        _verify_checksums(file, counts.sum(axis=1, dtype=np.int16), checksums, zero_is_none)
    signal = (counts if layout.baselines is None else counts - layout.baselines) / layout.gains
    missing = (counts == MISSING_SAMPLE).any(axis=1) if counts.min() == MISSING_SAMPLE else None
    return checked_recording(file, signal, missing, layout.units, float(record["rate"]), layout.leads)


def _verify_checksums(file: str, sums: np.ndarray, checksums: Sequence[str], zero_is_none: bool) -> None:
    pairs = zip(sums.tolist(), checksums, strict=True)
    wrong = [lead for lead, (found, said) in enumerate(pairs, start=1) if (found - int(said)) % 65536]
    if zero_is_none:
        wrong = [lead for lead in wrong if int(checksums[lead - 1])]
    if wrong:
        raise RecordError(f"{file} fails the checksum of lead {wrong[0]} in its header")
