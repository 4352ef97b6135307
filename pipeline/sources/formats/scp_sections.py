"""An SCP-ECG file as its sections, each found where section 0 says it lies, and checked against its CRC.

Reference: EN 1064 (SCP-ECG 1.3 to 2.3); all numbers have their lowest byte first.
"""

import struct
from binascii import crc_hqx

from pipeline.sources.formats.recording import RecordError

REMEDY = "export or copy it again"
_PREAMBLE, _HEAD, _POINTER = 6, 16, 10  # bytes
_MARK = b"SCPECG"
_FIRST_POINTER = struct.Struct("<HII")
_START_OF_INDEX = 7  # counted from 1


def is_marked(head: bytes) -> bool:
    """Whether the first bytes of a file are those of SCP-ECG: section 0, which older files do not mark by letters."""
    if len(head) < _PREAMBLE + _HEAD + _POINTER or head[8:10] != b"\0\0":
        return False
    number, _, place = _FIRST_POINTER.unpack_from(head, _PREAMBLE + _HEAD)
    return head[16:22] == _MARK or (number == 0 and place == _START_OF_INDEX)


class Sections:
    """The sections of a file by their number.

    >>> Sections("a.scp", b"ISHNE1.0" + bytes(60))
    Traceback (most recent call last):
    pipeline.sources.formats.recording.RecordError: a.scp is no SCP-ECG file: its first bytes are not those of one
    """

    def __init__(self, file: str, data: bytes) -> None:
        self._file = file
        if not is_marked(data):
            raise RecordError(f"{file} is no SCP-ECG file: its first bytes are not those of one")
        (size,) = struct.unpack_from("<I", data, 2)
        if size > len(data):
            raise RecordError(f"{file} announces {size} bytes and has {len(data)}: it is cut off, {REMEDY}")
        self._data = data[:size]
        self._places = self._index()

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def protocol(self, number: int) -> int:
        """The version of the standard that a section is of, times ten: 20 is 2.0; 0 where it does not say."""
        return self._data[self._places[number][0] + 9]

    def body(self, number: int, what: str) -> bytes:
        """What a section holds behind its header.

        Args:
            number: of the section.
            what: it holds, as a sentence has it.

        Raises:
            RecordError: it is not there, or not what its CRC says.
        """
        if number not in self._places:
            raise RecordError(f"{self._file} has no section {number}, and so no {what}: {REMEDY}")
        first, last = self._places[number]
        return self._checked(number, first, last)

    def _index(self) -> dict[int, tuple[int, int]]:
        """First and last byte + 1 of each section that section 0 points to."""
        (length,) = struct.unpack_from("<I", self._data.ljust(_PREAMBLE + _HEAD, b"\0"), _PREAMBLE + 4)
        last = _PREAMBLE + length
        if length < _HEAD or last > len(self._data):
            raise self._outside(0, _PREAMBLE, length)
        pointers = self._checked(0, _PREAMBLE, last)
        places: dict[int, tuple[int, int]] = {}
        for at in range(0, len(pointers) - _POINTER + 1, _POINTER):
            number, length, place = _FIRST_POINTER.unpack_from(pointers, at)
            if number == 0 or length == 0:  # itself, and sections that are not there
                continue
            if place < 1 or length < _HEAD or place - 1 + length > len(self._data):
                raise self._outside(number, place - 1, length)
            if number in places:
                raise RecordError(f"{self._file} has two sections {number}: {REMEDY}")
            places[number] = (place - 1, place - 1 + length)
        return places

    def _outside(self, number: int, first: int, length: int) -> RecordError:
        return RecordError(
            f"{self._file} has section {number} of {length} bytes from byte {first}, which is not within its "
            f"{len(self._data)}: it is damaged, {REMEDY}"
        )

    def _checked(self, number: int, first: int, last: int) -> bytes:
        """A section's body; its CRC is of all that follows it in the section."""
        section = self._data[first:last]
        crc, own_number, length = struct.unpack_from("<HHI", section)
        if (own_number, length) != (number, len(section)):
            raise RecordError(
                f"{self._file} has something else where section {number} should begin: bytes were added or taken "
                f"away, {REMEDY}"
            )
        if crc != crc_hqx(section[2:], 0xFFFF):
            raise RecordError(f"{self._file} has section {number} that fails its checksum: it is damaged, {REMEDY}")
        return section[_HEAD:]
