"""Counts and figures: algebra, agreement with scikit-learn, and a published table from its counts."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from pipeline.evaluation import metrics
from pipeline.evaluation.metrics import FIGURES, RANKINGS, Counts, auroc, average_precision, count, macro, macro_auroc

# test fold 10 of the older study's AlexNet with attention: TP, FN, FP, TN of MI, STTC, CD and HYP
ALEXNET = Counts(
    np.array([337, 391, 298, 154]),
    np.array([216, 132, 200, 109]),
    np.array([363, 268, 198, 329]),
    np.array([1247, 1372, 1467, 1571]),
)
ALEXNET_FIGURES = {
    "sensitivity": [0.609, 0.748, 0.598, 0.586],
    "specificity": [0.775, 0.837, 0.881, 0.827],
    "precision": [0.481, 0.593, 0.601, 0.319],
    "f1": [0.538, 0.662, 0.600, 0.413],
    "g_mean": [0.687, 0.791, 0.726, 0.696],
}


@pytest.fixture
def labels_and_found() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    labels = draw.random((301, 5)) < [0.5, 0.3, 0.2, 0.1, 0.02]
    return labels.astype(np.uint8), draw.random((301, 5)) + 0.4 * labels > 0.6


def single(tp: int, fn: int, fp: int, tn: int) -> Counts:
    return Counts(*(np.array(n) for n in (tp, fn, fp, tn)))


def test_counts_by_hand():
    labels = np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 0], [0, 0]])
    found = np.array([[1, 1], [1, 0], [0, 1], [1, 1], [0, 0], [0, 0]])
    counts = count(labels, found)
    assert [c.tolist() for c in (counts.tp, counts.fn, counts.fp, counts.tn)] == [
        [2, 2],
        [1, 0],
        [1, 1],
        [2, 3],
    ]
    assert metrics.sensitivity(counts) == pytest.approx([2 / 3, 1])
    assert metrics.specificity(counts) == pytest.approx([2 / 3, 3 / 4])
    assert metrics.precision(counts) == pytest.approx([2 / 3, 2 / 3])
    assert metrics.f1(counts) == pytest.approx([2 / 3, 4 / 5])
    assert metrics.g_mean(counts) == pytest.approx([2 / 3, math.sqrt(3 / 4)])


def test_every_item_is_counted_once_in_each_class(labels_and_found):
    labels, found = labels_and_found
    counts = count(labels, found)
    assert (counts.tp + counts.fn == labels.sum(0)).all()
    assert (counts.tp + counts.fp == found.sum(0)).all()
    assert (counts.tp + counts.fn + counts.fp + counts.tn == len(labels)).all()
    assert (counts.positives + counts.negatives == len(labels)).all()


def test_pooled_counts_are_those_of_all_pairs(labels_and_found):
    labels, found = labels_and_found
    pooled, flat = count(labels, found).pooled, count(labels.ravel(), found.ravel())
    assert (pooled.tp, pooled.fn, pooled.fp, pooled.tn) == (flat.tp, flat.fn, flat.fp, flat.tn)


def test_a_class_sees_its_own_column_only(labels_and_found):
    """The older code paired the label lists of multi-label records by position (reference 1.8, fault 15)."""
    labels, found = labels_and_found
    before = count(labels, found)
    labels[:, 0] = 1 - labels[:, 0]
    after = count(labels, found)
    assert after.tp[0] != before.tp[0]
    for cell in ("tp", "fn", "fp", "tn"):
        assert (getattr(after, cell)[1:] == getattr(before, cell)[1:]).all()


def test_counts_agree_with_scikit_learn(labels_and_found):
    labels, found = labels_and_found
    counts = count(labels, found)
    theirs = sklearn_metrics.multilabel_confusion_matrix(labels, found)
    assert (np.stack([counts.tn, counts.fp, counts.fn, counts.tp], 1) == theirs.reshape(-1, 4)).all()


@pytest.mark.parametrize("average", [None, "micro", "macro"])
def test_figures_agree_with_scikit_learn(labels_and_found, average):
    labels, found = labels_and_found
    counts = count(labels, found)
    theirs = sklearn_metrics.precision_recall_fscore_support(labels, found, average=average)[:3]
    for name, expected in zip(("precision", "sensitivity", "f1"), theirs, strict=True):
        values = FIGURES[name](counts.pooled if average == "micro" else counts)
        ours = macro(values, counts) if average == "macro" else values
        assert ours == pytest.approx(expected, abs=1e-15)


def test_the_negatives_precision_and_the_accuracy_agree_with_scikit_learn(labels_and_found):
    labels, found = labels_and_found
    counts = count(labels, found)
    theirs = sklearn_metrics.precision_score(1 - labels, ~np.asarray(found, bool), average=None)
    assert FIGURES["npv"](counts) == pytest.approx(theirs, abs=1e-15)
    each = [sklearn_metrics.accuracy_score(true, said) for true, said in zip(labels.T, found.T, strict=True)]
    assert FIGURES["accuracy"](counts) == pytest.approx(each, abs=1e-15)
    nothing_negative = Counts(*(np.array([n]) for n in (3, 0, 2, 0)))
    assert FIGURES["npv"](nothing_negative).tolist() == [0.0]  # as precision where nothing was found


def test_the_published_table_follows_from_its_counts():
    for name, expected in ALEXNET_FIGURES.items():
        assert FIGURES[name](ALEXNET).round(3).tolist() == expected
    assert ALEXNET.positives.tolist() == [553, 523, 498, 263]
    pooled = ALEXNET.pooled
    micro = {name: round(float(figure(pooled)), 3) for name, figure in FIGURES.items()}
    assert micro == {
        "sensitivity": 0.642,
        "specificity": 0.830,
        "precision": 0.505,
        "npv": 0.896,
        "accuracy": 0.790,
        "f1": 0.565,
        "g_mean": 0.730,
    }
    means = {name: round(macro(figure(ALEXNET), ALEXNET), 3) for name, figure in FIGURES.items()}
    assert means == {
        "sensitivity": 0.635,
        "specificity": 0.830,
        "precision": 0.499,
        "npv": 0.895,
        "accuracy": 0.790,
        "f1": 0.553,
        "g_mean": 0.725,
    }


def test_figures_lie_between_0_and_1_and_keep_leading_dimensions(labels_and_found):
    labels, found = labels_and_found
    halves = [count(labels[::2], found[::2]), count(labels[1::2], found[1::2])]
    both = Counts(*(np.stack([getattr(h, cell) for h in halves]) for cell in ("tp", "fn", "fp", "tn")))
    for figure in FIGURES.values():
        assert figure(both).shape == (2, 5)
        assert (figure(both)[1] == figure(halves[1])).all()
        assert ((figure(both) >= 0) & (figure(both) <= 1)).all()


def test_nothing_divided_by_nothing_is_nan():
    no_positive, no_negative = single(0, 0, 0, 9), single(9, 0, 0, 0)
    assert all(np.isnan(FIGURES[name](no_positive)) for name in ("sensitivity", "precision", "f1", "g_mean"))
    assert metrics.specificity(no_positive) == 1
    assert np.isnan(metrics.specificity(no_negative))
    assert metrics.sensitivity(no_negative) == metrics.precision(no_negative) == 1


def test_precision_is_0_where_nothing_of_something_was_found():
    assert metrics.precision(single(0, 3, 0, 5)) == metrics.f1(single(0, 3, 0, 5)) == 0
    for counts in (single(0, 0, 0, 5), single(0, 0, 2, 5), single(0, 3, 0, 5), single(1, 0, 0, 0)):
        assert np.isnan(metrics.precision(counts)) == np.isnan(metrics.f1(counts))


def test_macro_leaves_out_classes_without_a_positive():
    counts = Counts(np.array([1, 0, 3]), np.array([1, 0, 0]), np.array([0, 2, 0]), np.array([4, 4, 3]))
    assert macro(metrics.sensitivity(counts), counts) == pytest.approx((1 / 2 + 1) / 2)
    assert macro(metrics.specificity(counts), counts) == 1  # not the 4/6 of the second class
    nobody = Counts(*(np.array([n, n]) for n in (0, 0, 1, 1)))
    assert math.isnan(macro(metrics.f1(nobody), nobody))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_auroc_is_the_chance_of_a_right_order(dtype):
    draw = np.random.default_rng(1)
    labels, scores = draw.integers(0, 2, 200), (draw.integers(0, 40, 200) / 64).astype(dtype)  # many ties
    above = scores[labels == 1][:, None] - scores[labels == 0]
    assert auroc(labels, scores) == pytest.approx(((above > 0) + 0.5 * (above == 0)).mean(), abs=1e-12)
    assert auroc(labels, 1 - scores) == pytest.approx(1 - auroc(labels, scores), abs=1e-12)


def test_average_precision_is_the_mean_precision_at_the_positives():
    draw = np.random.default_rng(2)
    labels, scores = draw.integers(0, 2, 200), draw.permutation(200) / 200
    at = [labels[scores >= s].mean() for s in scores[labels == 1]]
    assert average_precision(labels, scores) == pytest.approx(np.mean(at), abs=1e-12)


def test_macro_auroc_is_the_mean_over_the_classes_that_have_both_sides():
    draw = np.random.default_rng(3)
    labels, scores = draw.integers(0, 2, (80, 4)), draw.random((80, 4))
    assert macro_auroc(labels, scores) == pytest.approx(sklearn_metrics.roc_auc_score(labels, scores), abs=1e-12)
    labels[:, 1], labels[:, 2] = 0, 1
    theirs = sklearn_metrics.roc_auc_score(labels[:, [0, 3]], scores[:, [0, 3]])
    assert macro_auroc(labels, scores) == pytest.approx(theirs, abs=1e-12)
    assert math.isnan(macro_auroc(labels[:, 1:3], scores[:, 1:3]))


def test_rankings_need_both_sides():
    scores = np.array([0.1, 0.2, 0.3])
    assert all(math.isnan(ranking(np.zeros(3), scores)) for ranking in RANKINGS.values())
    assert math.isnan(auroc(np.ones(3), scores))
    assert average_precision(np.ones(3), scores) == 1


def test_labels_and_predictions_of_unlike_shape_are_refused():
    with pytest.raises(ValueError, match="differ in shape"):
        count(np.zeros((3, 2)), np.zeros((3, 1)))
