"""ISHNE Holter files: samples side by side, nV a count; header and length are checked; annotations are refused."""

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from binary_recordings import crc_ccitt, ishne_file, write_bytes
from machine_recordings import counts_of

from pipeline.signals.leads import LEADS
from pipeline.sources.formats.ishne import is_ishne
from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import RecordError, Recording
from pipeline.sources.formats.registry import open_file

COUNTS = counts_of(("V1", "II", "aVF"), 500)
WHOLE = ishne_file(COUNTS, b"a remark")


def read(tmp_path: Path, data: bytes, said: Said = Said(), name: str = "a.ecg") -> Recording:  # noqa: B008
    return open_file(write_bytes(tmp_path / name, data), said).read()


def refused(tmp_path: Path, data: bytes) -> str:
    with pytest.raises(RecordError) as told:
        read(tmp_path, data)
    assert "a.ecg" in str(told.value)
    return str(told.value)


def patched(at: int, kind: str, value: int) -> bytes:
    """Another number in the header, whose checksum is computed again."""
    data = bytearray(WHOLE)
    struct.pack_into(f"<{kind}", data, at, value)
    struct.pack_into("<H", data, 8, crc_ccitt(bytes(data[10 : 522 + len(b"a remark")])))
    return bytes(data)


@pytest.mark.parametrize("leads", [("V1", "II", "aVF"), LEADS, ("III",)])
@pytest.mark.parametrize("name", ["a.ecg", "a.ECG"])
def test_what_is_written_comes_back(tmp_path, leads, name):
    counts = counts_of(leads, 321)
    found = read(tmp_path, ishne_file(counts, b"x" * 37, rate=128, nanovolts=2500), name=name)
    assert (found.leads, found.sampling_rate) == (leads, 128.0)
    np.testing.assert_allclose(found.signal, 0.0025 * np.stack(list(counts.values())), atol=1e-12)


def test_each_lead_has_its_own_resolution(tmp_path):
    found = read(tmp_path, patched(206 + 2, "h", 1000))
    for row, scale, counts in zip(found.signal, (0.005, 0.001, 0.005), COUNTS.values(), strict=True):
        np.testing.assert_allclose(row, scale * counts, atol=1e-12)


@pytest.mark.parametrize("checksum", ["swapped", "none"])
def test_checksums_of_other_writers(tmp_path, checksum):
    new = bytes(2) if checksum == "none" else WHOLE[8:10][::-1]
    assert read(tmp_path, WHOLE[:8] + new + WHOLE[10:]).signal.shape == (3, 500)


def test_samples_are_counted_of_one_lead_or_of_all(tmp_path):
    assert read(tmp_path, patched(14, "i", 1500)).signal.shape == (3, 500)


def test_leads_without_a_name_are_channels_that_can_be_named(tmp_path):
    data = ishne_file(COUNTS, codes=[0, 1, 0])
    assert read(tmp_path, data).leads == ("channel 1", "channel 2", "channel 3")
    assert read(tmp_path, data, Said(leads=("V1", "V3", "V5"))).leads == ("V1", "V3", "V5")
    easi = ishne_file(COUNTS, codes=[17, 18, 19])
    assert read(tmp_path, easi, Said(leads=("AI", "ES"))).leads == ("AI", "ES")


def test_a_lead_that_came_off_is_a_missing_sample(tmp_path):
    data = ishne_file(COUNTS | {"II": np.where(np.arange(500) == 250, -32768, COUNTS["II"])})
    assert "has a missing sample (NaN) in lead II at 0.500 s" in refused(tmp_path, data)
    part = open_file(str(tmp_path / "a.ecg")).read(251)
    np.testing.assert_allclose(part.signal[1], 0.005 * COUNTS["II"][251:], atol=1e-12)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"ANN  1.0" + bytes(600), "holds annotations of an ISHNE recording: give the recording itself"),
        (b"", "is no ISHNE recording and no SCP-ECG file"),
        (b"RIFF" + bytes(600), "is no ISHNE recording and no SCP-ECG file"),
        (WHOLE[:300], "has 300 bytes, and the header alone has 522"),
        (WHOLE[:-2], "announces 500 samples and has 2998 bytes of 3 leads, which do not fit: it is cut off"),
        (WHOLE[:-6], "announces 500 samples and has 2994 bytes"),
        (WHOLE + bytes(600), "announces 500 samples and has 3600 bytes"),
        (patched(14, "i", 2**31 - 1), "announces 2147483647 samples"),
        (patched(10, "i", -5), "announces -5 bytes of remarks, which it has not"),
        (patched(10, "i", 2**31 - 1), "announces 2147483647 bytes of remarks, which it has not"),
        (WHOLE[:30] + b"x" + WHOLE[31:], "has a header that fails its checksum"),
        (patched(156, "h", 0), "has 0 leads in its header, and 1 to 12 are possible"),
        (patched(156, "h", 13), "has 13 leads in its header"),
        (patched(158, "h", 6), "names a lead twice: II, II, aVF"),
        (patched(206, "h", 0), "says that a count of lead V1 is 0 nV"),
        (patched(272, "h", 0), "has a sampling rate of 0 Hz"),
        (patched(272, "h", -500), "has a sampling rate of -500 Hz"),
        (ishne_file({"I": np.zeros(0)}), "holds no samples"),
    ],
)
def test_what_is_refused(tmp_path, data, sentence):
    assert sentence in refused(tmp_path, data)


def test_truncated_anywhere_it_is_one_sentence(tmp_path):
    for length in range(0, len(WHOLE), 3):
        refused(tmp_path, WHOLE[:length])


def test_what_changes_between_opening_and_reading(tmp_path):
    opened = open_file(write_bytes(tmp_path / "a.ecg", WHOLE))
    write_bytes(tmp_path / "a.ecg", WHOLE[:-60])
    with pytest.raises(RecordError, match="was changed while it was read"):
        opened.read()


def test_both_magics_are_known(tmp_path):
    for magic, known in ((b"ISHNE1.0", True), (b"ANN  1.0", True), (b"ISHNE2.0", False), (b"", False)):
        assert is_ishne(write_bytes(tmp_path / "a", magic)) == known


def test_ecgdatakit_reads_the_same_of_what_we_write(tmp_path):
    from ecgdatakit.parsing.parsers.ishne_holter import ISHNEHolterParser

    path = write_bytes(tmp_path / "a.ecg", WHOLE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it warns of a wrong checksum
        theirs = ISHNEHolterParser().parse(Path(path))
    found = open_file(path).read()
    assert tuple(lead.label for lead in theirs.leads) == found.leads
    for lead, row in zip(theirs.leads, found.signal, strict=True):
        np.testing.assert_allclose(row, lead.samples * lead.resolution / 1000, atol=1e-12)
