"""EDF, EDF+ and BDF: what edfio has of them, sample by sample; damage and strange files are a sentence each."""

import os
import re
import sys
import warnings
from contextlib import suppress
from pathlib import Path

import edf_files as made
import edfio
import numpy as np
import pytest
from machine_recordings import real_file
from own_tables import write_table

from pipeline.sources import open_source
from pipeline.sources.formats.edf import is_edf, open_edf
from pipeline.sources.formats.opened import NotSaidError, Said
from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.registry import open_file

LABELS = ("ECG I", "ECG II", "ECG V2")
LEADS = ("I", "II", "V2")


def read(path: str, **said) -> np.ndarray:
    return open_file(path, Said(**said)).read().signal


def refused(path: str, **said) -> str:
    with pytest.raises(RecordError) as problem:
        open_file(path, Said(**said)).read()
    assert "\n" not in str(problem.value)
    assert path in str(problem.value)
    return str(problem.value)


def reference(path: str) -> np.ndarray:
    """(channels, time) in the file's units, of channels of one rate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = edfio.read_bdf(path) if path.endswith(".bdf") else edfio.read_edf(path)
    return np.stack([signal.data for signal in found.signals])


@pytest.mark.parametrize("ending", [".edf", ".bdf"])
@pytest.mark.parametrize(("unit", "millivolts"), [("uV", 1e-3), ("mV", 1.0), ("V", 1e3), ("nV", 1e-6), ("µV", 1e-3)])
def test_samples_are_edfios(tmp_path: Path, ending: str, unit: str, millivolts: float):
    ranges = {"physical": ("-187.5", "187.25"), "digital": ("-20480", "20470")}
    path = made.write(tmp_path / f"a{ending}", made.leads(*LABELS, unit=unit, **ranges))
    opened = open_file(path)
    assert (opened.leads, opened.sampling_rate, opened.n_samples, opened.asked) == (LEADS, 250.0, 1000, frozenset())
    np.testing.assert_allclose(opened.read().signal, reference(path) * millivolts, rtol=1e-15, atol=1e-18)


def test_bdf_has_24_bits(tmp_path: Path):
    counts = made.counts_of(largest=2**23 - 1)
    channel = made.Channel("ECG II", counts, "uV", ("-8388608", "8388607"), ("-8388608", "8388607"))
    path = made.write(tmp_path / "a.bdf", [channel])
    np.testing.assert_allclose(read(path)[0], counts / 1000, rtol=1e-12)
    np.testing.assert_allclose(read(path), reference(path) / 1000, rtol=1e-12)


def test_a_polarity_that_is_turned_round_is_turned_back(tmp_path: Path):
    path = made.write(tmp_path / "a.edf", made.leads("ECG I", physical=("3276.7", "-3276.8")))
    np.testing.assert_allclose(read(path), reference(path) / 1000, rtol=1e-12)
    assert np.corrcoef(read(path)[0], made.counts_of())[0, 1] < -0.999


def test_what_edfio_writes_is_read(tmp_path: Path):
    values = np.sin(np.arange(1000) / 25)
    signals = [
        edfio.EdfSignal(values * gain, 250, label=label, physical_dimension="mV") for gain, label in ((1, "ECG I"),)
    ]
    path = str(tmp_path / "a.edf")
    edfio.Edf(signals, annotations=[edfio.EdfAnnotation(1, None, "cough")]).write(path)
    opened = open_file(path)
    assert opened.leads == ("I",)
    np.testing.assert_allclose(opened.read().signal[0], values, atol=1e-4)


@pytest.mark.parametrize("ending", [".edf", ".bdf"])
def test_the_only_channel_of_an_ecg_in_a_night_is_read_at_its_own_rate(tmp_path: Path, ending: str):
    others = [
        made.Channel("EEG Fpz-Cz", made.counts_of(5, 100)),
        made.Channel("ECG HR", made.counts_of(6, 1), "bpm"),
        made.Channel("EKG", made.counts_of(7)),
        made.Channel("SaO2", made.counts_of(8, 1), "%"),
        made.Channel("Status" if ending == ".bdf" else "Marker", made.counts_of(9, 100), ""),
    ]
    path = made.write(
        tmp_path / f"a{ending}", others, made.annotations(range(4), label=f"{ending[1:].upper()} Annotations")
    )
    opened = open_file(path)
    assert (opened.leads, opened.sampling_rate, opened.n_samples) == (("EKG",), 250.0, 1000)
    np.testing.assert_allclose(opened.read().signal[0], (made.counts_of(7) + 0.0) * 1e-4, atol=1e-9)
    np.testing.assert_array_equal(read(path, leads=("II",)), opened.read().signal)  # it says no lead, and somebody does
    assert open_file(path, Said(leads=("II",))).leads == ("II",)
    assert open_file(path, Said(leads=("EEG Fpz-Cz",))).sampling_rate == 100.0
    assert "has leads of several rates (EKG at 250 Hz, EEG Fpz-Cz at 100 Hz)" in refused(
        path, leads=("EKG", "EEG Fpz-Cz")
    )
    assert "has its channel SaO2 in %, not in mV, uV, nV or V" in refused(path, leads=("SaO2",))


def test_leads_of_several_rates_are_refused_and_those_of_one_are_read(tmp_path: Path):
    slow = made.Channel("ECG V5", made.counts_of(3, 125))
    path = made.write(tmp_path / "a.edf", [*made.leads("ECG I", "ECG II"), slow])
    said = refused(path)
    assert (
        "has leads of several rates (ECG II at 250 Hz, ECG V5 at 125 Hz): choose those of one with --leads_of" in said
    )
    assert read(path, leads=("II", "I")).shape == (2, 1000)
    assert read(path, leads=("V5",)).shape == (1, 500)


def test_no_channel_of_an_ecg_lists_the_labels(tmp_path: Path):
    path = made.write(tmp_path / "a.edf", made.leads("EEG Fpz-Cz", "EMG chin", "ECGHR"))
    assert "has no channel of an ECG by its labels (EEG Fpz-Cz, EMG chin, ECGHR): name the channels" in refused(path)
    assert "has no lead II of --leads_of_file (it has EEG Fpz-Cz" in refused(path, leads=("II",))
    np.testing.assert_allclose(read(path, leads=("EMG chin",))[0], made.counts_of(1) * 1e-4, atol=1e-9)


def test_a_label_that_comes_twice_is_told_of(tmp_path: Path):
    path = made.write(tmp_path / "a.edf", made.leads("ECG", "ECG"))
    assert "has several channels that are lead ECG" in refused(path)
    assert open_file(path, Said(leads=("I", "V1"))).leads == ("I", "V1")


def test_a_unit_that_is_not_said_is_asked_for(tmp_path: Path):
    path = made.write(tmp_path / "a.edf", made.leads("ECG I", unit=""))
    with pytest.raises(NotSaidError, match="does not say its unit: give --unit mV or uV"):
        open_file(path)
    np.testing.assert_allclose(read(path, unit="uV"), reference(path) / 1000, rtol=1e-12)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["edf_short_psg.edf", "bdf_short_psg.bdf"])
def test_a_night_without_an_ecg_and_what_somebody_takes_of_it(name: str):
    path = real_file(name)
    assert "has no channel of an ECG by its labels (EEG Fpz-Cz, EEG Pz-Oz, EOG horizontal" in refused(path)
    labels = ("EEG Pz-Oz", "EEG Fpz-Cz", "EOG horizontal")
    found = (edfio.read_bdf if name.endswith(".bdf") else edfio.read_edf)(path)
    expected = np.stack([found.get_signal(label).data for label in labels]) / 1000
    np.testing.assert_allclose(read(path, leads=labels), expected, rtol=0, atol=1e-15)
    assert "has leads of several rates (EMG submental at 1 Hz" in refused(path, leads=("EMG submental", labels[0]))
    assert "has its channel Temp rectal in DegC, not in mV" in refused(path, leads=("Temp rectal",))


@pytest.mark.realdata
def test_a_file_of_machines_that_ecgdatakit_reads_is_the_same():
    from ecgdatakit import FileParser

    path = real_file("edf_short_psg.edf")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = FileParser().parse(path)
    named = {lead.label: lead for lead in found.leads}
    lead = named[next(label for label in named if "Fpz" in label)]
    scale = {"mV": 1.0, "uV": 1e-3}[lead.units]
    np.testing.assert_allclose(read(path, leads=("EEG Fpz-Cz",))[0], lead.samples * scale, rtol=0, atol=1e-12)


# time


@pytest.mark.parametrize(("ending", "kind"), [(".edf", "EDF+"), (".bdf", "BDF+")])
def test_a_gap_is_told_of_and_a_discontinuous_file_without_one_is_read(tmp_path: Path, ending: str, kind: str):
    def written(onsets, letter="D"):
        text = made.annotations(onsets, label=f"{kind[:3]} Annotations")
        return made.write(tmp_path / f"a{ending}", made.leads(*LABELS), text, kind=f"{kind}{letter}")

    np.testing.assert_allclose(read(written((0, 1, 2, 3))), reference(written((0, 1, 2, 3))) / 1000, rtol=1e-12)
    assert read(written((7.5, 8.5, 9.5, 10.5))).shape == (3, 1000)
    assert f"is discontinuous ({kind}D): behind its first 2 s it leaves out 12.5 s" in refused(
        written((0, 1, 14.5, 15.5))
    )
    assert "behind its first 1 s it goes back 0.5 s" in refused(written((0, 0.5, 1.5, 2.5)))
    assert read(written((0, 1, 14.5, 15.5), "C")).shape == (3, 1000), "it says that it is continuous"


def test_a_discontinuous_file_that_says_no_times_is_told_of(tmp_path: Path):
    path = made.write(tmp_path / "a.edf", made.leads(*LABELS), kind="EDF+D")
    assert "is discontinuous (EDF+D) and has no annotations that say when its parts begin" in refused(path)
    path = made.write(tmp_path / "a.edf", made.leads(*LABELS), ("EDF Annotations", [bytes(20)] * 4), kind="EDF+D")
    assert "does not say when each of its data records begins" in refused(path)


@pytest.mark.parametrize(
    ("per_record", "seconds", "rate"),
    [(100, ".333333", 300.0), (77, "0.3", 77 / 0.3), (5, "10", 0.5), (25, "0.1", 250.0)],
)
def test_a_rate_is_as_whole_as_its_digits_allow(tmp_path: Path, per_record: int, seconds: str, rate: float):
    path = made.write(tmp_path / "a.edf", [made.Channel("II", made.counts_of(0, per_record))], seconds=seconds)
    assert open_file(path).sampling_rate == rate


def test_a_file_that_nobody_closed_is_read_up_to_its_last_whole_data_record(tmp_path: Path):
    path = made.write(tmp_path / "a.edf", made.leads(*LABELS), announced=-1)
    assert read(path).shape == (3, 1000)
    whole = read(path)
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) - 10)
    np.testing.assert_array_equal(read(path), whole[:, :750])


# what is wrong


@pytest.mark.parametrize("ending", [".edf", ".bdf"])
def test_a_file_cut_anywhere_is_a_sentence(tmp_path: Path, ending: str):
    whole = Path(made.write(tmp_path / f"a{ending}", made.leads(*LABELS))).read_bytes()
    path = tmp_path / f"cut{ending}"
    for length in [0, 8, 100, 255, 256, 500, 1023, 1024, 1025, 2000, len(whole) - 1]:
        path.write_bytes(whole[:length])
        refused(str(path))
    path.write_bytes(whole + b"12")
    assert "bytes of samples where its head says 4 data records" in refused(str(path))


@pytest.mark.parametrize(
    ("place", "field", "sentence"),
    [
        (236, b"99999999", "where its head says 99999999 data records of"),
        (236, b"-5      ", "where its head says -5 data records of"),
        (236, b"many    ", "gives 'many' as its data records, which is no number"),
        (236, b"0       ", "where its head says 0 data records of"),
        (252, b"9999", "announces 9999 signals, and can have 1 to 2000"),
        (252, b"0   ", "announces 0 signals"),
        (184, b"512     ", "says that its head has 512 bytes, and that of 3 signals has 1024"),
        (244, b"0       ", "has data records of 0 s: it holds annotations and no signal"),
        (244, b"-1      ", "gives '-1' as seconds of a data record"),
        (244, b"nan     ", "gives 'nan' as seconds of a data record"),
        (244, b"1e-9    ", "which is no sampling rate"),
        (256 + 3 * 216, b"99999999", "bytes of samples where its head says 4 data records of"),
        (256 + 3 * 216, b"-250    ", "gives -250 samples in a data record, which is none"),
        (256 + 3 * 104, b"x       ", "gives no scale of its channel ECG I"),
        (256 + 3 * 104, b"3276.7  ", "gives no scale of its channel ECG I"),
        (256 + 3 * 104, b"nan     ", "gives no scale of its channel ECG I"),
        (256 + 3 * 120, b"32767   ", "gives no scale of its channel ECG I"),
        (256 + 3 * 96, b"mmHg    ", "has leads"),
    ],
)
def test_what_cannot_be_is_a_sentence(tmp_path: Path, place: int, field: bytes, sentence: str):
    path = made.write(tmp_path / "a.edf", made.leads(*LABELS))
    data = bytearray(Path(path).read_bytes())
    data[place : place + len(field)] = field
    Path(path).write_bytes(data)
    if field == b"mmHg    ":  # a channel called ECG that is in another unit is none
        assert open_file(path).leads == ("II", "V2")
        return
    assert re.search(re.escape(sentence), refused(path))


def test_no_byte_that_is_flipped_is_a_crash(tmp_path: Path):
    rng = np.random.default_rng(0)
    for ending in (".edf", ".bdf"):
        path = Path(made.write(tmp_path / f"a{ending}", made.leads(*LABELS), kind=f"{ending[1:].upper()}+D"))
        whole = path.read_bytes()
        for _ in range(100):
            data = bytearray(whole)
            for place in rng.integers(8, 1024, 3):
                data[place] = int(rng.integers(0, 256))
            path.write_bytes(data)
            with suppress(RecordError):
                assert open_edf(str(path), Said()).read().signal.ndim == 2


def test_annotations_alone_are_no_recording(tmp_path: Path):
    path = made.write(tmp_path / "a.edf", [], made.annotations(range(4)))
    assert "holds annotations and no signal" in refused(path)


def test_a_name_without_an_ending_is_known_by_its_first_bytes(tmp_path: Path):
    for ending in (".edf", ".bdf"):
        path = Path(made.write(tmp_path / f"a{ending}", made.leads(*LABELS)))
        for name in ("night", "night.rec", "1.2.3.4"):
            (tmp_path / name).write_bytes(path.read_bytes())
            assert is_edf(str(tmp_path / name))
            np.testing.assert_array_equal(read(str(tmp_path / name)), read(str(path)))
    assert not is_edf(str(tmp_path / "absent"))


def test_without_the_library_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch):
    path = made.write(tmp_path / "a.edf", made.leads(*LABELS))
    monkeypatch.setitem(sys.modules, "edfio", None)
    assert refused(path).endswith('a.edf is read by edfio, which is not installed: pip install "ecgfusion[clinical]"')


def test_a_table_names_it(tmp_path: Path):
    rows = []
    for number, ending in enumerate((".edf", ".bdf", ".edf")):
        channels = [made.Channel(label, made.counts_of(10 * number + lead)) for lead, label in enumerate(LABELS)]
        made.write(tmp_path / f"r{number}{ending}", channels)
        rows.append({"file": f"r{number}{ending}", "patient_id": number})
    source = open_source("table", write_table(tmp_path, rows))
    assert (source.leads, source.sampling_rate) == (LEADS, 250.0)
    for number, signal in enumerate(source.read(source.records)):
        assert isinstance(signal, np.ndarray)
        expected = np.stack([made.counts_of(10 * number + lead) for lead in range(3)])
        np.testing.assert_allclose(signal, expected * 1e-4, atol=1e-9)
