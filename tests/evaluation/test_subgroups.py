"""Groups: their counts add up, they are tables of their items alone, and gaps are found where they are."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pipeline.evaluation.asked import Asked, answer
from pipeline.evaluation.figures import Evaluation, evaluate
from pipeline.evaluation.grouping import Grouping
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.subgroups import MACRO, Subgroups, subgroups


def drawn(worse: float = 0.0, seed: int = 0, n: int = 600) -> tuple[Scores, Grouping]:
    """Three groups, of the last of which less is known; some items are in none, and a class is rare."""
    draw = np.random.default_rng(seed)
    of_item = draw.integers(-1, 3, n)
    labels = draw.random((n, 3)) < [0.4, 0.3, 0.02]
    skill = np.where(of_item == 2, 1.5 - worse, 1.5)[:, None]
    scores = 1 / (1 + np.exp(-draw.normal(size=(n, 3)) - skill * (labels - 0.5)))
    names = np.array([f"t{i}" for i in range(n)])
    found = Scores(scores, labels, names, ("a", "b", "rare"), "multilabel", patient_id=np.arange(n) // 2)
    return found, Grouping("site", "who.csv", "values", ("u", "v", "w"), of_item)


def grouped(worse: float = 0.0, seed: int = 0, ci: str = "wilson", resamples: int = 200) -> Subgroups:
    scores, grouping = drawn(worse, seed)
    return subgroups(scores, evaluate(scores).thresholds, grouping, Resampling(resamples, ci=ci))


def test_counts_add_up_to_those_of_all():
    scores, grouping = drawn()
    whole = evaluate(scores)
    everyone = replace(
        grouping, groups=(*grouping.groups, "?"), of_item=np.where(grouping.of_item < 0, 3, grouping.of_item)
    )
    found = subgroups(scores, whole.thresholds, everyone)
    for name, row in whole.classes.items():
        for cell, n in row.counts.items():
            assert sum(group.rows[name].counts[cell] for group in found.groups) == n
    assert (found.n_unknown, found.n_resamples) == (0, 0)


def test_a_group_is_the_table_of_its_items_alone():
    scores, grouping = drawn()
    rows = grouping.of_item == 1
    names = ("scores", "labels", "item_id", "patient_id")
    alone = evaluate(replace(scores, **{name: getattr(scores, name)[rows] for name in names}))
    group = grouped().groups[1]
    assert (group.n_items, group.n_patients) == (rows.sum(), len(np.unique(scores.patient_id[rows])))
    for name, row in alone.classes.items():
        assert group.rows[name].counts == row.counts
        assert group.rows[name].figures == pytest.approx({k: row.figures[k] for k in group.rows[name].figures})
        assert group.rows[name].prevalence == pytest.approx(scores.labels[rows].mean(0)[scores.classes.index(name)])
    expected = np.mean([alone.classes[name].figures["auroc"] for name in "ab"])
    assert group.rows[MACRO].figures["auroc"] == pytest.approx(expected)


@pytest.mark.parametrize("ci", ["wilson", "percentile", "bca"])
def test_intervals_hold_the_figures_and_few_patients_have_none(ci: str):
    found = grouped(ci=ci, resamples=100)
    assert found.small == dict.fromkeys("uvw", ("rare",))
    for group in found.groups:
        assert group.rows["rare"].spans == {}
        for name in ("a", "b", MACRO):
            for figure, (low, high) in group.rows[name].spans.items():
                assert low < group.rows[name].figures[figure] < high
        assert set(group.rows["a"].spans) == {"sensitivity", "specificity", "auroc"}


def test_a_gap_is_found_where_there_is_one():
    gap = grouped(worse=1.5).gaps["a"]["auroc"]
    assert (gap.lowest, gap.is_within_noise) == ("w", False)
    assert gap.span[0] < gap.value < gap.span[1]
    assert "rare" not in grouped().gaps


def test_the_largest_gap_of_like_groups_is_seldom_beyond_noise():
    found = [grouped(seed=seed, resamples=130).gaps["a"]["auroc"] for seed in range(40)]
    assert sum(not gap.is_within_noise for gap in found) <= 5  # 2 expected


def test_a_patient_in_two_groups_is_drawn_for_both():
    """Two groups that hold the same patients with the same scores: their gap never varies."""
    scores, _ = drawn()
    twice = {name: np.repeat(getattr(scores, name), 2, 0) for name in ("scores", "labels", "patient_id")}
    both = replace(scores, **twice, item_id=np.arange(1200))  # type: ignore[arg-type]
    grouping = Grouping("copy", "x", "values", ("one", "two"), np.arange(1200) % 2)
    found = subgroups(both, evaluate(both).thresholds, grouping, Resampling(100))
    gap = found.gaps["a"]["auroc"]
    assert (gap.value, gap.span) == (0, (0, 0))


def answered() -> Evaluation:
    scores, grouping = drawn()
    return answer(Asked(groupings=(grouping,)), scores, None, resampling=Resampling(50))


def test_it_is_part_of_the_answer_and_of_its_json():
    found = answered()
    (as_json,) = json.loads(json.dumps(found.as_json(), allow_nan=False))["subgroups"]
    assert [each["name"] for each in as_json["groups"]] == ["u", "v", "w"]
    assert set(as_json["largest_gaps"]["classes"]) == {"a", "b"}
    assert as_json["n_items_unknown"] == int((drawn()[1].of_item < 0).sum())
    assert "subgroups" not in evaluate(drawn()[0]).as_json()
