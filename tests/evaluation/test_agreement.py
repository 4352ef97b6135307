"""Figures of a confusion matrix: by hand, against scikit-learn, and of which classes each is."""

import math

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass
from sklearn import metrics as sklearn_metrics

from pipeline.evaluation.agreement import AGREEMENT, AgreementFigure, agreement, agreement_figures
from pipeline.evaluation.comparison import compare
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.report.comparisons import comparison_text
from pipeline.report.tables import as_text

FIVE = ("N", "S", "V", "F", "Q")


def test_figures_by_hand():
    counts = np.array([[4, 1, 0], [1, 2, 1], [0, 0, 1]])
    found = agreement(counts, ("N", "A", "O"))
    assert found["accuracy"] == pytest.approx(7 / 10)
    assert found["balanced_accuracy"] == pytest.approx((4 / 5 + 2 / 4 + 1) / 3)
    by_chance = (5 * 5 + 4 * 3 + 1 * 2) / 100
    assert found["kappa"] == pytest.approx((0.7 - by_chance) / (1 - by_chance))
    assert found["cinc2017_f1"] == pytest.approx((8 / 10 + 4 / 7 + 2 / 3) / 3)


@pytest.mark.parametrize("skill", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("classes", [("N", "A", "O"), FIVE])
def test_they_are_scikit_learns(classes, skill):
    scores = drawn_multiclass(classes=classes, skill=skill)
    evaluation = evaluate(scores)
    pair = scores.labels.argmax(1), scores.scores.argmax(1)
    found = evaluation.agreement
    assert found["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(*pair), abs=1e-12)
    assert found["balanced_accuracy"] == pytest.approx(sklearn_metrics.balanced_accuracy_score(*pair), abs=1e-12)
    assert found["kappa"] == pytest.approx(sklearn_metrics.cohen_kappa_score(*pair), abs=1e-12)
    mean = sklearn_metrics.f1_score(*pair, average="macro")
    assert evaluation.macro.figures["f1"] == pytest.approx(mean, abs=1e-12)
    assert ("cinc2017_f1" in found) == (classes == ("N", "A", "O"))
    if "cinc2017_f1" in found:
        assert found["cinc2017_f1"] == pytest.approx(mean, abs=1e-12)
    assert evaluation.as_json()["agreement"] == found
    assert evaluation.as_json()["accuracy"] == evaluation.accuracy == found["accuracy"]


@pytest.mark.parametrize(
    ("classes", "has_it"),
    [
        (("N", "A", "O"), True),
        (("O", "N", "A"), True),
        (("N", "A", "O", "~"), True),
        (("~", "O", "A", "N"), True),
        (("N", "A"), False),
        (("N", "A", "O", "Q"), False),
        (("N", "A", "O", "~", "Q"), False),
        (("n", "a", "o"), False),
        (("AF", "SR"), False),
    ],
)
def test_the_f1_of_cinc_2017_is_of_its_classes_alone(classes, has_it):
    assert ("cinc2017_f1" in agreement_figures(classes)) == has_it
    assert ("CinC 2017 F1" in as_text(evaluate(drawn_multiclass(classes=classes)))) == has_it


def test_a_noisy_recording_has_no_f1_and_spoils_that_of_what_it_is_taken_for():
    """Clifford et al. 2017: F1n = 2 Nn / (ΣN + Σn), over four classes; the score is the mean of N, A and O."""
    classes = ("~", "O", "A", "N")
    scores = drawn_multiclass(classes=classes)
    pair = scores.labels.argmax(1), scores.scores.argmax(1)
    expected = sklearn_metrics.f1_score(*pair, average="macro", labels=[1, 2, 3])
    assert evaluate(scores).agreement["cinc2017_f1"] == pytest.approx(expected, abs=1e-12)


def test_what_is_nothing_over_nothing_is_nan():
    one = agreement(np.array([[5, 0, 0], [0, 0, 0], [0, 0, 0]]), ("N", "A", "O"))
    assert one["accuracy"] == one["balanced_accuracy"] == 1  # of the one class that there is
    assert math.isnan(one["kappa"])
    assert math.isnan(one["cinc2017_f1"])
    missed = agreement(np.array([[5, 1, 0], [0, 0, 0], [0, 0, 2]]), ("N", "A", "O"))
    assert missed["balanced_accuracy"] == pytest.approx((5 / 6 + 1) / 2)
    assert missed["cinc2017_f1"] == pytest.approx((10 / 11 + 0 + 1) / 3)  # A was found where there was none


def test_kappa_is_0_for_shares_alone_and_minus_1_at_the_least():
    assert agreement(np.array([[9, 3], [3, 1]]), ("a", "b"))["kappa"] == 0
    assert agreement(np.array([[0, 5], [5, 0]]), ("a", "b"))["kappa"] == -1
    assert AGREEMENT["kappa"].lowest == -1


def test_a_new_figure_is_a_line(monkeypatch: pytest.MonkeyPatch):
    """It stands in the text, the JSON, the intervals and a comparison."""
    worst = AgreementFigure("worst", lambda counts: counts.min((-2, -1)) / counts.sum((-2, -1)), "the rarest cell")
    monkeypatch.setitem(AGREEMENT, "worst", worst)
    models = {
        name: evaluate(drawn_multiclass(seed=seed), resampling=Resampling(100)) for name, seed in (("x", 1), ("y", 2))
    }
    for model in models.values():
        value = model.confusion.counts.min() / 240
        assert model.as_json()["agreement"]["worst"] == pytest.approx(value)
        low, high = model.as_json()["intervals"]["agreement"]["worst"]
        assert low <= value <= high
        assert "| worst " in as_text(model)
        assert "- worst: the rarest cell\n" in as_text(model)
    both = compare(models)
    assert "worst" in both.pairs[0].rows["agreement"]
    assert "Differences in worst:" in comparison_text(both)
