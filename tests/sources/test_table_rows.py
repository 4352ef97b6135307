"""The lines of a table: ids of records, patients, and files that are named in odd ways."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_tables import write_table

from pipeline.errors import EcgFusionError
from pipeline.sources.table_rows import Rows, read_rows
from pipeline.sources.tables import read_table


def rows_of(folder: Path, rows: list[dict], each_is_a_patient: bool = False) -> Rows:
    for row in rows:
        path = folder / row["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    columns = list({name: None for row in rows for name in row})
    table = read_table(write_table(folder, rows) / "records.csv", ("file",), columns)
    return read_rows(table, folder, each_is_a_patient)


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (["a.csv", "b.csv"], ["a", "b"]),
        (["x/a.csv", "x/b.csv"], ["a", "b"]),
        (["x/a.csv", "y/a.csv", "y/b.csv"], ["x_a", "y_a", "b"]),
        (["x/1.hea", "y/1.npy"], ["x_1", "y_1"]),
        (["a.v1.csv", "a.v2.csv"], ["a.v1", "a.v2"]),
        (["one two.csv", "ä.csv"], ["one two", "ä"]),
    ],
)
def test_ids_are_the_files_names(tmp_path: Path, names, ids):
    rows = [{"file": name, "patient_id": number} for number, name in enumerate(names)]
    found = rows_of(tmp_path, rows)
    assert found.record_id == ids
    assert found.path == [os.path.join(tmp_path, name) for name in names]
    assert rows_of(tmp_path, rows, each_is_a_patient=True).patient_id == ids


@pytest.mark.parametrize("names", [["x/a.csv", "y/a.csv", "x_a.csv"], ["a.csv", "a.npy"]])
def test_names_that_make_one_id_of_two_files(tmp_path: Path, names):
    rows = [{"file": name, "patient_id": number} for number, name in enumerate(names)]
    with pytest.raises(
        EcgFusionError, match=r"is the record .*, as line 2 is: give each an id of its own in the column"
    ):
        rows_of(tmp_path, rows)


def test_a_name_that_is_no_id(tmp_path: Path):
    with pytest.raises(
        EcgFusionError, match=r"line 2: the record '=a' begins like a formula .*: give a column record_id"
    ):
        rows_of(tmp_path, [{"file": "=a.csv", "patient_id": 1}])
    assert rows_of(tmp_path, [{"file": "=a.csv", "patient_id": 1, "record_id": "a"}]).record_id == ["a"]


@pytest.mark.parametrize(
    ("written", "patients"),
    [
        (["1.0", "2.0", "10.0"], ["1", "2", "10"]),
        (["1", "2.0", "10"], ["1", "2", "10"]),
        (["1.0", "b", "c"], ["1.0", "b", "c"]),
        (["12345678901234567890", "x", "y"], ["12345678901234567890", "x", "y"]),
        (["Müller", "b", "c"], ["Müller", "b", "c"]),
    ],
)
def test_patients_are_text(tmp_path: Path, written, patients):
    rows = [{"file": f"{number}.csv", "patient_id": text} for number, text in enumerate(written)]
    assert rows_of(tmp_path, rows).patient_id == patients


@given(st.text(max_size=20) | st.lists(st.sampled_from(["..", "a", "/", "\\", ".", "C:", "\x1b"])).map("".join))
def test_no_name_leads_out_of_the_folder(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("names")
    inside = folder / "own"
    inside.mkdir()
    (folder / "outside.csv").touch()
    write_table(inside, [{"file": name, "patient_id": 1}])
    try:
        table = read_table(inside / "records.csv", ("file",), ("patient_id",))
        paths = read_rows(table, inside, False).path
    except EcgFusionError as problem:
        assert "\n" not in str(problem)  # noqa: PT017
        return
    for path in paths:
        assert os.path.realpath(path).startswith(f"{os.path.realpath(inside)}/")
