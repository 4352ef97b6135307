"""Intervals and p-values: what they must be by hand, and how often they are right."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.comparison import compare
from pipeline.evaluation.figures import Evaluation, evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.resampling import MIN_PATIENTS
from pipeline.evaluation.scores import Scores
from pipeline.report.comparisons import comparison_text
from pipeline.report.tables import as_text
from pipeline.sources import open_source

FEW = Resampling(200)


def simulated(n: int, seed: int, **names) -> Scores:
    """Two classes whose scores are normal, one standard deviation apart, squeezed between 0 and 1."""
    draw = np.random.default_rng(seed)
    labels = draw.random((n, 2)) < [0.4, 0.2]
    scores = 1 / (1 + np.exp(-draw.normal(size=(n, 2)) - labels))
    return Scores(scores, labels, np.array([f"t{i}" for i in range(n)]), ("a", "b"), "multilabel", **names)


def test_about_95_of_100_intervals_hold_the_truth():
    truth = {"auroc": 0.76024994, "sensitivity": 0.5 + 0.34134475, "specificity": 0.5}  # Φ(1/√2), Φ(1), Φ(0)
    held = dict.fromkeys(truth, 0)
    for seed in range(200):
        spans = evaluate(simulated(200, seed), None, 0.5, resampling=Resampling(200, seed)).intervals.macro
        for name, value in truth.items():
            held[name] += spans[name][0] <= value <= spans[name][1]
    assert all(180 <= times <= 198 for times in held.values()), held  # 95 %, less what percentiles lack at n = 200


def test_copies_of_an_item_are_one_patient_and_widen_the_interval():
    one = simulated(200, 0)
    names = [f"t{i}" for i in range(800)]
    copies: dict[str, Any] = {
        "scores": np.tile(one.scores, (4, 1)),
        "labels": np.tile(one.labels, (4, 1)),
        "item_id": np.array(names),
    }
    whole = Scores(**copies, classes=one.classes, kind=one.kind, patient_id=np.tile(np.arange(200), 4))
    apart = Scores(**copies, classes=one.classes, kind=one.kind)
    wide, narrow = (evaluate(s, resampling=FEW).intervals.macro["auroc"] for s in (whole, apart))
    assert wide[1] - wide[0] == pytest.approx(2 * (narrow[1] - narrow[0]), rel=0.3)


def test_a_seed_gives_the_same_intervals_whatever_the_order_of_the_rows():
    scores = simulated(200, 0, patient_id=np.arange(200) // 3)
    mixed = np.random.default_rng(0).permutation(200)
    shuffled = Scores(
        scores.scores[mixed], scores.labels[mixed], scores.item_id[mixed], ("a", "b"), "multilabel",
        patient_id=scores.patient_id[mixed],
    )  # fmt: skip
    found = [evaluate(each, resampling=FEW).as_json()["intervals"] for each in (scores, scores, shuffled)]
    assert found[0] == found[1]
    for name in ("macro", "micro"):
        for figure, span in found[0][name].items():
            assert found[2][name][figure] == pytest.approx(span, abs=1e-12)
    assert evaluate(scores, resampling=Resampling(200, 1)).as_json()["intervals"]["macro"] != found[0]["macro"]


def assert_every_cell_has_one(evaluation: Evaluation) -> None:
    intervals = evaluation.intervals
    rows = {("class", name): (row, intervals.classes[name]) for name, row in evaluation.classes.items()}
    rows |= {("micro", ""): (evaluation.micro, intervals.micro), ("macro", ""): (evaluation.macro, intervals.macro)}
    if evaluation.norm:
        rows["no class", "NORM"] = (evaluation.norm, intervals.norm)
    for label, (row, spans) in rows.items():
        values = (row.counts or {}) | row.figures
        # fewer than 100 patients of a class give average precision none
        assert spans.keys() | intervals.withheld.get(label, {}).keys() == values.keys()
        assert values.keys() - spans.keys() <= {"average_precision"}
        assert all(low < high for low, high in spans.values())
        assert all(spans[name][0] <= values[name] <= spans[name][1] for name in spans)


@pytest.mark.parametrize("task", ["disease", None])
def test_every_cell_of_the_table_has_an_interval(task):
    assert_every_cell_has_one(evaluate(simulated(300, 0, task=task), resampling=FEW))


def test_multiclass_has_them_too():
    draw = np.random.default_rng(0)
    truth, scores = draw.integers(0, 3, 150), draw.random((150, 3))
    scores = (scores / scores.sum(1, keepdims=True)).clip(0, 1)
    evaluation = evaluate(
        Scores(scores, np.eye(3)[truth], np.arange(150), ("N", "S", "V"), "multiclass"), resampling=FEW
    )
    assert_every_cell_has_one(evaluation)
    saved = evaluation.as_json()["intervals"]
    assert saved["accuracy"] == saved["micro"]["sensitivity"]


def with_a_rare_class(n_rare: int) -> Evaluation:
    scores = simulated(200, 0)
    scores.labels[:, 1] = np.arange(200) < n_rare
    return evaluate(scores, resampling=FEW)


def test_a_class_with_fewer_than_five_positive_patients_is_named_and_left_out():
    evaluation = with_a_rare_class(MIN_PATIENTS - 1)
    intervals = evaluation.intervals
    assert intervals.few_positives == ("b",)
    assert list(intervals.classes) == ["a"]
    assert intervals.macro == {n: s for n, s in intervals.classes["a"].items() if n in intervals.macro} | {
        "g_mean_of_means": intervals.macro["g_mean_of_means"]
    }
    assert intervals.macro_values["auroc"] == pytest.approx(evaluation.classes["a"].figures["auroc"], abs=1e-12)
    assert evaluation.macro.figures["auroc"] != pytest.approx(intervals.macro_values["auroc"])
    text = as_text(evaluation)
    assert "- fewer than 5 positive patients, so without interval and not in its macro: b\n" in text
    assert "| mean of these 1 |" in text
    assert evaluation.as_json()["intervals"]["too_few_positive_patients"] == ["b"]


def test_a_comparison_over_a_class_without_interval_of_auroc_says_so():
    items: dict[str, Any] = {"item_id": np.arange(60), "classes": ("a",), "kind": "multilabel"}
    draw = np.random.default_rng(0)
    labels = np.arange(60)[:, None] < 7
    models = {name: evaluate(Scores(draw.random((60, 1)), labels, **items), resampling=FEW) for name in "xy"}
    text = comparison_text(compare(models))
    assert "†" in text.splitlines()[4]
    assert "†: no interval" in text


@pytest.mark.realdata
def test_16_of_the_71_statements_are_too_rare_in_fold_9_for_an_interval(ptbxl_folder):
    source = open_source("ptbxl", ptbxl_folder)
    rows = np.flatnonzero(source.records["fold"] == 9)
    items, labels = source.records.iloc[rows], source.labels["all"].rows(rows)
    frame = pd.DataFrame(labels.values, columns=list(labels.classes)).assign(patient=items["patient_id"].to_numpy())
    n_patients = frame.groupby("patient").max().sum()
    rare = set(n_patients.index[n_patients < 5])
    scores = Scores(
        np.random.default_rng(0).random(labels.values.shape),
        labels.values,
        items["record_id"].to_numpy(str),
        labels.classes,
        labels.kind,
        patient_id=items["patient_id"].to_numpy(str),
        task="all",
    )
    evaluation = evaluate(scores, None, 0.5, resampling=Resampling(40))
    assert (len(labels.classes), len(rare)) == (71, 16)
    assert set(evaluation.intervals.few_positives) == rare
    assert set(evaluation.intervals.classes) == set(labels.classes) - rare
    named = ", ".join(name for name in labels.classes if name in rare)
    sentence = f"fewer than 5 positive patients, so without interval and not in its macro: {named}\n"
    assert sentence in as_text(evaluation)


def test_five_are_enough_and_what_lacks_them_is_drawn_again():
    evaluation = with_a_rare_class(MIN_PATIENTS)
    assert evaluation.intervals.few_positives == ()
    assert evaluation.intervals.n_redrawn > 0
    assert evaluation.intervals.macro_values["auroc"] == pytest.approx(evaluation.macro.figures["auroc"], abs=1e-12)
    assert f"{evaluation.intervals.n_redrawn} resamples" in as_text(evaluation)


def test_too_few_patients_for_anything_is_said():
    evaluation = evaluate(simulated(4, 0, task="disease"), resampling=FEW)
    assert evaluation.intervals.few_positives[:2] == ("a", "b")
    assert evaluation.intervals.macro == evaluation.intervals.classes == {}
    assert "so without interval and not in its macro: a, b, micro, NORM" in as_text(evaluation)
    assert evaluation.as_json()["intervals"]["macro"] == {}


def test_items_without_a_patient_are_their_own_and_the_table_says_so():
    without, own = evaluate(simulated(200, 0), resampling=FEW), simulated(200, 0)
    own.patient_id = own.item_id
    named = evaluate(own, resampling=FEW)
    assert without.intervals.macro == named.intervals.macro
    sentence = "- no patient_id for 200 items, so each was drawn as a patient of its own\n"
    assert sentence in as_text(without)
    assert "patient of its own" not in as_text(named)
    some = simulated(200, 0, patient_id=np.where(np.arange(200) < 50, "", np.arange(200) // 2))
    intervals = evaluate(some, resampling=FEW).intervals
    assert (intervals.n_patients, intervals.n_alone) == (50 + 75, 50)


def test_without_resamples_nothing_is_said_of_intervals():
    evaluation = evaluate(simulated(200, 0))
    assert evaluation.intervals is None
    assert "intervals" not in evaluation.as_json()
    assert "interval" not in as_text(evaluation)
