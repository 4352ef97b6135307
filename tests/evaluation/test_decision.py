"""Decision curves: net benefit by hand, what perfect and useless scores have, and intervals that hold."""

import json

import numpy as np
import pytest
from scipy.special import expit

from pipeline.evaluation.asked import Asked, answer
from pipeline.evaluation.decision import AT, GRID, decision_curves, net_benefit
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores


def drawn(n: int = 300, seed: int = 0) -> Scores:
    """Probabilities that are what they say; the second class has no positive."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(-1, 1.5, (n, 2))
    labels = draw.random((n, 2)) < expit(logits)
    labels[:, 1] = False
    return Scores(expit(logits), labels, np.arange(n), ("a", "none"), "multilabel", patient_id=np.arange(n) // 2)


def test_by_hand():
    labels, scores = np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.3, 0.6, 0.2, 0.1])
    # from 0.25 on: both positives, one negative at a third
    assert net_benefit(labels, scores, np.array([0.25])) == pytest.approx([(2 - 1 / 3) / 5])
    assert net_benefit(labels, scores, np.array([0.5])) == pytest.approx([(1 - 1) / 5])


def test_scores_without_a_miss_have_the_prevalence_and_all_is_acting_on_all():
    labels = np.array([1, 0, 0, 1])
    assert net_benefit(labels, labels * 1.0, GRID) == pytest.approx(np.full(99, 0.5))
    expected = 0.5 - 0.5 * GRID / (1 - GRID)
    assert net_benefit(labels, np.ones(4), GRID) == pytest.approx(expected)
    assert net_benefit(labels, np.zeros(4), GRID).tolist() == [0] * 99


def test_acting_on_all_is_worth_nothing_at_the_prevalence():
    labels = np.array([1] * 20 + [0] * 80)
    assert net_benefit(labels, np.ones(100), np.array([0.2])) == pytest.approx([0], abs=1e-12)


def test_a_float32_score_reaches_its_threshold():
    scores = np.array([0.3], np.float32)
    assert net_benefit(np.array([1]), scores, np.array([0.3])) == [1]


def test_what_says_what_is_does_no_harm():
    curve = decision_curves(drawn(20_000)).curves["a"]
    assert (curve.model >= np.maximum(curve.of_all, 0) - 0.003).all()


def test_intervals_hold_the_figure_and_a_class_without_positives_has_none():
    found = decision_curves(drawn(), Resampling(200))
    for point in found.curves["a"].points:
        assert point.span[0] <= point.benefit <= point.span[1]
        assert point.gain == pytest.approx(point.benefit - max(point.of_all, 0))
    assert [point.threshold for point in found.curves["a"].points] == [*AT]
    assert all(point.span is point.gain_span is None for point in found.curves["none"].points)
    assert all(point.span is None for point in decision_curves(drawn()).curves["a"].points)


def test_intervals_hold_the_truth():
    many = drawn(200_000, 99)
    truth = net_benefit(many.labels[:, 0], many.scores[:, 0], np.array([0.3]))[0]
    held = 0
    for seed in range(100):
        low, high = decision_curves(drawn(200, seed), Resampling(100)).curves["a"].points[3].span
        held += low <= truth <= high
    assert 0.86 <= held / 100 <= 1


def test_it_is_part_of_the_answer_and_says_whether_it_is_calibrated():
    found = answer(Asked(decision=True), drawn(), None, resampling=Resampling(50))
    assert not found.decision.is_calibrated
    as_json = json.loads(json.dumps(found.as_json(), allow_nan=False))["decision"]
    assert len(as_json["classes"]["a"]["net_benefit"]) == len(as_json["thresholds"]) == 99
    assert "decision" not in answer(Asked(), drawn(), None).as_json()
