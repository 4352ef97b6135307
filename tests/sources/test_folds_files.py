"""Folds in a table: what is written is read again, and what cannot be a division is refused."""

import os

import numpy as np
import pytest
from toy_cohorts import Cohort

from pipeline.errors import EcgFusionError
from pipeline.listening import Warned
from pipeline.sources.folds_files import read_folds, write_folds
from pipeline.sources.items import Whole, Windows
from pipeline.sources.schemes import Scheme, by_patients
from pipeline.store.create import create_stores
from pipeline.store.reading import open_store

PATIENTS = ["a", "a", "b", "c", "d"]


@pytest.fixture
def source():
    return Cohort(np.eye(5, 2), PATIENTS)


@pytest.fixture
def read(source, tmp_path):
    def of(text):
        path = tmp_path / "mine.csv"
        path.write_text(text)
        return read_folds(path, source)

    return of


def warned(told):
    return [event.sentence for event in told if isinstance(event, Warned)]


def test_folds_of_records_and_of_patients(read, told):
    assert read("record_id,fold\nt004,3\nt000,1\nt001,1\nt002,2\nt003,2\n").tolist() == [1, 1, 2, 2, 3]
    assert read("fold;patient_id;what\n3;d;x\n1;a;x\n2;b;x\n2;c;x\n").tolist() == [1, 1, 2, 2, 3]
    assert warned(told) == []


def test_what_is_written_is_read_again(source, tmp_path, told):
    items = Whole().table(source)
    items = items.with_folds(by_patients(3)(source, items, 0))
    write_folds(tmp_path / "folds.csv", items)
    np.testing.assert_array_equal(read_folds(tmp_path / "folds.csv", source), items.rows["fold"])
    windows = Windows(0.5, 0.5).table(source)
    of_records = items.rows["fold"].to_numpy()
    write_folds(tmp_path / "folds.csv", windows.with_folds(of_records[windows.rows["record"]]))  # the same: left
    assert warned(told) == []


def test_records_that_are_not_named_are_left_out_and_told(read, told):
    assert read("record_id,fold\nt000,1\nt001,1\nt004,3\n").tolist() == [1, 1, 0, 0, 3]
    (sentence,) = warned(told)
    assert sentence.endswith("names 3 of the 5 records of .: the others, such as t002, are left out")


def test_names_that_are_no_records_are_told(read, told):
    read("patient_id,fold\na,1\nb,1\nc,1\nd,2\nz,3\n")
    (sentence,) = warned(told)
    assert sentence.endswith("1 of its names, such as z, is no record of .")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty: write record_id,fold"),
        ("record_id\nt000\n", "has no column fold"),
        ("name,fold\nt000,1\n", "has neither a column record_id nor patient_id: write record_id,fold"),
        ("item_id,fold\nt000_0,1\n", "folds of single items, so that a patient is in several"),
        ("record_id,fold\n1,1\n", "no fold for any record_id of .: it names 1, and the data set has t000"),
        ("record_id,fold\n", "it names none, and the data set has t000"),
        ("record_id,fold\nt000,0\n", "line 2: fold is '0', not a fold from 1 to 9999: count from 1"),
        ("record_id,fold\nt000,x\nt001,1\n", "line 2: fold is 'x', not a fold"),
        ("record_id,fold\nt000,train\n", "line 2: fold is 'train', not a fold"),
        ("record_id,fold\nt000,1\nt001,99999999999999999999\n", "line 3: fold is '9999"),
        ("record_id,fold\nt000,1\nt000,2\n", "line 3: record_id t000 is in fold 2, and before in 1"),
        ("record_id,fold\nt000,1\nt001,2\n", r"one patient in two folds \(a in 1 and 2, one of 1 such patients\)"),
        ("record_id,patient_id,fold\nt002,q,1\nt003,q,2\n", r"one patient in two folds \(q in 1 and 2"),
        ("record_id,fold\nt000,1,1\n", "line 2 has 3 fields"),
    ],
)
def test_a_table_that_is_no_division_is_refused(read, text, says):
    with pytest.raises(EcgFusionError, match=says):
        read(text)


