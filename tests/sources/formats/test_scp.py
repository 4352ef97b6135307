"""SCP-ECG: what is written in Huffman codes and differences comes back; what is damaged or not read is one sentence."""

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from binary_recordings import (
    SCP_CODES,
    as_differences,
    bytes_of,
    huffman_bits,
    scp_file,
    scp_leads,
    scp_rows,
    scp_samples,
    scp_sections,
    write_bytes,
)
from machine_recordings import EIGHT, counts_of, real_file

from pipeline.signals.leads import LEADS
from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import RecordError, Recording
from pipeline.sources.formats.registry import open_file
from pipeline.sources.formats.scp import is_scp

COUNTS = counts_of(EIGHT, 300)
PLAIN = scp_sections(COUNTS)
WHOLE = scp_file(PLAIN)


def read(tmp_path: Path, data: bytes, said: Said = Said()) -> Recording:  # noqa: B008
    return open_file(write_bytes(tmp_path / "a.scp", data), said).read()


def refused(tmp_path: Path, data: bytes) -> str:
    with pytest.raises(RecordError) as told:
        read(tmp_path, data)
    assert "a.scp" in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("is_huffman", [True, False])
def test_what_is_written_comes_back(tmp_path, order, is_huffman):
    counts = counts_of(LEADS, 400)
    found = read(tmp_path, scp_file(scp_sections(counts, order, is_huffman)))
    assert (found.leads, found.sampling_rate) == (LEADS, 500.0)
    np.testing.assert_allclose(found.signal, 0.005 * np.stack(list(counts.values())), atol=1e-12)


def test_large_steps_and_the_ends_of_16_bits(tmp_path):
    steps = np.array([0, 8, -8, 9, 127, -128, 128, 20000, -20000, 32767, -32768, 0, 32767, 5])
    assert np.abs(np.diff(steps)).max() > 2**15
    for order in (0, 1, 2):  # what is written in 16 bits comes back at the other end
        wrapped = as_differences(steps, order).astype(np.int16)
        sections = scp_sections({"V1": steps}) | {6: scp_samples([bytes_of(huffman_bits(wrapped))], 5000, 2000, order)}
        np.testing.assert_allclose(read(tmp_path, scp_file(sections)).signal[0], 0.005 * steps, atol=1e-9)


def test_eight_leads_become_twelve(tmp_path):
    found = read(tmp_path, WHOLE)
    assert found.leads == LEADS
    one, two = (0.005 * COUNTS[lead] for lead in ("I", "II"))
    np.testing.assert_allclose(found.signal[2], two - one, atol=1e-12)
    np.testing.assert_allclose(found.signal[3], -(one + two) / 2, atol=1e-12)
    np.testing.assert_allclose(found.signal[6], 0.005 * COUNTS["V1"], atol=1e-12)
    assert read(tmp_path, WHOLE, Said(leads=("V2", "aVF"))).leads == ("V2", "aVF")


@pytest.mark.parametrize(
    ("nanovolts", "interval", "rate"), [(4880, 1000, 1000.0), (1000, 1667, 600.0), (2500, 3000, 1e6 / 3000)]
)
def test_amplitudes_and_rates(tmp_path, nanovolts, interval, rate):
    found = read(tmp_path, scp_file(scp_sections(COUNTS, nanovolts=nanovolts, interval=interval)))
    assert found.sampling_rate == rate
    np.testing.assert_allclose(found.signal[0], nanovolts * 1e-6 * COUNTS["I"], atol=1e-12)


@pytest.mark.parametrize("name", ["a.SCP", "a.ecg", "a.Ecg"])
def test_it_is_known_by_its_first_bytes(tmp_path, name):
    path = write_bytes(tmp_path / name, WHOLE)
    assert is_scp(path)
    assert open_file(path).n_samples == 300


def test_older_files_do_not_mark_themselves(tmp_path):
    assert is_scp(write_bytes(tmp_path / "a", WHOLE.replace(b"SCPECG", bytes(6))))
    assert not is_scp(write_bytes(tmp_path / "b", WHOLE[:20]))
    assert not is_scp(write_bytes(tmp_path / "c", b"ISHNE1.0" + bytes(100)))


