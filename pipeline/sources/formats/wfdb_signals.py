"""The samples that a WFDB header describes, in any of the formats: bytes checked here, the rarer ones decoded by wfdb.

wfdb gets a header of our own, in a folder of its own: its reading of headers is lenient, and it compares neither a
file's length with what is said of it nor checksums.

Reference: https://wfdb.io/spec/signal-files.html
"""

import os
import tempfile
from itertools import groupby

import numpy as np

from pipeline.machine.files import file_error, is_of_the_machine
from pipeline.sources.formats.recording import (
    MOST_BYTES,
    MOST_SAMPLES,
    RecordError,
    Recording,
    checked_recording,
    content,
)
from pipeline.sources.formats.wfdb_counts import counts_of_16, counts_of_212
from pipeline.sources.formats.wfdb_headers import NO_SIGNAL, Header, Signal

_FLAC = {"508": 8, "516": 16, "524": 24}  # format → bits of a sample
_BYTES = {  # format → (bytes, samples in them)
    "8": (1, 1),
    "16": (2, 1),
    "24": (3, 1),
    "32": (4, 1),
    "61": (2, 1),
    "80": (1, 1),
    "160": (2, 1),
    "212": (3, 2),
    "310": (4, 3),
    "311": (4, 3),
}
_BITS = {"16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12, "310": 10, "311": 10} | _FLAC
_BY_NUMPY = {"16": counts_of_16, "212": counts_of_212}


def missing_mark(format: str) -> int | None:
    """The count that stands for a sample that was not recorded; format 8 has none."""
    return -(2 ** (_BITS[format] - 1)) if format in _BITS else None


def read_signals(path: str, header: Header) -> Recording:
    """Reads the files that a header without segments names; ``path`` is the header's, without its ending.

    Several samples a frame are averaged; a skew is undone.

    Raises:
        RecordError: a file is missing, short or not what it should be, a checksum fails, a sample is missing.
    """
    folder = os.path.dirname(path)
    files = [(name, list(group)) for name, group in groupby(header.signals, key=lambda signal: signal.file)]
    if len({name for name, _ in files}) != len(files):
        raise RecordError(f"{path}.hea names a file, another one, and the first again: leads of a file stand together")
    parts: list[np.ndarray] = []
    missing: list[bool] = []
    for name, signals in files:
        values, absent = _read_file(os.path.join(folder, name), signals, header, len(missing) + 1)
        parts.append(values)
        missing += absent
    lengths = {part.shape[1] for part in parts}
    if len(lengths) != 1:
        raise RecordError(f"{path}.hea names files of unequal length ({min(lengths)} and {max(lengths)} samples)")
    return checked_recording(
        path if len(files) > 1 else os.path.join(folder, files[0][0]),
        np.concatenate(parts) if len(parts) > 1 else parts[0],
        np.array(missing),
        [signal.unit for signal in header.signals],
        header.sampling_rate,
        tuple(signal.lead for signal in header.signals),
    )


def _read_file(file: str, signals: list[Signal], header: Header, first: int) -> tuple[np.ndarray, list[bool]]:
    """Physical values (leads, time), and whether a sample of each lead is missing."""
    if len({(signal.format, signal.offset) for signal in signals}) != 1:
        raise RecordError(f"{file} has leads of several formats in its header, and a file has one")
    if signals[0].format == NO_SIGNAL:
        raise RecordError(f"{file} is of format 0 in its header, which has no samples")
    data = content(file, MOST_BYTES)
    most_skew = max(signal.skew for signal in signals)
    frames = _frames_in(file, data, signals)
    n_samples = header.n_samples or frames - most_skew
    if n_samples <= 0:
        raise RecordError(f"{file} holds no samples")
    frame = sum(signal.samples_per_frame for signal in signals)
    _check_length(file, data, signals[0], (n_samples, most_skew, frames), frame)
    if n_samples * frame > MOST_SAMPLES:
        raise RecordError(f"{file} has {n_samples * frame} samples, and more than {MOST_SAMPLES} are not read")
    counts = _decode(file, data, signals, min(frames, n_samples + most_skew))
    values = np.empty((len(signals), n_samples))
    missing = []
    for number, (signal, samples, lead) in enumerate(zip(signals, counts, values, strict=True), first):
        missing.append(_fill(lead, file, number, signal, samples))
    return values, missing


def _frames_in(file: str, data: bytes, signals: list[Signal]) -> int:
    """How many frames the file can have."""
    signal = signals[0]
    if signal.format in _FLAC:
        if data[:4] != b"fLaC" or len(data) < 42:
            raise RecordError(f"{file} is no FLAC file, as format {signal.format} in its header says")
        # the lowest 36 bits of these eight bytes: samples of each channel
        samples = int.from_bytes(data[18:26], "big") % 2**36 - signal.offset
        return max(0, samples // signal.samples_per_frame)
    n_bytes, per_bytes = _BYTES[signal.format]
    samples = max(0, len(data) - signal.offset) * per_bytes // n_bytes
    return samples // sum(signal.samples_per_frame for signal in signals)


def _check_length(file: str, data: bytes, signal: Signal, lengths: tuple[int, int, int], frame: int) -> None:
    n_samples, most_skew, frames = lengths
    if signal.format in _FLAC:
        if frames < n_samples:
            raise RecordError(f"{file} has {frames} samples a lead where its header says {n_samples}")
        return
    n_bytes, per_bytes = _BYTES[signal.format]
    expected = signal.offset + -(-n_samples * frame * n_bytes // per_bytes)
    # bytes behind the last sample are told of in format 16 alone: the others may fill up a block
    surplus = len(data) - expected if signal.format == "16" else 0
    if frames < n_samples or (surplus and (surplus > 2 * frame * most_skew or surplus % (2 * frame))):
        raise RecordError(f"{file} has {len(data)} bytes where its header says {expected}")


def _decode(file: str, data: bytes, signals: list[Signal], frames: int) -> list[np.ndarray]:
    """The counts of each lead, (frames · samples a frame,), as they lie in the file."""
    quick = _BY_NUMPY.get(signals[0].format)
    if quick and all(signal.samples_per_frame == 1 for signal in signals):
        return list(quick(data[signals[0].offset :], len(signals), frames))
    return _decode_by_wfdb(file, data, signals, frames)


def _decode_by_wfdb(file: str, data: bytes, signals: list[Signal], frames: int) -> list[np.ndarray]:
    import wfdb

    is_flac, format = signals[0].format in _FLAC, signals[0].format
    data = data if is_flac else data[signals[0].offset :]
    if format == "61":  # wfdb gives its big-endian counts with their frames averaged only
        data, format = np.frombuffer(data[: len(data) // 2 * 2], "<i2").byteswap().tobytes(), "16"
    lines = [f"r {len(signals)} 250 {frames}"]
    lines += [
        f"r.dat {format}x{one.samples_per_frame}+{one.offset if is_flac else 0} 1(0)/mV 0 0 {one.initial} 0 0 {n}"
        for n, one in enumerate(signals)
    ]
    try:
        with tempfile.TemporaryDirectory(prefix="ecgfusion-") as folder:
            for name, part in (
                ("r.hea", "\n".join(lines).encode()),
                ("r.dat", data),
            ):
                with open(os.path.join(folder, name), "wb") as copy:
                    copy.write(part)
            record = wfdb.rdrecord(os.path.join(folder, "r"), physical=False, smooth_frames=False)
    except OSError as problem:
        if is_of_the_machine(problem):
            raise file_error(problem, do="use") from None
        raise RecordError(f"{file} cannot be decoded: no temporary file can be written ({problem.strerror})") from None
    except Exception:  # wfdb and libsndfile raise whatever their decoding meets
        raise RecordError(f"{file} cannot be decoded as format {signals[0].format}") from None
    counts: list[np.ndarray] = record.e_d_signal
    return counts


def _fill(values: np.ndarray, file: str, number: int, signal: Signal, samples: np.ndarray) -> bool:
    """Writes one lead's physical values (time,) from its counts (frames · samples a frame,): is a sample missing?"""
    per_frame = signal.samples_per_frame
    first, n_samples = signal.skew * per_frame, len(values)
    aligned = samples[first : first + n_samples * per_frame]
    if signal.checksum is not None:
        # who writes a skew sums up what lies in the file, to its end or not; who undoes it, what is read
        parts = (samples, samples[: n_samples * per_frame], aligned)
        if all((int(part.sum(dtype=np.int16)) - signal.checksum) % 65536 for part in parts):  # which has 16 bits
            raise RecordError(f"{file} fails the checksum of lead {number} in its header")
    if len(aligned) < n_samples * per_frame:
        raise RecordError(f"{file} ends before lead {number}, which is stored {signal.skew} samples late")
    mark = missing_mark(signal.format)
    is_missing = mark is not None and bool(aligned.min() <= mark and (aligned == mark).any())
    # of several samples a frame the mean
    counts = aligned if per_frame == 1 else aligned.astype(np.float64).reshape(-1, per_frame).mean(axis=1)
    if signal.baseline:
        counts = np.subtract(counts, float(signal.baseline), out=values)
    np.divide(counts, signal.gain, out=values)
    return is_missing
