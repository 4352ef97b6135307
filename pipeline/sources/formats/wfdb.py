"""One recording in WFDB files, checked as it is read.

The header and format 16 (nearly all of PhysioNet's ECG sets, those in .mat files too) are read here, more than 50 times
as fast as by wfdb (`python -m benchmarks.reading`); whatever else a header may say goes to wfdb itself. wfdb alone does
not compare the checksums.

Reference: https://wfdb.io/spec/header-files.html
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from pipeline.signals.leads import canonical_lead

MISSING_SAMPLE = -32768  # format 16's mark of a sample that was not recorded
_MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3}
_RECORD_LINE = re.compile(
    r"^\s*(?P<name>[^\s/]+)\s+(?P<n_leads>\d{1,4})\s+(?P<rate>\d+(\.\d*)?)(/\S*)?\s+(?P<n_samples>\d+)(\s|$)"
)
# what differs from record to record, and between it what a data set says again and again; nothing is matched twice
_SIGNAL_LINE = re.compile(
    r"\s*+(?P<file>\S++)\s++(?P<kind>16(?:\+\d++)?+\s++\d\S*+\s++\d++\s++-?\d{1,9}+)\s++-?\d++"
    r"\s++(?P<checksum>-?\d{1,9}+)\s++0\s++(?P<lead>\S.*)"
)
_KIND = re.compile(
    r"16(\+(?P<offset>\d+))?\s+(?P<gain>\d+(\.\d*)?)(\((?P<baseline>-?\d{1,9})\))?(/(?P<unit>\S+))?"
    r"\s+\d+\s+(?P<zero>-?\d{1,9})"
)


class RecordError(Exception):
    """What is wrong with one recording, as the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class Recording:
    """One recording: ``signal`` (leads, time) float64 in mV, hertz, canonical lead names."""

    signal: np.ndarray
    sampling_rate: float
    leads: tuple[str, ...]


@dataclass(frozen=True)
class _Layout:
    """What the headers of a data set have in common.

    Attributes:
        offset: bytes before the first sample.
        gains: counts to the unit, (leads, 1); (1, 1) where all leads have the same.
        baselines: the count that stands for 0, (leads, 1); None where it is 0 in all leads.
        units: as written, one a lead.
        leads: canonical names.
        has_no_gain: a gain is 0.
    """

    offset: int
    gains: np.ndarray
    baselines: np.ndarray | None
    units: tuple[str, ...]
    leads: tuple[str, ...]
    has_no_gain: bool


def read_recording(path: str | Path) -> Recording:
    """Reads the recording whose header is ``path`` plus ``.hea``, and verifies its checksums.

    Raises:
        RecordError: a file is missing, short or long, a checksum fails, a sample is missing, the unit is foreign.
    """
    header = f"{path}.hea"
    text = _content(header).decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    record = _RECORD_LINE.match(lines[0]) if lines else None
    signals = [found.groups() for found in map(_SIGNAL_LINE.match, lines[1:]) if found]
    if record and signals and len(signals) == len(lines) - 1 == int(record["n_leads"]):
        files, kinds, checksums, names = zip(*signals, strict=True)
        layout = _layout(kinds, names)
        if layout and len(set(files)) == 1:
            file = os.path.join(os.path.dirname(header), files[0])
            return _read_format_16(header, record, file, layout, checksums)
    return _read_by_wfdb(path)


def _content(file: str) -> bytes:
    try:
        descriptor = os.open(file, os.O_RDONLY)  # a third of pathlib's time
        try:
            size = os.fstat(descriptor).st_size
            content = os.read(descriptor, size)
            while len(content) < size and (more := os.read(descriptor, size - len(content))):
                content += more
            return content
        finally:
            os.close(descriptor)
    except OSError as problem:
        raise _unreadable(file, problem) from None
    except ValueError as problem:  # a byte 0 in the name
        raise RecordError(f"{file!r} cannot be read ({problem})") from None


def _unreadable(file: object, problem: OSError) -> RecordError:
    missing = isinstance(problem, FileNotFoundError)
    return RecordError(f"{file} is missing" if missing else f"{file} cannot be read ({problem.strerror})")


