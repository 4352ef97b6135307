"""Temperatures: the one that was applied is found again, the likelihood on dev never falls, decisions stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multiclass_scores import drawn_multiclass
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from pipeline.errors import EcgFusionError
from pipeline.evaluation.calibration import (
    HIGHEST,
    LOWEST,
    apply_temperatures,
    calibrated,
    fit_temperatures,
    fitted_temperatures,
    log_loss,
)
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.thresholds import decisions, get_thresholds

CLASSES = ("MI", "CD", "HYP")


def drawn(n: int = 20000, seed: int = 0, prefix: str = "d") -> Scores:
    """Labels that are borne just as often as their scores say, in float64."""
    draw = np.random.default_rng(seed)
    scores = expit(draw.normal([-1, 0, -3], [2, 1, 1.5], (n, 3)))
    labels = draw.random((n, 3)) < scores
    return Scores(scores, labels, np.array([f"{prefix}{i}" for i in range(n)]), CLASSES, "multilabel")


def heated(scores: Scores, temperatures: dict[str, float]) -> Scores:
    return calibrated(scores, temperatures)[0]


def test_temperatures_that_were_applied_are_found_again():
    true = drawn()
    usual = fit_temperatures(true)
    assert all(abs(np.log(value)) < 0.06 for value in usual.values())
    applied = {"MI": 0.4, "CD": 2.5, "HYP": 1.0}
    found = fit_temperatures(heated(true, applied))
    for name, value in applied.items():  # logits over T, brought back by 1/T
        assert found[name] == pytest.approx(usual[name] / value, rel=1e-6)


@pytest.mark.parametrize("temperature", [0.4, 2.5])
def test_one_that_all_classes_had_is_found_again(temperature):
    true = drawn_multiclass(n=6000)
    usual = fit_temperatures(true)
    found = fit_temperatures(heated(true, dict.fromkeys(true.classes, temperature)))
    assert {*found} == {*true.classes}
    assert {*found.values()} == {found["N"]}
    assert found["N"] == pytest.approx(usual["N"] / temperature, rel=1e-6)


def test_it_is_a_logistic_regression_without_intercept():
    dev = drawn(4000)
    for i, name in enumerate(CLASSES):
        fitting = LogisticRegression(fit_intercept=False, C=np.inf, tol=1e-10)
        fitted = fitting.fit(logit(dev.scores[:, [i]]), dev.labels[:, i])
        assert fit_temperatures(dev)[name] == pytest.approx(1 / fitted.coef_[0, 0], rel=1e-4)


@given(st.integers(0, 10**6), st.sampled_from([np.float32, np.float64]), st.sampled_from([0.1, 1.0, 9.0]))
def test_dev_is_never_less_likely_than_before(seed, dtype, steepness):
    draw = np.random.default_rng(seed)
    n = int(draw.integers(2, 60))
    labels = draw.integers(0, 2, (n, 3))
    scores = expit(steepness * (draw.normal(size=(n, 3)) + draw.normal() * labels)).astype(dtype)
    dev = Scores(scores, labels, np.arange(n), CLASSES, "multilabel")
    assert (log_loss(heated(dev, dict(fit_temperatures(dev)))) <= log_loss(dev) + 1e-9).all()
    many = Scores(scores / scores.sum(1, keepdims=True), np.eye(3)[labels[:, 0]], np.arange(n), CLASSES, "multiclass")
    assert (log_loss(heated(many, dict(fit_temperatures(many)))) <= log_loss(many) + 1e-9).all()


@pytest.mark.parametrize("only", [0, 1])
def test_a_class_that_dev_has_one_side_of_stays_as_it_is_and_is_named(only):
    dev = heated(drawn(500), dict.fromkeys(CLASSES, 0.5))
    dev.labels[:, 1] = only
    found = fitted_temperatures(dev)
    assert (found.values["CD"], found.without, found.unbounded, found.n_dev) == (1.0, ("CD",), (), 500)
    assert found.values["MI"] == pytest.approx(2, rel=0.3)


def test_what_dev_cannot_tell_stays_as_it_is_and_is_named():
    """Of scores without an error any lower temperature is better still; of those that say the opposite, any higher."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, (300, 3))
    right, wrong = 0.5 + 0.4 * (labels[:, 0] - 0.5), 0.5 - 0.4 * (labels[:, 1] - 0.5)
    scores = np.stack([right, wrong, draw.random(300)], 1)
    labels[:, 2] = draw.random(300) < scores[:, 2]
    found = fitted_temperatures(Scores(scores, labels, np.arange(300), CLASSES, "multilabel"))
    assert (found.values["MI"], found.values["CD"], found.unbounded) == (1.0, 1.0, ("MI", "CD"))
    every = Scores(np.eye(3)[labels[:, 0]] * 0.7 + 0.1, np.eye(3)[labels[:, 0]], np.arange(300), CLASSES, "multiclass")
    assert fitted_temperatures(every).unbounded == CLASSES
    assert {*fit_temperatures(every).values()} == {1.0}


