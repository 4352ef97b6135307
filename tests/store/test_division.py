"""What a data set is cut into, who is in which partition, and that stores say it and hold it."""

import shutil
from typing import Any

import numpy as np
import pytest
from toy_sources import Toy

from pipeline.errors import EcgFusionError
from pipeline.sources import SourceEntry
from pipeline.store.create import create_stores
from pipeline.store.division import Division, divide
from pipeline.store.options import StoreOptions
from pipeline.store.plan import plan_stores
from pipeline.store.reading import open_store
from pipeline.store.show import show_record
from pipeline.store.writing import StoreWriter

SIGNALS: Any = {"representations": "none", "workers": 1}


def divided(source, **given: Any) -> Division:
    keywords: Any = given
    return divide(StoreOptions.of(source, "out", keywords))


def test_whole_records_in_their_own_folds_say_nothing_new():
    division = divided(Toy([3] * 6))
    assert division.attributes() == {}
    assert {name: rows.tolist() for name, rows in division.rows.items()} == {
        "train": [0, 3],
        "dev": [1, 4],
        "test": [2, 5],
    }


def test_a_scheme_is_named_alone_or_before_partitions():
    division = divided(Toy([3] * 20), folds="stratified")
    assert division.attributes() == {"scheme": "stratified", "folds_seed": 0}
    assert division.folds == {"train": [1, 2, 3, 4, 5, 6, 7, 8], "dev": [9], "test": [10]}
    division = divided(Toy([3] * 20), folds="stratified train=1-6 dev=7 test=8-10")
    assert [len(rows) for rows in division.rows.values()] == [12, 2, 6]
    division = divided(Toy([3] * 20), folds="kfold:5", fold=2)
    assert division.folds == {"train": [1, 4, 5], "dev": [3], "test": [2]}


