"""Sections are found where section 0 points to, once each, within the file, and are what their CRC says."""

import struct
from binascii import crc_hqx

import pytest
from binary_recordings import crc_ccitt, scp_file

from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.scp_sections import Sections

BODIES = {3: b"three ", 6: b"sixsix", 40: b"the maker's own"}
WHOLE = scp_file(BODIES)


def with_pointer(place: int, number: int, length: int, index: int) -> bytes:
    """Another pointer in section 0, which then is whole again."""
    data = bytearray(WHOLE)
    struct.pack_into("<HII", data, 22 + 10 * place, number, length, index)
    (size,) = struct.unpack_from("<I", data, 10)
    struct.pack_into("<H", data, 6, crc_ccitt(bytes(data[8 : 6 + size])))
    return bytes(data)


def test_the_checksum_is_the_standards():
    assert crc_ccitt(b"123456789") == crc_hqx(b"123456789", 0xFFFF) == 0x29B1  # the check value of this CRC


def test_bodies_come_back():
    found = Sections("f", WHOLE + b"behind the file")
    assert [found.body(number, "x").rstrip(b"\0") for number in BODIES] == list(BODIES.values())
    assert (3 in found, 5 in found, found.protocol(6)) == (True, False, 20)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (with_pointer(3, 3, 2**32 - 1, 200), "has section 3 of 4294967295 bytes from byte 199, which is not within"),
        (with_pointer(3, 3, 22, 0), "has section 3 of 22 bytes from byte -1"),
        (with_pointer(3, 3, 4, 200), "has section 3 of 4 bytes"),
        (with_pointer(4, 3, 22, 200), "has two sections 3"),
        (with_pointer(3, 3, 22, 7), "has something else where section 3 should begin"),
        (WHOLE[:10] + struct.pack("<I", 10**9) + WHOLE[14:], "has section 0 of 1000000000 bytes"),
        (WHOLE[:10] + struct.pack("<I", 3) + WHOLE[14:], "has section 0 of 3 bytes"),
        (WHOLE.replace(b"three", b"trhee"), "has section 3 that fails its checksum"),
    ],
)
def test_what_is_refused(data, sentence):
    with pytest.raises(RecordError, match=sentence):
        Sections("f", data).body(3, "x")