def with_part(number: int, body: bytes) -> bytes:
    return scp_file(PLAIN | {number: body})


def patched(number: int, at: int, new: bytes) -> bytes:
    body = PLAIN[number]
    return with_part(number, body[:at] + new + body[at + len(new) :])


ROWS = scp_rows(COUNTS, 2)
PLACE_OF_RHYTHM = WHOLE.index(PLAIN[6]) - 16
POINTER = 22 + 10 * 6


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is no SCP-ECG file"),
        (b"%PDF-1.4" + bytes(500), "is no SCP-ECG file"),
        (WHOLE[:-1], f"announces {len(WHOLE)} bytes and has {len(WHOLE) - 1}: it is cut off"),
        (WHOLE[:40], "it is cut off"),
        (WHOLE[:PLACE_OF_RHYTHM] + b"\0" + WHOLE[PLACE_OF_RHYTHM + 1 :], "has section 6 that fails its checksum"),
        (WHOLE[: POINTER + 2] + b"\xff" * 4 + WHOLE[POINTER + 6 :], "has section 0 that fails its checksum"),
        (scp_file({key: value for key, value in PLAIN.items() if key != 6}), "has no section 6, and so no rhythm"),
        (scp_file({key: value for key, value in PLAIN.items() if key != 3}), "has no section 3, and so no leads"),
        (scp_file({3: PLAIN[3], 12: PLAIN[6]}, 30), "holds a long recording (section 12)"),
        (patched(3, 0, b"\0"), "announces 0 leads in section 3"),
        (patched(3, 0, b"\xff"), "announces 255 leads in section 3 and has 8"),
        (patched(3, 2, struct.pack("<I", 2)), "has leads that were not recorded at the same time"),
        (with_part(3, scp_leads(COUNTS, first=0)), "has leads from sample 0 to 299, which is no time"),
        (patched(3, 10, b"\2"), "names a lead twice"),
        (patched(6, 0, bytes(2)), "has an amplitude of a count of 0 in section 6"),
        (patched(6, 2, bytes(2)), "has a sample interval of 0 in section 6"),
        (patched(6, 4, b"\7"), "has differences of order 7 in section 6"),
        (patched(6, 5, b"\1"), "has bimodal compression, which is not read"),
        (patched(6, 6, b"\xff\xff"), "bytes of leads in section 6 and has"),
        (with_part(6, b"\1\1"), "has section 6 that is cut off"),
        (with_part(6, scp_samples([ROWS[0][:20], *ROWS[1:]], 5000, 2000, 2)), "has lead I that ends, or goes on in"),
        (
            with_part(3, PLAIN[3][:2] + b"".join(struct.pack("<IIB", 1, 2**32 - 1, code) for code in range(1, 9))),
            f"has {8 * (2**32 - 1)} samples, and more than",
        ),
        (
            with_part(3, PLAIN[3][:2] + b"".join(struct.pack("<IIB", 1, 2**21, code) for code in range(1, 9))),
            "of 2097152 samples: export",
        ),
        (
            scp_file(scp_sections(COUNTS, 1, is_huffman=False) | {3: scp_leads(counts_of(EIGHT, 301))}),
            "has 300 of 301 samples of lead I",
        ),
    ],
)
def test_what_is_refused(tmp_path, data, sentence):
    assert sentence in refused(tmp_path, data)


def test_the_byte_for_bimodal_says_nothing_in_the_third_version(tmp_path):
    sections = PLAIN | {6: scp_samples(ROWS, 5000, 2000, 2, flag=1)}
    np.testing.assert_allclose(read(tmp_path, scp_file(sections, 30)).signal[0], 0.005 * COUNTS["I"], atol=1e-12)


def test_truncated_anywhere_it_is_one_sentence(tmp_path):
    for length in range(len(WHOLE)):
        refused(tmp_path, WHOLE[:length])


