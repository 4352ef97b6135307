"""Where two models disagree: counts that add up, differences whose intervals hold what they must."""

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass

from pipeline.evaluation.disagreement import class_differences, furthest_apart, right_counts
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.metrics import auroc
from pipeline.evaluation.thresholds import decisions


@pytest.fixture
def pair():
    return drawn_multiclass(skill=2.5, seed=1), drawn_multiclass(skill=0.8, seed=2)


def test_each_class_has_its_difference_and_its_interval(pair):
    found = class_differences(pair[0], pair[1], Resampling(200))
    for i, (name, each) in enumerate(found.items()):
        first, second = (auroc(scores.labels[:, i], scores.scores[:, i]) for scores in pair)
        assert each.value == pytest.approx(first - second), name
        assert each.span[0] <= each.value <= each.span[1]
        assert each.span[0] > 0, "the better one is better"
    assert class_differences(pair[0], pair[1], None)["N"].span is None


def test_a_model_differs_in_nothing_from_itself(pair):
    found = class_differences(pair[0], pair[0], Resampling(100))
    assert {each.value for each in found.values()} == {0}
    assert {each.span for each in found.values()} == {(0.0, 0.0)}


def test_a_class_of_few_patients_has_no_interval():
    few = [drawn_multiclass(n=40, shares=np.array([0.5, 0.45, 0.05]), seed=seed) for seed in (1, 2)]
    assert few[0].labels[:, 2].sum() < 5
    assert class_differences(few[0], few[1], Resampling(100))["O"].span is None


def test_right_counts_add_up_to_all(pair):
    found = [decisions(scores, None) for scores in pair]
    counts = right_counts(pair[0].labels, *found)
    assert counts.sum(1).tolist() == [240] * 3
    assert (counts[:, :2].sum(1) == (found[0] == pair[0].labels).sum(0)).all()


def test_the_furthest_apart_come_first(pair):
    apart = furthest_apart(pair[0], pair[1], 10)
    gaps = [abs(each.first - each.second) for each in apart]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] == pytest.approx(np.abs(pair[0].scores - pair[1].scores).max())
    assert len({each.row for each in apart}) == 10
    assert {each.class_name for each in furthest_apart(pair[0], pair[1], 10, ["A"])} == {"A"}
