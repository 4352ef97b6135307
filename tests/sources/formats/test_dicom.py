"""DICOM waveforms: what pydicom has of them, sample by sample; damage and strange files are a sentence each."""

import os
import re
import sys
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import dicom_files as made
import numpy as np
import pydicom
import pytest
from own_tables import write_table
from pydicom.data import get_testdata_file
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)
from pydicom.waveforms import multiplex_array

from pipeline.signals.leads import LEADS
from pipeline.sources import open_source
from pipeline.sources.formats.dicom import is_dicom, open_dicom
from pipeline.sources.formats.opened import NotSaidError, Said
from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.registry import open_file

CART = str(get_testdata_file("waveform_ecg.dcm"))
COUNTS = made.counts_of()
MILLIVOLTS = COUNTS.T * 2.5 / 1000


def read(path: str, **said) -> np.ndarray:
    return open_file(path, Said(**said)).read().signal


def refused(path: str, **said) -> str:
    with pytest.raises(RecordError) as problem:
        open_file(path, Said(**said)).read()
    assert "\n" not in str(problem.value)
    assert path in str(problem.value)
    return str(problem.value)


def test_a_file_of_a_cart_is_its_rhythm():
    opened = open_file(CART)
    assert (opened.leads, opened.sampling_rate, opened.n_samples) == (LEADS, 1000.0, 10_000)
    expected = multiplex_array(pydicom.dcmread(CART), 0, as_raw=False).T / 1000
    np.testing.assert_allclose(opened.read().signal, expected, rtol=0, atol=1e-15)


def test_its_median_beat_is_read_where_somebody_says_so():
    expected = multiplex_array(pydicom.dcmread(CART), 1, as_raw=False).T / 1000
    for name in ("2", "MEDIAN BEAT", "median beat "):
        np.testing.assert_allclose(read(CART, array=name), expected, rtol=0, atol=1e-15)


