"""The tests of each class of two models: both of AUROCs side by side, McNemar's, and Holm's correction of all."""

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass

from pipeline.evaluation.comparison import Comparison, compare
from pipeline.evaluation.delong import delong_test
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.mcnemar import mcnemar
from pipeline.evaluation.paired import holm
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.thresholds import decisions


def model(skill: float, seed: int = 0, n: int = 300, per_patient: int = 1) -> Scores:
    draw, own = np.random.default_rng(n), np.random.default_rng(1000 + seed)
    labels = draw.random((n, 3)) < [0.4, 0.3, 0.02]
    labels[:, 2] = False
    labels[:3, 2] = True
    logits = draw.normal(size=(n, 3)) + 0.5 * own.normal(size=(n, 3)) + skill * labels
    items = np.array([f"t{i}" for i in range(n)])
    patients = np.arange(n) // per_patient
    return Scores(1 / (1 + np.exp(-logits)), labels, items, ("a", "b", "rare"), "multilabel", patient_id=patients)


def compared(resampling: Resampling | None, **models: Scores) -> Comparison:
    return compare({name: evaluate(each, resampling=resampling) for name, each in models.items()}, models)


def test_every_class_of_every_pair_has_its_tests():
    models = {"a": model(2), "b": model(1.5, 1), "c": model(1, 2)}
    comparison = compared(Resampling(200), **models)
    assert [(each.first, each.second) for each in comparison.tests] == [("a", "b"), ("a", "c"), ("b", "c")]
    one = comparison.tests[1].classes["b"]
    columns = [models[name].scores[:, 1] for name in "ac"]
    assert one.delong == delong_test(model(1).labels[:, 1], *columns)
    found = [decisions(models[name], comparison.models[name].thresholds)[:, 1] for name in "ac"]
    assert one.mcnemar == mcnemar(model(1).labels[:, 1], *found)
    assert one.auroc.value == pytest.approx(one.delong.value)


def test_each_kind_is_corrected_for_all_of_its_kind():
    comparison = compared(Resampling(200), a=model(2), b=model(1.5, 1), c=model(1, 2))
    all_of_them = [each for pair in comparison.tests for each in pair.classes.values()]
    p = holm(np.array([each.mcnemar.p for each in all_of_them]))
    assert [each.mcnemar_p_holm for each in all_of_them] == pytest.approx(p)
    p = holm(np.array([each.delong.p for each in all_of_them]))
    assert [each.delong_p_holm for each in all_of_them] == pytest.approx(p)
    sampled = [each.auroc for each in all_of_them if each.auroc]
    assert [each.p_holm for each in sampled] == pytest.approx(holm(np.array([each.p for each in sampled])))


def test_a_class_of_few_patients_has_no_bootstrap_and_a_delong():
    own = compared(Resampling(100), a=model(2), b=model(1, 1)).tests[0].classes["rare"]
    assert own.auroc is None
    assert own.delong is not None


def test_where_items_are_patients_both_intervals_are_alike():
    own = compared(Resampling(1000), a=model(1.5), b=model(1, 1)).tests[0].classes["a"]
    assert own.auroc.span == pytest.approx(own.delong.span, abs=0.012)


def test_copies_of_a_patient_deceive_delong_and_not_the_bootstrap():
    """Four copies of each item: DeLong's interval is half as wide as it should be."""
    once = [model(1.5), model(1.2, 1)]
    copies = []
    for each in once:
        values, labels = np.repeat(each.scores, 4, 0), np.repeat(each.labels, 4, 0)
        items = np.array([f"t{i}" for i in range(len(values))])
        patients = np.arange(len(values)) // 4
        copies.append(Scores(values, labels, items, each.classes, "multilabel", patient_id=patients))
    plain = compared(Resampling(400), a=once[0], b=once[1]).tests[0].classes["a"]
    fourfold = compared(Resampling(400), a=copies[0], b=copies[1]).tests[0].classes["a"]
    width = [np.ptp(each.delong.span) for each in (plain, fourfold)]
    assert width[1] / width[0] == pytest.approx(0.5, abs=0.01)
    assert np.ptp(fourfold.auroc.span) / np.ptp(plain.auroc.span) == pytest.approx(1, abs=0.15)


def test_without_resamples_there_is_no_bootstrap():
    comparison = compared(None, a=model(2), b=model(1, 1))
    assert comparison.pairs == ()
    assert all(each.auroc is None for each in comparison.tests[0].classes.values())
    assert all(each.delong for each in comparison.tests[0].classes.values())


def test_multiclass_decisions_are_those_of_the_highest_score():
    models = {"good": drawn_multiclass(skill=3), "poor": drawn_multiclass(skill=1, seed=1)}
    own = compared(Resampling(100), **models).tests[0].classes["A"]
    right = [(each.scores.argmax(1) == 1) == (each.labels[:, 1] == 1) for each in (models["good"], models["poor"])]
    assert own.mcnemar.first_only == (right[0] & ~right[1]).sum()


def test_json_has_all_of_it_and_no_nan():
    found = compared(Resampling(100), a=model(2), b=model(1, 1)).as_json()["class_tests"]["pairs"][0]["classes"]
    assert set(found["a"]) == {"auroc", "delong", "mcnemar"}
    assert found["rare"]["auroc"] is None
    assert found["a"]["mcnemar"]["method"] in ("exact", "chi-square")
