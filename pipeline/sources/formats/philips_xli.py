"""XLI, the compression of Philips' recordings: words of an LZW code, in them what is left of second differences.

Each lead is a block: its length (4 bytes), two bytes of no known meaning, a first difference (2 bytes), then an LZW
stream of codes of ten bits. It unpacks to the high bytes of all words, and their low bytes behind them.

Reference: C. A. Watford's description of the format, https://github.com/sixlettervariables/sierra-ecg-tools/wiki.
"""

import numpy as np

from pipeline.sources.formats.recording import RecordError

_HEAD = 8
_BITS = 10
_LAST_CODE = 2**_BITS - 2  # the one above ends the stream
_MIDDLE = 64  # words are second differences around it


def unpacked_leads(file: str, data: bytes, n_leads: int, n_samples: int) -> np.ndarray:
    """The counts of each lead.

    Args:
        file: what a sentence names.
        data: the blocks, one behind the other; those behind the last lead are not read.
        n_leads: that are there.
        n_samples: of each lead.

    Shape:
        (n_leads, n_samples), int64.

    Raises:
        RecordError: a block is cut off, damaged, or has not the samples that are announced.
    """
    leads, place = [], 0
    for number in range(1, n_leads + 1):
        head = data[place : place + _HEAD]
        length = int.from_bytes(head[:4], "little")
        block = data[place + _HEAD : place + _HEAD + length]
        if len(head) < _HEAD or len(block) < length:
            raise RecordError(f"{file} is cut off in lead {number} of {n_leads}: export or copy it again")
        words = _words(_expanded(file, block, 2 * n_samples + 2))
        if len(words) < n_samples:
            raise RecordError(
                f"{file} announces {n_samples} samples of a lead and unpacks to {len(words)} in lead {number}: "
                "export or copy it again"
            )
        leads.append(_summed(words, int.from_bytes(head[6:8], "little", signed=True))[:n_samples])
        place += _HEAD + length
    return np.stack(leads)


def _expanded(file: str, block: bytes, most: int) -> bytes:
    """What an LZW stream unpacks to; a string enters the table with each code, until the table is full."""
    strings = [bytes([byte]) for byte in range(256)]
    out, before = bytearray(), b""
    for code in _codes(block)[: most + 1].tolist():  # a code is at least a byte
        if code > _LAST_CODE:
            break
        if code > len(strings) or (code == len(strings) and not before):
            raise RecordError(f"{file} has a damaged compression (a code that was not defined): copy it again")
        string = strings[code] if code < len(strings) else before + before[:1]
        if before and len(strings) <= _LAST_CODE:
            strings.append(before + string[:1])
        out += string
        before = string
        if len(out) > most:
            raise RecordError(f"{file} unpacks to more samples of a lead than it announces: export it again")
    return bytes(out)


def _codes(block: bytes) -> np.ndarray:
    """Numbers of ten bits, four in five bytes; what is left over at the end is none."""
    fives = np.frombuffer(block.ljust(-(-len(block) // 5) * 5, b"\0"), np.uint8).reshape(-1, 5).astype(np.uint16)
    one, two, three, four, five = fives.T
    codes = [one << 2 | two >> 6, (two & 63) << 4 | three >> 4, (three & 15) << 6 | four >> 2, (four & 3) << 8 | five]
    return np.stack(codes, axis=1).reshape(-1)[: len(block) * 8 // _BITS]


def _words(data: bytes) -> np.ndarray:
    """Signed numbers of two bytes, whose high bytes are the first half."""
    half = (len(data) + 1) // 2
    padded = np.frombuffer(data.ljust(2 * half, b"\0"), np.uint8).astype(np.uint16)
    return (padded[:half] << 8 | padded[half:]).view(np.int16).astype(np.int64)


def _summed(words: np.ndarray, first: int) -> np.ndarray:
    """Samples of their second differences: the first two are samples, and a word is the difference after next."""
    if len(words) < 2:
        return words
    bends = np.concatenate([[-first], _MIDDLE - words[2:-1]])[: len(words) - 2]
    steps = np.cumsum(np.concatenate([[words[1] - words[0]], bends]))
    summed: np.ndarray = words[0] + np.concatenate([[0], np.cumsum(steps)])
    return summed
