"""Which items are referred: those of which most decisions are wrong, if the probabilities are right."""

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass
from scipy.special import expit

from pipeline.errors import EcgFusionError
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.referral import doubts, referral, referred_rows, without_rows
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.thresholds import Thresholds, decisions

CLASSES = ("MI", "CD")
CUTS = Thresholds({"MI": 0.5, "CD": 0.1}, "gmean", 10)


def some(*rows: tuple[float, float]) -> Scores:
    names = np.array([f"r{i}" for i in range(len(rows))])
    labels = np.zeros((len(rows), 2))
    labels[0] = 1
    return Scores(np.array(rows), labels, names, CLASSES, "multilabel", record_id=names)


def test_by_hand():
    """Found at 0.9 it is wrong in 0.1, missed at 0.4 in 0.4, found at 0.2, by a threshold of 0.1, in 0.8."""
    doubt, most = doubts(some((0.9, 0.95), (0.4, 0.05), (0.99, 0.2)), CUTS)
    np.testing.assert_allclose(doubt, [0.1 + 0.05, 0.4 + 0.05, 0.01 + 0.8])
    assert most.tolist() == [0, 0, 1]


def test_where_the_highest_wins_it_is_how_likely_that_is_wrong():
    many = Scores(np.array([[0.6, 0.3, 0.1]]), np.eye(3)[[0]], np.array(["a"]), ("N", "A", "O"), "multiclass")
    doubt, second = doubts(many, None)
    assert doubt == pytest.approx([0.4])
    assert second.tolist() == [1]


def test_of_right_probabilities_as_many_are_wrong_as_it_says():
    draw = np.random.default_rng(0)
    values = expit(draw.normal(-1, 2, (20000, 2)))
    labels = draw.random((20000, 2)) < values
    scores = Scores(values, labels, np.arange(20000), CLASSES, "multilabel")
    doubt, _ = doubts(scores, CUTS)
    wrong = (decisions(scores, CUTS) != labels).sum(1)
    for part in np.array_split(np.argsort(doubt), 5):
        assert wrong[part].mean() == pytest.approx(doubt[part].mean(), abs=0.03)


def test_a_probability_of_0_or_1_is_in_no_doubt():
    doubt, _ = doubts(some((0.0, 1.0), (1.0, 0.0)), CUTS)
    assert doubt.tolist() == [0, 0]


@pytest.mark.parametrize(("part", "n"), [(0.1, 24), (0.101, 25), (0.07, 17), (0.5, 120), (0.001, 1)])
def test_it_is_the_part_that_was_asked_for(part, n):
    many = drawn_multiclass()
    rows = referred_rows(many, None, part)
    doubt = doubts(many, None)[0]
    assert len(rows) == n
    assert (np.diff(doubt[rows]) <= 0).all()
    assert doubt[rows].min() >= np.delete(doubt, rows).max()


def test_of_equal_ones_the_name_decides_whatever_their_order():
    scores = some(*[(0.5, 0.1)] * 6)
    mixed = without_rows(scores, np.array([], int))
    order = np.array([3, 1, 5, 0, 2, 4])
    mixed.item_id, mixed.scores, mixed.labels = scores.item_id[order], scores.scores[order], scores.labels[order]
    assert scores.item_id[referred_rows(scores, CUTS, 0.5)].tolist() == ["r0", "r1", "r2"]
    assert mixed.item_id[referred_rows(mixed, CUTS, 0.5)].tolist() == ["r0", "r1", "r2"]


@pytest.mark.parametrize("part", [0, 1, -0.1, 1.5, float("nan")])
def test_what_is_no_part_is_refused(part):
    with pytest.raises(EcgFusionError, match=r"-refer .* is no part of the records: take a number between 0 and 1"):
        referred_rows(drawn_multiclass(), None, part)


def test_someone_must_be_left():
    with pytest.raises(EcgFusionError, match=r"-refer 0\.9 of 2 items leaves none to judge"):
        referred_rows(some((0.1, 0.2), (0.3, 0.4)), CUTS, 0.9)


def test_the_rest_are_the_others_with_their_names():
    scores = some((0.9, 0.9), (0.5, 0.5), (0.4, 0.1))
    rest = without_rows(scores, np.array([1]))
    assert rest.item_id.tolist() == ["r0", "r2"]
    assert rest.record_id is not None
    assert rest.record_id.tolist() == ["r0", "r2"]
    assert rest.patient_id is None
    np.testing.assert_array_equal(rest.scores, scores.scores[[0, 2]])


def test_of_probabilities_that_are_what_they_say_the_unsure_are_wrong_more_often():
    draw = np.random.default_rng(0)
    values = expit(draw.normal(0, 2, (4000, 2)))
    labels = draw.random((4000, 2)) < values
    scores = Scores(values, labels, np.arange(4000), CLASSES, "multilabel")
    cuts = Thresholds(dict.fromkeys(CLASSES, 0.5), 0.5)
    rows = referred_rows(scores, cuts, 0.1)
    rest = evaluate(without_rows(scores, rows), chosen=cuts)
    found = referral(scores, cuts, 0.1, rows, rest)
    whole = evaluate(scores, chosen=cuts)
    assert found.n_wrong[0] / 400 > 1.5 * found.n_wrong[1] / 4000
    assert rest.macro.figures["f1"] > whole.macro.figures["f1"]
    assert rest.n_items == 3600
    assert len(found.doubtful) == len(found.doubts) == 400
