"""PTB Diagnostic: records in patients' folders, the diagnosis in the header, beats that are found."""

from pathlib import Path

import numpy as np
import pytest
import wfdb
from heartbeat_sets import write_ptbdb

import create_images
from pipeline.errors import EcgFusionError
from pipeline.signals.leads import LEADS
from pipeline.sources import BadRecord, open_source
from pipeline.sources.formats.wfdb import read_recording
from pipeline.sources.ptbdb import CLASSES, open_ptbdb
from pipeline.store.reading import open_store, store_path

MI, HC = "Myocardial infarction", "Healthy control"
PEOPLE: dict[str, dict] = {
    "patient001/s0010_re": {"reason": MI, "age": 81, "sex": "female"},
    "patient001/s0014lre": {"reason": MI, "age": 81, "sex": "female"},
    "patient104/s0306lre": {"reason": HC, "age": "n/a", "sex": "male"},
    "patient116/s0302lre": {"reason": "Cardiomyopathy", "age": 40, "sex": "male"},
    "patient117/s0291lre": {"reason": HC, "age": 33},
    "patient285/s0544_re": {},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    folder = tmp_path_factory.mktemp("ptbdb")
    return folder, write_ptbdb(folder, PEOPLE)


@pytest.fixture(scope="module")
def folder(written) -> Path:
    return written[0]


def test_records_patients_and_what_their_headers_say(folder):
    source = open_ptbdb(folder)
    records = source.records
    assert records["record_id"].tolist() == [name.partition("/")[2] for name in PEOPLE]
    assert records["patient_id"].tolist() == [name.partition("/")[0] for name in PEOPLE]
    np.testing.assert_array_equal(records["age"], [81, 81, np.nan, 40, 33, np.nan])
    assert records["sex"].tolist() == [1, 1, 0, 0, -1, -1]
    assert records["length"].tolist() == [10.0] * 6
    assert (source.sampling_rate, source.gain, source.leads) == (1000, 2000, LEADS)


def test_infarction_against_healthy_control_and_no_other(folder):
    source = open_ptbdb(folder)
    labels = source.labels["mi"]
    assert (labels.classes, labels.kind) == (CLASSES, "multiclass")
    assert labels.values.tolist() == [[1, 0], [1, 0], [0, 1], [0, 0], [0, 1], [0, 0]]
    assert labels.labelled.tolist() == [True, True, True, False, True, False]
    assert source.remarks == ("2 records have another diagnosis, or none: mi leaves them out.",)


def test_the_twelve_leads_are_read_and_franks_are_not(written):
    folder, signals = written
    source = open_ptbdb(folder)
    for file, signal in zip(PEOPLE, source.read(source.records), strict=True):
        np.testing.assert_array_equal(signal, signals[file])
        np.testing.assert_array_equal(signal, wfdb.rdrecord(str(folder / file)).p_signal.T[:12])


def test_the_file_of_franks_leads_need_not_be_there(tmp_path):
    signals = write_ptbdb(tmp_path, PEOPLE)
    for path in tmp_path.rglob("*.xyz"):
        path.unlink()
    source = open_ptbdb(tmp_path)
    np.testing.assert_array_equal(source.read(source.records)[0], signals["patient001/s0010_re"])


@pytest.mark.parametrize("change", [("i\n", "mcl1\n"), ("1000 10000", "1000 9000")])
def test_a_record_that_is_not_as_its_header_says_is_bad(tmp_path, change):
    write_ptbdb(tmp_path, {"patient001/s0010_re": {"reason": MI}})
    header = tmp_path / "patient001/s0010_re.hea"
    header.write_text(header.read_text().replace(*change, 1))
    source = open_ptbdb(tmp_path)
    assert isinstance(source.read(source.records)[0], BadRecord)


def words(folder: Path, out: Path, *more: str) -> list[str]:
    some = ["--source", "ptbdb", "--data", str(folder), "--out", str(out), "--representations", "none"]
    return [*some, "--workers", "1", *more]


def test_stores_of_whole_records_by_patient(folder, tmp_path):
    create_images.main(words(folder, tmp_path, "--folds", "kfold:3"))
    stores = {name: open_store(store_path(tmp_path, name)) for name in ("train", "dev", "test")}
    patients = [set(store.columns["patient_id"]) for store in stores.values()]
    assert sum(map(len, patients)) == 5
    assert not set.intersection(*patients)
    assert stores["train"].signals.shape[1:] == (12, 1000)
    assert stores["train"].default_task == "mi"


def test_stores_of_beats(folder, tmp_path):
    more = ("--folds", "kfold:3", "--beat", "window", "--partition", "train", "--sampling_rate", "250")
    create_images.main(words(folder, tmp_path, *more))
    store = open_store(store_path(tmp_path, "train"))
    assert store.signals.shape[1:] == (12, 175)
    assert store.n_items > 10
    beats = store.signals.open()[:, 1]
    assert np.abs(beats.argmax(axis=1) - 62).max() <= 5  # the R wave is where the extent says


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "patient001/s0010_re.hea").write_text(""), "s0010_re.hea is empty: fetch it"),
        (lambda f: edit(f, "15 1000 10000", "15 500 10000"), "says 500 Hz and 10000 samples"),
        (lambda f: edit(f, "15 1000 10000", "15 1000"), "says 1000 Hz and no number of samples"),
        (lambda f: edit(f, "15 1000 10000", "15 1000 100000000"), "announces 100,000,000 samples"),
        (lambda f: edit(f, "age: 81", "age: 810"), "gives the age 810, which nobody has"),
        (lambda f: write_ptbdb(f, {"patient002/s0010_re": {}}), "one record of two patients, patient001/s0010_re and"),
    ],
)
def test_what_is_wrong_with_a_folder_is_a_sentence(tmp_path, damage, sentence):
    write_ptbdb(tmp_path, {"patient001/s0010_re": {"reason": MI, "age": 81}})
    damage(tmp_path)
    with pytest.raises(EcgFusionError, match=sentence):
        open_ptbdb(tmp_path)


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "patient001/s0010_re.hea"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_folders_that_are_none(folder, tmp_path):
    for place, sentence in (
        (tmp_path / "nowhere", "is not there: name the PTB Diagnostic folder"),
        (folder / "patient001/s0010_re.hea", "is a file: name the PTB Diagnostic folder"),
        (tmp_path, "has no record of PTB Diagnostic .*, it is empty"),
    ):
        with pytest.raises(EcgFusionError, match=sentence):
            open_source("ptbdb", place)


