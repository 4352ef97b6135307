"""What the head of an EDF or BDF file announces, compared with the bytes behind it before anything is decoded.

Reference: https://www.edfplus.info/specs/edf.html, https://www.biosemi.com/faq/file_format.htm
"""

import math
import re
from dataclasses import dataclass

import numpy as np

from pipeline.machine.places import size_of
from pipeline.sources.formats.recording import RecordError, content, shown

EDF, BDF = b"0       ", b"\xffBIOSEMI"
_FIXED, _EACH = 256, 256  # bytes of the head before the channels, and of each channel
_BEFORE_SAMPLES = 16 + 80 + 8 + 8 + 8 + 8 + 8 + 80  # of a channel: label to filter
MOST_FILE = 2**40
"""Bytes of a file: EDF's samples are read where they are wanted, so that a night of 50 channels is no burden."""
_MOST_CHANNELS = 2000
_ROUNDED = 7
"""Digits of a field of 8, with their point, from which on they are taken for the first ones of more."""
_ONSET = re.compile(rb"([+-][0-9]{1,12}(?:\.[0-9]{0,12})?)(?:\x15[^\x14]*)?\x14")


@dataclass(frozen=True)
class EdfHead:
    """The numbers that say where samples lie.

    Attributes:
        is_bdf: whether a sample has three bytes rather than two.
        is_discontinuous: whether there may be gaps between its data records (EDF+D, BDF+D).
        n_bytes: of the head.
        n_records: data records that are in the file.
        seconds: of a data record.
        decimals: the least difference that the digits of ``seconds`` can show; 0 where these are few, and so exact.
        per_record: samples of each channel in a data record.
        labels: of the channels.
        encoding: of its text.
    """

    is_bdf: bool
    is_discontinuous: bool
    n_bytes: int
    n_records: int
    seconds: float
    decimals: float
    per_record: tuple[int, ...]
    labels: tuple[str, ...]
    encoding: str

    @property
    def annotations(self) -> tuple[int, ...]:
        """The numbers of the channels that hold text instead of samples."""
        name = "BDF Annotations" if self.is_bdf else "EDF Annotations"
        return tuple(number for number, label in enumerate(self.labels) if label == name)

    @property
    def width(self) -> int:
        """Bytes of a sample."""
        return 3 if self.is_bdf else 2

    def rate(self, per_record: int) -> float:
        """Hz of a channel; whole where the digits of a record's length allow it.

        >>> EdfHead(False, False, 512, 1, 0.333333, 1e-6, (100,), ("I",), "utf-8").rate(100)
        300.0
        """
        rate = per_record / self.seconds
        share = self.decimals / 2 / self.seconds
        whole = round(rate)
        return float(whole) if whole and abs(rate - whole) <= max(share, 1e-9) * rate else rate


