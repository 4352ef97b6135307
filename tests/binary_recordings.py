"""Recordings of invented people in the binary files of machines: SCP-ECG and ISHNE, written by their standards."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

SCP_CODES = {"I": 1, "II": 2, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64} | {f"V{n}": n + 2 for n in range(1, 7)}
ISHNE_CODES = {"I": 5, "II": 6, "III": 7, "aVR": 8, "aVL": 9, "aVF": 10} | {f"V{n}": n + 10 for n in range(1, 7)}
DEFAULT_TABLE = struct.pack("<H", 19999)


def crc_ccitt(data: bytes) -> int:
    """Bit by bit, as the standard draws it: x^16 + x^12 + x^5 + 1, begun with ones."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc


def as_differences(samples: np.ndarray, order: int) -> np.ndarray:
    """The first ``order`` samples themselves, then first or second differences."""
    return np.concatenate([samples[:order], np.diff(samples, order)]) if order else samples


def huffman_bits(values: np.ndarray) -> str:
    """In the codes of the default table."""
    return "".join(map(_code, values.tolist()))


def _code(value: int) -> str:
    if abs(value) <= 8:
        return "1" * abs(value) + "0" + ("" if not value else "01"[value < 0])
    n_bits = 8 if -128 <= value < 128 else 16
    return "111111111" + "01"[n_bits == 16] + f"{value & (1 << n_bits) - 1:0{n_bits}b}"


def bytes_of(bits: str) -> bytes:
    """The first bit the highest of its byte, filled up to an even number of bytes."""
    filled = bits + "0" * (-len(bits) % 16)
    return int(filled, 2).to_bytes(len(filled) // 8, "big")


def scp_samples(rows: Sequence[bytes], nanovolts: int, interval: int, order: int, flag: int = 0) -> bytes:
    """Section 5 or 6."""
    head = struct.pack("<HHBB", nanovolts, interval, order, flag)
    return head + struct.pack(f"<{len(rows)}H", *map(len, rows)) + b"".join(rows)


def scp_rows(counts: Mapping[str, np.ndarray], order: int, is_huffman: bool = True) -> list[bytes]:
    rows = [as_differences(samples, order) for samples in counts.values()]
    return [bytes_of(huffman_bits(row)) if is_huffman else row.astype("<i2").tobytes() for row in rows]


def scp_leads(counts: Mapping[str, np.ndarray], flags: int = 4, first: int = 1) -> bytes:
    """Section 3."""
    leads = [struct.pack("<IIB", first, first + len(row) - 1, SCP_CODES[name]) for name, row in counts.items()]
    return bytes([len(leads), flags]) + b"".join(leads)


def scp_sections(
    counts: Mapping[str, np.ndarray],
    order: int = 2,
    is_huffman: bool = True,
    nanovolts: int = 5000,
    interval: int = 2000,
) -> dict[int, bytes]:
    """The body of each section of a recording."""
    rhythm = scp_samples(scp_rows(counts, order, is_huffman), nanovolts, interval, order)
    patient = b"\x02\x04\0ANON\xff\0\0"
    return {1: patient, **({2: DEFAULT_TABLE} if is_huffman else {}), 3: scp_leads(counts), 6: rhythm}


def scp_file(sections: Mapping[int, bytes], protocol: int = 20) -> bytes:
    """Preamble, section 0 that points to the others, and these, each with its CRC."""
    whole = [_section(number, body, protocol) for number, body in sections.items()]
    numbers = [*range(12), *(number for number in sections if number > 11)]
    place = 6 + 16 + 10 * len(numbers) + 1
    places = {}
    for number, section in zip(sections, whole, strict=True):
        places[number] = (len(section), place)
        place += len(section)
    places[0] = (16 + 10 * len(numbers), 7)
    index = b"".join(struct.pack("<HII", number, *places.get(number, (0, 0))) for number in numbers)
    rest = _section(0, index, protocol, b"SCPECG") + b"".join(whole)
    counted = struct.pack("<I", 6 + len(rest)) + rest
    return struct.pack("<H", crc_ccitt(counted)) + counted


def _section(number: int, body: bytes, protocol: int, reserved: bytes = bytes(6)) -> bytes:
    body += bytes(len(body) % 2)
    counted = struct.pack("<HIBB", number, 16 + len(body), protocol, protocol) + reserved + body
    return struct.pack("<H", crc_ccitt(counted)) + counted


def ishne_file(
    counts: Mapping[str, np.ndarray],
    remarks: bytes = b"",
    rate: int = 500,
    nanovolts: int = 5000,
    codes: Sequence[int] | None = None,
    announced: int | None = None,
) -> bytes:
    """Magic, checksum, 512 bytes of header, remarks, samples side by side."""
    names, n_samples = list(counts), len(next(iter(counts.values())))
    header = bytearray(512)
    struct.pack_into(
        "<iiiih", header, 0, len(remarks), n_samples if announced is None else announced, 522, 522 + len(remarks), 1
    )
    struct.pack_into("<h", header, 146, len(names))
    spoken = [ISHNE_CODES[name] for name in names] if codes is None else codes
    for at, values in ((148, spoken), (172, [1] * len(names)), (196, [nanovolts] * len(names))):
        struct.pack_into("<12h", header, at, *[*values, *[-9] * 12][:12])
    struct.pack_into("<h", header, 262, rate)
    counted = bytes(header) + remarks
    samples = np.stack(list(counts.values()), axis=1).astype("<i2").tobytes()
    return b"ISHNE1.0" + struct.pack("<H", crc_ccitt(counted)) + counted + samples


def write_bytes(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)
