"""Thresholds: the best cut on all dev scores, against trying every one of them in exact fractions."""

from fractions import Fraction

import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.thresholds import (
    CRITERIA,
    EXAMPLES,
    FALLBACK,
    choose_threshold,
    get_thresholds,
    predict,
    threshold_choice,
)


def by_trying_all(labels: np.ndarray, scores: np.ndarray, criterion: str) -> float:
    """The definition, slowly: of the cuts with the highest exact value, the highest one."""

    def value(cut: float) -> Fraction:
        tp, fp = (int((labels[scores >= cut] == side).sum()) for side in (1, 0))
        fn, tn = int(labels.sum()) - tp, int((1 - labels).sum()) - fp
        sensitivity, specificity = Fraction(tp, tp + fn), Fraction(tn, tn + fp)
        return {
            "gmean": sensitivity * specificity,  # its root has its order
            "youden": sensitivity + specificity - 1,
            "f1": Fraction(2 * tp, 2 * tp + fp + fn),
            "fbeta:2": Fraction(5 * tp, 5 * tp + 4 * fn + fp),
            "fbeta:0.5": Fraction(5 * tp, 5 * tp + fn + 4 * fp),
            "sensitivity:0.55": specificity if sensitivity >= Fraction(55, 100) else Fraction(-1),
            "sensitivity:1": specificity if sensitivity == 1 else Fraction(-1),
        }[criterion]

    return max((value(cut), float(cut)) for cut in np.unique(scores))[1]


def some_dev(n: int = 300, seed: int = 0) -> Scores:
    draw = np.random.default_rng(seed)
    labels = (draw.random((n, 3)) < [0.4, 0.2, 0.1]).astype(np.uint8)
    scores = np.clip(0.3 * draw.normal(size=(n, 3)) + 0.2 * labels + 0.4, 0, 1).astype(np.float32)
    return Scores(scores, labels, np.arange(n), ("a", "b", "c"), "multilabel")


@pytest.mark.parametrize("criterion", [*CRITERIA, "fbeta:2", "fbeta:0.5", "sensitivity:0.55", "sensitivity:1"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("levels", [3, 12, 10**6])
def test_it_is_the_best_of_all_cuts(criterion, dtype, levels):
    draw = np.random.default_rng(levels)
    for n in (2, 3, 5, 9, 15, 40):
        for _ in range(12):
            labels = draw.permutation(np.arange(n) < draw.integers(1, n))
            scores = (draw.integers(0, levels, n) / levels).astype(dtype)
            expected = by_trying_all(labels.astype(int), scores, criterion)
            assert choose_threshold(labels, scores, criterion) == expected


@pytest.mark.parametrize("criterion", CRITERIA)
def test_perfect_scores_are_cut_at_the_lowest_positive(criterion):
    assert choose_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.7, 0.9]), criterion) == 0.7


def test_among_equal_optima_the_highest_wins():
    # cut at 0.8: sensitivity 1/3, specificity 6/6; at 0.3: 3/3 and 2/6. Equal, though floats may differ
    labels = np.array([1, 0, 0, 0, 0, 1, 1, 0, 0])
    scores = np.array([0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.3, 0.2, 0.1])
    assert choose_threshold(labels, scores, "gmean") == 0.8
    assert choose_threshold(labels, scores, "youden") == 0.8


def test_the_older_studys_error_is_not_repeated():
    """Its threshold was overwritten each batch: the last 44 dev records decided (reference 1.8, fault 5)."""
    dev = some_dev()
    values = get_thresholds(dev.classes, dev).values
    mixed = np.random.default_rng(3).permutation(300)
    shuffled = Scores(dev.scores[mixed], dev.labels[mixed], dev.item_id[mixed], dev.classes, dev.kind)
    assert get_thresholds(dev.classes, shuffled).values == values
    last = Scores(dev.scores[-44:], dev.labels[-44:], dev.item_id[-44:], dev.classes, dev.kind)
    assert get_thresholds(dev.classes, last).values != values


def test_every_class_has_its_own():
    dev = some_dev()
    thresholds = get_thresholds(dev.classes, dev, "f1")
    for i, name in enumerate(dev.classes):
        assert thresholds.values[name] == by_trying_all(dev.labels[:, i].astype(int), dev.scores[:, i], "f1")
        assert thresholds.values[name] in dev.scores[:, i].astype(float)
    assert (thresholds.choice, thresholds.n_dev, thresholds.not_chosen) == ("f1", 300, ())


