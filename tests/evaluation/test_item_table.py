"""Tables of strangers: what is read of them, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.evaluation.item_table import read_item_table
from pipeline.evaluation.scores import Scores


def scores(*items: str, **names) -> Scores:
    labels = np.zeros((len(items), 1))
    return Scores(labels + 0.5, labels, np.array(items), ("a",), "multilabel", **names)


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "who.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_cells_are_those_of_the_item_else_of_the_record(tmp_path: Path):
    table = read_item_table(written(tmp_path, "\ufeffrecord_id,age\nr1,50\nr2, 60\nr2-3,70\n"), ["age"])
    of_records = scores("r1-0", "r2-0", "r2-3", record_id=np.array(["r1", "r2", "r2"]))
    assert table.cells("age", of_records) == ["50", "60", "70"]
    assert table.cells("age", scores("r2", "r1")) == ["60", "50"]


def test_any_column_can_name_the_records_and_others_are_not_looked_at(tmp_path: Path):
    path = written(tmp_path, 'ecg_id,sex,x,x\n1,0,"a,\nb",2\n2,1,,\n')
    assert read_item_table(path, ["sex", "height"], "ecg_id").columns == {"sex": {"1": "0", "2": "1"}}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ecg_id,age\n1,2\n", r"has no column record_id or item_id, but 'ecg_id', 'age': say which names records"),
        ("record_id,age\n1,2\n1,3\n", r"the record_id '1' stands there 2 times: keep one row of it"),
        ("record_id,age\n1,2\n,3\n", r"the record_id of row 3 is empty: name every record"),
        ("record_id,age\n1\n", r"row 2 has 1 cells and the first row 2: make them as many"),
        ("record_id,age,age\n1,2,3\n", r"has 2 columns 'age': name each column once"),
        ("record_id,age\n", r"has no rows below its first"),
        ("", r"has no rows below its first"),
        (b"record_id,age\n1,\xff\n", r"cannot be read as CSV: save it as text in UTF-8"),
        ('record_id,age\n1,"2\n', r"cannot be read as CSV"),
        (f"record_id,age\n1,{'x' * 300}\n", r"a cell of the column 'age' has 300 characters"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, text: str, sentence: str):
    with pytest.raises(EcgFusionError, match=rf"who\.csv:? .*{sentence}|who\.csv: {sentence}"):
        read_item_table(written(tmp_path, text), ["age"])


def test_what_is_missing_is_refused(tmp_path: Path):
    with pytest.raises(EcgFusionError, match="there is no file"):
        read_item_table(tmp_path / "none.csv", ["age"])
    table = read_item_table(written(tmp_path, "item_id,age\nt1,50\n"), ["age"])
    with pytest.raises(EcgFusionError, match=r"lacks 1 of 2 items of the scores, 't2' first: add a line for each"):
        table.cells("age", scores("t1", "t2"))
    with pytest.raises(EcgFusionError, match=r"lacks 1 of 1 items of the scores, 'x' first, which has 't1'"):
        table.cells("age", scores("x"))
