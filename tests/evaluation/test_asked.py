"""What is asked beside a table, and that the table stays what it was."""

import json

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass
from scipy.special import expit

from pipeline.errors import EcgFusionError
from pipeline.evaluation.asked import NOTHING, Asked, answer
from pipeline.evaluation.calibration import Temperatures, calibrated
from pipeline.evaluation.calibration_figures import probabilities_of
from pipeline.evaluation.figures import evaluate, evaluate_dev
from pipeline.evaluation.referral import without_rows
from pipeline.evaluation.scores import Scores

CLASSES = ("MI", "CD", "HYP")
ALL = Asked(calibrate=True, refer=0.1, conformal=0.9)


def drawn(prefix: str, n: int = 500, seed: int = 0) -> Scores:
    """Of a model that is twice as sure as it should be."""
    draw = np.random.default_rng(seed)
    logits = draw.normal([-1, 0, -2], 1.5, (n, 3))
    labels = draw.random((n, 3)) < expit(logits)
    names = np.array([f"{prefix}{i}" for i in range(n)])
    return Scores(expit(2 * logits).astype(np.float32), labels, names, CLASSES, "multilabel")


@pytest.fixture
def test() -> Scores:
    return drawn("t", seed=1)


@pytest.fixture
def dev() -> Scores:
    return drawn("d", seed=2)


def test_nothing_asked_is_the_plain_table(test, dev):
    assert answer(NOTHING, test, dev) == evaluate(test, dev)
    assert answer(NOTHING, dev, dev) == evaluate_dev(dev)


@pytest.mark.parametrize("threshold", [None, "f1", "sensitivity:0.9"])
def test_counts_and_ranks_are_those_of_the_uncalibrated(test, dev, threshold):
    found, plain = answer(ALL, test, dev, threshold), evaluate(test, dev, threshold)
    for name in CLASSES:
        assert found.classes[name].counts == plain.classes[name].counts
        assert found.classes[name].figures["auroc"] == pytest.approx(plain.classes[name].figures["auroc"], abs=1e-12)
    assert found.thresholds is not None
    assert plain.thresholds is not None
    assert found.thresholds.values != plain.thresholds.values


def test_thresholds_of_a_card_are_moved_with_the_scores(test, dev):
    chosen = evaluate_dev(dev).thresholds
    hot = Temperatures({"MI": 2.0, "CD": 0.5, "HYP": 1.0}, 500)
    found, plain = answer(NOTHING, test, dev, chosen=chosen, temperatures=hot), evaluate(test, dev, chosen=chosen)
    assert [row.counts for row in found.classes.values()] == [row.counts for row in plain.classes.values()]
    assert found.calibration is not None
    assert found.calibration.temperatures is hot


def test_what_it_says_it_was_is_nearer_to_what_is(test, dev):
    found = answer(Asked(calibrate=True), test, dev).calibration
    assert found is not None
    for name in CLASSES:
        assert found.temperatures.values[name] == pytest.approx(2, rel=0.35)
        assert found.after.brier[name] < found.before.brier[name]
        assert found.after.ece[name] < found.before.ece[name]
    assert found.before.as_json() == probabilities_of(test).as_json()
    assert found.after.top_label_ece is None


def test_the_rest_is_what_is_left_at_the_same_thresholds(test, dev):
    found = answer(ALL, test, dev)
    assert found.referral is not None
    assert found.calibration is not None
    others = without_rows(found.calibration.scores, found.referral.rows)
    assert found.referral.rest == evaluate(others, chosen=found.thresholds)
    assert found.referral.rest.n_items == 450


def test_sets_are_the_same_at_any_temperature(test, dev):
    plain, hot = answer(Asked(conformal=0.9), test, dev).conformal, answer(ALL, test, dev).conformal
    assert plain is not None
    assert hot is not None
    np.testing.assert_array_equal(plain.has, hot.has)
    np.testing.assert_array_equal(plain.lacks, hot.lacks)


def test_of_dev_itself_it_says_so_and_gives_no_sets(dev):
    found = answer(Asked(calibrate=True, refer=0.2), dev, dev)
    assert found.note == "optimistic: chosen on these items"
    assert found.referral is not None
    assert found.referral.rest.note == found.note
    with pytest.raises(EcgFusionError, match="-conformal is calibrated on dev, and says nothing of dev itself"):
        answer(Asked(conformal=0.9), dev, dev)


def test_what_needs_dev_is_refused_without(test):
    for asked in (Asked(calibrate=True), Asked(conformal=0.9)):
        with pytest.raises(EcgFusionError, match=f"-{asked.of_dev[0]} is fitted on dev scores, and there are none"):
            answer(asked, test, None)
    assert answer(Asked(refer=0.1), test, None).referral is not None
    hot = Temperatures(dict.fromkeys(CLASSES, 2.0), 10)
    assert answer(Asked(calibrate=True), test, None, temperatures=hot).calibration is not None


def test_numbers_out_of_range_are_refused_before_anything_is_scored():
    with pytest.raises(EcgFusionError, match="-refer 2 is no part"):
        Asked(refer=2)
    with pytest.raises(EcgFusionError, match="-conformal 90 is no coverage"):
        Asked(conformal=90)


def test_classes_that_exclude_each_other_keep_their_winner():
    test, dev = drawn_multiclass(), drawn_multiclass("dev", n=300, seed=5)
    found, plain = answer(ALL, test, dev), evaluate(test, dev)
    assert [row.counts for row in found.classes.values()] == [row.counts for row in plain.classes.values()]
    assert found.calibration is not None
    assert found.calibration.after.top_label_ece is not None
    np.testing.assert_allclose(calibrated(test, found.calibration.temperatures.values)[0].scores.sum(1), 1)


def test_the_json_has_all_of_it_and_nothing_that_is_no_number(test, dev):
    for scores, of_dev in ((test, dev), (drawn_multiclass(), drawn_multiclass("dev", seed=5))):
        found = json.loads(json.dumps(answer(ALL, scores, of_dev).as_json(), allow_nan=False))
        assert found["calibration"]["fitted_on"] == found["conformal"]["calibrated_on"] == "dev"
        assert found["referral"]["n_referred"] + found["referral"]["rest"]["n_items"] == found["n_items"]
