"""Conformal sets: by hand, and that they cover what they promise, whoever draws."""

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass
from scipy.special import expit
from scipy.stats import binom

from pipeline.errors import EcgFusionError
from pipeline.evaluation.conformal import ANSWERS, conformal
from pipeline.evaluation.scores import Scores

CLASSES = ("MI", "CD")


def drawn(n: int, seed: int, prefix: str = "t") -> Scores:
    """Scores that are the wrong way off, on purpose: coverage needs no calibration."""
    draw = np.random.default_rng(seed)
    logits = draw.normal([-1, -2], 1.5, (n, 2))
    labels = draw.random((n, 2)) < expit(logits)
    return Scores(expit(3 * logits - 2), labels, np.array([f"{prefix}{i}" for i in range(n)]), CLASSES, "multilabel")


def one_class(values: list[float], labels: list[int], prefix: str) -> Scores:
    names = np.array([f"{prefix}{i}" for i in range(len(values))])
    return Scores(np.array(values)[:, None], np.array(labels)[:, None], names, ("MI",), "multilabel")


def test_by_hand():
    """Nine positives, 0.9: the rank is 9 of 9, the least of them; nineteen negatives: 18 of 19, the second highest."""
    positives, negatives = [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.91, 0.92, 0.93], [i / 100 for i in range(1, 20)]
    dev = one_class(positives + negatives, [1] * 9 + [0] * 19, "d")
    test = one_class([0.31, 0.1, 0.25, 0.18, 0.3], [1, 0, 0, 1, 0], "t")
    found = conformal(test, dev, 0.9)
    assert (found.borne["MI"].limit, found.absent["MI"].limit) == (0.3, 0.18)
    assert [ANSWERS[i] for i in found.answers()[:, 0]] == ["yes", "no", "neither", "no", "yes"]
    assert (found.borne["MI"].n, found.borne["MI"].n_covered) == (2, 1)
    assert (found.absent["MI"].n, found.absent["MI"].n_covered) == (3, 1)
    assert found.covered[0] == 2
    assert found.sizes() == {0: 1, 1: 4}
    assert found.too_few == ()


def test_too_few_dev_items_rule_nothing_out_and_are_named():
    dev = one_class([0.5] * 8 + [0.1] * 8, [1] * 8 + [0] * 8, "d")
    test = one_class([0.01, 0.99], [1, 0], "t")
    found = conformal(test, dev, 0.9)
    assert found.fewest == 9
    assert found.too_few == (("with", "MI"), ("without", "MI"))
    assert [ANSWERS[i] for i in found.answers()[:, 0]] == ["either", "either"]
    assert (found.borne["MI"].coverage, found.borne["MI"].expected) == (1.0, None)
    assert conformal(test, dev, 0.8).too_few == ()
    assert conformal(test, dev, 0.8).fewest == 4


@pytest.mark.parametrize("wanted", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("n_dev", [60, 400])
def test_coverage_lies_where_it_is_expected(wanted, n_dev):
    """Over many draws of dev and test, on each side of each class."""
    inside = total = covered = n = 0
    for seed in range(40):
        found = conformal(drawn(300, 2 * seed), drawn(n_dev, 2 * seed + 1, "d"), wanted)
        for side in [*found.borne.values(), *found.absent.values()]:
            if side.expected is None:
                continue
            inside += side.expected[0] <= side.coverage <= side.expected[1]
            total, covered, n = total + 1, covered + side.n_covered, n + side.n
    assert total > 70
    assert inside >= binom(total, 0.93).ppf(0.001)  # an interval of whole items holds at least 95 of 100
    assert covered / n >= wanted - 0.01


def test_classes_that_exclude_each_other_each_have_their_coverage():
    shares = np.array([0.7, 0.2, 0.1])
    test, dev = (drawn_multiclass(p, n=3000, seed=s, shares=shares) for p, s in (("t", 1), ("dev", 2)))
    found = conformal(test, dev, 0.9)
    assert found.lacks is None
    assert not found.absent
    for i, name in enumerate(test.classes):
        side = found.borne[name]
        own = found.has[test.labels[:, i] == 1, i]
        assert (side.n, side.n_covered) == (len(own), own.sum())
        assert side.coverage == pytest.approx(0.9, abs=0.05)
    assert found.covered[0] == sum(side.n_covered for side in found.borne.values())
    assert sum(found.sizes().values()) == 3000
    assert found.as_json()["mean_set_size"] == pytest.approx(found.has.sum(1).mean())
    with pytest.raises(ValueError, match="exclude each other"):
        found.answers()


def test_more_coverage_takes_larger_sets():
    test, dev = drawn_multiclass(n=600), drawn_multiclass("dev", n=600, seed=1)
    sizes = [conformal(test, dev, wanted).has.sum() for wanted in (0.6, 0.8, 0.9, 0.99)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_copies_of_an_item_make_no_interval_narrower():
    test, dev = drawn_multiclass(n=400), drawn_multiclass("dev", n=600, seed=1)
    names = np.array([f"{item}-{copy}" for item in test.item_id for copy in range(3)])
    scores, labels = (np.repeat(values, 3, axis=0) for values in (test.scores, test.labels))
    spans = []
    for patients in (None, np.repeat(test.item_id, 3)):
        copied = Scores(scores, labels, names, test.classes, test.kind, patient_id=patients)
        span = conformal(copied, dev, 0.9).borne["N"].span
        assert span is not None
        spans.append(span[1] - span[0])
    assert spans[1] > 1.5 * spans[0]


@pytest.mark.parametrize("wanted", [0.4, 1, 90, float("nan"), -1])
def test_what_is_no_coverage_is_refused(wanted):
    with pytest.raises(EcgFusionError, match=r"-conformal .* is no coverage: take a number from 0.5 to below 1"):
        conformal(drawn(10, 0), drawn(10, 1, "d"), wanted)
