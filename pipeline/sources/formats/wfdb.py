"""One recording in WFDB files, checked as it is read.

The header is read here, and format 16 (nearly all of PhysioNet's ECG sets, those in .mat files too), more than 50 times
as fast as by wfdb (`python -m benchmarks.reading`), and format 212; wfdb decodes the other formats. Headers that are
written as nearly all are take a short way, with the same answer as :mod:`wfdb_headers` and :mod:`wfdb_signals` would
give.

Reference: https://wfdb.io/spec/header-files.html
"""

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
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
_N_FIELDS = 9  # of a signal line: file, format, gain, bits, zero, first sample, checksum, block size, lead
_PLAIN_FILE = re.compile(r"[^/\\:]+")
_FORMAT = re.compile(r"16(?:x1)?(?:\+(?P<offset>[0-9]{1,12}))?")
_GAIN = re.compile(r"(?P<gain>[0-9]{1,15}(?:\.[0-9]{0,15})?)(?:\((?P<baseline>-?[0-9]{1,9})\))?(?:/(?P<unit>\S+))?")
_NUMBERS = re.compile(r"-?[0-9]{1,9}(?: -?[0-9]{1,9})*+")


@dataclass(frozen=True)
class _Layout:
    """What the headers of a data set have in common, of the leads in one file.

    Attributes:
        offset: bytes before the first sample.
        gains: counts to the unit, (leads, 1); (1, 1) where all leads have the same.
        baselines: the count that stands for 0, (leads, 1) float64; None where it is 0 in all leads.
        units: as written, one a lead.
        leads: canonical names.
    """

    offset: int
    gains: np.ndarray
    baselines: np.ndarray | None
    units: tuple[str, ...]
    leads: tuple[str, ...]


class _Part(NamedTuple):  # made for each record, in a third of a dataclass's time
    """A file of samples, and the checksum of each lead in it."""

    file: str
    layout: _Layout
    checksums: tuple[int, ...]


class UsualHeader(NamedTuple):
    """A header as nearly all are: format 16, its leads in one file or, side by side, in several."""

    header: str
    n_samples: int
    sampling_rate: float
    parts: tuple[_Part, ...]

    @property
    def leads(self) -> tuple[str, ...]:
        return self.parts[0].layout.leads if len(self.parts) == 1 else tuple(_joined(self.parts, "leads"))

    @property
    def has_checksums(self) -> bool:
        """Whether one of them is not 0."""
        return any(any(part.checksums) for part in self.parts)

    def read(self, zero_is_no_checksum: bool = False, files_of: Collection[str] = ()) -> Recording:
        """See :func:`read_recording`."""
        parts = _chosen(self, files_of) if files_of else self.parts
        read, n_leads = [], 0
        for part in parts:
            read.append(_read_format_16(part, self.n_samples, n_leads, zero_is_no_checksum))
            n_leads += len(part.checksums)
        if len(parts) == 1:
            (signal, missing), layout = read[0], parts[0].layout
            return checked_recording(parts[0].file, signal, missing, layout.units, self.sampling_rate, layout.leads)
        signal = np.concatenate([signal for signal, _ in read])
        missing = np.concatenate([np.zeros(len(one), bool) if none is None else none for one, none in read])
        units, leads = _joined(parts, "units"), tuple(_joined(parts, "leads"))
        return checked_recording(self.header.removesuffix(".hea"), signal, missing, units, self.sampling_rate, leads)


def usual_header(header: str, lines: Sequence[str]) -> UsualHeader | None:
    """A header that is written as nearly all are; None where it is read field by field.

    Args:
        header: its path.
        lines: as ``header_lines`` gives them.
    """
    record = _RECORD_LINE.match(lines[0]) if lines else None
    if not record:
        return None
    signals = [line.split(None, _N_FIELDS - 1) for line in lines[1:]]
    if len(signals) != int(record["n_leads"]) or set(map(len, signals)) != {_N_FIELDS}:
        return None
    files, formats, gains, bits, zeros, firsts, checksums, blocks, names = zip(*signals, strict=True)
    if not _NUMBERS.fullmatch(" ".join(firsts + checksums)):
        return None
    sums, folder = tuple(map(int, checksums)), os.path.dirname(header)
    parts, done = [], 0
    for file, of_file in [(files[0], files)] if len(set(files)) == 1 else groupby(files):
        part = slice(done, done := done + len(tuple(of_file)))
        layout = _layout(formats[part], gains[part], bits[part], zeros[part], blocks[part], names[part])
        if not layout or not _PLAIN_FILE.fullmatch(file):
            return None
        parts.append(_Part(os.path.join(folder, file), layout, sums[part]))
    if len({part.file for part in parts}) != len(parts):  # a file, another one, and the first again
        return None
    return UsualHeader(header, int(record["n_samples"]), float(record["rate"]), tuple(parts))