def test_it_is_what_ecgdatakit_reads():
    from ecgdatakit import FileParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = FileParser().parse(CART)
    for lead, values in zip(found.leads, open_file(CART).read().signal, strict=True):
        assert lead.units == "mV"
        np.testing.assert_allclose(values, lead.samples, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", made.KINDS)
@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_every_width_of_sample_is_pydicoms(tmp_path: Path, kind: str, syntax):
    counts = made.counts_of(kind=kind)
    options = {} if syntax is None else {"syntax": syntax}
    path = made.write(tmp_path / "a.dcm", made.group(counts), **options)
    expected = multiplex_array(pydicom.dcmread(path), 0, as_raw=False).T / 1000
    np.testing.assert_allclose(read(path), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(read(path), counts.T * 2.5 / 1000, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", made.KINDS)
@pytest.mark.parametrize("n_samples", [500, 499])
def test_big_endian_samples_are_those_of_little_endian(tmp_path: Path, kind: str, n_samples: int):
    counts = made.counts_of(n_samples=n_samples, kind=kind)
    data = counts.astype(counts.dtype.newbyteorder(">")).tobytes()
    if counts.dtype.itemsize == 1:  # words of two samples, the second of which comes first
        data = np.frombuffer(data + bytes(len(data) % 2), "<u2").astype(">u2").tobytes()
    path = made.write(tmp_path / "a.dcm", made.group(counts, WaveformData=data), syntax=ExplicitVRBigEndian)
    np.testing.assert_allclose(read(path), counts.T * 2.5 / 1000, rtol=0, atol=1e-9)


def test_no_preamble_and_no_ending(tmp_path: Path):
    bare = made.write(tmp_path / "bare.dcm", made.group(COUNTS), preamble=False)
    with pytest.raises(pydicom.errors.InvalidDicomError):
        pydicom.dcmread(bare)
    np.testing.assert_allclose(read(bare), MILLIVOLTS, rtol=0, atol=1e-12)
    for name in ("IM000001", "1.2.840.99.1", "scan.ima"):
        for source in (bare, made.write(tmp_path / "whole.dcm", made.group(COUNTS))):
            (tmp_path / name).write_bytes(Path(source).read_bytes())
            assert is_dicom(str(tmp_path / name))
            np.testing.assert_allclose(read(str(tmp_path / name)), MILLIVOLTS, rtol=0, atol=1e-12)
    implicit = made.write(tmp_path / "implicit.dcm", made.group(COUNTS), preamble=False, syntax=ImplicitVRLittleEndian)
    os.rename(implicit, tmp_path / "implicit")
    np.testing.assert_allclose(read(str(tmp_path / "implicit")), MILLIVOLTS, rtol=0, atol=1e-12)
    (tmp_path / "other").write_bytes(b"\x08 is the first letter of this text" * 9)
    assert not is_dicom(str(tmp_path / "other"))
    assert not is_dicom(str(tmp_path / "absent"))


def test_sequences_without_a_length_are_passed_over_or_read(tmp_path: Path):
    path = made.write(tmp_path / "a.dcm", made.group(COUNTS))
    dataset = pydicom.dcmread(path)
    dataset.WaveformAnnotationSequence = made.code("5.10.2.5-5", "SCPECG", "a beat")
    for name in ("WaveformAnnotationSequence", "WaveformSequence"):
        dataset[name].is_undefined_length = True
        for item in dataset[name].value:
            item.is_undefined_length_sequence_item = True
    dataset.save_as(path)
    assert b"\xff\xff\xff\xff" in Path(path).read_bytes()
    np.testing.assert_allclose(read(path), MILLIVOLTS, rtol=0, atol=1e-12)


def test_sensitivity_its_correction_baseline_and_unit(tmp_path: Path):
    channels = [
        made.channel("I", "uV", 4.88, ChannelSensitivityCorrectionFactor=1.02, ChannelBaseline=-20.5),
        made.channel("II", "mV", 0.005, ChannelBaseline=0.25),
        made.channel("V2", "V", 5e-6),
        made.channel("III", "nV", 5000),
    ]
    counts = made.counts_of(4)
    path = made.write(tmp_path / "a.dcm", made.group(counts, ChannelDefinitionSequence=channels))
    expected = counts.T * np.array([[4.88e-3 * 1.02], [0.005], [5e-3], [5e-3]]) + np.array(
        [[-0.0205], [0.25], [0], [0]]
    )
    np.testing.assert_allclose(read(path), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("unit", ["µV", "microvolt", "microvolts", "uV"])
def test_a_unit_may_be_said_by_the_meaning_of_its_code(tmp_path: Path, unit: str):
    one = made.channel("I", None)
    one.ChannelSensitivityUnitsSequence = made.code("266418", "MDC", unit)
    dataset = made.group(COUNTS[:, :1], ChannelDefinitionSequence=[one])
    path = made.write(tmp_path / "a.dcm", dataset)
    np.testing.assert_allclose(read(path), MILLIVOLTS[:1], rtol=0, atol=1e-12)


def test_a_unit_that_is_not_said_is_asked_for(tmp_path: Path):
    channels = [made.channel(lead, None, None) for lead in made.LEADS]
    path = made.write(tmp_path / "a.dcm", made.group(COUNTS, ChannelDefinitionSequence=channels))
    with pytest.raises(NotSaidError, match="does not say the unit of its samples: give --unit mV or uV"):
        open_file(path)
    np.testing.assert_allclose(read(path, unit="uV"), COUNTS.T / 1000, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("value", "scheme", "meaning", "lead"),
    [
        ("2:1", "MDC", "Lead I", "I"),
        ("2:62", "MDC", "Lead aVR", "aVR"),
        ("MDC_ECG_LEAD_AVF", "MDC", "", "aVF"),
        ("131135", "MDC", "", "aVL"),
        ("5.6.3-9-61", "SCPECG", "Lead III", "III"),
        ("5.6.3-9-1", "SCPECG", "Lead I (Einthoven)", "I"),
        ("X1", "99VENDOR", "Lead V6", "V6"),
        ("X1", "99VENDOR", "aVR, augmented voltage, right", "aVR"),
        ("5.6.3-9-65", "SCPECG", "Lead -aVR", "-aVR"),
    ],
)
def test_a_lead_by_code_or_name(tmp_path: Path, value, scheme, meaning, lead):
    one = made.channel("I", ChannelSourceSequence=made.code(value, scheme, meaning))
    path = made.write(tmp_path / "a.dcm", made.group(COUNTS[:, :1], ChannelDefinitionSequence=[one]))
    assert open_file(path).leads == (lead,)


def test_a_lead_without_a_code_is_its_label_or_its_number(tmp_path: Path):
    label = made.channel("I", ChannelSourceSequence=None, ChannelLabel="Lead II")
    number = made.channel("I", ChannelSourceSequence=None)
    path = made.write(tmp_path / "a.dcm", made.group(COUNTS[:, :2], ChannelDefinitionSequence=[label, number]))
    assert open_file(path).leads == ("II", "2")


def test_other_channels_beside_an_ecg_are_left_out(tmp_path: Path):
    channels = [made.channel("pressure", "mm[Hg]"), made.channel("II"), made.channel("V2")]
    path = made.write(tmp_path / "a.dcm", made.group(COUNTS, ChannelDefinitionSequence=channels))
    assert open_file(path).leads == ("II", "V2")
    np.testing.assert_allclose(read(path), MILLIVOLTS[1:], rtol=0, atol=1e-12)


# several groups


def test_parts_of_one_time_are_one_recording(tmp_path: Path):
    others = made.counts_of(2, seed=1)
    path = made.write(tmp_path / "a.dcm", made.group(COUNTS), made.group(others, ("III", "V1"), label="more"))
    assert open_file(path).leads == ("I", "II", "V2", "III", "V1")
    np.testing.assert_allclose(read(path), np.vstack([COUNTS.T, others.T]) * 2.5 / 1000, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "other",
    [
        {"label": "MEDIAN BEAT", "n_samples": 5000},
        {"label": "Average complex", "n_samples": 5000},
        {"label": "", "n_samples": 300},
        {"label": "", "n_samples": 5000, "WaveformOriginality": "DERIVED"},
        {"label": "strip", "n_samples": 5000, "leads": ("II",)},
        {"label": "", "rate": 1000, "n_samples": 1200},
    ],
)
@pytest.mark.parametrize("comes_first", [False, True])
def test_the_rhythm_is_taken_wherever_it_stands(tmp_path: Path, other, comes_first: bool):
    given = {"leads": made.LEADS} | other
    counts = made.counts_of(len(given["leads"]), given.pop("n_samples"), seed=1)
    groups = [made.group(COUNTS), made.group(counts, **given)]
    path = made.write(tmp_path / "a.dcm", *(groups[::-1] if comes_first else groups))
    np.testing.assert_allclose(read(path), MILLIVOLTS, rtol=0, atol=1e-12)


def test_a_strip_is_taken_where_its_lead_alone_is_wanted_of_two(tmp_path: Path):
    strip = made.counts_of(1, 5000, seed=1)
    path = made.write(tmp_path / "a.dcm", made.group(COUNTS), made.group(strip, ("V1",)))
    assert read(path, leads=("V1",)).shape == (1, 5000)
    assert read(path, leads=("V2", "I")).shape == (2, 500)


def test_two_recordings_alike_are_not_chosen_from(tmp_path: Path):
    later = made.group(made.counts_of(seed=1), label="", MultiplexGroupTimeOffset=2000)
    path = made.write(tmp_path / "a.dcm", made.group(COUNTS), later)
    said = refused(path)
    assert "holds 2 groups that may be the recording (1 (RHYTHM): 3 leads of 2 s, 2: 3 leads of 2 s)" in said
    assert "name one with --array" in said
    np.testing.assert_allclose(read(path, array="1"), MILLIVOLTS, rtol=0, atol=1e-12)
    assert "has no group 3" in refused(path, array="3")


def test_averaged_beats_alone_are_no_recording(tmp_path: Path):
    path = made.write(tmp_path / "a.dcm", made.group(COUNTS, label="MEDIAN BEAT"))
    assert "holds averaged beats and no rhythm (1 (MEDIAN BEAT): 3 leads of 2 s): name one with --array" in refused(
        path
    )
    np.testing.assert_allclose(read(path, array="MEDIAN BEAT"), MILLIVOLTS, rtol=0, atol=1e-12)


# padding


def test_padding_at_the_end_is_none_of_the_recording_and_a_hole_is_missing(tmp_path: Path):
    counts = COUNTS.copy()
    counts[400:] = -32768
    padding: dict[str, Any] = {"WaveformPaddingValue": np.int16(-32768).tobytes()}
    path = made.write(tmp_path / "a.dcm", made.group(counts, **padding))
    assert open_file(path).n_samples == 400
    np.testing.assert_allclose(read(path), MILLIVOLTS[:, :400], rtol=0, atol=1e-12)
    counts[100, 1] = -32768
    path = made.write(tmp_path / "a.dcm", made.group(counts, **padding))
    assert "has a missing sample (NaN) in lead II at 0.400 s" in refused(path)
    path = made.write(tmp_path / "a.dcm", made.group(np.full_like(counts, -32768), **padding))
    assert "holds no samples but padding" in refused(path)


# what is wrong


def channels(**changes):
    return [made.channel("I"), made.channel("II", **changes), made.channel("V2")]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"NumberOfWaveformSamples": 4_000_000_000}, "has 12000000000 samples, and more than"),
        ({"NumberOfWaveformSamples": 600}, "has 3000 bytes of samples where 600 of 3 channels take 3600"),
        ({"NumberOfWaveformSamples": 400}, "has 3000 bytes of samples where 400 of 3 channels take 2400"),
        ({"NumberOfWaveformSamples": 0}, "holds no samples"),
        ({"NumberOfWaveformSamples": None}, "does not say its NumberOfWaveformSamples"),
        ({"NumberOfWaveformChannels": 0}, "announces 0 channels, and can have 1 to 1000"),
        ({"NumberOfWaveformChannels": 4}, "announces 4 channels and describes 3"),
        ({"SamplingFrequency": 0}, "gives 0 as sampling frequency, which is none"),
        ({"SamplingFrequency": None}, "does not say its SamplingFrequency"),
        ({"WaveformSampleInterpretation": "MB"}, "has samples of 16 bits as MB, which are not read"),
        ({"WaveformData": None}, "has 0 bytes of samples"),
        ({"ChannelDefinitionSequence": channels(sensitivity=None)}, r"\(II\) is in uV and has no sensitivity"),
        ({"ChannelDefinitionSequence": channels(sensitivity=0)}, r"\(II\) has the sensitivity 0 times 1"),
        ({"ChannelDefinitionSequence": channels(ChannelSampleSkew=3)}, r"\(II\) is skewed by samples"),
        (
            {"ChannelDefinitionSequence": channels(ChannelSourceSequence=made.code("2:1", "MDC", "Lead V4"))},
            "channel 2 has the code of lead I and is called Lead V4",
        ),
        (
            {"ChannelDefinitionSequence": channels(ChannelSourceSequence=made.code("2:1", "MDC", "Lead I"))},
            "names a lead twice",
        ),
        (
            {"ChannelDefinitionSequence": [made.channel(lead, "mm[Hg]") for lead in made.LEADS]},
            "has no channel in mV, uV, nV or V: it is no ECG",
        ),
    ],
)
def test_what_cannot_be_is_a_sentence(tmp_path: Path, changes, sentence: str):
    assert re.search(sentence, refused(made.write(tmp_path / "a.dcm", made.group(COUNTS, **changes))))


