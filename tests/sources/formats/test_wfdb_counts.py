"""Formats 16 and 212 by numpy: the counts that wfdb decodes, of any bytes and any number of samples."""

from pathlib import Path

import numpy as np
import pytest
import wfdb
from recording_files import edit_header, write

from pipeline.sources.formats.wfdb import RecordError, read_recording
from pipeline.sources.formats.wfdb_counts import counts_of_16, counts_of_212

BYTES = np.random.default_rng(8).integers(0, 256, 3000, dtype=np.uint8).tobytes()
READERS = {"16": counts_of_16, "212": counts_of_212}


@pytest.mark.parametrize("fmt", READERS)
@pytest.mark.parametrize("n_leads", [1, 2, 3, 5])
@pytest.mark.parametrize("frames", [1, 2, 3, 58, 59, 201])
def test_any_bytes_are_what_wfdb_decodes(tmp_path: Path, fmt: str, n_leads: int, frames: int):
    tmp_path.joinpath("r.dat").write_bytes(BYTES)
    lines = [f"r {n_leads} 360 {frames}", *[f"r.dat {fmt} 1(0)/mV" for _ in range(n_leads)]]
    tmp_path.joinpath("r.hea").write_text("\n".join(lines))
    reference = wfdb.rdrecord(str(tmp_path / "r"), physical=False).d_signal
    counts = READERS[fmt](BYTES, n_leads, frames)
    assert counts.dtype == np.int16
    assert counts.flags.c_contiguous
    np.testing.assert_array_equal(counts.T, reference)


def test_every_count_of_twelve_bits_keeps_its_sign():
    counts = np.arange(-2048, 2048)
    pairs = counts.reshape(-1, 2) & 0xFFF
    packed = np.stack([pairs[:, 0] & 255, pairs[:, 0] >> 8 | pairs[:, 1] >> 8 << 4, pairs[:, 1] & 255], axis=1)
    np.testing.assert_array_equal(counts_of_212(packed.astype(np.uint8).tobytes(), 1, 4096)[0], counts)


def test_the_last_of_an_odd_number_of_samples_has_two_bytes():
    np.testing.assert_array_equal(counts_of_212(bytes([1, 0x20, 2, 3, 0x0F]), 1, 3), [[1, 514, -253]])


def test_a_flipped_bit_of_format_212_fails_the_checksum(tmp_path: Path):
    path = write(tmp_path, "212")
    data = bytearray(path.with_suffix(".dat").read_bytes())
    data[100] ^= 1
    path.with_suffix(".dat").write_bytes(data)
    with pytest.raises(RecordError, match="checksum of lead"):
        read_recording(path)


def test_a_missing_sample_of_format_212_is_told_of(tmp_path: Path):
    path = write(tmp_path, "212", d_signal=np.full((300, 3), -2048))
    with pytest.raises(RecordError, match="missing sample in lead I"):
        read_recording(path)


def test_samples_behind_an_offset(tmp_path: Path):
    path = write(tmp_path, "212")
    signal = read_recording(path).signal
    path.with_suffix(".dat").write_bytes(bytes(17) + path.with_suffix(".dat").read_bytes())
    edit_header(path, "rec.dat 212", "rec.dat 212+17")
    np.testing.assert_array_equal(read_recording(path).signal, signal)


@pytest.mark.realdata
def test_every_record_of_mit_bih_is_what_wfdb_reads(mitdb_folder: Path):
    for header in sorted(mitdb_folder.glob("*.hea")):
        path = header.with_suffix("")
        np.testing.assert_array_equal(read_recording(path).signal.T, wfdb.rdsamp(str(path))[0])
