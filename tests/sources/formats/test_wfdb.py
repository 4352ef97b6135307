"""One recording: read as wfdb reads it, and refused, with its file's name, where it is damaged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb
from recording_files import N_SAMPLES, counts_of, edit_header, write

from pipeline.signals.leads import canonical_lead
from pipeline.sources.formats.wfdb import RecordError, read_recording


def real_recordings(folder: Path, pattern: str) -> list[Path]:
    found = sorted(header.with_suffix("") for header in folder.glob(f"{pattern}.hea"))
    if not found:
        pytest.skip(f"no real recordings: {folder / pattern} is missing (ECG_DATA names the folder)")
    return found


@pytest.mark.parametrize("fmt", ["16", "24", "32", "80", "212"])
def test_a_recording_is_what_wfdb_reads(tmp_path, fmt):
    path = write(tmp_path, fmt)
    recording, reference = read_recording(path), wfdb.rdrecord(str(path))
    np.testing.assert_array_equal(recording.signal.T, reference.p_signal)
    assert recording.signal.dtype == np.float64
    assert (recording.sampling_rate, recording.leads) == (250.0, ("I", "aVR", "V2"))


@pytest.mark.parametrize(
    ("unit", "millivolts"), [("mV", 1.0), ("mv", 1.0), ("uV", 1e-3), ("µV", 1e-3), ("V", 1e3)], ids=str
)
def test_every_unit_becomes_millivolts(tmp_path, unit, millivolts):
    path = write(tmp_path)
    signal = read_recording(path).signal
    header = path.with_suffix(".hea")
    header.write_text(header.read_text().replace("/mV", f"/{unit}"), encoding="utf-8")
    np.testing.assert_allclose(read_recording(path).signal, signal * millivolts, rtol=1e-15)


def test_header_variants_that_mean_the_same(tmp_path):
    path = write(tmp_path)
    signal, text = read_recording(path).signal, path.with_suffix(".hea").read_text()
    lines = text.splitlines()
    same = [
        "\r\n".join(lines),
        "# a comment\n\n" + text + "#Age: 56\n#Dx: 426783006\n",
        text.replace("rec 3 250 300", "rec 3 250/360(12) 300 12:00:00 01/01/2020"),
        text.replace("rec 3 250 300", "rec 3 250.0 300 05-May-2020 14:50:55"),
        text.replace("200.0(0)/mV", "200/mV"),
    ]
    for header in same:
        path.with_suffix(".hea").write_bytes(header.encode())
        np.testing.assert_array_equal(read_recording(path).signal, signal)


def test_one_sample_a_frame_may_be_written_out(tmp_path, monkeypatch):
    """As in the challenge of 2021; it is read as quickly."""
    path = write(tmp_path)
    signal = read_recording(path).signal
    header = path.with_suffix(".hea")
    header.write_text(header.read_text().replace(".dat 16 ", ".dat 16x1 "))
    monkeypatch.setattr("pipeline.sources.formats.wfdb.parse_header", None)
    np.testing.assert_array_equal(read_recording(path).signal, signal)


def test_headers_that_differ_in_one_word_are_not_taken_for_each_other(tmp_path):
    changes: list[dict[str, Any]] = [
        {},
        {"adc_gain": [200.0, 100.0, 50.0]},
        {"baseline": [0, -7, 13]},
        {"sig_name": ["I", "aVR", "V3"]},
    ]
    changes.append({"adc_gain": [200.0] * 3, "baseline": [0] * 3})
    paths = [write(tmp_path, name=f"rec{number}", **change) for number, change in enumerate(changes)]
    for path in [*paths, *reversed(paths)]:
        recording, reference = read_recording(path), wfdb.rdrecord(str(path))
        np.testing.assert_array_equal(recording.signal.T, reference.p_signal)
        assert list(recording.leads) == reference.sig_name


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_sum_beyond_sixteen_bits_has_a_checksum_too(tmp_path, sign):
    path = write(tmp_path, d_signal=np.full((N_SAMPLES, 3), sign * 32767))
    np.testing.assert_array_equal(read_recording(path).signal.T, wfdb.rdrecord(str(path)).p_signal)
    flip(path)
    with pytest.raises(RecordError, match="checksum of lead 3"):
        read_recording(path)


def zero_the_checksums(path: Path, which: slice = slice(None)) -> None:
    first, *leads = path.with_suffix(".hea").read_text().splitlines()
    fields = [line.split() for line in leads]
    for field in fields[which]:
        field[6] = "0"
    path.with_suffix(".hea").write_text("\n".join([first, *map(" ".join, fields)]))


@pytest.mark.parametrize("fmt", ["16", "212"])
def test_a_checksum_of_0_is_one_unless_it_is_said_to_be_none(tmp_path, fmt):
    path = write(tmp_path, fmt)
    signal = read_recording(path).signal
    zero_the_checksums(path)
    with pytest.raises(RecordError, match="fails the checksum of lead 1"):
        read_recording(path)
    np.testing.assert_array_equal(read_recording(path, zero_is_no_checksum=True).signal, signal)


@pytest.mark.parametrize("fmt", ["16", "212"])
def test_another_checksum_is_verified_all_the_same(tmp_path, fmt):
    path = write(tmp_path, fmt)
    zero_the_checksums(path, slice(1, 2))
    assert read_recording(path, zero_is_no_checksum=True).leads == ("I", "aVR", "V2")
    flip(path)
    with pytest.raises(RecordError, match=r"fails the checksum of lead [13]"):
        read_recording(path, zero_is_no_checksum=True)


def test_segments_are_read_by_the_same_rule(tmp_path):
    path = write(tmp_path, name="part")
    zero_the_checksums(path)
    (tmp_path / "rec.hea").write_text(f"rec/1 3 250 {N_SAMPLES}\npart {N_SAMPLES}\n")
    with pytest.raises(RecordError, match="fails the checksum"):
        read_recording(tmp_path / "rec")
    assert read_recording(tmp_path / "rec", zero_is_no_checksum=True).signal.shape == (3, N_SAMPLES)


def test_samples_behind_a_matlab_header_are_found(tmp_path):
    path = write(tmp_path)
    signal = read_recording(path).signal
    data = path.with_suffix(".dat").read_bytes()
    path.with_suffix(".dat").unlink()
    path.with_suffix(".mat").write_bytes(b"x" * 24 + data)
    edit_header(path, "rec.dat 16 ", "rec.mat 16+24 ")
    np.testing.assert_array_equal(read_recording(path).signal, signal)


def test_leads_in_several_files_and_without_names_are_read(tmp_path):
    path = write(tmp_path)
    counts = np.fromfile(path.with_suffix(".dat"), "<i2").reshape(-1, 3)
    counts[:, :2].tofile(tmp_path / "a.dat")
    counts[:, 2].tofile(tmp_path / "b.dat")
    header = path.with_suffix(".hea")
    lines = header.read_text().splitlines()
    lines[1:] = [
        line.replace("rec.dat", file) for line, file in zip(lines[1:], ("a.dat", "a.dat", "b.dat"), strict=True)
    ]
    header.write_text("\n".join(lines))
    np.testing.assert_array_equal(read_recording(path).signal.T, wfdb.rdrecord(str(path)).p_signal)
    header.write_text("\n".join(line.removesuffix(" I").removesuffix(" V2") for line in lines))
    assert read_recording(path).leads == ("1", "aVR", "3")


@pytest.mark.parametrize("spelling", ["aVR", "AVR", "avr", " aVr ", "Lead aVR", "lead AVR"])
def test_a_lead_has_one_name(spelling):
    assert canonical_lead(spelling) == "aVR"
    assert canonical_lead("MLII") == "MLII"


# damage


def cut(path: Path) -> None:
    data = path.with_suffix(".dat").read_bytes()
    path.with_suffix(".dat").write_bytes(data[: len(data) // 2])


def cut_odd(path: Path) -> None:
    path.with_suffix(".dat").write_bytes(path.with_suffix(".dat").read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.with_suffix(".dat").write_bytes(path.with_suffix(".dat").read_bytes() + bytes(6))


def flip(path: Path) -> None:
    data = bytearray(path.with_suffix(".dat").read_bytes())
    data[100] ^= 1
    path.with_suffix(".dat").write_bytes(data)


def empty(path: Path) -> None:
    path.with_suffix(".dat").write_bytes(b"")


def remove(path: Path) -> None:
    path.with_suffix(".dat").unlink()


def remove_header(path: Path) -> None:
    path.with_suffix(".hea").unlink()


def make_folder(path: Path) -> None:
    remove(path)
    path.with_suffix(".dat").mkdir()


def make_header_folder(path: Path) -> None:
    remove_header(path)
    path.with_suffix(".hea").mkdir()


DAMAGE = {
    remove: r"rec\.dat is missing",
    remove_header: r"rec\.hea is missing",
    make_folder: r"rec\.dat cannot be read \(Is a directory\)",
    make_header_folder: r"rec\.hea cannot be read \(Is a directory\)",
    cut: r"rec\.dat has 900 bytes where its header says 1800",
    cut_odd: r"rec\.dat has 1799 bytes where its header says 1800",
    lengthen: r"rec\.dat has 1806 bytes where its header says 1800",
    empty: r"rec\.dat has 0 bytes where its header says 1800",
    flip: r"rec\.dat fails the checksum of lead 3",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_named(tmp_path, damage):
    path = write(tmp_path)
    damage(path)
    with pytest.raises(RecordError, match=DAMAGE[damage]):
        read_recording(path)


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("fmt", ["80", "212", "24"])
def test_damage_is_noticed_in_other_formats_too(tmp_path, fmt, damage):
    path = write(tmp_path, fmt)
    damage(path)
    # wfdb reads on where bytes follow the last sample, and they are no harm
    if damage is lengthen:
        np.testing.assert_array_equal(read_recording(path).signal.T, wfdb.rdrecord(str(path)).p_signal)
        return
    with pytest.raises(RecordError, match="rec"):
        read_recording(path)


@pytest.mark.parametrize(("fmt", "mark"), [("16", -32768), ("212", -2048), ("80", -128), ("24", -(2**23))])
def test_a_missing_sample_is_no_number(tmp_path, fmt, mark):
    counts = counts_of()
    counts[17, 1] = mark
    path = write(tmp_path, fmt, d_signal=counts)
    assert np.isnan(wfdb.rdrecord(str(path)).p_signal[17, 1])
    with pytest.raises(RecordError, match="has a missing sample in lead aVR"):
        read_recording(path)


def test_a_finer_format_may_hold_that_number(tmp_path):
    counts = counts_of()
    counts[17, 1] = -32768
    path = write(tmp_path, "24", d_signal=counts)
    np.testing.assert_array_equal(read_recording(path).signal.T, wfdb.rdrecord(str(path)).p_signal)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("/mV", "/mmHg", r"rec\.dat is in mmHg, not in mV, uV, nV or V"),
        ("aVR", "I", r"rec\.dat names a lead twice: I, I, V2"),
        ("250 300", "250 301", r"rec\.dat has 1800 bytes where its header says 1806"),
        ("rec 3 ", "rec 2 ", r"rec"),
        ("rec 3 ", "rec 12 ", r"rec"),
        ("rec 3 ", "rec 0 ", r"rec"),
        ("rec 3 250", "rec 3 ..", r"rec"),
        ("200.0(0)", "+-(0)", r"rec"),
        ("200.0(0)", f"200.0({10**30})", r"rec"),
        ("rec.dat 16 ", "rec.dat 16+9999 ", r"rec\.dat has 1800 bytes where its header says 11799"),
        ("rec.dat", "other.dat", r"other\.dat is missing"),
        ("rec.dat", "r\0c.dat", r"dat' cannot be read \(embedded null byte\)"),
    ],
)
def test_a_header_that_cannot_be_is_named(tmp_path, old, new, sentence):
    path = write(tmp_path)
    edit_header(path, old, new)
    with pytest.raises(RecordError, match=sentence):
        read_recording(path)


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\n\n", b"# only a comment\n", b"rec", b"hello world\n" * 20, bytes(range(256)) * 20, b"rec 3 250 300\n"],
    ids=["empty", "blank", "comment", "name", "text", "binary", "first line"],
)
def test_a_header_of_garbage_is_named(tmp_path, garbage):
    path = write(tmp_path)
    path.with_suffix(".hea").write_bytes(garbage)
    with pytest.raises(RecordError, match="rec"):
        read_recording(path)


def test_any_damage_to_a_header_is_an_answer_or_a_sentence(tmp_path):
    path = write(tmp_path)
    header, signal = path.with_suffix(".hea").read_bytes(), read_recording(path).signal
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(header)
        damaged[rng.integers(len(header))] = rng.integers(256)
        path.with_suffix(".hea").write_bytes(damaged)
        try:
            assert read_recording(path).signal.shape == signal.shape
        except RecordError:
            refused += 1
    assert refused > 30


# real recordings


@pytest.mark.realdata
@pytest.mark.parametrize(
    "pattern",
    [
        "ptbxl/records100/*/???00_lr",
        "samples/ptbxl500/records500/00000/*_hr",
        "samples/cpsc2018/*",
        "samples/cpsc2018_extra/*",
        "samples/chapman_shaoxing/*",
        "samples/georgia/*",
        "samples/ptb/*",
    ],
)
def test_real_twelve_lead_recordings_are_what_wfdb_reads(data_folder, pattern):
    n_compared = 0
    for path in real_recordings(data_folder, pattern):
        recording = read_recording(path)
        assert len(recording.leads) == 12
        try:
            reference = wfdb.rdrecord(str(path)).p_signal
        except wfdb.io.header.HeaderSyntaxError:
            continue  # six Georgia headers name the record with its suffix, which wfdb refuses
        np.testing.assert_array_equal(recording.signal.T, reference)
        n_compared += 1
    assert n_compared > 0


@pytest.mark.realdata
def test_real_ambulatory_recordings_in_format_212_are_what_wfdb_reads(data_folder):
    for path in real_recordings(data_folder, "mitdb/1*")[:2]:
        recording, reference = read_recording(path), wfdb.rdrecord(str(path))
        np.testing.assert_array_equal(recording.signal.T, reference.p_signal)
        assert recording.sampling_rate == 360
        assert recording.signal.shape == (2, 650_000)


@pytest.mark.realdata
def test_a_flipped_bit_in_a_real_recording_is_noticed(data_folder, tmp_path):
    source = real_recordings(data_folder, "mitdb/101")[0]
    data = bytearray(source.with_suffix(".dat").read_bytes())
    data[1000] ^= 1
    (tmp_path / "101.dat").write_bytes(data)
    (tmp_path / "101.hea").write_bytes(source.with_suffix(".hea").read_bytes())
    with pytest.raises(RecordError, match="checksum of lead"):
        read_recording(tmp_path / "101")
