"""ISHNE Holter files: a header of 522 bytes, remarks, and all leads of one moment side by side in 16 bits.

Reference: Badilini, "The ISHNE Holter standard output file format", Ann Noninvasive Electrocardiol 3 (1998).
"""

import struct
from binascii import crc_hqx

import numpy as np

from pipeline.machine.places import size_of
from pipeline.sources.formats.arrays import Own, check_size, opened_array
from pipeline.sources.formats.opened import OpenedFile, Said
from pipeline.sources.formats.recording import RecordError, content, shown

_RECORDING, _ANNOTATIONS = b"ISHNE1.0", b"ANN  1.0"
_FIXED, _CHECKED_FROM, _MOST_LEADS = 522, 10, 12
_LOST = -32768  # a sample of a lead that had come off
_NAMES = "X Y Z I II III aVR aVL aVF V1 V2 V3 V4 V5 V6 ES AS AI"
_LEADS = dict(enumerate(_NAMES.split(), 2))
_REMEDY = "copy it again"


def is_ishne(path: str) -> bool:
    """Whether a file is of this format, recording or annotations, by its first bytes."""
    return content(path, first=8) in (_RECORDING, _ANNOTATIONS)


def open_ishne(path: str, said: Said) -> OpenedFile:
    """The whole recording.

    Raises:
        RecordError: it is damaged or cut off, or holds annotations.
    """
    head = content(path, first=_FIXED)
    if head[:8] == _ANNOTATIONS:
        raise RecordError(f"{path} holds annotations of an ISHNE recording: give the recording itself")
    if head[:8] != _RECORDING:
        raise RecordError(f"{path} is no ISHNE recording and no SCP-ECG file: its first bytes are of neither")
    if len(head) < _FIXED:
        raise RecordError(f"{path} has {len(head)} bytes, and the header alone has {_FIXED}: {_REMEDY}")
    begin = _checked_begin(path, head)
    leads, per_count = _leads(path, head)
    n_samples = _n_samples(path, head, begin, len(leads))
    (rate,) = struct.unpack_from("<h", head, 272)
    if rate <= 0:
        raise RecordError(f"{path} has a sampling rate of {rate} Hz, which no recording has: {_REMEDY}")

    def whole() -> np.ndarray:
        data = content(path)[begin:]
        if len(data) != 2 * n_samples * len(leads):
            raise RecordError(f"{path} was changed while it was read: {_REMEDY}")
        counts = np.frombuffer(data, "<i2").reshape(n_samples, len(leads))
        return np.where(counts == _LOST, np.nan, counts * (np.array(per_count) * 1e-6))

    return opened_array(path, (n_samples, len(leads)), Own(("mV",), float(rate), leads), said, whole, time_first=True)


def _checked_begin(path: str, head: bytes) -> int:
    """The first byte of the samples; all before is checked, where the file has a checksum."""
    begin: int
    checksum, n_remarks = struct.unpack_from("<Hi", head, 8)
    begin = _FIXED + n_remarks
    if n_remarks < 0 or begin > size_of(path):
        raise RecordError(f"{path} announces {n_remarks} bytes of remarks, which it has not: {_REMEDY}")
    crc = crc_hqx(content(path, first=begin)[_CHECKED_FROM:], 0xFFFF)
    # nobody says in which order its two bytes stand; writers that compute none leave 0
    if checksum not in (0, crc, crc >> 8 | (crc & 0xFF) << 8):
        raise RecordError(f"{path} has a header that fails its checksum: it is damaged, {_REMEDY}")
    return begin


def _leads(path: str, head: bytes) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of the leads, and what a count of each is worth in nV."""
    (n_leads,) = struct.unpack_from("<h", head, 156)
    if not 1 <= n_leads <= _MOST_LEADS:
        raise RecordError(f"{path} has {n_leads} leads in its header, and 1 to {_MOST_LEADS} are possible: {_REMEDY}")
    codes = struct.unpack_from(f"<{n_leads}h", head, 158)
    leads = tuple(_LEADS.get(code, f"channel {place + 1}") for place, code in enumerate(codes))
    if len(set(leads)) != n_leads:
        raise RecordError(f"{path} names a lead twice: {shown(', '.join(leads))}")
    per_count = struct.unpack_from(f"<{n_leads}h", head, 206)
    for lead, resolution in zip(leads, per_count, strict=True):
        if resolution <= 0:
            raise RecordError(f"{path} says that a count of lead {lead} is {resolution} nV, which is no resolution")
    return leads, per_count


def _n_samples(path: str, head: bytes, begin: int, n_leads: int) -> int:
    """Of each lead, as many as are there; the header counts those of one lead, or of all."""
    (announced,) = struct.unpack_from("<i", head, 14)
    n_bytes = size_of(path) - begin
    n_samples, rest = divmod(n_bytes, 2 * n_leads)
    if rest or announced not in (n_samples, n_samples * n_leads):
        raise RecordError(
            f"{path} announces {announced} samples and has {n_bytes} bytes of {n_leads} leads, which do not fit: "
            f"it is cut off or damaged, {_REMEDY}"
        )
    check_size(path, (n_samples, n_leads))
    return n_samples