def test_they_lie_between_the_bounds():
    for applied in (LOWEST * 1.5, HIGHEST / 1.5):
        dev = heated(drawn(3000), dict.fromkeys(CLASSES, 1 / applied))
        assert all(LOWEST < value < HIGHEST for value in fit_temperatures(dev).values())


def test_by_hand():
    """Odds of 9 to 1 become their root, 3 to 1, at T = 2."""
    found = apply_temperatures(np.array([[0.9, 0.1]]), ("a", "b"), {"a": 2, "b": 2}, "multilabel")
    np.testing.assert_allclose(found, [[0.75, 0.25]])
    found = apply_temperatures(np.array([[16, 4, 1]]) / 21, CLASSES, dict.fromkeys(CLASSES, 2.0), "multiclass")
    np.testing.assert_allclose(found, np.array([[4, 2, 1]]) / 7)


def test_what_is_certain_stays_so():
    ends = np.array([[0.0, 0.5, 1.0]], np.float32)
    hot = dict.fromkeys(CLASSES, 3.0)
    assert apply_temperatures(ends, CLASSES, hot, "multilabel").tolist() == [[0.0, 0.5, 1.0]]
    found = apply_temperatures(np.array([[1.0, 0.0, 0.0]], np.float32), CLASSES, hot, "multiclass")
    assert found.argmax() == 0
    assert np.isfinite(found).all()


def test_order_stays():
    dev, many = drawn(2000), drawn_multiclass()
    moved = heated(dev, {"MI": 0.3, "CD": 4.0, "HYP": 1.7})
    assert (np.argsort(moved.scores, 0, kind="stable") == np.argsort(dev.scores, 0, kind="stable")).all()
    moved = heated(many, dict.fromkeys(many.classes, 4.0))
    assert (np.argsort(moved.scores) == np.argsort(many.scores)).all()
    np.testing.assert_allclose(moved.scores.sum(1), 1)


@given(st.integers(0, 10**6), st.floats(LOWEST, HIGHEST), st.sampled_from([np.float32, np.float64]))
def test_thresholds_go_with_it_and_the_same_is_found(seed, temperature, dtype):
    """Also where rounding near 1 makes one score of two: T = 0.05 brings all from 0.86 on to it."""
    draw = np.random.default_rng(seed)
    scores = expit(draw.normal(draw.normal(0, 4), 3, (60, 3))).astype(dtype)
    labels = draw.random((60, 3)) < scores
    dev = Scores(scores, labels, np.arange(60), CLASSES, "multilabel")
    thresholds = get_thresholds(CLASSES, dev)
    moved, cuts = calibrated(dev, dict.fromkeys(CLASSES, temperature), thresholds)
    assert cuts is not None
    np.testing.assert_array_equal(decisions(moved, cuts), decisions(dev, thresholds))
    assert cuts.choice == thresholds.choice
    plain = apply_temperatures(scores, CLASSES, dict.fromkeys(CLASSES, temperature), "multilabel")
    np.testing.assert_allclose(moved.scores, plain, atol=1e-15)


def test_a_temperature_is_wanted_for_every_class_and_one_for_those_of_a_softmax():
    with pytest.raises(EcgFusionError, match="there is no temperature for CD, HYP: fit one on dev"):
        apply_temperatures(np.ones((1, 3)), CLASSES, {"MI": 1.0}, "multilabel")
    with pytest.raises(EcgFusionError, match="exclude each other, and have several temperatures"):
        apply_temperatures(np.ones((1, 3)) / 3, CLASSES, {"MI": 1.0, "CD": 1.0, "HYP": 2.0}, "multiclass")


def test_what_goes_in_is_left_alone():
    dev = drawn(50)
    was = dev.scores.copy()
    calibrated(dev, dict.fromkeys(CLASSES, 2.0), get_thresholds(CLASSES, dev))
    np.testing.assert_array_equal(dev.scores, was)