def beats(counts: dict[str, np.ndarray]) -> tuple[dict[int, bytes], dict[str, np.ndarray]]:
    """Sections in which a reference beat of 40 samples was taken away at two places, and what the rhythm was."""
    beat = {lead: np.round(100 * np.hanning(40) * SCP_CODES[lead]).astype(np.int64) for lead in counts}
    whole = {lead: samples.copy() for lead, samples in counts.items()}
    for start in (50, 180):
        for lead in counts:
            whole[lead][start + 5 : start + 35] += beat[lead][5:35]
    places = struct.pack("<HHH", 80, 11, 3)
    for kind, start in ((0, 50), (1, 120), (0, 180)):  # the second is of another type, and was left as it is
        places += struct.pack("<HIII", kind, start + 5 + 1, start + 10 + 1, start + 34 + 1)
    sections = scp_sections(counts) | {
        3: scp_leads(counts, flags=5),
        4: places,
        5: scp_samples(scp_rows(beat, 1), 5000, 2000, 1),
    }
    return sections, whole


def test_a_reference_beat_is_put_back(tmp_path):
    sections, whole = beats(COUNTS)
    found = read(tmp_path, scp_file(sections))
    for lead in EIGHT:
        np.testing.assert_allclose(found.signal[LEADS.index(lead)], 0.005 * whole[lead], atol=1e-12)


def test_what_is_refused_of_reference_beats(tmp_path):
    sections, _ = beats(COUNTS)
    without = {key: value for key, value in sections.items() if key != 4}
    assert "has no section 4, and so no places of the beats" in refused(tmp_path, scp_file(without))
    short = sections | {4: sections[4][:20]}
    assert "announces 3 beats of 80 ms in section 4 and has 1" in refused(tmp_path, scp_file(short))
    upon = sections | {4: struct.pack("<HHH", 80, 1, 20) + struct.pack("<HIII", 0, 1, 10, 300) * 20}
    assert "lie upon each other" in refused(tmp_path, scp_file(upon))
    slow = sections | {5: sections[5][:2] + struct.pack("<H", 4000) + sections[5][4:]}
    assert "has a reference beat at another rate" in refused(tmp_path, scp_file(slow))


def theirs(path: str) -> dict[str, np.ndarray]:
    from ecgdatakit.parsing.parsers.scp_ecg import SCPECGParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = SCPECGParser().parse(Path(path))
    return {lead.label: lead.samples * lead.resolution / 1000 for lead in found.leads}


@pytest.mark.parametrize("kind", ["differences", "written out", "beats"])
def test_ecgdatakit_reads_the_same_of_what_we_write(tmp_path, kind):
    sections = {
        "differences": PLAIN,
        "written out": scp_sections(COUNTS, 0, is_huffman=False),
        "beats": beats(COUNTS)[0],
    }[kind]
    path = write_bytes(tmp_path / "a.scp", scp_file(sections))
    found = open_file(path).read()
    rows = dict(zip(found.leads, found.signal, strict=True))
    for lead, samples in theirs(path).items():
        np.testing.assert_allclose(rows[lead], samples, atol=1e-12)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "shape", "rate"),
    [("scp_anonymised_2.scp", (12, 6000), 600.0), ("scp_toolkit_example.scp", (12, 5000), 500.0)],
)
def test_a_real_file_is_what_ecgdatakit_reads(name, shape, rate):
    path = real_file(name)
    found = open_file(path).read()
    assert (found.leads, found.signal.shape, found.sampling_rate) == (LEADS, shape, rate)
    rows = dict(zip(found.leads, found.signal, strict=True))
    for lead, samples in theirs(path).items():
        np.testing.assert_allclose(rows[lead], samples, atol=1e-12)
    np.testing.assert_allclose(rows["I"] + rows["III"], rows["II"], atol=1e-12)
    np.testing.assert_allclose(rows["aVF"], (rows["II"] + rows["III"]) / 2, atol=0.0026)  # rounded to counts


@pytest.mark.realdata
def test_a_real_file_whose_name_was_replaced_by_a_longer_one():
    with pytest.raises(RecordError, match="bytes were added or taken away"):
        open_file(real_file("scp_anonymised_1.scp"))