def test_no_waveform_says_what_there_is(tmp_path: Path):
    path = made.write(tmp_path / "a.dcm")
    assert "is DICOM without a waveform (12-lead ECG Waveform Storage): export the ECG" in refused(path)
    dataset = pydicom.dcmread(path)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EncapsulatedPDFStorage
    dataset.save_as(path)
    assert "is DICOM without a waveform (Encapsulated PDF Storage)" in refused(path)


def test_a_file_cut_anywhere_is_a_sentence(tmp_path: Path):
    whole = Path(made.write(tmp_path / "a.dcm", made.group(COUNTS))).read_bytes()
    for length in [0, 5, 100, 131, 132, 140, 200, 300, 500, *range(700, len(whole), 211), len(whole) - 1]:
        (tmp_path / "cut.dcm").write_bytes(whole[:length])
        refused(str(tmp_path / "cut.dcm"))


def test_no_byte_that_is_flipped_is_a_crash(tmp_path: Path):
    whole = Path(made.write(tmp_path / "a.dcm", made.group(made.counts_of(n_samples=4)))).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "flipped.dcm"
    for _ in range(150):
        data = bytearray(whole)
        for place in rng.integers(128, len(whole), 3):
            data[place] ^= int(rng.integers(1, 256))
        path.write_bytes(data)
        with suppress(RecordError):
            assert open_dicom(str(path), Said()).read().signal.ndim == 2