def read_edf_head(path: str) -> EdfHead:
    """Reads the numbers of the head.

    Raises:
        RecordError: it is none, or announces what the file does not hold.
    """
    fixed = content(path, MOST_FILE, _FIXED)
    if fixed[:8] not in (EDF, BDF) or len(fixed) < _FIXED:
        raise RecordError(f"{path} is no EDF or BDF file, or is cut off in its first {_FIXED} bytes")
    n_bytes, announced, n_channels = (
        _integer(path, what, fixed[slice(*place)])
        for what, place in (("length of the head", (184, 192)), ("data records", (236, 244)), ("signals", (252, 256)))
    )
    if not 0 < n_channels <= _MOST_CHANNELS:
        raise RecordError(f"{path} announces {n_channels} signals, and can have 1 to {_MOST_CHANNELS}")
    if n_bytes != _FIXED + _EACH * n_channels:
        raise RecordError(
            f"{path} says that its head has {n_bytes} bytes, and that of {n_channels} signals has "
            f"{_FIXED + _EACH * n_channels}: it is damaged, export or copy it again"
        )
    head = content(path, MOST_FILE, n_bytes)
    if len(head) < n_bytes:
        raise RecordError(f"{path} is cut off within its head: export or copy it again")
    at = _FIXED + _BEFORE_SAMPLES * n_channels
    fields = [head[at + 8 * number : at + 8 * number + 8] for number in range(n_channels)]
    per_record = tuple(_integer(path, "samples in a data record", each) for each in fields)
    if min(per_record) < 0 or not any(per_record):
        raise RecordError(f"{path} gives {min(per_record)} samples in a data record, which is none")
    is_bdf, seconds = fixed[:8] == BDF, fixed[244:252]
    width = 3 if is_bdf else 2
    n_records = _n_records(path, announced, size_of(path) - n_bytes, sum(per_record) * width)
    text = seconds.decode("latin-1").strip()
    kind, encoding = fixed[192:197], _encoding(head)
    return EdfHead(
        is_bdf,
        kind in (b"EDF+D", b"BDF+D"),
        n_bytes,
        n_records,
        _seconds(path, text),
        10.0 ** -len(text.partition(".")[2]) if len(text) >= _ROUNDED else 0.0,
        per_record,
        tuple(head[_FIXED + 16 * number :][:16].decode(encoding, "replace").rstrip() for number in range(n_channels)),
        encoding,
    )


def check_gaps(path: str, head: EdfHead) -> None:
    """Refuses a discontinuous file in which time is left out, or goes back: its annotations say when a record begins.

    Raises:
        RecordError: with the place of the first gap.
    """
    if not head.is_discontinuous:
        return
    kind = "BDF+D" if head.is_bdf else "EDF+D"
    if not head.annotations:
        raise RecordError(f"{path} is discontinuous ({kind}) and has no annotations that say when its parts begin")
    channel = head.annotations[0]
    begin, end = (head.width * sum(head.per_record[: channel + more]) for more in (0, 1))
    shape = (head.n_records, head.width * sum(head.per_record))
    records = np.memmap(path, np.uint8, "r", head.n_bytes, shape)
    onsets = [_ONSET.match(records[number, begin:end].tobytes()) for number in range(head.n_records)]
    times = [float(each[1]) for each in onsets if each]
    if len(times) != head.n_records:
        raise RecordError(f"{path} is discontinuous ({kind}) and does not say when each of its data records begins")
    gaps = np.diff(times) - head.seconds
    bad = np.flatnonzero(np.abs(gaps) > max(1e-6, head.decimals))
    if len(bad):
        at, gap = (int(bad[0]) + 1) * head.seconds, float(gaps[bad[0]])
        what = f"leaves out {gap:g} s" if gap > 0 else f"goes back {-gap:g} s"
        raise RecordError(
            f"{path} is discontinuous ({kind}): behind its first {at:g} s it {what}; make a file of each part "
            "without a gap"
        )


def _integer(path: str, what: str, field: bytes) -> int:
    text = field.decode("latin-1").strip(" \0")
    if not re.fullmatch(r"[+-]?[0-9]{1,8}", text):
        raise RecordError(f"{path} gives {shown(text)!r} as its {what}, which is no number: it is damaged")
    return int(text)


def _seconds(path: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < 1e8:
        raise RecordError(f"{path} gives {shown(text)!r} as seconds of a data record, which is no time: it is damaged")
    if not seconds:
        raise RecordError(f"{path} has data records of 0 s: it holds annotations and no signal")
    return seconds


def _n_records(path: str, announced: int, there: int, of_record: int) -> int:
    """How many data records there are; −1 is announced where nobody closed the file."""
    found = there // of_record
    if announced < -1 or (announced != -1 and there != announced * of_record):
        raise RecordError(
            f"{path} has {there} bytes of samples where its head says {announced} data records of {of_record}: it is "
            "cut off or damaged, export or copy it again"
        )
    if not found:
        raise RecordError(f"{path} holds no samples")
    return found


def _encoding(head: bytes) -> str:
    """Of text that should be ASCII, and has a µ in it all the same."""
    try:
        head[_FIXED:].decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"
