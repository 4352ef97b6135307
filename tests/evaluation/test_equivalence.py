"""Equivalence: its interval and its p-value say the same, and the verdicts are what they are called."""

import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.evaluation.comparison import Comparison, compare
from pipeline.evaluation.equivalence import check_margin
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores
from pipeline.report.comparisons import comparison_text


def model(skill: float, seed: int = 0, own: float = 0.3, n: int = 400) -> Scores:
    draw, errors = np.random.default_rng(n), np.random.default_rng(1000 + seed)
    labels = draw.random((n, 2)) < [0.4, 0.3]
    logits = draw.normal(size=(n, 2)) + own * errors.normal(size=(n, 2)) + skill * labels
    items = np.array([f"t{i}" for i in range(n)])
    return Scores(1 / (1 + np.exp(-logits)), labels, items, ("a", "b|c"), "multilabel", patient_id=np.arange(n) // 2)


def compared(margin: float, ci: str = "wilson", n: int = 400, **models: Scores) -> Comparison:
    found = {name: evaluate(each, resampling=Resampling(n, ci=ci)) for name, each in models.items()}
    return compare(found, models, margin)


@pytest.mark.parametrize("ci", ["wilson", "bca"])
@pytest.mark.parametrize("margin", [0.005, 0.02, 0.05])
def test_interval_and_p_value_never_disagree(margin: float, ci: str):
    comparison = compared(margin, ci, a=model(1.2), b=model(1.1, 1), c=model(1.0, 2))
    for pair in comparison.equivalences:
        for _, _, each in pair.rows:
            for (low, high), p in ((each.span, each.p), (each.span_holm, each.p_holm)):
                assert (-margin < low and high < margin) == (p <= 0.05 + 1e-12)


def test_a_model_is_as_good_as_itself_within_any_margin():
    (pair,) = compared(1e-6, once=model(1), again=model(1)).equivalences
    assert [each.verdict for _, _, each in pair.rows] == ["equivalent"] * 3


def test_verdicts():
    alike = compared(0.05, a=model(1, 1, 0.05), b=model(1, 2, 0.05)).equivalences[0].macro
    assert (alike.verdict, alike.is_equivalent) == ("equivalent", True)
    unlike = compared(0.01, a=model(2), b=model(0.5)).equivalences[0].macro
    assert (unlike.verdict, unlike.p) == ("different", pytest.approx(1, abs=0.01))
    unknown = compared(0.005, a=model(1, 1, 1.0), b=model(1, 2, 1.0)).equivalences[0].macro
    assert unknown.verdict == "not shown"
    small = compared(0.2, a=model(1.5), b=model(1.2)).equivalences[0].macro
    assert small.verdict == "equivalent, though different"


def test_models_that_differ_by_the_margin_are_seldom_called_equivalent():
    """Within what the model itself loses: its true AUCs differ by more than 0.04."""
    found = 0
    for seed in range(25):
        one, other = model(1.5, seed, n=200 + seed), model(1.2, seed, n=200 + seed)
        found += compared(0.03, n=100, a=one, b=other).equivalences[0].macro.is_equivalent
    assert found <= 4


@pytest.mark.parametrize("margin", [0, -0.1, 1, 2, float("nan"), float("inf")])
def test_what_is_no_margin_is_refused(margin: float):
    with pytest.raises(EcgFusionError, match=f"-equivalence {margin:g} is no margin of an AUC: give a number above 0"):
        check_margin(margin)


def test_it_is_said():
    comparison = compared(0.05, a=model(1, 1, 0.05), b=model(1, 2, 0.05))
    text = comparison_text(comparison)
    assert "As good as each other, within 0.05 of macro-AUC?\n\n- " in text
    assert ": equivalent (" in text
    assert "| b\\|c" in text
    found = comparison.as_json()["equivalence"]
    assert found["margin"] == 0.05
    assert found["pairs"][0]["macro"]["verdict"] == "equivalent"
    assert set(found["pairs"][0]["classes"]) == {"a", "b|c"}
    assert "equivalence" not in compare(comparison.models).as_json()
