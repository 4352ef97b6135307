"""Huffman codes, by hand, against the standard's table, and tables of a file's own; differences against numpy's."""

import struct

import numpy as np
import pytest
from binary_recordings import DEFAULT_TABLE, as_differences, bytes_of, huffman_bits

from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.scp_codes import decoded, default_table, tables_of, undifferenced

# EN 1064, table of section 2: prefix bits, bits, value, code with its first bit lowest
STANDARD = [
    (1, 1, 0, 0), (3, 3, 1, 1), (3, 3, -1, 5), (4, 4, 2, 3), (4, 4, -2, 11), (5, 5, 3, 7), (5, 5, -3, 23),
    (6, 6, 4, 15), (6, 6, -4, 47), (7, 7, 5, 31), (7, 7, -5, 95), (8, 8, 6, 63), (8, 8, -6, 191),
    (9, 9, 7, 127), (9, 9, -7, 383), (10, 10, 8, 255), (10, 10, -8, 767), (10, 18, 0, 511), (10, 26, 0, 1023),
]  # fmt: skip


def table(codes) -> bytes:
    rows = [struct.pack("<BBBhI", *row[:2], row[4] if len(row) > 4 else 1, *row[2:4]) for row in codes]
    return struct.pack("<H", len(rows)) + b"".join(rows)


def test_codes_by_hand():
    bits = "0" + "100" + "101" + "1100" + "1111111101"[:10] + "1111111110" + "11111111" + "1111111111" + "1" + "0" * 15
    found = decoded("f", "lead I", bytes_of(bits), 7, [default_table()])
    assert found.tolist() == [0, 1, -1, 2, -8, -1, -32768]


def test_the_default_table_is_the_standards():
    own = tables_of("f", struct.pack("<H", 1) + table(STANDARD))[0]
    known = tables_of("f", DEFAULT_TABLE)[0]
    assert {*own.codes} == {*known.codes}


def test_what_is_coded_comes_back():
    values = np.random.default_rng(0).integers(-32768, 32768, 3000) >> np.random.default_rng(1).integers(0, 16, 3000)
    assert decoded("f", "x", bytes_of(huffman_bits(values)), 3000, [default_table()]).tolist() == values.tolist()


def test_tables_that_lead_to_each_other():
    first = [(1, 1, 0, 0), (2, 2, 1, 1), (2, 2, 2, 3, 0)]  # 0: 0; 10: 1; 11: to the second table
    second = [(1, 1, 7, 0), (2, 4, 3, 1), (2, 2, 1, 3, 0)]  # 0: 7; 10 and two bits: 3 and these; 11: to the first
    tables = tables_of("f", struct.pack("<H", 2) + table(first) + table(second))
    found = decoded("f", "x", bytes_of("0" + "10" + "11" + "0" + "1011" + "0" + "11" + "10" + "0"), 7, tables)
    assert found.tolist() == [0, 1, 7, 2, 7, 1, 0]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "has 0 Huffman tables"),
        (struct.pack("<H", 9999), "has 9999 Huffman tables"),
        (struct.pack("<H", 2) + table(STANDARD), "are cut off"),
        (struct.pack("<H", 1) + table(STANDARD)[:-1], "are cut off"),
        (struct.pack("<HH", 1, 65535), "of 65535 codes"),
        (struct.pack("<H", 1) + table([(0, 1, 0, 0)]), "a Huffman code of 0 and 1 bits"),
        (struct.pack("<H", 1) + table([(9, 200, 0, 0)]), "a Huffman code of 9 and 200 bits"),
        (struct.pack("<H", 1) + table([(1, 1, 3, 0, 0)]), "leads to table 3 of 1"),
    ],
)
def test_tables_that_are_none(body, sentence):
    with pytest.raises(RecordError, match=sentence):
        tables_of("f", body)


@pytest.mark.parametrize(
    ("bits", "n_samples", "there"), [("0" * 16, 17, 16), ("0" * 16, 10**12, 16), ("1" * 16, 2, 0), ("", 1, 0)]
)
def test_codes_that_end_too_early(bits, n_samples, there):
    with pytest.raises(RecordError, match=f"lead V2 that ends.* after {there} of {n_samples} samples"):
        decoded("f", "lead V2", bytes_of(bits) if bits else b"", n_samples, [default_table()])


def test_bits_that_are_no_code_and_tables_that_lead_nowhere():
    odd = tables_of("f", struct.pack("<H", 1) + table([(2, 2, 5, 3)]))  # 11 alone
    with pytest.raises(RecordError, match="after 1 of 4"):
        decoded("f", "x", bytes_of("1101"), 4, odd)
    endless = tables_of("f", struct.pack("<H", 1) + table([(1, 1, 1, 0, 0)]))  # 0 leads to itself
    with pytest.raises(RecordError, match="after 0 of 4"):
        decoded("f", "x", bytes(1000), 4, endless)


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("n_samples", [1, 2, 3, 500])
def test_differences_are_undone(order, n_samples):
    samples = np.random.default_rng(n_samples).integers(-32768, 32768, n_samples)
    assert undifferenced(as_differences(samples, order), order).tolist() == samples.tolist()