def test_a_file_that_says_something_else_is_kept(source, tmp_path):
    items, path = Whole().table(source), tmp_path / "folds.csv"
    write_folds(path, items.with_folds(np.array([1, 1, 2, 3, 3])))
    before = path.read_bytes(), path.stat().st_mtime_ns, os.listdir(tmp_path)
    write_folds(path, items.with_folds(np.array([1, 1, 2, 3, 3])))
    with pytest.raises(EcgFusionError, match=f"{path} holds other folds, .*--folds_file {path}"):
        write_folds(path, items.with_folds(np.array([1, 1, 2, 2, 3])))
    assert (path.read_bytes(), path.stat().st_mtime_ns, os.listdir(tmp_path)) == before


def test_items_of_one_record_in_several_folds_are_written_one_by_one(source, tmp_path):
    windows = Windows(1, 1).table(source)
    write_folds(tmp_path / "folds.csv", windows.with_folds(np.arange(10) % 3 + 1))
    assert (tmp_path / "folds.csv").read_text().splitlines()[:3] == ["item_id,fold", "t000_0,1", "t000_1000,2"]


def test_another_seed_into_the_same_folder_is_refused_before_anything_is_made(tmp_path):
    source = Cohort(np.eye(30, 2))
    create_stores(source, tmp_path, partition="train", representations="none", workers=1)
    with pytest.raises(EcgFusionError, match=r"train.h5 has folds_seed 0, not 1, and could not be used with .*test.h5"):
        create_stores(source, tmp_path, partition="test", folds_seed=1, representations="none", workers=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folds.csv", "train.h5"]
    (tmp_path / "train.h5").unlink()
    with pytest.raises(EcgFusionError, match=r"folds.csv holds other folds, of another --folds_seed"):
        create_stores(source, tmp_path, partition="test", folds_seed=1, representations="none", workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["folds.csv"]
    create_stores(source, tmp_path, partition="test", representations="none", workers=1)


def test_a_division_is_made_again_from_its_file(tmp_path):
    source = Cohort(np.eye(30, 2), [f"p{number // 2}" for number in range(30)])
    first = create_stores(source, tmp_path / "one", folds_seed=3, representations="none", workers=1)
    source = Cohort(np.eye(30, 2), [f"p{number // 2}" for number in range(30)])
    again = create_stores(
        source, tmp_path / "two", folds_file=tmp_path / "one" / "folds.csv", representations="none", workers=1
    )
    for one, two in zip(map(open_store, first), map(open_store, again), strict=True):
        assert one.columns["item_id"].tolist() == two.columns["item_id"].tolist()
        assert (one.attributes["scheme"], two.attributes["scheme"]) == ("stratified", "file")
        assert "folds_seed" not in two.attributes
    assert not (tmp_path / "two" / "folds.csv").exists()


def test_folds_of_items_are_only_for_a_scheme_that_says_so(tmp_path):
    source = Cohort(np.eye(30, 2))
    half = Scheme(("train=1", "test=2"), lambda source, items, seed: np.arange(len(items.rows)) % 2 + 1)
    source.schemes = {"half": half}
    with pytest.raises(EcgFusionError, match="is in train and in test"):
        create_stores(source, tmp_path, folds="half", window=1.0, representations="none", workers=1)
    source.schemes = {"half": Scheme(half.words, half.folds, intra_patient=True)}
    made = create_stores(source, tmp_path, folds="half", window=1.0, representations="none", workers=1)
    assert open_store(made[0]).attributes["intra_patient"]
    assert (tmp_path / "folds.csv").read_text().startswith("item_id,fold\nt000_0,1\nt000_1000,2\n")