def test_folds_may_come_from_a_file(tmp_path):
    (tmp_path / "f.csv").write_text("record_id,fold\n" + "".join(f"r{n},{9 - n}\n" for n in range(6)))
    division = divided(Toy([3] * 6), folds_file=tmp_path / "f.csv", folds="train=4-6 dev=7 test=8-9")
    assert {name: rows.tolist() for name, rows in division.rows.items()} == {
        "train": [3, 4, 5],
        "dev": [2],
        "test": [0, 1],
    }


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"folds": "stratifed"}, "--folds stratifed is not understood: write for example train=1-8"),
        ({"fold": 2}, "--fold says which fold of --folds kfold:5 is test"),
        ({"folds": "stratified"}, "3 patients make from 2 to 3 folds, not 10: give fewer, as kfold:3"),
        ({"stride": 2.0}, "--stride is the step between windows: give --window too"),
        ({"window": 2.0, "beat": "window"}, "--window and --beat are two ways to cut records"),
        ({"window": 0.0}, "--window 0.0 is not a number of seconds above 0"),
        ({"beat": "windw"}, "there is no way to cut heartbeats windw: did you mean window"),
        ({"folds_seed": -1}, "--folds_seed -1 is not a whole number of at least 0"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(given, problem):
    with pytest.raises(EcgFusionError, match=problem):
        divided(Toy([3] * 3), **given)


def test_a_set_without_folds_says_how_to_draw_some(tmp_path):
    source = Toy([3] * 12, folds=0)
    words = ("train=1-8", "dev=9", "test=10")
    with pytest.raises(EcgFusionError) as refused:
        divided(source, folds=words)
    remedy = "draw some with --folds stratified train=1-8 dev=9 test=10 or --folds kfold:5"
    assert f"no folds of their own: {remedy}, or give them with --folds_file" in str(refused.value)
    assert divided(source, folds=("stratified", *words)).scheme == "stratified"


def test_a_patient_in_two_partitions_is_refused():
    with pytest.raises(EcgFusionError, match=r"patient a .* is in train and in dev"):
        _ = divided(Toy([3] * 3, ["a", "a", "b"])).rows


def test_a_limit_takes_all_windows_of_so_many_records():
    division = divided(Toy([6] * 30), window=2.0, limit=4)
    for rows in division.rows.values():
        items = division.items.rows.iloc[rows]
        assert items["record_id"].nunique() == 4
        assert len(items) == 12


def test_stores_hold_the_windows_and_say_so(tmp_path):
    source = Toy([5.0, 7.5, 6.0, 2.5])
    paths = create_stores(source, tmp_path, window=2.5, stride=1.25, **SIGNALS)
    for path in paths:
        store = open_store(path)
        assert store.cut == {"kind": "windows", "window_s": 2.5, "stride_s": 1.25}
        assert (store.scheme, store.intra_patient) == (None, False)
        assert store.signals.shape[1:] == (2, 250)
        for row, (name, start) in enumerate(zip(store.columns["record_id"], store.columns["start"], strict=True)):
            whole = np.rint(source.ramp(name) * 1000)
            first = round(start * 100)
            np.testing.assert_array_equal(store.signals.open()[row], whole[:, first : first + 250])


def test_a_record_is_read_once_for_all_of_its_windows(tmp_path):
    source = Toy([30.0] * 3)
    create_stores(source, tmp_path, window=1.0, **SIGNALS)
    assert sorted(source.asked) == ["r0", "r1", "r2"]


def test_records_of_several_rates_are_brought_to_one(tmp_path):
    source = Toy([6.0, 6.0, 6.0], rates=[100, 250, 500])
    for path in create_stores(source, tmp_path, **SIGNALS):
        store = open_store(path)
        assert store.lengths.tolist() == [600]
        expected = source.ramp(store.columns["record_id"][0])[:, 0] * 1000
        assert abs(store.signals.open()[0, :, 0] - expected).max() <= 2
    with pytest.raises(EcgFusionError, match="--sampling_rate 200 is above the 100 Hz of the recordings"):
        create_stores(source, tmp_path / "b", sampling_rate=200, **SIGNALS)


def test_unequal_records_are_padded_and_have_no_images(tmp_path):
    source = Toy([5.0, 4.0, 6.0, 3.0, 4.0, 6.0])
    with pytest.raises(EcgFusionError, match="cut windows of one length with --window 3, or store signals only"):
        create_stores(source, tmp_path, representations="gaf", size=8)
    store = open_store(create_stores(source, tmp_path, **SIGNALS)[0])
    assert store.lengths.tolist() == [500, 300]
    assert (store.signals.open()[1, :, 300:] == -32768).all()


def test_one_record_is_drawn_whatever_the_lengths_of_others(tmp_path):
    keywords: Any = {"representations": "gaf", "size": 8}
    jobs = plan_stores(StoreOptions.of(Toy([5.0, 4.0, 6.0, 3.0]), tmp_path, keywords), to_store=False)
    assert show_record(jobs, "r3") == f"saved {tmp_path}/r3.png"
    keywords["size"] = 400
    jobs = plan_stores(StoreOptions.of(Toy([5.0, 4.0, 6.0, 3.0]), tmp_path, keywords), to_store=False)
    with pytest.raises(EcgFusionError, match="300 samples are too few for images of size 400"):
        show_record(jobs, "r3")


def test_an_item_that_is_to_be_drawn_is_cut_as_its_store_is(tmp_path):
    keywords: Any = {"representations": "none"}
    jobs = plan_stores(StoreOptions.of(Toy([5.0, 4.0, 6.0, 3.0]), tmp_path, keywords), to_store=False)
    with pytest.raises(EcgFusionError, match="no item r3_1000, but a record r3: cut it as its store is, with --window"):
        show_record(jobs, "r3_1000")


def test_a_record_shorter_than_announced_is_bad(tmp_path):
    source = Toy([5.0] * 6, spoiled={"r3": np.zeros((2, 300))})
    with pytest.raises(EcgFusionError, match="1 bad record"):
        create_stores(source, tmp_path, window=2.5, **SIGNALS)
    with pytest.raises(EcgFusionError, match="1 bad record"):
        create_stores(source, tmp_path / "whole", **SIGNALS)


def test_computed_folds_are_written_beside_the_stores(tmp_path):
    create_stores(Toy([3] * 20), tmp_path, folds="stratified", **SIGNALS)
    again = divided(Toy([3] * 20), folds_file=tmp_path / "folds.csv", folds="train=1-8 dev=9 test=10")
    stores = {path.stem: open_store(path) for path in tmp_path.glob("*.h5")}
    for name, rows in again.rows.items():
        assert stores[name].columns["item_id"].tolist() == again.items.rows["item_id"].iloc[rows].tolist()


@pytest.mark.parametrize("n_finished", [0, 1, 5, 8, 11])
def test_it_goes_on_in_the_midst_of_a_record(tmp_path, n_finished):
    def made(folder):
        return create_stores(Toy([30.0] * 9), folder, window=5.0, stride=2.5, representations="gaf", size=8, workers=1)

    whole, part = made(tmp_path / "whole")[0], tmp_path / "part" / "train.h5.part"
    part.parent.mkdir()
    shutil.copy(whole, part)
    with StoreWriter(part) as writer:
        rows = writer.read_signals(0, 33)
        writer.write("signals", n_finished, np.zeros_like(rows[n_finished:]))
        for stage in ("signals", "images"):
            writer.mark_finished(stage, n_finished)
    again = made(tmp_path / "part")[0]
    assert again.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("first", "then", "what"),
    [
        ({"window": 2.5}, {}, "cut kind windows, not left out"),
        ({}, {"window": 2.5}, "cut kind left out, not windows"),
        ({"folds": "stratified"}, {"folds": "stratified", "folds_seed": 1}, "folds_seed 0, not 1"),
    ],
)
def test_stores_of_one_folder_are_cut_and_dealt_out_alike(tmp_path, first, then, what):
    create_stores(Toy([5.0] * 30), tmp_path, partition="train", **first, **SIGNALS)
    (tmp_path / "folds.csv").unlink(missing_ok=True)
    with pytest.raises(EcgFusionError, match=what):
        create_stores(Toy([5.0] * 30), tmp_path, partition="dev", **then, **SIGNALS)


@pytest.mark.parametrize("folds", [None, "train=1 dev=2"])
def test_a_source_without_folds_takes_those_of_a_file(tmp_path, folds):
    source = Toy([5.0] * 3)
    source.entry = SourceEntry(default_folds=())
    (tmp_path / "f.csv").write_text("record_id,fold\nr0,1\nr1,2\nr2,9\n")
    division = divided(source, folds_file=tmp_path / "f.csv", folds=folds)
    assert division.scheme == "file"
    with pytest.raises(EcgFusionError, match="--folds is empty"):
        divided(source, folds_file=tmp_path / "f.csv", folds="")
