"""Comparisons: of a model with itself, of unlike models, and what cannot be compared."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pipeline.evaluation.alignment import align
from pipeline.evaluation.comparison import Comparison, compare
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.subject import Subject
from pipeline.report.comparisons import comparison_text, save_comparison


def model(skill: float, seed: int = 0, n: int = 300, **names) -> Scores:
    """The same items for every model; a skilled one knows more, one of another seed errs elsewhere."""
    draw, own = np.random.default_rng(n), np.random.default_rng(1000 + seed)
    labels = draw.random((n, 3)) < [0.4, 0.3, 0.1]
    hard = draw.normal(size=(n, 3))
    scores = 1 / (1 + np.exp(-hard - 0.5 * own.normal(size=(n, 3)) - skill * labels))
    items = np.array([f"t{i}" for i in range(n)])
    return Scores(scores, labels, items, ("a", "b", "c"), "multilabel", **{"patient_id": np.arange(n) // 2} | names)


def compared(resampling: Resampling | None = Resampling(400), /, **models: Scores) -> Comparison:  # noqa: B008
    aligned = align(list(models.values()))
    evaluated = [evaluate(each, resampling=resampling) for each in aligned]
    return compare(dict(zip(models, evaluated, strict=True)))


def test_a_model_does_not_differ_from_itself():
    comparison = compared(once=model(1), again=model(1))
    for row in comparison.pairs[0].rows.values():
        assert len(row) == 9
        for difference in row.values():
            assert (difference.value, difference.span) == (0, (0, 0))
            assert difference.p == difference.p_holm == 1
    assert comparison_text(comparison).count("within noise") == 3


def test_unlike_models_differ_beyond_noise():
    comparison = compared(poor=model(0.5), good=model(2))
    difference = comparison.pairs[0].rows["macro"]["auroc"]
    assert (comparison.pairs[0].first, comparison.pairs[0].second) == ("good", "poor")
    assert difference.p == pytest.approx(2 / 401)
    assert 0 < difference.span[0] < difference.value < difference.span[1]
    assert not difference.is_within_noise
    good, poor = (roc_auc_score(m.labels, m.scores) for m in (model(2), model(0.5)))
    assert difference.value == pytest.approx(good - poor, abs=1e-12)
    assert "- good − poor: " in comparison_text(comparison)
    assert ": beyond noise\n" in comparison_text(comparison)


def test_pairing_makes_differences_surer_than_intervals_do():
    """Two models that err alike: their intervals overlap, and still one is better."""
    comparison = compared(a=model(1, 1), b=model(1.25, 1))
    a, b = (comparison.models[name].intervals.macro["auroc"] for name in "ab")
    assert b[0] < a[1]
    assert comparison.pairs[0].rows["macro"]["auroc"].p < 0.05


def test_models_of_equal_skill_are_seldom_told_apart():
    found = 0
    for seed in range(60):
        one, other = (model(1, 2 * seed + i, n=200 + seed) for i in (0, 1))
        found += (
            not compared(Resampling(100, seed), one=one, other=other).pairs[0].rows["macro"]["auroc"].is_within_noise
        )
    assert found <= 8  # 3 expected of 60; above 8 once in 200


def test_several_are_ranked_paired_and_corrected():
    models = {"a": model(0.5), "b": model(2), "c": model(1.95, 1)}
    comparison = compared(Resampling(400), **models)
    areas = [model.macro.figures["auroc"] for model in comparison.models.values()]
    assert areas == sorted(areas, reverse=True)
    assert [(pair.first, pair.second) for pair in comparison.pairs] == [
        (first, second) for i, first in enumerate(comparison.models) for second in list(comparison.models)[i + 1 :]
    ]
    p = sorted((pair.rows["macro"]["auroc"].p, pair.rows["macro"]["auroc"].p_holm) for pair in comparison.pairs)
    assert p[0][1] == pytest.approx(3 * p[0][0])
    assert p[2][1] == max(p[2][0], p[1][1])
    text = comparison_text(comparison)
    assert [line.split("|")[1].strip() for line in text.splitlines()[4:7]] == list(comparison.models)
    assert "by Holm's correction for 3 differences" in text


def test_each_models_intervals_are_those_it_has_alone():
    alone = evaluate(model(1), resampling=Resampling(400)).intervals
    assert compared(a=model(1), b=model(2)).models["a"].intervals.macro == alone.macro


def test_a_rare_class_is_in_no_difference_and_the_mean_of_all_is_shown_beside():
    scores = [model(1), model(2)]
    for each in scores:
        each.labels[:, 2] = np.arange(300) < 4
    comparison = compared(a=scores[0], b=scores[1])
    value = comparison.pairs[0].rows["macro"]["auroc"].value
    areas = [roc_auc_score(each.labels[:, :2], each.scores[:, :2]) for each in scores]
    assert abs(value) == pytest.approx(abs(areas[1] - areas[0]), abs=1e-12)
    assert "of all classes" in comparison_text(comparison)
    assert "means over the 2 classes that have an interval" in comparison_text(comparison)


def test_without_resamples_nothing_is_said_of_noise(tmp_path):
    comparison = compared(None, a=model(1), b=model(2))
    assert list(comparison.models) == ["b", "a"]
    assert comparison.pairs == ()
    assert "nothing was resampled" in comparison_text(comparison)
    save_comparison(tmp_path, comparison)


def test_too_few_items_or_resamples_are_said():
    tiny = compared(a=model(1, n=4), b=model(2, n=4))
    assert "fewer than 5 positive patients" in comparison_text(tiny)
    assert tiny.pairs[0].rows["macro"] == {}
    assert "take -resamples 119 or more" in comparison_text(
        compared(Resampling(100), a=model(1), b=model(2), c=model(1.5))
    )


def test_names_are_escaped_once_for_latex(tmp_path):
    comparison = compared(a=model(1), b=model(2))
    odd = {f"{name}_1 & 50%": replace(each, subject=Subject("r_1 & x")) for name, each in comparison.models.items()}
    save_comparison(tmp_path, compare(odd), ("latex",))
    text = (tmp_path / "comparison.tex").read_text(encoding="utf-8")
    assert r"b\_1 \& 50\%: r\_1 \& x, a\_1" in text
    assert "textbackslash" not in text


def test_what_is_saved_is_the_text_and_every_figure(tmp_path):
    comparison = compared(a=model(1), b=model(1.1, 1))
    files = save_comparison(tmp_path / "x", comparison)
    assert [file.name for file in files] == ["comparison.json", "comparison.md"]
    assert files[1].read_text(encoding="utf-8") == comparison_text(comparison)
    saved = json.loads(files[0].read_text(encoding="utf-8"))
    assert saved == json.loads(json.dumps(comparison.as_json()))
    difference = comparison.pairs[0].rows["macro"]["f1"]
    assert saved["differences"][0]["macro"]["f1"] == {
        "difference": difference.value,
        "interval": list(difference.span),
        "interval_holm": list(difference.span_holm),
        "p": difference.p,
        "p_holm": difference.p_holm,
        "within_noise": difference.is_within_noise,
    }
    assert saved["models"]["a"]["intervals"]["macro"]["auroc"] == list(comparison.models["a"].intervals.macro["auroc"])
