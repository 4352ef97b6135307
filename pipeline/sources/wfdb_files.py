"""One recording in WFDB files, checked as it is read.

The header and format 16 (nearly all of PhysioNet's ECG sets, those in .mat files too) are read here, in a small part
of wfdb's time; whatever else a header may say goes to wfdb itself. wfdb alone does not compare the checksums.

Reference: https://wfdb.io/spec/header-files.html
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.sources.base import canonical_lead

MISSING_SAMPLE = -32768  # format 16's mark of a sample that was not recorded
_MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3}
_RECORD_LINE = re.compile(
    r"^\s*(?P<name>[^\s/]+)\s+(?P<n_leads>\d{1,4})\s+(?P<rate>\d+(\.\d*)?)(/\S*)?\s+(?P<n_samples>\d+)(\s|$)"
)
_SIGNAL_LINE = re.compile(
    r"^\s*(?P<file>\S+)\s+16(\+(?P<offset>\d+))?\s+"
    r"(?P<gain>\d+(\.\d*)?)(\((?P<baseline>-?\d{1,9})\))?(/(?P<unit>\S+))?"
    r"\s+\d+\s+(?P<zero>-?\d{1,9})\s+-?\d+\s+(?P<checksum>-?\d{1,9})\s+0\s+(?P<lead>\S.*?)\s*$"
)


class RecordError(Exception):
    """What is wrong with one recording, as the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class Recording:
    """One recording: ``signal`` (leads, time) float64 in mV, hertz, canonical lead names."""

    signal: np.ndarray
    sampling_rate: float
    leads: tuple[str, ...]


def read_recording(path: Path) -> Recording:
    """Reads the recording whose header is ``path`` plus ``.hea``, and verifies its checksums.

    Raises:
        RecordError: a file is missing, short or long, a checksum fails, a sample is missing, the unit is foreign.
    """
    header = path.with_name(path.name + ".hea")
    try:
        text = header.read_text(encoding="utf-8", errors="replace")
    except OSError as problem:
        raise _unreadable(header, problem) from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    record = _RECORD_LINE.match(lines[0]) if lines else None
    signals = [_SIGNAL_LINE.match(line) for line in lines[1:]]
    if record and signals and all(signals) and len(signals) == int(record["n_leads"]):
        found = [signal for signal in signals if signal]
        if len({(signal["file"], signal["offset"]) for signal in found}) == 1:
            return _read_format_16(header, record, found)
    return _read_by_wfdb(path)


def _unreadable(file: object, problem: OSError) -> RecordError:
    missing = isinstance(problem, FileNotFoundError)
    return RecordError(f"{file} is missing" if missing else f"{file} cannot be read ({problem.strerror})")


def _read_format_16(header: Path, record: re.Match, signals: list[re.Match]) -> Recording:
    file = header.parent / signals[0]["file"]
    n_leads, n_samples, offset = len(signals), int(record["n_samples"]), int(signals[0]["offset"] or 0)
    if not n_samples:
        raise RecordError(f"{header} says that there are no samples")
    try:
        data = file.read_bytes()
    except OSError as problem:
        raise _unreadable(file, problem) from None
    expected = offset + 2 * n_leads * n_samples
    if len(data) != expected:
        raise RecordError(f"{file} has {len(data)} bytes where its header says {expected}")
    counts = np.frombuffer(data, "<i2", offset=offset).reshape(n_samples, n_leads).T
    _verify_checksums(file, counts, [int(signal["checksum"]) for signal in signals])
    gains = np.array([float(signal["gain"]) for signal in signals])
    if (gains == 0).any():
        raise RecordError(f"{file} has a gain of 0 in its header")
    baselines = np.array([int(signal["baseline"] or signal["zero"]) for signal in signals])
    signal = (counts - baselines[:, None]) / gains[:, None]
    signal[counts == MISSING_SAMPLE] = np.nan
    units, names = [found["unit"] or "mV" for found in signals], [found["lead"] for found in signals]
    return _recording(file, signal, units, float(record["rate"]), names)


def _read_by_wfdb(path: Path) -> Recording:
    import wfdb

    try:
        record = wfdb.rdrecord(str(path), physical=False)
        counts = np.asarray(record.d_signal).T
        signal = np.asarray(record.dac()).T  # NaN where the format has a mark for a missing sample
        sampling_rate, lengths = float(record.fs), {record.sig_len, counts.shape[1]}
        units = [unit or "mV" for unit in record.units]
        names = [name or str(number) for number, name in enumerate(record.sig_name, start=1)]
    except FileNotFoundError as problem:
        raise _unreadable(problem.filename or path, problem) from None
    except Exception as problem:  # wfdb raises whatever its parsing meets
        raise RecordError(f"{path}.hea or its signal file cannot be read ({problem})") from None
    if len(lengths) != 1:
        raise RecordError(f"{path} is shorter than its header says")
    # several samples a frame come averaged, and a checksum is of all of them
    if record.checksum and None not in record.checksum and set(record.samps_per_frame) == {1}:
        _verify_checksums(path, counts, record.checksum)
    return _recording(path, signal, units, sampling_rate, names)


def _verify_checksums(file: Path, counts: np.ndarray, checksums: list[int]) -> None:
    sums = counts.sum(axis=1, dtype=np.int64)
    wrong = (sums - np.array(checksums)) % 65536 != 0
    if wrong.any():
        raise RecordError(f"{file} fails the checksum of lead {int(wrong.argmax()) + 1} in its header")


def _recording(file: Path, signal: np.ndarray, units: list[str], sampling_rate: float, names: list[str]) -> Recording:
    """Checked and in mV; ``signal`` (leads, time) is in ``units``, NaN where a sample is missing."""
    leads = tuple(canonical_lead(name) for name in names)
    if len(set(leads)) != len(leads):
        raise RecordError(f"{file} names a lead twice: {', '.join(leads)}")
    missing = np.isnan(signal).any(axis=1)
    if missing.any():
        raise RecordError(f"{file} has a missing sample in lead {leads[int(missing.argmax())]}")
    foreign = [unit for unit in units if unit.lower() not in _MILLIVOLTS]
    if foreign:
        raise RecordError(f"{file} is in {foreign[0]}, not in mV, uV or V")
    scale = np.array([_MILLIVOLTS[unit.lower()] for unit in units])
    return Recording(signal * scale[:, None], sampling_rate, leads)
