"""The interval of a share: Wilson's for single items, wider where patients have several."""

import numpy as np
import pytest

from pipeline.evaluation.proportions import wilson
from pipeline.evaluation.shares import share_span


def test_of_single_items_it_is_wilsons():
    hits = np.arange(50) < 20
    assert share_span(hits) == share_span(hits, np.arange(50)) == wilson(0.4, 50)


def test_copies_of_an_item_say_nothing_new():
    hits = np.random.default_rng(0).random(60) < 0.3
    low, high = share_span(np.repeat(hits, 4), np.repeat(np.arange(60), 4))
    alone = share_span(hits)
    assert low == pytest.approx(alone[0], abs=0.01)
    assert high == pytest.approx(alone[1], abs=0.01)
    assert high - low > 1.5 * np.ptp(share_span(np.repeat(hits, 4)))


def test_items_are_worth_no_more_than_they_are():
    balanced = np.tile([0, 1], 30)  # each patient has one of both, so that resamples of patients never differ
    assert share_span(balanced, np.repeat(np.arange(30), 2)) == wilson(0.5, 30)


@pytest.mark.parametrize("share", [0, 1])
def test_it_has_a_width_where_all_are_alike(share):
    low, high = share_span(np.full(12, share), np.repeat(np.arange(4), 3))
    assert (low, high) == wilson(share, 4)


def test_it_holds_the_truth_as_often_as_it_says():
    draw = np.random.default_rng(3)
    patients, held = np.repeat(np.arange(80), 3), 0
    for _ in range(400):
        of_patient = draw.beta(1, 3, 80)  # a mean of 0.25
        low, high = share_span(draw.random(240) < np.repeat(of_patient, 3), patients)
        held += low <= 0.25 <= high
    assert 0.92 <= held / 400 <= 0.98
