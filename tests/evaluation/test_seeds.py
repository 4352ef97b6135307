"""Seeds of one recipe: mean and spread by hand, and an interval that holds the mean of other patients and seeds."""

import json

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass

from pipeline.errors import EcgFusionError
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.seeds import SeedGroup, group_seeds, hierarchical


def seeded(seed: int, n: int = 300, noise: float = 0.5) -> Scores:
    draw, own = np.random.default_rng(n), np.random.default_rng(1000 + seed)
    labels = draw.random((n, 2)) < [0.4, 0.3]
    logits = draw.normal(size=(n, 2)) + noise * own.normal(size=(n, 2)) + 1.5 * labels
    items = np.array([f"t{i}" for i in range(n)])
    return Scores(1 / (1 + np.exp(-logits)), labels, items, ("a", "b"), "multilabel", patient_id=np.arange(n) // 2)


def grouped(resampling: Resampling | None, scores: list[Scores]) -> SeedGroup:
    named = {f"s{i}": each for i, each in enumerate(scores)}
    return group_seeds({name: evaluate(each, resampling=resampling) for name, each in named.items()}, named)


def test_mean_and_spread_by_hand():
    group = grouped(None, [seeded(i) for i in range(4)])
    values = [model.classes["b"].figures["auroc"] for model in group.models.values()]
    spread = group.rows["class", "b"]["auroc"]
    assert (spread.mean, spread.sd) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert (spread.lowest, spread.highest, spread.span) == (min(values), max(values), None)
    macro = [model.macro.figures["f1"] for model in group.models.values()]
    assert group.rows["macro", ""]["f1"].mean == pytest.approx(np.mean(macro))


def test_the_order_of_seeds_does_not_matter_to_the_mean():
    scores = [seeded(i) for i in range(3)]
    one, other = (grouped(Resampling(100), each) for each in (scores, scores[::-1]))
    for key, row in one.rows.items():
        for name, spread in row.items():
            assert other.rows[key][name].mean == pytest.approx(spread.mean)
            assert other.rows[key][name].sd == pytest.approx(spread.sd)


def test_seeds_widen_the_interval_that_patients_give():
    alike = grouped(Resampling(400), [seeded(i, noise=0.01) for i in range(3)])
    unlike = grouped(Resampling(400), [seeded(i, noise=3) for i in range(3)])
    widths = [np.ptp(group.rows["macro", ""]["auroc"].span) for group in (alike, unlike)]
    alone = np.ptp(next(iter(alike.models.values())).intervals.macro["auroc"])
    assert widths[0] == pytest.approx(alone, rel=0.15)
    assert widths[1] > 1.15 * widths[0]


def test_both_variances_are_in_it_whole():
    """Seeds of variance 1 over n, and patients of 0.5: no (n − 1) / n of the former."""
    draw = np.random.default_rng(0)
    for n in (2, 3, 8):
        seeds = draw.normal(size=n)
        seeds = (seeds - seeds.mean()) / seeds.std(ddof=1)
        draws = seeds[:, None] + np.sqrt(0.5) * draw.normal(size=(1, 20_000))
        assert hierarchical(draws, 0).var() == pytest.approx(1 / n + 0.5, rel=0.05)


def test_the_interval_holds_the_truth_with_ten_seeds():
    """Of 0, which is what patients and seeds both vary about, both normal."""
    held = 0
    for trial in range(200):
        draw = np.random.default_rng(trial)
        draws = draw.normal(size=(10, 1)) + draw.normal() * 0.3 + 0.3 * draw.normal(size=(1, 400))
        low, high = np.quantile(hierarchical(draws, trial), [0.025, 0.975])
        held += low <= 0 <= high
    assert 0.88 <= held / 200 <= 0.99


def test_multiclass_has_its_agreement_too():
    group = grouped(Resampling(60), [drawn_multiclass(seed=i) for i in range(3)])
    low, high = group.rows["agreement", ""]["kappa"].span
    assert low < group.rows["agreement", ""]["kappa"].mean < high
    assert "kappa" in json.loads(json.dumps(group.as_json(), allow_nan=False))["agreement"]


def test_what_is_no_group_is_refused():
    with pytest.raises(EcgFusionError, match="-group takes several seeds of one recipe: name two or more"):
        grouped(None, [seeded(0)])
    with pytest.raises(EcgFusionError, match="s0 and s2 have the same scores, so are not two seeds"):
        grouped(None, [seeded(0), seeded(1), seeded(0)])
