"""The confusion matrix: by hand, against scikit-learn, and what must hold of any."""

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass
from sklearn.metrics import confusion_matrix

from pipeline.evaluation.confusion import cells, confusion_of, taken
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.scores import Scores

FIVE = ("N", "S", "V", "F", "Q")


def test_a_matrix_by_hand():
    truth, found = [0, 0, 1, 1, 1, 2], [0, 1, 1, 1, 2, 2]
    scores = Scores(np.eye(3)[found], np.eye(3)[truth], np.arange(6), ("N", "A", "O"), "multiclass")
    confusion = confusion_of(scores)
    assert confusion.counts.tolist() == [[1, 1, 0], [0, 2, 1], [0, 0, 1]]
    np.testing.assert_allclose(confusion.shares, [[0.5, 0.5, 0.0], [0.0, 2 / 3, 1 / 3], [0.0, 0.0, 1.0]])
    assert confusion.as_json() == {
        "classes": ["N", "A", "O"],
        "rows": "truth",
        "columns": "found",
        "counts": [[1, 1, 0], [0, 2, 1], [0, 0, 1]],
        "n_tied": 0,
    }


def test_it_is_scikit_learns():
    scores = drawn_multiclass(classes=FIVE)
    theirs = confusion_matrix(scores.labels.argmax(1), scores.scores.argmax(1))
    assert confusion_of(scores).counts.tolist() == theirs.tolist()


def test_rows_add_up_to_the_positives_and_the_counts_against_the_rest_follow():
    scores = drawn_multiclass(classes=FIVE)
    evaluation = evaluate(scores)
    counts = evaluation.confusion.counts
    assert counts.sum(1).tolist() == scores.labels.sum(0, dtype=int).tolist()
    assert counts.sum() == evaluation.n_items == 240
    assert evaluation.accuracy == pytest.approx(np.trace(counts) / counts.sum())
    for i, name in enumerate(FIVE):
        tp, fn = counts[i, i], counts[i].sum() - counts[i, i]
        fp = counts[:, i].sum() - counts[i, i]
        assert evaluation.classes[name].counts == {"TP": tp, "FN": fn, "FP": fp, "TN": 240 - tp - fn - fp}


def test_classes_in_another_order_are_rows_and_columns_in_another_order():
    scores, order = drawn_multiclass(classes=FIVE), [3, 0, 4, 1, 2]
    moved = Scores(
        scores.scores[:, order],
        scores.labels[:, order],
        scores.item_id,
        tuple(FIVE[i] for i in order),
        "multiclass",
    )
    assert confusion_of(moved).counts.tolist() == confusion_of(scores).counts[np.ix_(order, order)].tolist()


def test_of_equal_scores_the_first_class_is_taken_and_they_are_counted():
    values = np.array([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [0.1, 0.2, 0.7]])
    assert taken(values).tolist() == [0, 1, 2]
    confusion = confusion_of(Scores(values, np.eye(3)[[1, 1, 2]], np.arange(3), ("N", "A", "O"), "multiclass"))
    assert confusion.n_tied == 2
    assert confusion.counts.tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 1]]


def test_a_class_without_an_item_has_no_shares():
    confusion = confusion_of(Scores(np.eye(2)[[0, 1]], np.eye(2)[[0, 0]], np.arange(2), ("N", "A"), "multiclass"))
    assert confusion.counts.tolist() == [[1, 1], [0, 0]]
    assert np.isnan(confusion.shares[1]).all()


def test_cells_are_counted_along_the_rows():
    assert cells(np.eye(3)[[2, 0]].astype(np.uint8), np.array([1, 2])).tolist() == [7, 2]


def test_classes_that_go_together_have_no_matrix():
    scores = Scores(np.array([[0.2]]), np.array([[0]]), np.array(["x"]), ("a",), "multilabel")
    with pytest.raises(ValueError, match="a confusion matrix is of classes that exclude each other"):
        confusion_of(scores)
    evaluation = evaluate(scores)
    assert (evaluation.confusion, evaluation.accuracy) == (None, None)
    assert not {"confusion", "agreement"} & evaluation.as_json().keys()
