"""Annotations: those that wfdb writes and reads; what is cut, foreign or goes back in time is told of."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import wfdb

from pipeline.sources.formats.annotations import MOST_BYTES, read_annotations
from pipeline.sources.formats.recording import RecordError

SAMPLES = np.array([5, 300, 1323, 2347, 5000, 200_000, 200_000, 7_000_000])
SYMBOLS = ["N", "+", "V", "A", "~", "/", "f", "Q"]
TEXTS = ["", "(AFIB", "", "", "", "odd", "", ""]


def word(code: int, value: int) -> bytes:
    return struct.pack("<H", code << 10 | value)


def laid(folder: Path, data: bytes) -> str:
    folder.joinpath("r.atr").write_bytes(data)
    return str(folder / "r.atr")


@pytest.fixture
def written(tmp_path: Path) -> str:
    wfdb.wrann("r", "atr", SAMPLES, SYMBOLS, aux_note=TEXTS, subtype=np.arange(8), write_dir=str(tmp_path))
    return str(tmp_path / "r.atr")


def test_what_wfdb_writes_is_read(written: str):
    found = read_annotations(written)
    np.testing.assert_array_equal(found.samples, SAMPLES)
    assert found.samples.dtype == np.int64
    assert list(found.symbols) == SYMBOLS
    assert list(found.texts) == TEXTS
    assert found.sampling_rate is None


def test_every_symbol_of_wfdb_is_known(tmp_path: Path):
    symbols = [label.symbol for label in wfdb.io.annotation.ann_labels if 0 < label.label_store < 42]
    symbols = [symbol for symbol in symbols if symbol.strip()]
    wfdb.wrann("r", "atr", np.arange(len(symbols)) * 1500, symbols, write_dir=str(tmp_path))
    assert list(read_annotations(str(tmp_path / "r.atr")).symbols) == symbols


def test_the_rate_that_a_file_says_is_no_annotation(tmp_path: Path):
    # a note of that text stands before the first beat, as wfdb writes it; its oldest versions cannot with today's numpy
    text = b"## time resolution: 360"
    note = word(22, 0) + word(63, len(text)) + text + bytes(len(text) % 2)
    found = read_annotations(laid(tmp_path, note + word(1, 7) + word(1, 83) + word(0, 0)))
    assert found.sampling_rate == 360
    assert found.samples.tolist() == [7, 90]


def test_a_code_without_a_mnemonic_is_its_number(tmp_path: Path):
    assert read_annotations(laid(tmp_path, word(15, 3) + word(49, 4) + word(0, 0))).symbols == ("[15]", "[49]")


def test_zeros_behind_the_end_fill_a_block(tmp_path: Path):
    assert read_annotations(laid(tmp_path, word(1, 3) + bytes(512))).samples.tolist() == [3]


def test_no_annotation_is_none(tmp_path: Path):
    found = read_annotations(laid(tmp_path, bytes(2)))
    assert found.samples.shape == (0,)
    assert found.symbols == ()


@pytest.mark.parametrize("kept", [*range(12), -1, -2, -3])
def test_a_file_that_is_cut_is_told_of(written: str, kept: int):
    data = Path(written).read_bytes()
    Path(written).write_bytes(data[:kept])
    with pytest.raises(RecordError, match=r"r\.atr ends at byte \d+ without its end: it is cut"):
        read_annotations(written)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            word(1, 100) + word(59, 0) + struct.pack("<hH", -1, 65500) + word(1, 0) + bytes(2),
            "back in time, to sample 64",
        ),
        (word(59, 0) + struct.pack("<hH", -1, 0) + word(1, 5) + bytes(2), "goes back in time, to sample -65531"),
        ((word(59, 0) + struct.pack("<hH", 32767, 0)) * 600 + word(1, 5) + bytes(2), "which no recording has"),
        (word(55, 1) + bytes(2), "the code 55 at byte 0, which no annotation has"),
        (word(0, 7) + bytes(2), "the code 0 at byte 0"),
        (word(63, 4) + b"text" + bytes(2), "says more of an annotation before the first one"),
        (word(1, 3) + bytes(2) + b"more", "goes on behind its end, which is at byte 2"),
        (b"", "ends at byte 0 without its end"),
    ],
)
def test_what_is_no_annotation_file_is_told_of(tmp_path: Path, data: bytes, said: str):
    with pytest.raises(RecordError, match=said):
        read_annotations(laid(tmp_path, data))


def test_files_of_other_kinds_are_refused(tmp_path: Path):
    for data in (b"%PDF-1.7 and so on", b"PK\x03\x04" + bytes(range(60)), b"file,label\n1,N\n", os.urandom(5000)):
        with pytest.raises(RecordError, match=r"r\.atr"):
            read_annotations(laid(tmp_path, data))
    with pytest.raises(RecordError, match="is missing"):
        read_annotations(str(tmp_path / "other.atr"))
    with pytest.raises(RecordError, match="more than 8388608 are not read"):
        read_annotations(laid(tmp_path, bytes(MOST_BYTES + 2)))


def test_damaged_bytes_never_raise_anything_else(written: str):
    data, rng = Path(written).read_bytes(), np.random.default_rng(4)
    for _ in range(500):
        changed = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            changed[place] = rng.integers(256)
        Path(written).write_bytes(changed)
        try:
            found = read_annotations(written)
        except RecordError:
            continue
        assert (np.diff(found.samples) >= 0).all()


@pytest.mark.realdata
def test_those_of_mit_bih_are_what_wfdb_reads(mitdb_folder: Path):
    files = sorted(mitdb_folder.glob("*.atr"))
    for file in files:
        found, reference = read_annotations(str(file)), wfdb.rdann(str(file.with_suffix("")), "atr")
        np.testing.assert_array_equal(found.samples, reference.sample)
        assert list(found.symbols) == reference.symbol
        assert list(found.texts) == [text.rstrip("\0") for text in reference.aux_note]
    assert len(files) >= 26
