"""The lead map: rows of each lead in the order of the body, grey for the amplitude, its sign kept."""

import pytest
import torch

from pipeline.representations import ImageRecipe, LeadMapRecipe, lead_map, lead_map_order, names_lead_map
from pipeline.representations.lead_map import ORDER
from pipeline.signals.leads import LEADS


def test_a_small_image_by_hand():
    """Three leads in four rows, and columns that are means of samples; −3 mV is black, 3 mV white."""
    x = torch.tensor([[-3.0, -3.0, 3.0, 9.0], [0.0, 0.0, -1.0, 4.0], [1.0, 2.0, -4.0, -5.0]])
    drawn = lead_map(x, LeadMapRecipe(size=4, range_mv=3.0))
    first, second, third = [0, 0, 255, 255], [128, 128, 85, 255], [170, 212, 0, 0]
    assert drawn.tolist() == [first, second, third, third]
    level = lead_map(torch.cat([x, x[:1]]), LeadMapRecipe(size=4, range_mv=3.0))
    assert level.tolist() == [first, second, third, first]
    assert lead_map(x[:2], LeadMapRecipe(size=2)).tolist() == [[0, 255], [128, 191]]


@pytest.mark.parametrize("n_leads", [1, 2, 5, 12])
def test_leads_differ_by_one_row_at_most(n_leads: int):
    x = torch.linspace(-2, 2, n_leads)[:, None].expand(-1, 80)
    heights = lead_map(x, LeadMapRecipe(size=32))[:, 0].unique_consecutive(return_counts=True)[1]
    assert len(heights) == n_leads
    assert heights.sum() == 32
    assert heights.max() - heights.min() <= 1


def test_a_flipped_lead_is_the_negative():
    x = torch.randn(2, 12, 100)
    total = lead_map(x, LeadMapRecipe(size=40)).int() + lead_map(-x, LeadMapRecipe(size=40)).int()
    assert (total - 255).abs().max() <= 1  # a tie of rounding


def test_each_item_is_drawn_as_alone():
    x, recipe = torch.randn(3, 4, 5, 90), LeadMapRecipe(size=64)
    drawn = lead_map(x, recipe)
    assert drawn.shape == (3, 4, 64, 64)
    assert torch.equal(drawn[2, 1], lead_map(x[2, 1], recipe))


def test_the_order_is_cabreras_limb_leads_then_the_chest():
    assert set(ORDER) == set(LEADS)
    assert [LEADS[place] for place in lead_map_order(LEADS)] == list(ORDER)
    assert lead_map_order(["MLII", "V2", "aVL", "V1", "other"]) == [2, 3, 1, 0, 4]


def test_the_recipe_survives_json():
    recipe = LeadMapRecipe(size=48, range_mv=2.0)
    assert LeadMapRecipe.from_parameters(recipe.parameters()) == recipe
    with pytest.raises(ValueError, match="none of this version's"):
        LeadMapRecipe.from_parameters({"size": 48})


@pytest.mark.parametrize(
    ("x", "options", "sentence"),
    [
        (torch.zeros(2, 20), {"size": 32}, "needs 32 samples and the lead has 20"),
        (torch.zeros(12, 20), {"size": 8}, "12 leads needs a row for each"),
        (torch.zeros(0, 40), {"size": 32}, "needs one at least"),
        (torch.full((2, 40), torch.nan), {"size": 32}, "NaN or infinite"),
        (torch.zeros(2, 40), {"size": 0}, "whole number of 1 or more"),
        (torch.zeros(2, 40), {"range_mv": 0.0}, "positive number of mV"),
    ],
)
def test_what_cannot_be_drawn_is_refused(x, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        lead_map(x, LeadMapRecipe(**options))


def test_it_is_no_representation_of_a_lead():
    for name in ("lead_map", "leads"):
        assert names_lead_map(["gaf", name])
        with pytest.raises(ValueError, match=f"no representation '{name}'"):
            ImageRecipe((name,))
    assert not names_lead_map(["gaf", "stft"])
