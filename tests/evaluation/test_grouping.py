"""Groups: bands of age, quartiles, values; nobody is lost, and what is unknown is in none."""

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass

from pipeline.errors import EcgFusionError
from pipeline.evaluation.grouping import Grouping, by_cells, by_n_labels, groupings_of
from pipeline.evaluation.item_table import ItemTable
from pipeline.evaluation.scores import Scores


def named(grouping: Grouping) -> list[str | None]:
    """The name of each item's group."""
    return [grouping.groups[i] if i >= 0 else None for i in grouping.of_item]


def test_ages_are_in_bands_and_ptbxls_300_is_over_89():
    cells = ["39.9", "40", "59", "60", "79.5", "80", "300", "", "NaN", "0"]
    expected = ["<40", "40–60", "40–60", "60–80", "60–80", "80+", "80+", None, None, "<40"]
    assert named(by_cells("age", "t", cells)) == expected
    assert by_cells("Age", "t", ["30", "90"]).groups == ("<40", "80+")  # no band that nobody is in


@pytest.mark.parametrize("cell", ["old", "-1", "131", "inf", "1e9"])
def test_what_is_no_age_is_refused(cell: str):
    with pytest.raises(EcgFusionError, match=f"t: the age '{cell}' is no age: write years from 0 to 130, 300 for over"):
        by_cells("age", "t", ["50", cell])


def test_many_numbers_are_in_quartiles():
    grouping = by_cells("weight", "t", [str(i) for i in range(1, 101)])
    assert grouping.groups == ("≤25.75", ">25.75 to 50.5", ">50.5 to 75.25", ">75.25")
    assert np.bincount(grouping.of_item).tolist() == [25] * 4
    tied = by_cells("weight", "t", ["0"] * 90 + [str(i) for i in range(10)])
    assert sum(np.bincount(tied.of_item)) == 100
    assert tied.groups == ("≤0", ">0")


def test_few_numbers_and_words_are_groups_themselves():
    assert by_cells("leads", "t", ["2", "10", "2", ""]).groups == ("2", "10")
    assert named(by_cells("site", "t", ["b", "a", "", "b"])) == ["b", "a", None, "b"]
    assert named(by_cells("sex", "t", ["0", "1", "female", "nan"])) == ["male", "female", "female", None]


def test_what_makes_no_groups_is_refused():
    with pytest.raises(EcgFusionError, match="t: the column 'x' is empty for all 2 items: leave it out"):
        by_cells("x", "t", ["", "nan"])
    with pytest.raises(EcgFusionError, match="t: the column 'x' has 21 values, more than 20: write groups of them"):
        by_cells("x", "t", [f"v{i}" for i in range(21)])
    with pytest.raises(EcgFusionError, match="every item bears one class: leave n_labels out"):
        by_n_labels(drawn_multiclass())


def test_labels_are_counted():
    labels = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0]])
    scores = Scores(labels * 0.5, labels, np.arange(4), tuple("abcd"), "multilabel")
    assert named(by_n_labels(scores)) == ["0", "1", "3 or more", "3 or more"]


def test_the_first_table_that_has_a_column_is_asked():
    labels = np.zeros((2, 1))
    scores = Scores(labels, labels, np.array(["a", "b"]), ("x",), "multilabel")
    tables = [ItemTable("one", {"site": {"a": "u", "b": "v"}}), ItemTable("two", {"sex": {"a": "male", "b": ""}})]
    found = groupings_of(["sex", "n_labels", "site", "sex"], scores, tables)
    assert [(each.column, each.source) for each in found] == [("sex", "two"), ("n_labels", "labels"), ("site", "one")]
    with pytest.raises(EcgFusionError, match="no column 'age' is in one or two: name a CSV file that has it"):
        groupings_of(["age"], scores, tables)
    with pytest.raises(EcgFusionError, match="no column 'age' is known of a scores file"):
        groupings_of(["age"], scores, [])
