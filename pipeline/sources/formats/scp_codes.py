"""Samples as SCP-ECG writes them: Huffman codes of differences, the first transmitted bit the highest of its byte."""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import numpy as np

from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.scp_sections import REMEDY

DEFAULT = 19999  # what section 2 says for the table that everybody knows
_MOST_TABLES, _MOST_CODES = 32, 1024  # of a file; the table that everybody knows has 19 codes
_CODE = struct.Struct("<BBBhI")


@dataclass(frozen=True)
class Code:
    """One structure of a Huffman table.

    Attributes:
        prefix: its bits, as ``110``.
        extra: how many bits follow that hold a number in two's complement, which is added to ``value``.
        value: of the sample.
        to_table: the table, from 0, that the next code is of; None where this is a sample.
    """

    prefix: str
    extra: int
    value: int
    to_table: int | None = None


@dataclass(frozen=True)
class Table:
    """A Huffman table, whose codes are found by a regular expression."""

    codes: tuple[Code, ...]
    _meanings: dict[str, tuple[int, int | None]] = field(default_factory=dict)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds the next code with its extra bits, or one bit that begins none."""
        ordered = sorted(self.codes, key=lambda code: len(code.prefix))
        return re.compile("|".join([*(f"{each.prefix}[01]{{{each.extra}}}" for each in ordered), "[01]"]))

    @cached_property
    def _by_prefix(self) -> dict[str, Code]:
        return {each.prefix: each for each in reversed(self.codes)}

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(each.prefix) for each in self.codes})

    def meaning(self, token: str) -> tuple[int, int | None] | None:
        """Value and next table of what ``pattern`` found; None where it is no code."""
        known = self._meanings.get(token)
        if known is None:
            code = self._by_prefix.get(next((token[:n] for n in self._lengths if token[:n] in self._by_prefix), ""))
            if code is None or len(token) != len(code.prefix) + code.extra:
                return None
            known = self._meanings[token] = (code.value + _signed(token[len(code.prefix) :]), code.to_table)
        return known


def _signed(bits: str) -> int:
    """A number in two's complement; 0 of no bits.

    >>> _signed("0101"), _signed("1111"), _signed("")
    (5, -1, 0)
    """
    return int(bits, 2) - (int(bits[0]) << len(bits)) if bits else 0


def default_table() -> Table:
    """0 is one bit, ±1 to ±8 are 3 to 10, and what is larger is written out in 8 or 16 bits."""
    small = [Code("1" * abs(value) + f"0{int(value < 0)}", 0, value) for value in range(-8, 9) if value]
    return Table((Code("0", 0, 0), *small, Code("1111111110", 8, 0), Code("1111111111", 16, 0)))


def tables_of(file: str, body: bytes) -> list[Table]:
    """The Huffman tables of section 2.

    Raises:
        RecordError: it is cut off, or no table.
    """
    (n_tables,) = struct.unpack_from("<H", body.ljust(2, b"\0"))
    if n_tables == DEFAULT:
        return [default_table()]
    if not 1 <= n_tables <= _MOST_TABLES:
        raise RecordError(f"{file} has {n_tables} Huffman tables in section 2, and 1 to {_MOST_TABLES} are read")
    tables, at = [], 2
    try:
        for _ in range(n_tables):
            (n_codes,) = struct.unpack_from("<H", body, at)
            if n_codes > _MOST_CODES:
                raise RecordError(f"{file} has a Huffman table of {n_codes} codes, and {_MOST_CODES} are read")
            codes = [_CODE.unpack_from(body, at + 2 + _CODE.size * place) for place in range(n_codes)]
            tables.append(Table(tuple(_code_of(file, n_tables, *each) for each in codes)))
            at += 2 + _CODE.size * n_codes
    except struct.error:
        raise RecordError(f"{file} has Huffman tables in section 2 that are cut off: {REMEDY}") from None
    return tables


def _code_of(file: str, n_tables: int, n_prefix: int, n_bits: int, is_sample: int, value: int, bits: int) -> Code:
    """One code of section 2, whose first bit is the lowest there."""
    if not 1 <= n_prefix <= 32 or not n_prefix <= n_bits <= n_prefix + 32:
        raise RecordError(f"{file} has a Huffman code of {n_prefix} and {n_bits} bits, which is none: {REMEDY}")
    prefix = "".join(str(bits >> place & 1) for place in range(n_prefix))
    if is_sample:
        return Code(prefix, n_bits - n_prefix, value)
    if not 1 <= value <= n_tables:
        raise RecordError(f"{file} has a Huffman code that leads to table {value} of {n_tables}: {REMEDY}")
    return Code(prefix, 0, 0, value - 1)


def decoded(file: str, what: str, data: bytes, n_samples: int, tables: Sequence[Table]) -> np.ndarray:
    """So many samples out of Huffman codes; bits behind them are filling.

    Args:
        file: what a sentence names.
        what: is decoded, as ``lead V2``.
        data: the codes.
        n_samples: how many there must be.
        tables: of the file, the first of which is begun with.

    Shape:
        (n_samples,) int64.

    Raises:
        RecordError: the data end too early, or hold something that is no code.
    """
    bits = bin(int.from_bytes(b"\1" + data, "big"))[3:]
    samples = np.fromiter(islice(_values(bits, tables), n_samples), np.int64)
    if len(samples) < n_samples:
        where = f"after {len(samples)} of {n_samples} samples"
        raise RecordError(f"{file} has {what} that ends, or goes on in bits that are no code, {where}: {REMEDY}")
    return samples


def _values(bits: str, tables: Sequence[Table]) -> Iterator[int]:
    """What the codes say, up to bits that are none."""
    table, place = tables[0], 0
    while place < len(bits):
        for found in table.pattern.finditer(bits, place):
            place = found.end()
            meaning = table.meaning(found[0])
            if meaning is None:
                return
            value, following = meaning
            if following is not None:
                table = tables[following]
                break
            yield value


def undifferenced(values: np.ndarray, order: int) -> np.ndarray:
    """Samples of 16 bits out of their first or second differences; before the first there is no other.

    The first ``order`` values are samples themselves. What leaves 16 bits comes back at the other end, as it does
    in the machines that write it.

    Args:
        values: differences.
        order: 0 for none, 1 for first differences, 2 for second ones.

    >>> undifferenced(np.array([5, 6, 0, 0, -3]), 2).tolist()
    [5, 6, 7, 8, 6]
    """
    if order == 2 and len(values) > 1:
        slopes = np.cumsum(np.concatenate([values[1:2] - values[:1], values[2:]]))
        values = np.concatenate([values[:1], slopes])
    summed = np.cumsum(values) if order else values
    return summed.astype(np.int16).astype(np.int64)
