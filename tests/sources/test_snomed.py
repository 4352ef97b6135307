"""A folder of recordings with SNOMED CT codes in their headers: what is read, what is labelled, what is told."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

import create_images
from pipeline.errors import EcgFusionError
from pipeline.signals.counts import PADDING
from pipeline.signals.leads import LEADS
from pipeline.sources import BadRecord, open_source
from pipeline.sources.formats.wfdb import read_recording
from pipeline.sources.snomed import open_snomed
from pipeline.store.create import create_stores
from pipeline.store.reading import open_store

SR, AF = "426783006", "164889003"
SIGNALS = "JS2.dat 16 1000 16 0 0 0 0 I\nJS2.dat 16 1000 16 0 0 0 0 II\n"


def write(folder: Path, name: str, *comments: str, leads=LEADS, rate=500, n_samples=600, seed=0, fmt="16") -> Path:
    """A recording of noise in format 16; gives its header."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = np.random.default_rng(seed).integers(-900, 900, (n_samples, len(leads)))
    many = {"units": ["mV"] * len(leads), "fmt": [fmt] * len(leads), "baseline": [0] * len(leads)}
    gains = [1000.0] * len(leads)
    wfdb.wrsamp(name, rate, sig_name=list(leads), d_signal=counts, adc_gain=gains, write_dir=str(folder), **many)
    header = folder / f"{name}.hea"
    header.write_text(header.read_text() + "".join(f"{line}\n" for line in comments))
    return header


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three recordings, as the challenges publish them."""
    below = tmp_path / "set"
    write(below / "cpsc" / "g1", "A1", "#Age: 49", "#Sex: Female", f"#Dx: {AF},59118001", n_samples=600)
    write(below / "georgia", "E1", "# Age: NaN", "# Sex: Unknown", f"# Dx: {SR}, 164884008", rate=1000, n_samples=2000)
    write(below, "JS1", "#Age: 300", "#Sex: Male", "#Dx: Unknown", rate=257, n_samples=514, seed=3)
    return below


def test_records_of_any_depth_length_and_rate(folder):
    source = open_snomed(folder)
    found = source.records
    assert found["record_id"].tolist() == ["JS1", "A1", "E1"]
    assert found["patient_id"].tolist() == found["record_id"].tolist()
    assert found["length"].tolist() == [2.0, 1.2, 2.0]
    assert found["sampling_rate"].tolist() == [257.0, 500.0, 1000.0]
    assert source.sampling_rate == 257.0
    assert found["sex"].tolist() == [0, 1, -1]
    np.testing.assert_array_equal(found["age"], [90.0, 49.0, np.nan])
    assert set(found["fold"]) == {0}


def test_each_is_read_whole_at_its_own_rate(folder):
    source = open_snomed(folder)
    signals = source.read(source.records.iloc[[2, 0, 1]])
    assert [signal.shape for signal in signals] == [(12, 2000), (12, 514), (12, 600)]
    for name, signal in zip(("georgia/E1", "JS1", "cpsc/g1/A1"), signals, strict=True):
        np.testing.assert_array_equal(signal.T, wfdb.rdsamp(str(folder / name))[0])


def test_labels_are_those_of_the_codes(folder):
    source = open_snomed(folder)
    assert list(source.labels) == ["cpsc9", "chapman4", "chapman11", "cinc2021"]
    nine = source.labels["cpsc9"]
    assert nine.labelled.tolist() == [False, True, True]
    assert [nine.classes[column] for column in np.flatnonzero(nine.values[1])] == ["AF", "RBBB"]
    assert [nine.classes[column] for column in np.flatnonzero(nine.values[2])] == ["Normal", "PVC"]
    assert any("1 of 3 headers have no code in a # Dx: line" in sentence for sentence in source.remarks)


def test_leads_are_found_by_their_names_and_others_left_out(folder):
    mixed = ["vx", *reversed(LEADS), "vy"]
    write(folder, "F1", f"#Dx: {SR}", leads=[lead.lower() for lead in mixed], seed=5)
    source = open_snomed(folder)
    signal = source.read(source.records[source.records["record_id"] == "F1"])[0]
    np.testing.assert_array_equal(signal, read_recording(folder / "F1").signal[mixed.index("I") : 0 : -1])


def test_a_record_that_lacks_a_lead_is_a_bad_one(folder):
    write(folder, "F1", f"#Dx: {SR}", leads=LEADS[:11])
    source = open_snomed(folder)
    bad = source.read(source.records)[0]
    assert bad == BadRecord("F1", f"{folder / 'F1'} has no lead V6 (it has {' '.join(LEADS[:11])})")


def test_a_damaged_recording_is_a_bad_one(folder):
    data = folder / "cpsc" / "g1" / "A1.dat"
    data.write_bytes(data.read_bytes()[:-1])
    (folder / "georgia" / "E1.dat").unlink()
    source = open_snomed(folder)
    signal, short, missing = source.read(source.records)
    assert isinstance(signal, np.ndarray)
    assert "has 14399 bytes where its header says 14400" in short.problem
    assert missing.problem.endswith("E1.dat is missing")


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("", "is empty"),
        ("JS2 12 500 99999999999\n", "99999999999 samples of 12 leads, too many to read"),
        ("JS2 2 0.001 5000\n" + SIGNALS, "0.001 Hz, which no electrocardiogram is"),
        ("JS2 12 999999999 5000\n", "1e+09 Hz, which no electrocardiogram is"),
        ("JS2 12\n", "announces 12 signals and describes 0"),
        ("JS2 no header\n", "which is no record line"),
    ],
)
def test_a_header_that_cannot_be_used_is_a_bad_record_and_no_other(folder, header, problem):
    (folder / "JS2.hea").write_text(f"{header}#Dx: {SR}\n")
    source = open_snomed(folder)
    told = [sentence for sentence in source.remarks if "cannot be used" in sentence]
    assert told
    assert told[0].startswith("1 of 4 headers")
    assert problem in told[0]
    row = source.records["record_id"].tolist().index("JS2")
    assert source.records["length"][row] == 1.2  # as the shortest: no store grows by it
    assert not any(labels.labelled[row] for labels in source.labels.values())
    found = source.read(source.records)
    assert [isinstance(each, BadRecord) for each in found] == [name == "JS2" for name in source.records["record_id"]]


def test_a_header_that_lacks_a_line_end_is_a_bad_record(folder):
    """As those of JS01052 and JS23074 on PhysioNet: the record line goes on with the first signal line."""
    header = folder / "JS1.hea"
    header.write_text(header.read_text().replace("\n", " ", 1))
    source = open_snomed(folder)
    found = source.read(source.records)
    assert [isinstance(each, BadRecord) for each in found] == [True, False, False]
    assert "announces 12 signals and describes 11" in found[0].problem


def test_a_length_that_is_not_said_is_that_of_the_file(folder):
    header = folder / "JS1.hea"
    header.write_text(header.read_text().replace("257 514", "257"))
    source = open_snomed(folder)
    assert source.records["length"][0] == 2.0
    assert source.read(source.records)[0].shape == (12, 514)


def test_a_header_that_changes_in_between_is_noticed(folder):
    source = open_snomed(folder)
    write(folder, "JS1", f"#Dx: {SR}", rate=257, n_samples=700)
    assert "is not what it was when the folder was opened" in source.read(source.records)[0].problem


@pytest.mark.parametrize("line", ["#Dx: AF", f"#Dx: {AF},AF", f"#Dx: {AF}.5", "#Dx: 1e8", f"#Dx: {AF};{SR}"])
def test_words_that_are_no_codes_leave_a_record_unlabelled(folder, line):
    write(folder, "JS2", line)
    source = open_snomed(folder)
    row = source.records["record_id"].tolist().index("JS2")
    assert not any(labels.labelled[row] for labels in source.labels.values())
    assert any("1 of 4 headers have a # Dx: line that is no list" in sentence for sentence in source.remarks)


def test_codes_come_with_blanks_twice_and_with_nothing_between(folder):
    write(folder, "JS2", f"# Dx : {AF} ,, {AF},", f"# dx: {SR}")
    source = open_snomed(folder)
    row = source.records["record_id"].tolist().index("JS2")
    assert source.labels["cpsc9"].values[row].sum() == 2


def test_an_age_or_sex_that_is_none_is_unknown(folder):
    write(folder, "JS2", "#Age: -3", "#Sex: X", f"#Dx: {SR}")
    source = open_snomed(folder)
    row = source.records["record_id"].tolist().index("JS2")
    assert np.isnan(source.records["age"][row])
    assert source.records["sex"][row] == -1


def test_one_name_in_two_folders_has_the_folder_before_it(folder):
    write(folder / "new", "A1", f"#Dx: {SR}")
    source = open_snomed(folder)
    assert source.records["record_id"].tolist() == ["JS1", "cpsc-g1-A1", "E1", "new-A1"]
    write(folder, "new-A1", f"#Dx: {SR}")
    with pytest.raises(EcgFusionError, match="new-A1 and new/A1 would have one name, new-A1: rename one"):
        open_snomed(folder)


def test_the_version_is_that_of_the_headers(folder):
    first = open_snomed(folder)
    assert open_snomed(folder).version == first.version
    header = folder / "JS1.hea"
    header.write_text(header.read_text().replace("Unknown", SR))
    assert open_snomed(folder).version != first.version


def test_ones_own_classes(folder, tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text("code,name\n164884008,ectopic\n")
    source = open_snomed(folder, classes=table)
    assert next(iter(source.labels)) == "classes"
    assert source.labels["classes"].values.tolist() == [[0], [0], [1]]
    assert source.labels["classes"].labelled.tolist() == [False, True, True]
    assert source.options["classes"].startswith("mine.csv, ")
    table.write_text("code,name\n164884009,ectopic\n")
    with pytest.raises(EcgFusionError, match=f"bears a code of {table}: the commonest codes are {AF} .1."):
        open_snomed(folder, classes=table)


def test_codes_of_no_task_are_named(tmp_path):
    write(tmp_path, "S1", "#Dx: 445211001")
    source = open_snomed(tmp_path)
    assert source.labels == {}
    assert "give --classes FILE; the commonest codes are 445211001 (1)" in source.remarks[-1]


def test_links_that_are_not_followed_are_told(folder, tmp_path):
    (folder / "more").symlink_to(tmp_path)
    assert any("1 links in" in sentence for sentence in open_snomed(folder).remarks)


def test_a_folder_that_is_none_is_refused(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(EcgFusionError, match="is not there: name the folder of the recordings with --data"):
        open_snomed(tmp_path / "nowhere")
    with pytest.raises(EcgFusionError, match="is no folder: name the folder"):
        open_snomed(folder / "JS1.hea")
    with pytest.raises(EcgFusionError, match=r"holds no WFDB header \(.hea\), at any depth \(.* is empty\)"):
        open_snomed(tmp_path / "empty")


def test_recordings_without_codes_are_refused(tmp_path):
    write(tmp_path, "r1", "#Age: 3")
    with pytest.raises(EcgFusionError, match=r"none of the 1 headers in .* has a line # Dx: .*r1.hea is one of them"):
        open_snomed(tmp_path)
    (tmp_path / "r1.hea").write_text("")
    with pytest.raises(EcgFusionError, match=r"none of the 1 headers in .* can be used: .*r1.hea is empty"):
        open_snomed(tmp_path)


def tone(folder: Path, name: str, rate: int, seconds: float, *hertz: float) -> None:
    """A recording of tones of 1 mV in every lead."""
    times = np.arange(round(rate * seconds)) / rate
    wave = np.rint(1000 * sum(np.sin(2 * np.pi * each * times) for each in hertz)).astype(int)
    folder.mkdir(exist_ok=True)
    many = {"units": ["mV"] * 12, "fmt": ["16"] * 12, "baseline": [0] * 12, "adc_gain": [1000.0] * 12}
    wfdb.wrsamp(name, rate, sig_name=list(LEADS), d_signal=np.stack([wave] * 12, axis=1), write_dir=str(folder), **many)
    with (folder / f"{name}.hea").open("a") as header:
        header.write(f"#Dx: {SR}\n")


def test_recordings_of_several_rates_and_lengths_become_one_store_without_aliases(tmp_path):
    tone(tmp_path / "set", "slow", 500, 10, 5)
    tone(tmp_path / "set", "fast", 1000, 20, 5, 95, 430)  # 95 Hz would come back as 5, and 430 as 30
    tone(tmp_path / "set", "odd", 257, 10, 5, 95)
    made = create_stores(
        open_source("snomed", tmp_path / "set"),
        tmp_path,
        folds="kfold:3",
        band="none",
        representations="none",
        workers=1,
    )
    found = {}
    for store in map(open_store, made):
        signals = np.array(store.signals.open())
        for row, name in enumerate(store.columns["item_id"]):
            n_samples = store.lengths[row]
            found[name] = signals[row, 3, :n_samples] / store.gain
            assert (signals[row, :, n_samples:] == PADDING).all()
    assert {name: len(wave) for name, wave in found.items()} == {"slow": 1000, "fast": 2000, "odd": 1000}
    middle = slice(200, 800)
    for wave in found.values():
        np.testing.assert_allclose(wave[middle], np.sin(2 * np.pi * 5 * np.arange(1000)[middle] / 100), atol=0.03)


def test_the_command_takes_ones_own_classes_and_leaves_bad_records_out(folder, tmp_path, monkeypatch, capsys):
    for number in range(3):
        write(folder, f"F{number}", f"#Dx: {SR}", rate=257, n_samples=514, seed=number)
    write(folder, "short", f"#Dx: {SR}", leads=LEADS[:3])
    (tmp_path / "mine.csv").write_text(f"code,name\n{SR},sinus\n{AF},fibrillation\n")
    words = (
        f"--source snomed --data {folder} --out {tmp_path / 'out'} --representations none --folds kfold:3 --workers 1"
    )
    words += f" --classes {tmp_path / 'mine.csv'}"
    with pytest.raises(EcgFusionError, match="1 bad record, named above"):
        create_images.main(words.split())
    assert f"record short is bad: {folder / 'short'} has no lead aVR aVL" in capsys.readouterr().err
    create_images.main([*words.split(), "--skip_bad_records"])
    store = open_store(tmp_path / "out" / "train.h5")
    assert store.default_task == "classes"
    assert store.task("classes").classes == ("sinus", "fibrillation")
    assert store.attributes["classes"].startswith("mine.csv, ")


@pytest.mark.realdata
def test_real_recordings_of_six_sets(data_folder):
    folder = data_folder / "samples"
    if not folder.is_dir():
        pytest.skip(f"no real recordings: {folder} is missing (ECG_DATA names the folder)")
    source = open_snomed(folder)
    assert len(source.records) == 148
    assert set(source.records["sampling_rate"]) == {500.0, 1000.0}
    assert source.records["length"].max() == 115.2
    assert list(source.labels) == ["cinc2021", "cpsc9", "chapman4", "chapman11"]
    labelled = {task: int(labels.labelled.sum()) for task, labels in source.labels.items()}
    assert labelled == {"cinc2021": 88, "cpsc9": 48, "chapman4": 63, "chapman11": 60}
    nine = open_snomed(folder / "cpsc2018").labels
    assert next(iter(nine)) == "cpsc9"
    assert nine["cpsc9"].labelled.all()
    assert next(iter(open_snomed(folder / "chapman_shaoxing").labels)) == "chapman4"
    for signal, length, rate in zip(
        source.read(source.records), source.records["length"], source.records["sampling_rate"], strict=True
    ):
        assert signal.shape == (12, round(length * rate))
