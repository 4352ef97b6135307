"""One's own recordings: a table that is right gives them as they are; each mistake is one sentence, with its line."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from own_tables import LEADS, N_SAMPLES, RATE, signal_of, write_csv, write_own, write_table

import create_images
from pipeline.errors import EcgFusionError
from pipeline.sources import SOURCES, BadRecord, Source, open_source
from pipeline.store.create import create_stores
from pipeline.store.reading import open_store, store_path

ROOT = Path(__file__).resolve().parents[2]
LABEL = ["A", "B"] * 15


def read(source: Source, records: pd.DataFrame | None = None) -> list[Any]:
    return [*source.read(source.records if records is None else records)]


def refused(folder: Path, **options) -> str:
    with pytest.raises(EcgFusionError) as problem:
        open_source("table", folder, **options)
    assert "\n" not in str(problem.value)
    return str(problem.value)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return write_own(tmp_path / "own", label=LABEL[:6])


# what is right


def test_records_as_the_table_has_them(own: Path):
    source = open_source("table", own)
    assert (source.leads, source.sampling_rate, source.remarks) == (LEADS, RATE, ())
    records = source.records
    assert records["record_id"].tolist() == [f"r{number}" for number in range(6)]
    assert records["patient_id"].tolist() == [f"p{number}" for number in range(6)]
    assert set(records["fold"]) == {0}
    assert set(records["length"]) == {2.0}
    assert records["age"].isna().all()
    assert set(records["sex"]) == {-1}
    assert "sampling_rate" not in records
    assert re.fullmatch("records.csv [0-9a-f]{12}", source.version)
    for number, signal in enumerate(read(source, records)):
        np.testing.assert_array_equal(signal, signal_of(number))
    assert source.labels["label"].classes == ("A", "B")


def test_the_table_itself_may_be_named_and_called_as_one_likes(own: Path):
    (own / "records.csv").rename(own / "my list.tsv")
    assert len(open_source("table", own / "my list.tsv").records) == 6
    assert len(open_source("table", own).records) == 6, "the recordings beside it are CSV too, and no tables"
    shutil.copy(own / "my list.tsv", own / "other.csv")
    assert "holds 2 tables of recordings (my list.tsv, other.csv): name one with --data" in refused(own)
    shutil.copy(own / "my list.tsv", own / "records.csv")
    assert len(open_source("table", own).records) == 6


def test_every_column(tmp_path: Path):
    own = write_own(
        tmp_path,
        record_id=["a", "b 2", "c", "d", "e", "f"],
        fold=[1, 1, 2, 2, 3, 3],
        age=[40, "", 300, 2.5, 89, "nan"],
        sex=["m", "F", "", 0, 1, "female"],
        start=["", 0, 0.5, "1,5", 0, 0],
        length=["", 1, "", 0.5, 2, 0.004],
        MI=[0, 1, 0, 1, "", 1],
        AF=["1", "0.0", "1.0", 0, "", 0],
    )
    source = open_source("table", own)
    records = source.records
    assert records["record_id"].tolist() == ["a", "b 2", "c", "d", "e", "f"]
    assert records["fold"].tolist() == [1, 1, 2, 2, 3, 3]
    np.testing.assert_array_equal(records["age"], [40, np.nan, 90, 2.5, 89, np.nan])
    assert records["sex"].tolist() == [0, 1, -1, 0, 1, 1]
    assert records["length"].tolist() == [2, 1, 1.5, 0.5, 2, 0.004]
    spans = [(0, 500), (0, 250), (125, 500), (375, 500), (0, 500), (0, 1)]
    for number, (signal, (first, last)) in enumerate(zip(read(source, records), spans, strict=True)):
        np.testing.assert_array_equal(signal, signal_of(number)[:, first:last])
    labels = source.labels["classes"]
    assert (labels.classes, labels.kind) == (("MI", "AF"), "multilabel")
    assert labels.values.tolist() == [[0, 1], [1, 0], [0, 1], [1, 0], [0, 0], [1, 0]]
    assert labels.labelled.tolist() == [True, True, True, True, False, True]
    assert source.entry.default_folds == ("train=1", "dev=2", "test=3")


def test_labels_may_be_absent(tmp_path: Path):
    source = open_source("table", write_own(tmp_path / "own"))
    assert source.labels == {}
    (path,) = create_stores(source, tmp_path, folds=("kfold:3", "train=1-3"), representations=(), workers=1)
    assert open_store(path).n_items == 6


@pytest.mark.parametrize(
    ("folds", "words"),
    [
        (range(1, 11), ("train=1-8", "dev=9", "test=10")),
        ((1, 2, 3, 1, 2, 3), ("train=1", "dev=2", "test=3")),
        ((2, 7, 8, 20, 2, 7), ("train=2,7", "dev=8", "test=20")),
        ((1, 2, 1, 2, 1, 2), ("train=1", "test=2")),
        ((5, 5, 5, 5, 5, 5), ("train=5",)),
        (("", "", "", "", "", ""), ("stratified",)),
        (("", 1, 2, 3, "", ""), ("train=1", "dev=2", "test=3")),
    ],
)
def test_the_usual_partitions_of_its_folds(tmp_path: Path, folds, words):
    source = open_source("table", write_own(tmp_path, len(folds), fold=list(folds)))
    assert source.entry.default_folds == words
    n_without = [*folds].count("")
    remark = f"{n_without} of them have no fold, and come into no partition"
    assert source.remarks == ((remark,) if 0 < n_without < len(folds) else ())


def test_files_of_several_rates_lengths_and_orders_of_leads(own: Path):
    np.savez(own / "r1.npz", ecg=signal_of(1)[::-1], fs=500, leads=["V2", "II", "I"], unit="mV")
    np.savez(own / "r2.npz", ecg=1000 * signal_of(2)[:, :250], fs=125, leads=["I", "II", "V2"], unit="uV")
    table = own / "records.csv"
    table.write_text(table.read_text().replace("r1.csv", "r1.npz").replace("r2.csv", "r2.npz"))
    source = open_source("table", own)
    assert source.sampling_rate == 125
    assert source.records["sampling_rate"].tolist() == [250, 500, 125, 250, 250, 250]
    assert source.records["length"].tolist() == [2, 1, 2, 2, 2, 2]
    one, two = read(source, source.records.iloc[[1, 2]])
    np.testing.assert_array_equal(one, signal_of(1))
    np.testing.assert_allclose(two, signal_of(2)[:, :250])


def test_parts_of_a_file_are_records_and_it_is_read_once(own: Path, monkeypatch):
    rows = [{"file": "r0.csv", "patient_id": "p", "start": start, "length": 0.5} for start in (0, 0.5, 1.25)]
    write_table(own, [*rows, {"file": "r1.csv", "patient_id": "q"}])
    source = open_source("table", own)
    assert source.records["record_id"].tolist() == ["r0_0", "r0_500", "r0_1250", "r1"]
    calls = []
    from pipeline.sources import table

    monkeypatch.setattr(table, "open_file", lambda *of, usual=table.open_file: calls.append(of[0]) or usual(*of))
    found = read(source)
    assert [os.path.basename(call) for call in calls] == ["r0.csv", "r1.csv"]
    np.testing.assert_array_equal(np.concatenate(found[:2], axis=1), signal_of(0)[:, :250])


def test_a_missing_sample_outside_of_its_part_does_not_matter(own: Path):
    signal = signal_of(0)
    signal[1, 400] = np.nan
    write_csv(own / "r0.csv", signal)
    rows = [{"file": "r0.csv", "patient_id": "p", "start": start, "length": 0.5} for start in (0, 1.5)]
    write_table(own, rows)
    source = open_source("table", own)
    good, bad = read(source)
    assert good.shape == (3, 125)
    assert isinstance(bad, BadRecord)
    assert "records.csv line 3: " in bad.problem
    assert "has a missing sample (NaN) in lead II at 1.600 s" in bad.problem


def test_files_without_what_they_should_say(own: Path):
    for number in range(6):
        np.save(own / f"r{number}.npy", 1000 * signal_of(number).T)
    table = own / "records.csv"
    table.write_text(table.read_text().replace(".csv", ".npy"))
    sentence = refused(own)
    assert "records.csv line 2: " in sentence
    assert "does not say its leads and unit and sampling rate: give --leads_of_file" in sentence
    said: dict[str, Any] = {"unit": "uV", "sampling_rate_of_files": RATE, "leads_of_file": ["i", "Lead II", "v2"]}
    source = open_source("table", own, **said)
    np.testing.assert_allclose(read(source)[5], signal_of(5))
    kept = {name: source.options[name] for name in (*said, "patients")}
    assert kept == said | {"leads_of_file": "I II V2", "patients": "column"}


def test_each_record_may_be_its_own_patient(own: Path):
    write_table(own, [{"file": f"r{number}.csv", "label": LABEL[number]} for number in range(6)])
    sentence = refused(own)
    assert "has no column patient_id (it has file, label): name the column so" in sentence
    assert "say --patients record" in sentence
    source = open_source("table", own, patients="record")
    assert source.records["patient_id"].tolist() == [f"r{number}" for number in range(6)]
    parts = [{"file": "r0.csv", "start": start, "length": 0.5} for start in (0, 1)]
    assert set(open_source("table", write_table(own, parts), patients="record").records["patient_id"]) == {"r0"}


def test_files_elsewhere_are_named_by_their_folder(own: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(own / "records.csv", elsewhere)
    assert "there is no file r0.csv in" in refused(elsewhere)
    assert "names begin in that folder, or in the one that --files names" in refused(elsewhere)
    assert len(open_source("table", elsewhere, files=own).records) == 6
    write_table(elsewhere, [{"file": str(own / "r0.csv"), "patient_id": 1}])
    assert f"which is not in {elsewhere}: name a folder that all are in with --files" in refused(elsewhere)
    assert open_source("table", elsewhere, files=own).records["record_id"].tolist() == ["r0"]
    assert len(open_source("table", elsewhere, files=Path("/")).records) == 1


# what is wrong


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("file", "r9.csv", "line 4: there is no file r9.csv in {own}: names begin in that folder"),
        ("file", "r1", "line 4: there is no file r1 in {own}: write its ending, .csv"),
        ("file", "", "line 4: file is empty: name the recording's file"),
        ("file", "../r1.csv", "line 4: file is '../r1.csv', which is not in {own}: name a folder that all are in"),
        ("file", "/etc/passwd", "line 4: file is '/etc/passwd', which is not in {own}"),
        ("file", "C:/r1.csv", "line 4: file is 'C:/r1.csv', which is not in {own}"),
        ("file", "r1\x07.csv", r"line 4: file is 'r1\\x07.csv', which is no name of a file"),
        ("file", "r1.csv", "line 4 names r1.csv again, as line 3 does: leave one out, or give each its part"),
        ("file", "./r1.csv", "line 4 names r1.csv again, as line 3 does"),
        ("file", "old", "line 4: there is no file old in {own}: that is a folder, and a line names a file"),
        ("patient_id", "", "line 4: patient_id is empty, which names no patient"),
        ("patient_id", "unknown", "line 4: patient_id is 'unknown', which names no patient"),
        ("patient_id", "P1", "has the patient_id P1 and p1: write each patient in one way"),
        ("patient_id", "=1+1", "line 4: patient_id is '=1[+]1': the patient '=1[+]1' begins like a formula"),
        ("label", "A;B", "line 4: label is 'A;B', which names several classes: a label is one; write a column"),
        ("label", "A|B", "line 4: label is 'A|B', which names several classes"),
        ("label", "@A", "line 4: label is '@A': the class '@A' begins like a formula"),
        ("fold", "0", "line 4: fold is '0', and folds are counted from 1: add 1 to each"),
        ("fold", "1.5", "line 4: fold is '1.5', not a whole number from 1 to 9999"),
        (
            "fold",
            "train",
            "line 4: fold is 'train', not .*: write 1, 2, 3 for train, dev, test, and give --folds train=1",
        ),
        ("age", "old", "line 4: age is 'old', not years from 0 to 130"),
        ("sex", "2", "line 4: sex is '2', not 0 or male, 1 or female, or nothing"),
        ("record_id", "a/b", "line 4: record_id is 'a/b': the record 'a/b' is no plain file name"),
        ("record_id", "", "line 4: record_id is empty: a record has an empty name"),
        ("record_id", "i1", "line 4 is the record i1, as line 3 is: give each an id of its own"),
        ("start", "-1", "line 4: start is '-1': write seconds, 0 or more"),
        ("start", "2", "r2.csv has 2 s, and the record is from 2 to 3 s: give a start and length within the file"),
        ("start", "1.5", "r2.csv has 2 s, and the record is from 1.5 to 2.5 s: give a start and length within"),
        ("length", "0", "line 4: length is '0': write seconds, more than 0"),
        ("length", "0.0001", "line 4: 0.0001 s are less than a sample: give more"),
        ("length", "nan", "line 4: length is 'nan': write seconds, more than 0"),
        (
            "MI",
            "2",
            "line 4: MI is '2', not 0 or 1 as a class has it: if the column is no class, choose those that are",
        ),
        ("MI", "", "line 4: MI is empty where others are not: write 0 or 1, or leave all classes"),
    ],
)
def test_what_people_get_wrong_is_one_sentence_with_its_line(tmp_path: Path, column, value, sentence):
    usual: dict[str, Any] = {
        "label": LABEL[:6],
        "fold": [1, 1, 2, 2, 3, 3],
        "age": [50] * 6,
        "sex": ["f"] * 6,
        "record_id": [f"i{number}" for number in range(6)],
        "start": [0] * 6,
        "length": [1] * 6,
    }
    if column in ("MI", "AF"):
        usual = {"MI": [0, 1] * 3, "AF": [1] * 6}
    if column == "file" and "again" in sentence:
        usual = {}
    own = write_own(tmp_path / "own", **usual)
    (own / "old").mkdir()
    lines = (own / "records.csv").read_text().splitlines()
    names, cells = lines[0].split(","), lines[3].split(",")
    cells[names.index(column)] = value
    lines[3] = ",".join(cells)
    assert open_source("table", own).records is not None, "its neighbour is right"
    (own / "records.csv").write_text("\n".join(lines) + "\n")
    assert re.search(sentence.format(own=re.escape(str(own))), refused(own)), refused(own)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "records.csv is empty: a table of recordings has the columns file and patient_id"),
        ("file,patient_id\n", "records.csv has no line below its first: write one for each recording"),
        (
            "filename,patient_id\nr0.csv,1\n",
            "has no column file (it has filename, patient_id): a table of recordings has",
        ),
        ("r0.csv,1\n", "has no column file (it has r0.csv, 1)"),
        ("file,patient\nr0.csv,1\n", "has no column patient_id (it has file, patient): name the column so"),
        ("file,patient_id,patient_id\nr0.csv,1,1\n", "has the column patient_id 2 times"),
        ("file,patient_id\nr0.csv\n", "line 2 has 1 fields, not the 2 of line 1"),
        (
            "file,patient_id,label,MI\nr0.csv,1,A,1\nr1.csv,2,B,0\n",
            "has a column label and columns of 0 and 1 (MI): leave one kind out, or choose columns with --class",
        ),
        ("file,patient_id,label\nr0.csv,1,A\nr1.csv,2,A\n", "has only one label, A: there is nothing to tell apart"),
        (
            "file,patient_id,label\nr0.csv,1,\nr1.csv,2,\n",
            "has a column label with nothing in it: leave the column out",
        ),
        ("file,patient_id,device\nr0.csv,1,GE\n", "line 2: device is 'GE', not 0 or 1 as a class has it"),
        (
            "file,patient_id,start,length\nr0.csv,1,0,1\nr0.csv,2,1,1\n",
            "lines 2 and 3: the file r0.csv is of the patients 1 and 2: a file is of one patient",
        ),
        (
            "file,patient_id,fold\nr0.csv,1,1\nr1.csv,2,2\nr2.csv,1,2\n",
            "lines 2 and 4: the patient 1 is in the folds 1 and 2: all records of a patient belong in one fold",
        ),
        ("file,patient_id\nr0.csv,007\nr1.csv,7\n", "has the patient_id 007 and 7: write each patient in one way"),
        ("file,patient_id\nx.csv,1\nr1.csv,2\ny.csv,3\n", "nor 1 others of this table"),
    ],
)
def test_tables_that_are_wrong_as_a_whole(own: Path, text, sentence):
    (own / "records.csv").write_text(text)
    assert sentence in refused(own), refused(own)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"unit": "uV"}, "--unit uV is said, and every file says its own: leave it out"),
        ({"unit": "mmHg"}, "--unit mmHg is no unit of voltage: write mV or uV"),
        ({"sampling_rate_of_files": 500.0}, "--sampling_rate_of_files 500 is said, and every file says its own"),
        ({"sampling_rate_of_files": 0.0}, "--sampling_rate_of_files 0 is no sampling rate: give hertz"),
        ({"leads_of_file": ["I", "V1"]}, "has no lead V1 of --leads_of_file (it has I II V2); nor can another file"),
        ({"leads_of_file": ["I", "i"]}, "--leads_of_file I i names a lead twice"),
        ({"leads_of_file": ["I,II"]}, "--leads_of_file I,II: write blanks between leads, as in I II V2"),
        ({"array": "val"}, "--array val is for files of several arrays"),
        ({"class_columns": ["MI"]}, "has no column MI of --class_columns: it has none but its own"),
        ({"patients": "file"}, "--patients file is not understood: write column or record"),
    ],
)
def test_options_that_fit_no_file(own: Path, options, sentence):
    assert sentence in refused(own, **options)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: None, "there is no {}: name a table of recordings with --data"),
        (lambda folder: folder.mkdir(), "{} has no records.csv, it is empty: a table of recordings has the columns"),
        (lambda folder: write_csv(folder / "a.csv", signal_of(0)), "{} has no records.csv, it holds CSV tables"),
        (os.mkfifo, "{} is no file"),
        (lambda folder: folder.mkdir() or os.mkfifo(folder / "records.csv"), "{}/records.csv is no file"),
        (
            lambda folder: folder.mkdir() or os.mkfifo(folder / "other.csv"),
            "{} has no records.csv, it holds CSV tables",
        ),
    ],
)
def test_a_folder_that_is_none(tmp_path: Path, make, sentence):
    folder = tmp_path / "folder"
    make(folder)
    assert sentence.format(folder) in refused(folder)


def test_a_link_out_of_the_folder_is_refused(own: Path, tmp_path: Path):
    write_csv(tmp_path / "outside.csv", signal_of(0))
    (own / "r3.csv").unlink()
    (own / "r3.csv").symlink_to(tmp_path / "outside.csv")
    assert f"line 5: {own}/r3.csv is a link that leads out of {own}: put the file there" in refused(own)
    (own / "r3.csv").unlink()
    (own / "r3.csv").symlink_to(own / "r2.csv")
    assert len(open_source("table", own).records) == 6


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: path.write_text("no numbers"), "has names and no samples below them"),
        (lambda path: path.write_bytes(b"\0" * 99), "is no text of samples"),
        (
            lambda path: write_csv(path, signal_of(2)[:2], ("time (s)", "I (mV)", "II (mV)")),
            "no lead V2 of the first file",
        ),
    ],
)
def test_a_damaged_file_is_a_bad_record_that_can_be_left_out(own: Path, tmp_path: Path, damage, sentence):
    damage(own / "r2.csv")
    source = open_source("table", own)
    bad = [found for found in read(source) if isinstance(found, BadRecord)]
    assert [each.record_id for each in bad] == ["r2"]
    assert re.search(rf"records.csv line 4: .*r2.csv .*{sentence}", bad[0].problem)
    (path,) = create_stores(
        source, tmp_path, folds=("kfold:3", "train=1-3"), representations=(), skip_bad_records=True, workers=1
    )
    assert open_store(path).n_items == 5


def test_further_leads_of_some_files_are_told_of(own: Path):
    write_csv(own / "r0.csv", signal_of(0)[:2], ("time (s)", "I (mV)", "II (mV)"))
    source = open_source("table", own)
    assert source.leads == ("I", "II")
    assert source.remarks == ("5 files have more leads than the first one, I II, which alone are read",)
    np.testing.assert_array_equal(read(source)[5], signal_of(5)[:2])


@pytest.mark.parametrize(("factor", "unit"), [(1000, "uV"), (1e-3, "mV")])
def test_amplitudes_that_no_heart_has_are_told_of(tmp_path: Path, factor, unit):
    for number in range(6):
        write_csv(tmp_path / f"r{number}.csv", factor * signal_of(number))
    write_table(tmp_path, [{"file": f"r{number}.csv", "patient_id": number} for number in range(6)])
    (remark,) = open_source("table", tmp_path).remarks
    assert re.search(rf"as if a thousand times too (large|small): is their unit {unit}\?", remark)


@pytest.mark.parametrize("factor", [60, 0.01])
def test_amplitudes_that_some_have_are_not(tmp_path: Path, factor):
    for number in range(6):
        write_csv(
            tmp_path / f"r{number}.csv", (factor if factor < 1 else 1) * signal_of(number) + factor * (factor > 1)
        )
    write_table(tmp_path, [{"file": f"r{number}.csv", "patient_id": number} for number in range(6)])
    assert open_source("table", tmp_path).remarks == ()


def test_columns_that_are_no_classes(tmp_path: Path):
    own = write_own(tmp_path, device=["GE"] * 6, label=LABEL[:6])
    assert open_source("table", own).remarks == ("not read: the columns device",)
    own = write_own(tmp_path, device=["GE"] * 6, MI=[0, 1] * 3, AF=[1] * 6)
    source = open_source("table", own, class_columns=["MI"])
    assert source.labels["classes"].classes == ("MI",)
    assert source.options["class_columns"] == "MI"


# the command


def run(main, words: str) -> None:
    main(words.split())


@pytest.mark.usefixtures("cpu_as_before")
def test_a_table_becomes_stores_and_a_run(tmp_path: Path, monkeypatch, capsys):
    import evaluate
    import train

    monkeypatch.chdir(tmp_path)
    write_own(tmp_path / "data" / "table", 30, label=LABEL)
    run(create_images.main, "--source table --folds kfold:3 --size 16 --representations gaf --workers 1")
    told = capsys.readouterr().out
    assert re.search("table records.csv [0-9a-f]{12} in data/table: 30 records of 30 patients at 250 Hz", told)
    assert "train: 10 records of 10 patients\n  label: 10 labelled, 0 not; A 5 B 5" in told
    store = open_store(store_path(Path("data/table-images"), "train"))
    assert (store.leads, store.image_leads) == (list(LEADS), list(LEADS))
    assert (store.default_task, store.default_leads) == ("label", list(LEADS))
    run(train.main, "-model gru -data data/table-images -epochs 1 -path_save_model run -threads 1")
    run(evaluate.main, "-run run -resamples 0 -threads 1")
    assert "label" in capsys.readouterr().out


@pytest.mark.usefixtures("cpu_as_before")
def test_the_recipe_of_the_docs(tmp_path: Path, monkeypatch, capsys):
    import evaluate
    import train

    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8").partition("<!-- the recipe of a table -->")[2]
    code, _, rest = text.partition("```python\n")[2].partition("```")
    exec(compile(code, "docs/sources.md", "exec"), {})
    assert len(list(Path("mine/ecgs").glob("*.csv"))) == 30
    mains = {"create_images.py": create_images.main, "train.py": train.main, "evaluate.py": evaluate.main}
    lines = [line.split()[1:] for line in rest.splitlines() if line.startswith("    python ")][:3]
    assert [line[0] for line in lines] == list(mains)
    for name, *words in lines:
        quick = {"create_images.py": ["--workers", "1"], "train.py": ["-threads", "1"]}
        mains[name]([*words, *quick.get(name, ["-threads", "1", "-resamples", "0"])])
    assert "macro" in capsys.readouterr().out
    source = open_source("table", "mine")
    same = open_source("ptbxl", "simulated")
    assert source.labels["classes"].values.tolist() == same.labels["disease"].values.tolist()
    for one, other in zip(read(source), read(same), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_several_words_of_an_option(tmp_path: Path, capsys):
    for number in range(6):
        path = tmp_path / "own" / f"r{number}.npy"
        path.parent.mkdir(exist_ok=True)
        np.save(path, signal_of(number))
    write_table(tmp_path / "own", [{"file": f"r{number}.npy", "patient_id": number} for number in range(6)])
    said = "--leads_of_file I II V2 --unit mV --sampling_rate_of_files 250 --folds kfold:3 --representations none"
    create_images.main(f"--source table --data {tmp_path / 'own'} --out {tmp_path} {said} --workers 1".split())
    store = open_store(store_path(tmp_path, "train"))
    assert (store.leads, store.attributes["leads_of_file"]) == (list(LEADS), "I II V2")
    create_images.main(f"--source table --data {tmp_path / 'own'} --out {tmp_path} {said} --show r3".split())
    assert (tmp_path / "r3.png").exists()


def test_the_line_of_the_registry():
    entry = SOURCES["table"]
    assert entry.default_folds == ("stratified",)
    assert set(entry.options) >= {"files", "unit", "sampling_rate_of_files", "leads_of_file", "patients"}
    assert replace(entry, default_folds=("train=1",)).opener == entry.opener


def test_help_names_its_options():
    done = subprocess.run(
        [sys.executable, "create_images.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert all(f"--{name}" in done.stdout for name in SOURCES["table"].options)


@pytest.mark.realdata
def test_real_recordings_of_several_sets_as_one_table(data_folder: Path, tmp_path: Path):
    from pipeline.sources.formats.wfdb import read_recording

    folders = sorted({header.parent for header in (data_folder / "samples").rglob("*.hea")})
    headers = [header for folder in folders for header in sorted(folder.glob("*.hea"))[:3]]
    if not headers:
        pytest.skip(f"no real recordings in {data_folder / 'samples'}")
    rows = [{"file": header, "patient_id": number, "record_id": f"r{number}"} for number, header in enumerate(headers)]
    source = open_source("table", write_table(tmp_path, rows), files=data_folder)
    for header, signal in zip(headers, read(source), strict=True):
        recording = read_recording(header.with_suffix(""))
        order = [recording.leads.index(lead) for lead in source.leads]
        np.testing.assert_array_equal(signal, recording.signal[order])
    assert set(source.records["sampling_rate"]) == {500.0, 1000.0}


@pytest.mark.realdata
@pytest.mark.parametrize("kind", ["csv", "npy", "npz", "mat"])
def test_real_recordings_in_other_formats_are_the_same_to_the_last_bit(data_folder: Path, tmp_path: Path, kind):
    import scipy.io

    headers = sorted((data_folder / "samples").rglob("*.hea"))[:40:10]
    if not headers:
        pytest.skip(f"no real recordings in {data_folder / 'samples'}")
    rows = [{"file": str(header), "patient_id": header.stem} for header in headers]
    source = open_source("table", write_table(tmp_path / "wfdb", rows), files=data_folder)
    signals = read(source)
    other = tmp_path / kind
    other.mkdir()
    for row, signal in zip(source.records["record_id"], signals, strict=True):
        if kind == "csv":
            text = "\n".join([",".join(source.leads), *(",".join(map(repr, moment)) for moment in signal.T.tolist())])
            (other / f"{row}.csv").write_text(text)
        elif kind == "npy":
            np.save(other / f"{row}.npy", signal.T)
        elif kind == "npz":
            np.savez_compressed(other / f"{row}.npz", signal)
        else:
            scipy.io.savemat(other / f"{row}.mat", {"val": signal}, do_compression=True)
    write_table(other, [{"file": f"{name}.{kind}", "patient_id": name} for name in source.records["record_id"]])
    said: dict[str, Any] = {"unit": "mV", "sampling_rate_of_files": source.sampling_rate, "leads_of_file": source.leads}
    same = open_source("table", other, **said)
    for signal, again in zip(signals, read(same), strict=True):
        np.testing.assert_array_equal(again, signal)


def test_samples_are_counted_as_the_tests_think():
    assert signal_of(0).shape == (3, N_SAMPLES)
