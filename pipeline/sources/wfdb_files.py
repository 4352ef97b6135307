"""One recording in WFDB files, checked as it is read.

The header and format 16 (nearly all of PhysioNet's ECG sets) are read here, in a small part of wfdb's time;
whatever else a header may say goes to wfdb itself. wfdb alone does not compare the checksums.

Reference: https://wfdb.io/spec/header-files.html
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.sources.base import canonical_lead

MISSING_SAMPLE = -32768  # format 16's mark of a sample that was not recorded
_MILLIVOLTS = {"mV": 1.0, "uV": 1e-3, "µV": 1e-3, "V": 1e3}
_RECORD_LINE = re.compile(r"^(?P<name>[^\s/]+)\s+(?P<n_leads>\d+)\s+(?P<rate>[\d.]+)\S*\s+(?P<n_samples>\d+)")
_SIGNAL_LINE = re.compile(
    r"^(?P<file>\S+)\s+16\s+(?P<gain>[\d.eE+-]+)(\((?P<baseline>-?\d+)\))?(/(?P<unit>\S+))?"
    r"\s+\d+\s+(?P<zero>-?\d+)\s+-?\d+\s+(?P<checksum>-?\d+)\s+0\s+(?P<lead>\S.*?)\s*$"
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
    except FileNotFoundError:
        raise RecordError(f"{header} is missing") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    record = _RECORD_LINE.match(lines[0]) if lines else None
    signals = [_SIGNAL_LINE.match(line) for line in lines[1:]]
    if record and signals and all(signals) and len(signals) == int(record["n_leads"]):
        found = [signal for signal in signals if signal]
        if len({signal["file"] for signal in found}) == 1:
            return _read_format_16(header, record, found)
    return _read_by_wfdb(path)


def _read_format_16(header: Path, record: re.Match, signals: list[re.Match]) -> Recording:
    file = header.parent / signals[0]["file"]
    n_leads, n_samples = len(signals), int(record["n_samples"])
    try:
        counts = np.fromfile(file, dtype="<i2")
    except FileNotFoundError:
        raise RecordError(f"{file} is missing") from None
    if counts.size != n_leads * n_samples or file.stat().st_size % 2:
        raise RecordError(f"{file} has {file.stat().st_size} bytes where its header says {2 * n_leads * n_samples}")
    counts = counts.reshape(n_samples, n_leads).T
    gains = np.array([float(signal["gain"]) for signal in signals])
    baselines = np.array([int(signal["baseline"] or signal["zero"]) for signal in signals])
    units = [signal["unit"] or "mV" for signal in signals]
    _verify_checksums(file, counts, [int(signal["checksum"]) for signal in signals])
    return _recording(file, counts, gains, baselines, units, float(record["rate"]), [s["lead"] for s in signals])


def _read_by_wfdb(path: Path) -> Recording:
    import wfdb

    try:
        record = wfdb.rdrecord(str(path), physical=False)
        counts = np.asarray(record.d_signal).T
        lengths = {record.sig_len, counts.shape[1]}
    except FileNotFoundError as problem:
        raise RecordError(f"{problem.filename or path} is missing") from None
    except Exception as problem:  # wfdb raises whatever its parsing meets
        raise RecordError(f"{path}.hea or its signal file cannot be read ({problem})") from None
    if len(lengths) != 1:
        raise RecordError(f"{path} is shorter than its header says")
    if record.checksum and None not in record.checksum:
        _verify_checksums(path, counts, record.checksum)
    gains, baselines = np.array(record.adc_gain, float), np.array(record.baseline)
    return _recording(path, counts, gains, baselines, record.units, float(record.fs), record.sig_name)


def _verify_checksums(file: Path, counts: np.ndarray, checksums: list[int]) -> None:
    sums = counts.sum(axis=1, dtype=np.int64)
    wrong = (sums - np.array(checksums)) % 65536 != 0
    if wrong.any():
        raise RecordError(f"{file} fails the checksum of lead {int(wrong.argmax()) + 1} in its header")


def _recording(
    file: Path,
    counts: np.ndarray,
    gains: np.ndarray,
    baselines: np.ndarray,
    units: list[str],
    sampling_rate: float,
    names: list[str],
) -> Recording:
    leads = tuple(canonical_lead(name) for name in names)
    if len(set(leads)) != len(leads):
        raise RecordError(f"{file} names a lead twice: {', '.join(leads)}")
    missing = (counts == MISSING_SAMPLE).any(axis=1)
    if missing.any():
        raise RecordError(f"{file} has a missing sample in lead {leads[int(missing.argmax())]}")
    foreign = [unit for unit in units if unit not in _MILLIVOLTS]
    if foreign:
        raise RecordError(f"{file} is in {foreign[0]}, not in mV, uV or V")
    if (gains == 0).any():
        raise RecordError(f"{file} has a gain of 0 in its header")
    scale = np.array([_MILLIVOLTS[unit] for unit in units])
    signal = (counts - baselines[:, None]) / gains[:, None] * scale[:, None]
    return Recording(signal, sampling_rate, leads)
