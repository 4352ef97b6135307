"""Samples in every format are wfdb's; what a file lacks is told of."""

import os
from pathlib import Path

import numpy as np
import pytest
import wfdb
from recording_files import counts_of, edit_header, write

from pipeline.sources.formats.wfdb import RecordError, read_recording

RAW = ["8", "16", "24", "32", "61", "80", "160", "212", "310", "311"]
FLAC = ["508", "516", "524"]
BYTES = np.random.default_rng(3).integers(0, 256, 720, dtype=np.uint8).tobytes()


def lay(folder: Path, record: str, *lines: str, data: bytes = BYTES) -> Path:
    folder.joinpath("rec.dat").write_bytes(data)
    folder.joinpath("rec.hea").write_text("\n".join((record, *lines)))
    return folder / "rec"


@pytest.mark.parametrize("fmt", RAW)
@pytest.mark.parametrize("n_samples", [1, 2, 59, 60])
def test_any_bytes_are_the_counts_that_wfdb_reads(tmp_path: Path, fmt: str, n_samples: int):
    lines = [f"rec.dat {fmt} 200({lead})/mV 16 0 {7 * lead}" for lead in range(3)]
    path = lay(tmp_path, f"rec 3 250 {n_samples}", *lines)
    reference = wfdb.rdrecord(str(path)).p_signal
    if fmt == "16":  # of which nothing may follow the last sample
        path = lay(tmp_path, f"rec 3 250 {n_samples}", *lines, data=BYTES[: 6 * n_samples])
    if np.isnan(reference).any():
        with pytest.raises(RecordError, match="missing sample"):
            read_recording(path)
    else:
        np.testing.assert_array_equal(read_recording(path).signal.T, reference)


@pytest.mark.parametrize("fmt", FLAC)
def test_flac_is_what_wfdb_reads(tmp_path: Path, fmt: str):
    path = write(tmp_path, fmt)
    np.testing.assert_array_equal(read_recording(path).signal.T, wfdb.rdrecord(str(path)).p_signal)


@pytest.mark.parametrize("fmt", ["16", "24", "32", "80", "212", *FLAC])
def test_a_length_that_is_not_given_is_the_files(tmp_path: Path, fmt: str):
    path = write(tmp_path, fmt)
    signal = read_recording(path).signal
    edit_header(path, "rec 3 250 300", "rec 3 250 0")
    np.testing.assert_array_equal(read_recording(path).signal, signal)
    edit_header(path, "rec 3 250 0", "rec 3 250")
    np.testing.assert_array_equal(read_recording(path).signal, signal)


@pytest.mark.parametrize("fmt", [*RAW, *FLAC])
@pytest.mark.parametrize("damage", ["short", "empty", "long header", "missing", "noise"])
def test_damage_is_a_sentence(tmp_path: Path, fmt: str, damage: str):
    lines = [f"rec.dat {fmt} 200(0)/mV 16 0 0 1 0 {lead}" for lead in range(2)]
    n_samples = 10**12 if damage == "long header" else 400 if damage == "short" else 60
    data = b"" if damage == "empty" else BYTES
    path = lay(
        tmp_path, f"rec 2 250 {n_samples}", *[f"{line} 16 0 0 1 0 {lead}" for lead, line in enumerate(lines)], data=data
    )
    if damage == "missing":
        path.with_suffix(".dat").unlink()
    with pytest.raises(RecordError, match=r"rec\.dat"):
        read_recording(path)


