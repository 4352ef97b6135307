"""Intervals of what follows from a confusion matrix: by a plain bootstrap, by Wilson, and what is withheld."""

import json

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass
from sklearn.metrics import cohen_kappa_score

from pipeline.evaluation.agreement import agreement, agreement_figures
from pipeline.evaluation.agreement_intervals import AgreementResamples
from pipeline.evaluation.comparison import compare
from pipeline.evaluation.confusion import taken
from pipeline.evaluation.figures import Evaluation, evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.proportions import wilson
from pipeline.evaluation.scores import Scores
from pipeline.report.tables import as_text

CLASSES = ("N", "A", "O")


def resamples(n: int = 240) -> tuple[Scores, np.ndarray, AgreementResamples]:
    scores = drawn_multiclass(n=n)
    patients = np.arange(n) // 2
    return scores, patients, AgreementResamples(scores.labels, taken(scores.scores), CLASSES, patients)


def test_draws_are_the_figures_of_the_drawn_items():
    scores, patients, gathered = resamples()
    draw = np.random.default_rng(0)
    times = draw.multinomial(120, np.full(120, 1 / 120), size=50)
    gathered.add(times[:20, patients].T.astype(float))
    gathered.add(times[20:, patients].T.astype(float))
    draws = gathered.intervals().draws
    truth, found = scores.labels.argmax(1), scores.scores.argmax(1)
    for row, weights in zip(draws, times[:, patients], strict=True):
        items = np.repeat(np.arange(240), weights)
        counts = np.zeros((3, 3), int)
        np.add.at(counts, (truth[items], found[items]), 1)
        assert row.tolist() == pytest.approx(list(agreement(counts, CLASSES).values()))
        assert row[list(agreement_figures(CLASSES)).index("kappa")] == pytest.approx(
            cohen_kappa_score(truth[items], found[items])
        )


def test_every_figure_lies_in_its_interval_and_accuracy_has_wilsons():
    alone = drawn_multiclass()
    alone.patient_id = None
    evaluation = evaluate(alone, resampling=Resampling(2000))
    spans = evaluation.intervals.agreement
    assert spans.keys() == evaluation.agreement.keys() == {"accuracy", "balanced_accuracy", "kappa", "cinc2017_f1"}
    for name, (low, high) in spans.items():
        assert low < evaluation.agreement[name] < high
    assert spans["accuracy"] == pytest.approx(wilson(evaluation.accuracy, 240), abs=0.004)
    assert spans["accuracy"] == pytest.approx(evaluation.intervals.micro["sensitivity"])
    assert evaluation.as_json()["intervals"]["accuracy"] == list(spans["accuracy"])


def test_patients_with_the_same_answers_twice_are_worth_one():
    """The design effect: every item doubled within its patient leaves the intervals as they are."""
    single = drawn_multiclass(n=120)
    single.patient_id = np.array([f"p{i}" for i in range(120)])
    items = np.concatenate([single.item_id, np.char.add(single.item_id, "b")])
    double = Scores(
        np.tile(single.scores, (2, 1)), np.tile(single.labels, (2, 1)), items, CLASSES, "multiclass",
        patient_id=np.tile(single.patient_id, 2),
    )  # fmt: skip
    ours, doubled = (evaluate(each, resampling=Resampling(400)) for each in (single, double))
    for name, span in ours.intervals.agreement.items():
        assert doubled.intervals.agreement[name] == pytest.approx(span, abs=1e-9)


def with_rare(n_rare: int) -> Evaluation:
    labels = np.eye(3)[np.where(np.arange(200) < n_rare, 1, np.where(np.arange(200) < 100, 0, 2))]
    scores = drawn_multiclass(n=200)
    scores = Scores(0.5 * scores.scores + 0.5 * labels, labels, scores.item_id, CLASSES, "multiclass")
    return evaluate(scores, resampling=Resampling(100))