def test_gmean_is_the_default():
    dev = some_dev()
    assert get_thresholds(dev.classes, dev) == get_thresholds(dev.classes, dev, "gmean")
    assert get_thresholds(dev.classes, dev) != get_thresholds(dev.classes, dev, "f1")


@pytest.mark.parametrize("only", [0, 1])
def test_a_class_without_dev_positives_or_negatives_gets_a_half_and_is_named(only):
    dev = some_dev()
    dev.labels[:, 1] = only
    thresholds = get_thresholds(dev.classes, dev)
    assert thresholds.values["b"] == FALLBACK == 0.5
    assert thresholds.not_chosen == ("b",)
    assert thresholds.values["a"] == get_thresholds(dev.classes, some_dev()).values["a"]


@pytest.mark.parametrize("criterion", EXAMPLES)
def test_a_criterion_without_dev_scores_is_refused(criterion):
    with pytest.raises(EcgFusionError, match=f"-threshold {criterion} chooses on dev scores, and there are none"):
        get_thresholds(("a", "b"), None, criterion)


def test_without_dev_scores_all_are_a_half():
    thresholds = get_thresholds(("a", "b"), None)
    assert dict(thresholds.values) == {"a": 0.5, "b": 0.5}
    assert thresholds.choice is None


def test_a_number_is_taken_as_it_is():
    for dev in (None, some_dev()):
        thresholds = get_thresholds(("a", "b", "c"), dev, 0.25)
        assert set(thresholds.values.values()) == {0.25}
        assert (thresholds.choice, thresholds.n_dev) == (0.25, 0)


def test_a_wanted_sensitivity_is_reached_and_no_more():
    labels, scores = np.array([1] * 20 + [0] * 20), np.linspace(1, 0, 40)
    cut = choose_threshold(labels, scores, "sensitivity:0.55")
    assert (scores[:20] >= cut).sum() == 11  # 0.55 × 20 in floats is above 11
    assert choose_threshold(labels, scores, "sensitivity:0.551") == scores[11]


def test_fbeta_of_1_is_f1_and_a_greater_beta_finds_more():
    dev = some_dev()
    chosen = [get_thresholds(dev.classes, dev, f"fbeta:{beta}").values["a"] for beta in ("0.2", "1", "5")]
    assert chosen[1] == get_thresholds(dev.classes, dev, "f1").values["a"]
    assert chosen == sorted(chosen, reverse=True)
    assert chosen[0] > chosen[2]


@pytest.mark.parametrize(
    "text",
    [
        "fbeta",
        "fbeta:",
        "fbeta:0",
        "fbeta:-1",
        "fbeta:inf",
        "sensitivity:1.1",
        "sensitivity:90%",
        "fbeta:1e999999999",
        "fbeta:nan",
    ],
)
def test_a_criterion_without_its_number_is_refused(text):
    with pytest.raises(EcgFusionError, match=rf"{text} is no threshold: .* takes a number above 0, up to"):
        threshold_choice(text)


@pytest.mark.parametrize("text", ["gmean", "f1", "youden", "fbeta:2", "sensitivity:0.9"])
def test_a_criterion_is_a_choice(text):
    assert threshold_choice(text) == text


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("1", 1.0), (".5", 0.5), ("2e-3", 0.002), (0.3, 0.3)])
def test_a_number_is_a_choice(text, number):
    assert threshold_choice(text) == number


@pytest.mark.parametrize("text", ["test", "", "nan", "inf", "-0.1", "1.1", "0,5", "GMEAN", float("nan")])
def test_anything_else_is_not(text):
    """The older code passed the word 'test' on as the threshold (reference 1.8, fault 6)."""
    with pytest.raises(EcgFusionError, match=r"is no threshold: take gmean, .*fbeta:2, .* or a number from 0 to 1"):
        threshold_choice(text)


def test_a_score_equal_to_its_threshold_is_positive():
    scores = np.array([[0.3, 0.7], [0.2999, 0.7001]], np.float32)
    assert predict(scores, [0.3, 0.7]).tolist() == [[True, True], [False, True]]  # 0.7 above float32's 0.7
    assert predict(scores, [float(scores[0, 0]), float(scores[1, 1])]).tolist() == [
        [True, False],
        [False, True],
    ]


@pytest.mark.parametrize("thresholds", ["test", ["0.5", "0.5"], [0.5], 0.5, [0.5, None]])
def test_only_one_number_a_class_can_be_compared_with(thresholds):
    with pytest.raises(ValueError, match="2 numbers are needed"):
        predict(np.zeros((3, 2)), thresholds)