def read_recording(path: str | Path, zero_is_no_checksum: bool = False, files_of: Collection[str] = ()) -> Recording:
    """Reads the recording whose header is ``path`` plus ``.hea``, and verifies its checksums.

    Args:
        path: the header's, without its ending.
        zero_is_no_checksum: whether a checksum of 0 says that none was made, as in a set whose headers all say 0;
            any other is verified all the same.
        files_of: leads one of which a file must have to be read, with the other leads in it; of a recording without
            segments. All files are read where none is given.

    Raises:
        RecordError: a file is missing, short or long, its header malformed, a checksum fails, a sample is missing, a
            unit is foreign, or no file has a lead that is asked for.
    """
    return _read(str(path), zero_is_no_checksum, files_of, is_segment=False)


def _read(path: str, zero_is_none: bool, files_of: Collection[str], is_segment: bool) -> Recording:
    header = f"{path}.hea"
    lines = header_lines(header)
    usual = usual_header(header, lines)
    if usual:
        return usual.read(zero_is_none, files_of)
    found = parse_header(header, lines)
    if files_of:
        files = {signal.file for signal in found.signals if signal.lead in files_of}
        if not files:
            raise RecordError(_none_of(header, files_of))
        found = replace(found, signals=tuple(signal for signal in found.signals if signal.file in files))
    if not found.segments:
        return read_signals(path, _without_zeros(found) if zero_is_none else found)
    if is_segment:
        raise RecordError(f"{header} is a segment that has segments itself, which a segment cannot have")
    return read_segments(path, found, lambda segment: _read(segment, zero_is_none, (), is_segment=True))


def _without_zeros(header: Header) -> Header:
    """The header with no checksum where it says 0."""
    return replace(header, signals=tuple(replace(one, checksum=one.checksum or None) for one in header.signals))


def _none_of(header: str, leads: Collection[str]) -> str:
    return f"{header} has none of the leads {' '.join(leads)}"


def _chosen(usual: UsualHeader, files_of: Collection[str]) -> tuple[_Part, ...]:
    """The files that hold one of these leads."""
    parts = tuple(part for part in usual.parts if not set(files_of).isdisjoint(part.layout.leads))
    if not parts:
        raise RecordError(_none_of(usual.header, files_of))
    return parts


def _joined(parts: Sequence[_Part], name: str) -> list[str]:
    """What the layouts of all files have under one name, in order."""
    return [each for part in parts for each in getattr(part.layout, name)]


@lru_cache(maxsize=64)  # a data set has few: parsed for every record, they would take half of its time
def _layout(
    formats: tuple[str, ...],
    gains: tuple[str, ...],
    bits: tuple[str, ...],
    zeros: tuple[str, ...],
    blocks: tuple[str, ...],
    names: tuple[str, ...],
) -> _Layout | None:
    """What the fields of signal lines say that are the same in many headers; None where they are read one by one."""
    kinds = [kind for kind in map(_FORMAT.fullmatch, formats) if kind]
    said = [gain for gain in map(_GAIN.fullmatch, gains) if gain]
    if not len(kinds) == len(said) == len(names) or set(blocks) != {"0"}:
        return None
    if not _NUMBERS.fullmatch(" ".join(bits + zeros)):
        return None
    offsets = {int(kind["offset"] or 0) for kind in kinds}
    counts = np.array([[float(gain["gain"])] for gain in said])
    if len(offsets) != 1 or not all(map(is_gain, counts.flat)):  # a gain of 0 among them
        return None
    counts = counts[:1] if (counts == counts[0]).all() else counts
    baselines = np.array([[float(gain["baseline"] or zero)] for gain, zero in zip(said, zeros, strict=True)])
    units = tuple(gain["unit"] or "mV" for gain in said)
    leads = tuple(canonical_lead(name) for name in names)
    return _Layout(offsets.pop(), counts, baselines if baselines.any() else None, units, leads)


def _read_format_16(
    part: _Part, n_samples: int, n_before: int, zero_is_none: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Values (leads, time), and whether a sample of each lead is missing, or None; ``n_before`` leads came before."""
    file, layout, n_leads = part.file, part.layout, len(part.checksums)
    data = content(file)
    expected = layout.offset + 2 * n_leads * n_samples
    if len(data) != expected:
        raise RecordError(f"{file} has {len(data)} bytes where its header says {expected}")
    if n_leads * n_samples > MOST_SAMPLES:
        raise RecordError(f"{file} has {n_leads * n_samples} samples, and more than {MOST_SAMPLES} are not read")
    # (leads, time) in memory too: all that follows goes along time
    counts = np.ndarray((n_samples, n_leads), "<i2", data, layout.offset).T.copy()
    if not zero_is_none or any(part.checksums):
        # a checksum has 16 bits, so a sum of 16 bits may overflow
        sums = counts.sum(axis=1, dtype=np.int16).tolist()
        for lead, (found, said) in enumerate(zip(sums, part.checksums, strict=True), n_before + 1):
            if (found - said) & 0xFFFF and (said or not zero_is_none):
                raise RecordError(f"{file} fails the checksum of lead {lead} in its header")
    if layout.baselines is None:
        signal = counts / layout.gains
    else:
        signal = counts - layout.baselines
        signal /= layout.gains
    return signal, (counts == MISSING_SAMPLE).any(axis=1) if counts.min() == MISSING_SAMPLE else None