@pytest.mark.realdata
def test_real_signals_in_the_published_layout(data_folder, tmp_path):
    """The samples are PTB's recordings as another set has them: 1000 Hz, twelve leads, 1000 counts to the millivolt."""
    samples = sorted((data_folder / "samples" / "ptb").glob("S*.hea"))
    if not samples:
        pytest.skip("no sample of PTB: ECG_DATA names the folder that holds samples/ptb")
    people: dict[str, dict] = {}
    signals = []
    for number, header in enumerate(samples):
        signals.append(read_recording(header.with_suffix("")).signal)
        file = f"patient{number + 1:03}/s{number:04}lre"
        people[file] = {"signal": np.clip(signals[-1], -16, 16), "reason": (MI, HC)[number % 2]}
    write_ptbdb(tmp_path, people)
    source = open_ptbdb(tmp_path)
    for signal, original in zip(source.read(source.records), signals, strict=True):
        np.testing.assert_array_equal(signal, np.clip(original, -16, 16))
    create_images.main(words(tmp_path, tmp_path / "out", "--beat", "window", "--folds", "kfold:3"))
    for partition in ("train", "dev", "test"):
        store = open_store(store_path(tmp_path / "out", partition))
        rr = store.features["rr"]
        n_records = len(set(store.columns["record_id"]))
        assert 30 * n_records < store.n_items < 250 * n_records
        assert 0.3 < np.median(rr[:, 0]) < 1.5