@lru_cache(maxsize=64)  # a data set has few: parsed for every record, they would take half of its time
def _layout(kinds: tuple[str, ...], names: tuple[str, ...]) -> _Layout | None:
    """What the middle of each signal line says, and its lead; None where wfdb has to read it."""
    found = [match for match in map(_KIND.fullmatch, kinds) if match]
    offsets = {int(kind["offset"] or 0) for kind in found}
    if len(found) != len(kinds) or len(offsets) != 1:
        return None
    gains = np.array([[float(kind["gain"])] for kind in found])
    gains = gains[:1] if (gains == gains[0]).all() else gains
    baselines = np.array([[int(kind["baseline"] or kind["zero"])] for kind in found])
    units = tuple(kind["unit"] or "mV" for kind in found)
    leads = tuple(canonical_lead(name) for name in names)
    return _Layout(
        offsets.pop(), gains, baselines if baselines.any() else None, units, leads, has_no_gain=not gains.all()
    )


def _read_format_16(
    header: str, record: re.Match[str], file: str, layout: _Layout, checksums: tuple[str, ...]
) -> Recording:
    n_leads, n_samples = len(layout.leads), int(record["n_samples"])
    if not n_samples:
        raise RecordError(f"{header} says that there are no samples")
    data = _content(file)
    expected = layout.offset + 2 * n_leads * n_samples
    if len(data) != expected:
        raise RecordError(f"{file} has {len(data)} bytes where its header says {expected}")
    # (leads, time) in memory too: all that follows goes along time
    counts = np.ndarray((n_samples, n_leads), "<i2", data, layout.offset).T.copy()
    # a checksum has 16 bits, so a sum of 16 bits may overflow
    _verify_checksums(file, counts.sum(axis=1, dtype=np.int16), checksums)
    if layout.has_no_gain:
        raise RecordError(f"{file} has a gain of 0 in its header")
    signal = (counts if layout.baselines is None else counts - layout.baselines) / layout.gains
    missing = (counts == MISSING_SAMPLE).any(axis=1) if counts.min() == MISSING_SAMPLE else None
    return _recording(file, signal, missing, layout.units, float(record["rate"]), layout.leads)


def _read_by_wfdb(path: str | Path) -> Recording:
    import wfdb

    try:
        record = wfdb.rdrecord(str(path), physical=False)
        counts = np.asarray(record.d_signal).T
        signal = np.asarray(record.dac()).T  # NaN where the format has a mark for a missing sample
        sampling_rate, lengths = float(record.fs), {record.sig_len, counts.shape[1]}
        units = tuple(unit or "mV" for unit in record.units)
        names = [name or str(number) for number, name in enumerate(record.sig_name, start=1)]
    except FileNotFoundError as problem:
        raise _unreadable(problem.filename or path, problem) from None
    except Exception as problem:  # wfdb raises whatever its parsing meets
        raise RecordError(f"{path}.hea or its signal file cannot be read ({problem})") from None
    if len(lengths) != 1:
        raise RecordError(f"{path} is shorter than its header says")
    # several samples a frame come averaged, and a checksum is of all of them
    if record.checksum and None not in record.checksum and set(record.samps_per_frame) == {1}:
        _verify_checksums(path, counts.sum(axis=1, dtype=np.int64), record.checksum)
    leads = tuple(canonical_lead(name) for name in names)
    return _recording(path, signal, np.isnan(signal).any(axis=1), units, sampling_rate, leads)


def _verify_checksums(file: str | Path, sums: np.ndarray, checksums: Sequence[int | str]) -> None:
    pairs = zip(sums.tolist(), checksums, strict=True)
    wrong = [lead for lead, (found, said) in enumerate(pairs, start=1) if (found - int(said)) % 65536]
    if wrong:
        raise RecordError(f"{file} fails the checksum of lead {wrong[0]} in its header")


def _recording(
    file: str | Path,
    signal: np.ndarray,
    missing: np.ndarray | None,
    units: tuple[str, ...],
    sampling_rate: float,
    leads: tuple[str, ...],
) -> Recording:
    """Checked and in mV; ``signal`` (leads, time) is in ``units``, ``missing`` (leads,) is true where a sample is."""
    if len(set(leads)) != len(leads):
        raise RecordError(f"{file} names a lead twice: {', '.join(leads)}")
    if missing is not None and missing.any():
        raise RecordError(f"{file} has a missing sample in lead {leads[int(missing.argmax())]}")
    if set(units) != {"mV"}:
        foreign = [unit for unit in units if unit.lower() not in _MILLIVOLTS]
        if foreign:
            raise RecordError(f"{file} is in {foreign[0]}, not in mV, uV or V")
        signal *= np.array([[_MILLIVOLTS[unit.lower()]] for unit in units])
    return Recording(signal, sampling_rate, leads)
