"""Folds as a table that can be given back."""

import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.sources.folds_files import read_folds, write_folds
from pipeline.sources.items import Whole
from tests.toy_sources import Toy


def test_what_is_written_is_read_again(tmp_path):
    source = Toy([3] * 5, folds=[4, 1, 1, 2, 9])
    write_folds(tmp_path / "folds.csv", Whole().table(source))
    assert (tmp_path / "folds.csv").read_text().splitlines()[:2] == ["record_id,patient_id,fold", "r0,r0,4"]
    np.testing.assert_array_equal(read_folds(tmp_path / "folds.csv", source), [4, 1, 1, 2, 9])


def test_patients_can_be_named_instead(tmp_path):
    (tmp_path / "f.csv").write_text("patient_id,fold\nb,2\na,1\n")
    assert read_folds(tmp_path / "f.csv", Toy([3] * 3, ["a", "b", "a"])).tolist() == [1, 2, 1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("record_id,fold\nr0,1\n", "has no fold for the record_id r1"),
        ("name,fold\nr0,1\n", "has neither a column record_id nor patient_id"),
        ("record_id,fold\nr0,x\nr1,1\n", "line 2: fold is not a whole number"),
        ("record_id\nr0\n", "has no column fold"),
    ],
)
def test_another_table_is_one_sentence(tmp_path, text, problem):
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(EcgFusionError, match=problem):
        read_folds(tmp_path / "f.csv", Toy([3] * 2))