@pytest.mark.parametrize(("n_rare", "withheld"), [(3, True), (7, True), (9, True), (10, False), (40, False)])
def test_a_mean_over_classes_needs_ten_patients_of_each(n_rare: int, withheld: bool):
    evaluation = with_rare(n_rare)
    found = evaluation.intervals.withheld.get(("agreement", ""), {})
    assert found.keys() == ({"balanced_accuracy", "cinc2017_f1"} if withheld else set())
    saved = json.loads(json.dumps(evaluation.as_json(), allow_nan=False))["intervals"]
    assert (saved["agreement"]["balanced_accuracy"] is None) == withheld
    assert saved["agreement"]["kappa"] is not None
    assert ("agreement" in saved["withheld"]) == withheld
    reason = f"{n_rare} patients in one of its classes, fewer than 10"
    assert (f"- † balanced accuracy has no interval: {reason}\n" in as_text(evaluation)) == withheld


def test_kappa_needs_ten_patients_beside_the_commonest_class():
    labels = np.eye(2)[(np.arange(200) < 8).astype(int)]
    scores = Scores(0.3 + 0.4 * labels, labels, np.arange(200), ("a", "b"), "multiclass")
    evaluation = evaluate(scores, resampling=Resampling(100))
    reason = evaluation.intervals.withheld["agreement", ""]["kappa"]
    assert reason == "8 patients without the commonest class, fewer than 10"
    low, high = evaluation.intervals.agreement["accuracy"]  # which has a width, though all is right
    assert low < high == 1


def test_a_single_class_leaves_no_kappa_and_no_warning():
    evaluation = evaluate(
        Scores(np.ones((30, 1)), np.ones((30, 1)), np.arange(30), ("a",), "multiclass"), resampling=Resampling(40)
    )
    assert evaluation.as_json()["agreement"] == {"accuracy": 1.0, "balanced_accuracy": 1.0, "kappa": None}
    assert "kappa" in evaluation.intervals.withheld["agreement", ""]
    assert "| Cohen's kappa     |     – |" in as_text(evaluation)


def test_a_model_does_not_differ_from_itself_and_a_better_one_does():
    once = evaluate(drawn_multiclass(), resampling=Resampling(200))
    good = evaluate(drawn_multiclass(skill=4), resampling=Resampling(200))
    for difference in compare({"a": once, "b": once}).pairs[0].rows["agreement"].values():
        assert (difference.value, difference.span, difference.p_holm) == (0, (0, 0), 1)
    pair = compare({"once": once, "good": good}).pairs[0]
    assert pair.first == "good"
    assert pair.rows["agreement"].keys() == good.agreement.keys()
    for name, difference in pair.rows["agreement"].items():
        assert difference.value == pytest.approx(good.agreement[name] - once.agreement[name])
        assert 0 < difference.span[0] <= difference.value <= difference.span[1]
        assert not difference.is_within_noise


def test_intervals_hold_the_truth_in_about_95_of_100_cases():
    """Of three classes with 12, 30 and 58 of 100 patients; the truth is known from very many items."""
    accuracies, classes = np.array([0.55, 0.75, 0.9]), np.repeat([0, 1, 2], [12, 30, 58])

    def matrix(draw: np.random.Generator, truth: np.ndarray) -> np.ndarray:
        is_right = draw.random(len(truth)) < accuracies[truth]
        return np.where(is_right, truth, (truth + draw.integers(1, 3, len(truth))) % 3)

    draw = np.random.default_rng(1)
    many = draw.choice(classes, 400_000)
    counts = np.zeros((3, 3), int)
    np.add.at(counts, (many, matrix(draw, many)), 1)
    truths, patients = agreement(counts, CLASSES), np.arange(100)
    held: dict[str, list[bool]] = {name: [] for name in agreement_figures(CLASSES)}
    for _ in range(300):
        truth = draw.choice(classes, 100)
        gathered = AgreementResamples(np.eye(3, dtype=np.uint8)[truth], matrix(draw, truth), CLASSES, patients)
        gathered.add(draw.multinomial(100, np.full(100, 0.01), size=200).T.astype(float))
        for name, (low, high) in gathered.intervals().found.spans.items():
            held[name].append(low <= truths[name] <= high)
    assert len(held["accuracy"]) == len(held["kappa"]) == 300
    assert 150 < len(held["balanced_accuracy"]) < 300  # without those of fewer than ten patients with the rare class
    assert all(0.91 < np.mean(each) < 0.99 for each in held.values()), held
