"""Cells of a map back onto leads and times."""

import numpy as np
import pytest
from untrained_runs import LEADS, drawn, image_spec, signal_spec

from pipeline.errors import EcgFusionError
from pipeline.explain.geometry import over_leads_and_time, over_time, stretched
from pipeline.representations import LEAD_MAP_KEY, REPRESENTATIONS, LeadMapRecipe
from pipeline.representations.lead_map import ORDER


@pytest.mark.parametrize(("parts", "n"), [(4, 12), (7, 100), (5, 5), (9, 4)])
def test_what_is_stretched_keeps_its_sum_and_its_place(parts: int, n: int):
    x = np.random.default_rng(0).normal(size=(2, parts))
    found = stretched(x, n)
    np.testing.assert_allclose(found.sum(1), x.sum(1))
    np.testing.assert_allclose(stretched(np.ones(parts), n), parts / n)
    alone = np.zeros(parts)
    alone[1] = 1.0
    assert set(np.flatnonzero(stretched(alone, n) > 1e-12)) <= set(range(n // parts - 1, 2 * -(-n // parts) + 1))


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_a_pixel_is_two_times_or_one(name: str):
    grid = np.zeros((10, 10))
    grid[2, 7] = 1.0
    found = over_time(grid, REPRESENTATIONS[name].axes)
    expected = {7: 1.0} if name == "stft" else {2: 0.5, 7: 0.5}
    assert {place: found[place] for place in np.flatnonzero(found)} == expected
    spread = over_leads_and_time(grid.ravel(), drawn(name), 1000)
    assert spread.sum() == pytest.approx(1.0)
    assert set(np.flatnonzero(spread.sum(0)) // 100) == set(expected)


def test_a_row_of_a_lead_map_is_a_lead():
    spec = image_spec({LEAD_MAP_KEY: LeadMapRecipe(size=96).parameters()}, leads=LEADS)
    grid = np.zeros((12, 12))
    grid[6, 3] = 1.0
    found = over_leads_and_time(grid.ravel(), spec, 960)
    assert LEADS[int(found.sum(1).argmax())] == ORDER[6]
    assert found.sum() == pytest.approx(1.0)
    assert set(np.flatnonzero(found.sum(0)) // 80) == {3}


def test_a_step_of_a_signal_network_is_its_time_in_all_leads():
    found = over_leads_and_time(np.array([0.0, 2.0]), signal_spec(("II", "V2")), 100)
    np.testing.assert_allclose(found[:, :50], 0)
    np.testing.assert_allclose(found[:, 50:], 0.02)


def test_a_map_that_is_no_square_is_refused():
    with pytest.raises(EcgFusionError, match="no square"):
        over_leads_and_time(np.zeros(12), drawn("gaf"), 1000)