@pytest.mark.parametrize("data", [b"", b"no DICOM at all", b"\0" * 5000, b"file,patient_id\n" * 100])
def test_what_is_no_dicom_is_a_sentence(tmp_path: Path, data: bytes):
    (tmp_path / "a.dcm").write_bytes(data)
    assert "is no DICOM file" in refused(str(tmp_path / "a.dcm"))


def test_a_deflated_bomb_is_not_unpacked(tmp_path: Path, monkeypatch):
    path = made.write(tmp_path / "a.dcm", made.group(COUNTS), syntax=DeflatedExplicitVRLittleEndian)
    monkeypatch.setattr("pipeline.sources.formats.dicom.MOST_BYTES", 1000)
    assert "unpacks to more than 1000 bytes, which are not read" in refused(path)


def test_threads_read_at_once_and_warnings_stay_as_they_were():
    before, found = list(warnings.filters), []
    threads = [threading.Thread(target=lambda: found.append(read(CART).sum())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 8
    assert warnings.filters == before


def test_without_the_library_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch):
    path = made.write(tmp_path / "a.dcm", made.group(COUNTS))
    monkeypatch.setitem(sys.modules, "pydicom", None)
    assert refused(path).endswith('a.dcm is read by pydicom, which is not installed: pip install "ecgfusion[clinical]"')


def test_a_table_names_it(tmp_path: Path):
    rows = []
    for number in range(3):
        made.write(tmp_path / f"r{number}.dcm", made.group(made.counts_of(seed=number)))
        rows.append({"file": f"r{number}.dcm", "patient_id": number})
    source = open_source("table", write_table(tmp_path, rows))
    assert (source.leads, source.sampling_rate) == (made.LEADS, 250.0)
    for number, signal in enumerate(source.read(source.records)):
        assert isinstance(signal, np.ndarray)
        np.testing.assert_allclose(signal, made.counts_of(seed=number).T * 2.5 / 1000, rtol=0, atol=1e-12)
    assert open_source("table", tmp_path, array="RHYTHM").leads == made.LEADS
