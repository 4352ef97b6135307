"""The four CSV files of heartbeats, as look-alikes: tasks, published parts, and the words that go with them."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from heartbeat_files import FILES, write_beats, write_rows

import create_images
from pipeline.errors import EcgFusionError
from pipeline.labels import INTRA_PATIENT
from pipeline.sources import SOURCES, BadRecord, open_source
from pipeline.sources.heartbeat_csv import GAIN, PUBLISHED, as_published
from pipeline.sources.items import Whole
from pipeline.store.division import divide
from pipeline.store.options import StoreOptions
from pipeline.store.reading import open_store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_beats(tmp_path / "heartbeat_csv")


def refusal(folder: Path) -> str:
    with pytest.raises(EcgFusionError) as refused:
        open_source("heartbeat_csv", folder)
    return str(refused.value)


def test_each_row_is_a_record_named_after_its_line(folder):
    source = open_source("heartbeat_csv", folder)
    records = source.records
    assert len(records) == 100 + 20 + 25 + 50
    assert records["record_id"].iloc[[0, 100, 194]].tolist() == ["mitbih_train_1", "mitbih_test_1", "ptbdb_abnormal_50"]
    assert records["record_id"].is_unique
    assert (records["patient_id"] == records["record_id"]).all()
    assert (records["length"] == 187 / 125).all()
    assert (source.sampling_rate, source.leads, source.gain) == (125.0, ("II",), GAIN)


def test_files_of_the_published_counts_are_known(folder, monkeypatch):
    assert open_source("heartbeat_csv", folder).version.startswith("unknown (labels ")
    monkeypatch.setitem(PUBLISHED, "mitbih_test", [10, 1, 3, 1, 5])
    monkeypatch.setitem(PUBLISHED, "ptbdb_normal", [25])
    monkeypatch.setitem(PUBLISHED, "ptbdb_abnormal", [0, 50])
    counts = np.bincount(open_source("heartbeat_csv", folder).records["label"].iloc[:100]).tolist()
    monkeypatch.setitem(PUBLISHED, "mitbih_train", counts)
    assert open_source("heartbeat_csv", folder).version == "as published"


def test_tasks_and_what_they_say_nothing_of(folder):
    source = open_source("heartbeat_csv", folder)
    beats, mi = source.labels["aami5"], source.labels["mi"]
    assert (beats.classes, beats.kind) == (("N", "S", "V", "F", "Q"), "multiclass")
    assert beats.values.sum(axis=0).tolist() == [60, 6, 18, 6, 30]
    assert (mi.classes, mi.kind) == (("MI", "HC"), "multiclass")
    assert mi.values.sum(axis=0).tolist() == [50, 25]
    assert mi.values[-50:, 0].all()
    assert beats.labelled.tolist() == [True] * 120 + [False] * 75
    assert mi.labelled.tolist() == [False] * 120 + [True] * 75


def test_beats_are_those_of_the_files(folder):
    source = open_source("heartbeat_csv", folder)
    found = source.read(source.records.iloc[[194, 3, 101]])
    for beat, (name, row) in zip(found, [("ptbdb_abnormal", 49), ("mitbih_train", 3), ("mitbih_test", 1)], strict=True):
        assert isinstance(beat, np.ndarray)
        expected = np.loadtxt(folder / f"{name}.csv", delimiter=",")[row, :187]
        np.testing.assert_allclose(beat, expected[None], atol=1e-7)


def test_a_bad_beat_is_named_with_its_file_and_line(folder):
    path = folder / "mitbih_test.csv"
    path.write_text("1.5" + path.read_text()[24:])
    source = open_source("heartbeat_csv", folder)
    (bad,) = source.read(source.records.iloc[[100]])
    assert bad == BadRecord("mitbih_test_1", f"{path} line 1 has 1.5 as sample 1, and amplitudes go from 0 to 1")


# the parts


def test_the_published_test_stays_one_and_dev_is_a_tenth_of_train(folder):
    source = open_source("heartbeat_csv", write_beats(folder, n_train=400))
    folds = as_published(source, Whole().table(source), 0)
    of_test = source.records["file"] == "mitbih_test"
    assert (folds[of_test] == 11).all()
    of_train = (source.records["file"] == "mitbih_train").to_numpy()
    assert np.bincount(folds[of_train], minlength=12)[1:].tolist() == [40] * 10 + [0]
    values = source.labels["aami5"].values
    for n_all, column in zip(values[of_train].sum(axis=0), values[of_train].T, strict=True):
        each = np.bincount(folds[of_train], column, minlength=12)[1:11]
        assert np.ptp(each) <= 1
        assert each.sum() == n_all
    of_ptb = ~of_train & ~of_test.to_numpy()
    assert np.bincount(folds[of_ptb], minlength=12)[11] == 60  # a fifth of 300
    assert np.ptp(np.bincount(folds[of_ptb], minlength=12)[1:11]) <= 1


def test_parts_are_drawn_anew_by_another_seed_alone(folder):
    source = open_source("heartbeat_csv", folder)
    items = Whole().table(source)
    one, again, other = (as_published(source, items, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    np.testing.assert_array_equal(one, source.records["fold"])


@pytest.mark.parametrize(
    "folds",
    [None, "intra_patient", "stratified", "kfold:4", "train=1-8 dev=9,10 test=11", "intra_patient train=1-10 test=11"],
)
def test_no_folds_take_the_words_away(folder, tmp_path, folds):
    source = open_source("heartbeat_csv", folder)
    division = divide(StoreOptions.of(source, tmp_path / "out", {} if folds is None else {"folds": folds}))
    assert division.attributes()["intra_patient"] is True
    assert all(len(rows) for rows in division.rows.values())


# the folder


@pytest.mark.parametrize("only", [("mitbih_train", "mitbih_test"), ("ptbdb_normal", "ptbdb_abnormal")])
def test_the_files_of_one_database_are_enough(tmp_path, only):
    source = open_source("heartbeat_csv", write_beats(tmp_path / "set", files=only))
    assert list(source.labels) == ["aami5" if "mitbih_train" in only else "mi"]
    assert all(labels.labelled.all() for labels in source.labels.values())
    assert len(source.remarks) == 1


@pytest.mark.parametrize(
    ("gone", "remark"),
    [
        ("mitbih_test", "mitbih_test.csv is not in {folder}: no beat of aami5 is in test."),
        ("mitbih_train", "mitbih_train.csv is not in {folder}: no beat of aami5 is in train nor dev."),
        (
            "ptbdb_normal",
            "ptbdb_normal.csv is not in {folder}, and ptbdb_abnormal.csv alone has no two classes: it is left out.",
        ),
    ],
)
def test_one_of_a_pair_is_not_there(folder, gone, remark):
    (folder / f"{gone}.csv").unlink()
    source = open_source("heartbeat_csv", folder)
    assert remark.format(folder=folder) in source.remarks
    assert ("mi" in source.labels) == (gone != "ptbdb_normal")


def test_half_of_ptb_alone_is_no_set(tmp_path):
    folder = write_beats(tmp_path / "set", files=["ptbdb_abnormal"])
    assert "nothing is left: put ptbdb_normal.csv there" in refusal(folder)


def test_another_folder(folder, tmp_path):
    assert f"{folder} has one: give --data {folder}" in refusal(tmp_path)
    for name in FILES:
        (folder / f"{name}.csv").unlink()
    assert f"mitbih_train.csv is missing, as the three others are, and {folder} is empty" in refusal(folder)
    assert "name the folder with mitbih_train.csv with --data" in refusal(folder / "nowhere")


def test_an_empty_file_of_the_four(folder):
    (folder / "mitbih_test.csv").write_text("")
    assert refusal(folder) == f"{folder / 'mitbih_test.csv'} is empty: take the published file"


# a store of it


def test_a_store_keeps_amplitudes_to_a_count(folder, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["--source", "heartbeat_csv", "--data", str(folder), "--out", str(out), "--workers", "1"]
    create_images.main([*words, "--representations", "none"])
    said = capsys.readouterr()
    assert INTRA_PATIENT in said.out + said.err
    store = open_store(out / "test.h5")
    assert (store.sampling_rate, store.scheme, store.intra_patient) == (125.0, "intra_patient", True)
    assert store.attributes["band"] is None
    rows = np.loadtxt(folder / "mitbih_test.csv", delimiter=",")
    with h5py.File(out / "test.h5") as file:
        found = file["signals"][:20] / file.attrs["gain"]
    np.testing.assert_allclose(found[:, 0], rows[:, :187], atol=0.5 / GAIN + 1e-7)


def test_beats_that_overshoot_when_they_are_resampled_are_kept(folder, tmp_path):
    rows = np.loadtxt(folder / "mitbih_test.csv", delimiter=",")
    rows[0, :187] = np.repeat([0, 1], [20, 167])  # a step
    rows[1, :187] = np.arange(187) // 9 % 2
    write_rows(folder / "mitbih_test.csv", rows)
    words = ["--source", "heartbeat_csv", "--data", str(folder), "--out", str(tmp_path / "out"), "--workers", "1"]
    create_images.main([*words, "--representations", "none", "--sampling_rate", "100", "--partition", "test"])
    store = open_store(tmp_path / "out" / "test.h5")
    assert store.n_items == 20 + 15
    assert store.signals.open().max() > GAIN


def test_its_beats_are_not_cut_into_beats(folder, tmp_path):
    with pytest.raises(EcgFusionError, match="those of heartbeat_csv are heartbeats already"):
        divide(StoreOptions.of(open_source("heartbeat_csv", folder), tmp_path, {"beat": "window"}))


def test_what_is_usual_for_it():
    entry = SOURCES["heartbeat_csv"]
    assert (entry.default_task, entry.default_folds) == ("aami5", ("intra_patient",))
    assert (entry.default_sampling_rate, entry.default_band) == (125.0, None)
