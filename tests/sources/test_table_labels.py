"""The classes of a table: one column of names, or one of 0 and 1 for each."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_tables import write_table

from pipeline.errors import EcgFusionError
from pipeline.sources.table_labels import read_labels
from pipeline.sources.tables import Table, read_table

KNOWN = ("file", "patient_id", "age")


def table_of(folder: Path, **columns: list) -> Table:
    n_rows = len(next(iter(columns.values())))
    rows = [{"file": f"{row}.csv", **{name: cells[row] for name, cells in columns.items()}} for row in range(n_rows)]
    return read_table(write_table(folder, rows) / "records.csv", ("file",), list(columns))


@pytest.mark.parametrize(
    ("written", "classes", "columns"),
    [
        (["b", "a", "", "b"], ("a", "b"), [1, 0, None, 1]),
        (["1", "0", "", "10"], ("0", "1", "10"), [1, 0, None, 2]),
        (["1.0", "0.0", "", "2"], ("0", "1", "2"), [1, 0, None, 2]),
        (["1.0", "x", "", "x"], ("1.0", "x"), [0, 1, None, 1]),
        (["AF, slow", "ST−T", "~", "窦性"], ("AF, slow", "ST−T", "~", "窦性"), [0, 1, 2, 3]),
    ],
)
def test_names_become_classes_that_exclude_each_other(tmp_path: Path, written, classes, columns):
    tasks, remark = read_labels(table_of(tmp_path, label=written), KNOWN)
    labels = tasks["label"]
    assert (labels.kind, labels.classes, remark) == ("multiclass", classes, None)
    assert labels.labelled.tolist() == [column is not None for column in columns]
    assert [row.argmax() if row.any() else None for row in labels.values] == columns
    assert (labels.values.sum(axis=1) <= 1).all()


@given(st.lists(st.lists(st.sampled_from(["0", "1", "0.0", "1.0"]), min_size=3, max_size=3), min_size=1, max_size=8))
def test_columns_of_0_and_1(tmp_path_factory, cells):
    columns = {f"C{number}": [row[number] for row in cells] for number in range(3)}
    labels = read_labels(table_of(tmp_path_factory.mktemp("cells"), **columns), KNOWN)[0]["classes"]
    assert (labels.kind, labels.classes) == ("multilabel", ("C0", "C1", "C2"))
    assert labels.values.tolist() == [[int(float(cell)) for cell in row] for row in cells]
    assert labels.labelled.all()


@given(st.text(alphabet="01.2-xyesTrufal ", min_size=1, max_size=5).filter(lambda text: text.strip()))
def test_no_other_word_is_0_or_1(tmp_path_factory, text):
    table = table_of(tmp_path_factory.mktemp("cells"), MI=["0", text])
    if text.strip() in ("0", "1", "0.0", "1.0"):
        assert read_labels(table, KNOWN)[0]["classes"].values.tolist() == [[0], [int(text.strip()[0])]]
    else:
        with pytest.raises(EcgFusionError, match=r"line 3: MI is .*, not 0 or 1 as a class has it"):
            read_labels(table, KNOWN)


def test_too_many_classes(tmp_path: Path):
    with pytest.raises(EcgFusionError, match="has 1,001 different labels, more than 1,000"):
        read_labels(table_of(tmp_path, label=[f"n{number}" for number in range(1001)]), KNOWN)
    with pytest.raises(EcgFusionError, match="has 1001 columns that may be classes: choose some with --class_columns"):
        read_labels(table_of(tmp_path, **{f"c{number}": ["1"] for number in range(1001)}), KNOWN)


def test_chosen_columns_settle_it(tmp_path: Path):
    table = table_of(tmp_path, label=["a", "b"], MI=["0", "1"], AF=["1", "1"])
    assert read_labels(table, KNOWN, ("AF", "MI", "AF"))[0]["classes"].classes == ("AF", "MI")
    with pytest.raises(EcgFusionError, match=r"columns of 0 and 1 .MI, AF.: leave one kind out"):
        read_labels(table, KNOWN)
    with pytest.raises(EcgFusionError, match="has no column HYP of --class_columns: it has MI, AF"):
        read_labels(table, KNOWN, ("HYP",))
