"""A WFDB header that is written as nearly all are: format 16, its leads in one file or, side by side, in several.

Headers of a set differ in names, numbers of samples, first samples and checksums alone. Where two in turn were alike,
the next one is matched as a whole against what they have in common; one that differs otherwise is read line by line,
with the same answer as :mod:`wfdb_headers` and :mod:`wfdb_signals` would give.
"""

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import numpy as np

from pipeline.signals.leads import canonical_lead
from pipeline.sources.formats.recording import MOST_SAMPLES, RecordError, Recording, checked_recording, content
from pipeline.sources.formats.wfdb_headers import is_gain, lines_of
from pipeline.sources.formats.wfdb_signals import missing_mark

MISSING_SAMPLE = missing_mark("16")
_RECORD_LINE = re.compile(
    r"(?P<name>[^\s/]+)\s+(?P<n_leads>[0-9]{1,3})\s+(?P<rate>[1-9][0-9]{0,8}(\.[0-9]{0,9})?)(/[^\s()]*(\(\S*\))?)?"
    r"\s+(?P<n_samples>[1-9][0-9]{0,14})(\s|$)"
)
_N_FIELDS = 9  # of a signal line: file, format, gain, bits, zero, first sample, checksum, block size, lead
_PLAIN_FILE = re.compile(r"[^/\\:]+")
_FORMAT = re.compile(r"16(?:x1)?(?:\+(?P<offset>[0-9]{1,12}))?")
_GAIN = re.compile(r"(?P<gain>[0-9]{1,15}(?:\.[0-9]{0,15})?)(?:\((?P<baseline>-?[0-9]{1,9})\))?(?:/(?P<unit>\S+))?")
_MOST_LEADS = 64  # that are matched together
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
        """See :func:`wfdb.read_recording`."""
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


def none_of(header: str, leads: Collection[str]) -> str:
    """What is wrong with a header that has none of these leads."""
    return f"{header} has none of the leads {' '.join(leads)}"


def usual_header(header: str, data: bytes) -> UsualHeader | None:
    """A header that is written as nearly all are; None where it is to be read field by field.

    Args:
        header: its path.
        data: all of its bytes.
    """
    return _like_the_last(header, data) or _by_lines(header, lines_of(data))


class _Likeness(NamedTuple):
    """What the signal lines of the header that was read last had, but for file, first samples and checksums."""

    fields: tuple[tuple[str, ...], ...]
    layout: _Layout
    pattern: re.Pattern[bytes] | None  # None until a second one was alike: to compile it takes longer than to read one


class _Memory:
    """Of the header that was read last; replaced whole, so that threads may share it."""

    last: _Likeness | None = None


def _like_the_last(header: str, data: bytes) -> UsualHeader | None:
    last = _Memory.last
    match = last.pattern.match(data) if last and last.pattern else None
    if not last or not match or (match.end() < len(data) and lines_of(data[match.end() :])):  # more than comments
        return None
    rate, n_samples, file, *checksums = match.groups()
    place = os.path.join(os.path.dirname(header), file.decode())
    return UsualHeader(header, int(n_samples), float(rate), (_Part(place, last.layout, tuple(map(int, checksums))),))


def _remember(fields: tuple[tuple[str, ...], ...], layout: _Layout) -> None:
    last = _Memory.last
    is_alike = last is not None and last.fields == fields
    _Memory.last = _Likeness(fields, layout, _pattern(*fields) if is_alike else None)


@lru_cache(maxsize=64)
def _pattern(*fields: tuple[str, ...]) -> re.Pattern[bytes] | None:
    """Headers of one file, with these fields and a blank between any two; None where they are many, or not ASCII."""
    formats, gains, bits, zeros, blocks, names = fields
    if len(names) > _MOST_LEADS or not all(field.isascii() for part in fields for field in part):
        return None
    lines = [  # one that begins with a # would be a comment
        rf"[!\"$-.0-~][!-.0-~]* {len(names)} ([1-9][0-9]{{0,8}}(?:\.[0-9]{{0,9}})?) ([1-9][0-9]{{0,14}})(?: [ -~]*)?"
    ]
    for number, line in enumerate(zip(formats, gains, bits, zeros, blocks, names, strict=True)):
        before, block, name = re.escape(" ".join(line[:4])), *map(re.escape, line[4:])
        file = r"\3" if number else r"([!\"$-.0-9;-\[\]-~][!-.0-9;-\[\]-~]*)"
        lines.append(rf"{file} {before} -?[0-9]{{1,9}} (-?[0-9]{{1,9}}) {block} {name} ?")
    return re.compile("".join(rf"{line}(?:\r?\n|\Z)" for line in lines).encode())


def _by_lines(header: str, lines: Sequence[str]) -> UsualHeader | None:
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
    if len(parts) == 1:
        _remember((formats, gains, bits, zeros, blocks, names), parts[0].layout)
    return UsualHeader(header, int(record["n_samples"]), float(record["rate"]), tuple(parts))


def _chosen(usual: UsualHeader, files_of: Collection[str]) -> tuple[_Part, ...]:
    """The files that hold one of these leads."""
    parts = tuple(part for part in usual.parts if not set(files_of).isdisjoint(part.layout.leads))
    if not parts:
        raise RecordError(none_of(usual.header, files_of))
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