@pytest.mark.parametrize("fmt", FLAC)
def test_a_flac_file_that_is_cut_or_flipped_is_told_of(tmp_path: Path, fmt: str):
    path = write(tmp_path, fmt)
    data = path.with_suffix(".dat").read_bytes()
    for changed in (data[: len(data) // 2], data[:100] + bytes(50) + data[150:], data[:42], data[:3]):
        path.with_suffix(".dat").write_bytes(changed)
        with pytest.raises(RecordError, match=r"rec\.dat"):
            read_recording(path)


def skewed(folder: Path, extra: int, sums: str, late: int = 3) -> tuple[Path, np.ndarray]:
    """Two leads of format 16, the second stored ``late`` frames late, and ``extra`` frames behind the 60."""
    counts = np.random.default_rng(5).integers(-900, 900, (60 + extra, 2)).astype("<i2")
    aligned = np.stack([counts[:60, 0], counts[late : 60 + late, 1]]) if extra >= late else counts[:60].T
    parts = {"file": counts, "first": counts[:60], "aligned": aligned.T}
    totals = parts[sums].sum(axis=0, dtype=np.int16)
    lines = (f"rec.dat 16 200 16 0 0 {totals[0]} 0 I", f"rec.dat 16:{late} 200 16 0 0 {totals[1]} 0 II")
    return lay(folder, "rec 2 250 60", *lines, data=counts.tobytes()), aligned / 200


@pytest.mark.parametrize("sums", ["file", "first", "aligned"])
def test_a_skew_is_undone_and_is_no_failed_checksum(tmp_path: Path, sums: str):
    path, aligned = skewed(tmp_path, 3, sums)
    np.testing.assert_array_equal(read_recording(path).signal, aligned)


def test_a_skew_beyond_the_files_end_is_told_of(tmp_path: Path):
    path, _ = skewed(tmp_path, 0, "file")
    with pytest.raises(RecordError, match="ends before lead 2, which is stored 3 samples late"):
        read_recording(path)


def test_a_flipped_bit_in_a_skewed_file_is_noticed(tmp_path: Path):
    path, _ = skewed(tmp_path, 3, "aligned")
    data = bytearray(path.with_suffix(".dat").read_bytes())
    data[80] ^= 4
    path.with_suffix(".dat").write_bytes(data)
    with pytest.raises(RecordError, match="checksum of lead 1"):
        read_recording(path)


def test_several_samples_a_frame_are_averaged_and_their_checksum_is_of_all(tmp_path: Path):
    counts = np.random.default_rng(6).integers(-900, 900, (60, 3)).astype("<i2")  # twice I, once II
    total = int(counts[:, :2].sum(dtype=np.int16))
    line = "rec.dat 16 100 16 0 0 " + str(int(counts[:, 2].sum(dtype=np.int16))) + " 0 II"
    path = lay(tmp_path, "rec 2 250 60", f"rec.dat 16x2 100 16 0 0 {total} 0 I", line, data=counts.tobytes())
    expected = np.stack([counts[:, :2].mean(axis=1), counts[:, 2]]) / 100
    np.testing.assert_array_equal(read_recording(path).signal, expected)
    # wfdb cuts the mean of counts to a whole number
    assert np.abs(wfdb.rdrecord(str(path)).p_signal.T - expected).max() < 1 / 100
    edit_header(path, f" {total} 0 I\n", f" {total + 1} 0 I\n")
    with pytest.raises(RecordError, match="checksum of lead 1"):
        read_recording(path)


def test_one_missing_sample_of_a_frame_is_missing(tmp_path: Path):
    counts = np.ones((60, 2), "<i2")
    counts[5, 1] = -32768
    path = lay(tmp_path, "rec 1 250 60", "rec.dat 16x2 100", data=counts.tobytes())
    with pytest.raises(RecordError, match="missing sample in lead 1"):
        read_recording(path)


def test_a_file_that_comes_back_behind_another_is_refused(tmp_path: Path):
    path = lay(tmp_path, "rec 3 250 60", "rec.dat 16", "other.dat 16", "rec.dat 16")
    with pytest.raises(RecordError, match="leads of a file stand together"):
        read_recording(path)


@pytest.mark.parametrize("ending", [".dat", ".hea"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, ending: str):
    path = write(tmp_path, d_signal=counts_of())
    path.with_suffix(ending).unlink()
    os.mkfifo(path.with_suffix(ending))
    with pytest.raises(RecordError, match="is no ordinary file"):
        read_recording(path)
