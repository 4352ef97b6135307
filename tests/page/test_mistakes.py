"""The surest mistakes: which they are, and that no record is shown twice."""

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass
from report_pages import drawn_multilabel

from pipeline.evaluation.scores import Scores
from pipeline.evaluation.thresholds import Thresholds
from pipeline.page.mistakes import mistakes_of, worst_of


@pytest.fixture
def scores() -> Scores:
    values = np.array([[0.9, 0.1], [0.01, 0.2], [0.3, 0.6], [0.95, 0.99]], np.float32)
    labels = np.array([[0, 0], [1, 0], [1, 1], [0, 0]])
    return Scores(values, labels, np.array(["a", "b", "c", "d"]), ("MI", "CD"), "multilabel")


def test_the_surest_come_first(scores: Scores):
    found = mistakes_of(scores, Thresholds({"MI": 0.5, "CD": 0.5}, 0.5))
    assert [(each.item_id, each.is_missed) for each in found["MI"]] == [
        ("b", True),
        ("c", True),
        ("d", False),
        ("a", False),
    ]
    assert [(each.item_id, each.is_missed) for each in found["CD"]] == [("d", False)]
    first = found["MI"][1]
    assert (first.truth, first.found) == (("MI", "CD"), ("CD",))


def test_no_record_is_shown_twice_and_classes_take_turns(scores: Scores):
    worst = worst_of(mistakes_of(scores, Thresholds({"MI": 0.5, "CD": 0.5}, 0.5)), 3)
    assert len({each.row for each in worst}) == len(worst) == 3
    assert {each.class_name for each in worst[:2]} == {"MI", "CD"}
    assert len(worst_of(mistakes_of(scores, None), 100)) <= 4


def test_of_classes_that_exclude_each_other_the_highest_score_decides():
    found = mistakes_of(drawn_multiclass(), None)
    assert all(each.class_name not in each.truth or each.is_missed for of in found.values() for each in of)
    assert all(len(each.found) == 1 for of in found.values() for each in of)


def test_there_are_no_more_than_wanted():
    of_classes = mistakes_of(drawn_multilabel(skill=0.1), Thresholds({"MI": 0.5, "CD": 0.5}, 0.5), most=2)
    assert [len(of_class) for of_class in of_classes.values()] == [4, 4]
    assert worst_of(of_classes, 0) == []
