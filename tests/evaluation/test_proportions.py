"""Intervals of shares and areas: those of scipy, of DeLong, and by hand; what they are at 0 and at 1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from scipy.stats import t as student

from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.proportions import (
    Z,
    effective_number,
    geometric_mean,
    inflation_of_mean,
    smoothed_logit,
    wilson,
)
from pipeline.evaluation.resampling import Judged, Resampler, TableMeasurer, columns, rows_of
from pipeline.evaluation.scores import Scores

SHARES = st.floats(0, 1)


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 5), (5, 5), (3, 10), (24, 25), (137, 2000), (2000, 2000)])
def test_wilsons_interval_is_scipys(k: int, n: int):
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k / n, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(SHARES, st.floats(0.1, 1e6))
def test_a_share_lies_in_an_interval_that_has_a_width(share: float, n: float):
    low, high = wilson(share, n)
    assert 0 <= low <= share <= high <= 1
    assert low < high


@given(SHARES, st.floats(0, 0.25), st.integers(5, 2000), st.integers(5, 2000))
def test_an_area_lies_in_an_interval_that_has_a_width(area: float, variance: float, n_positive: int, n_negative: int):
    low, high = smoothed_logit(area, variance, n_positive, n_negative)
    assert 0 <= low <= area <= high <= 1
    assert low < high


@given(SHARES, SHARES, st.floats(1, 1000), st.floats(1, 1000))
def test_a_mean_lies_in_its_interval_and_that_between_those_of_its_factors(
    one: float, other: float, n: float, m: float
):
    spans = wilson(one, n), wilson(other, m)
    low, high = geometric_mean((one, other), spans)
    assert 0 <= low <= np.sqrt(one * other) + 1e-12
    assert np.sqrt(one * other) <= high + 1e-12
    assert np.sqrt(spans[0][0] * spans[1][0]) <= low + 1e-9
    assert high <= np.sqrt(spans[0][1] * spans[1][1]) + 1e-9


def test_a_mean_of_a_figure_and_1_is_known_as_well_as_the_figure():
    assert geometric_mean((0.25, 1.0), ((0.16, 0.36), (1.0, 1.0))) == pytest.approx((0.4, 0.6))
    assert geometric_mean((0.0, 0.25), ((0.0, 0.09), (0.16, 0.36))) == pytest.approx((0, 0.15))  # √(0.09 × 0.25)


def test_the_number_of_independent_cases_behind_a_variance():
    assert effective_number(0.2, 0.16 / 50 * 49 / 50, 50) == pytest.approx(50)  # resamples show (n - 1) / n of it
    assert effective_number(0.2, 0.16 / 10 * 49 / 50, 50) == pytest.approx(10)  # five items each, all alike
    assert effective_number(0.2, 0.16 / 50 * 4 / 5, 50, n_moving=5) == pytest.approx(50)  # five of them move it
    assert effective_number(1.0, 0.0, 7) == effective_number(0.0, 0.0, 7) == 7
    assert effective_number(1.0, 0.0, 7, n_moving=5) == 7


def test_what_resamples_show_of_the_variance_of_a_mean_over_classes():
    of_one = inflation_of_mean([5])
    assert of_one == pytest.approx(5 / 4 * (student.ppf(0.975, 4) / Z) ** 2, rel=0.25)
    assert inflation_of_mean([50]) == pytest.approx(50 / 49 * (student.ppf(0.975, 49) / Z) ** 2, rel=0.01)
    assert inflation_of_mean([5] * 40) == pytest.approx(5 / 4, rel=0.03)  # 160 degrees of freedom
    assert inflation_of_mean([1_000_000] * 3) == pytest.approx(1, abs=1e-5)
    # one small class among large ones has nearly all of the variance
    assert inflation_of_mean([5]) > inflation_of_mean([5, 500]) > inflation_of_mean([5, 5]) > inflation_of_mean([9, 9])


def test_where_patients_are_many_the_interval_of_an_area_is_the_plain_logit():
    area, variance = 0.8, 1e-4
    half = Z * np.sqrt(variance) / (area * (1 - area))
    expected = 1 / (1 + np.exp(-np.log(area / (1 - area)) + half * np.array([1, -1])))
    assert smoothed_logit(area, variance, 5000, 50000) == pytest.approx(expected, abs=2e-4)


def delong(labels: np.ndarray, scores: np.ndarray, patients: np.ndarray) -> float:
    """The variance of AUROC by its definition, over all pairs; a patient's items are added up (Obuchowski 1997)."""
    true = labels.astype(bool)
    wins = (scores[true][:, None] > scores[~true]) + 0.5 * (scores[true][:, None] == scores[~true])
    share = np.zeros(len(labels))
    share[true] = (wins.mean(1) - wins.mean()) / true.sum()
    share[~true] = (wins.mean(0) - wins.mean()) / (~true).sum()
    return float((np.bincount(patients, share) ** 2).sum())


@pytest.mark.parametrize("n_records", [1, 3])
def test_the_variance_of_resamples_is_that_of_delong(n_records: int):
    draw = np.random.default_rng(n_records)
    patients = np.repeat(np.arange(300), n_records)
    labels = (draw.random(300) < 0.3)[patients]
    scores = np.round(labels + draw.normal(size=300)[patients] + 0.5 * draw.normal(size=len(patients)), 1)
    judged = Judged(labels[:, None], scores[:, None], scores[:, None] > 0.5)
    rows = rows_of(judged, patients)
    measurer = TableMeasurer(judged, np.ones(1, bool))
    blocks = Resampler(patients, rows, 0).blocks(4000)
    areas = np.concatenate([measurer.measure(weights)[:, 0, columns().index("auroc")] for weights in blocks])
    assert areas.var() == pytest.approx(delong(labels, scores, patients), rel=0.08)


def test_a_perfect_class_is_not_perfectly_known():
    """All are found and rank above all others; the intervals have a width, the wider the fewer they are."""
    lows = []
    for n in (12, 40):
        labels = np.arange(400) < n
        scores = np.where(labels, 0.9, 0.1)
        perfect = Scores(scores[:, None], labels[:, None], np.arange(400), ("a",), "multilabel")
        found = evaluate(perfect, None, 0.5, "", Resampling(60))
        assert found.intervals is not None
        spans = found.intervals.classes["a"]
        for name, k in (("sensitivity", n), ("specificity", 400 - n)):
            expected = binomtest(k, k).proportion_ci(method="wilson")
            assert spans[name] == pytest.approx((expected.low, 1))
        assert spans["auroc"][1] == 1
        lows.append(spans["auroc"][0])
    assert 0.7 < lows[0] < lows[1] < 1
