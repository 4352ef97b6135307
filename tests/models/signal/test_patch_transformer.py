"""Transformers over patches: what a token is of, and what it does not see."""

from typing import Any

import pytest
import torch

from models import create_model
from models.signal.patch_transformer import PatchTransformer, sinusoids

SMALL: dict[str, Any] = {"patch": 10, "width": 8, "n_layers": 1, "n_heads": 2, "dropout": 0.0}


def small(name: str, leads: int = 3) -> PatchTransformer:
    torch.manual_seed(0)
    network = create_model(name, in_channels=leads, n_classes=2, **SMALL).eval()
    assert isinstance(network, PatchTransformer)
    return network


def test_places_are_sines_and_cosines_of_falling_rates():
    places = sinusoids(7, 6)
    step = torch.arange(7.0)
    rates = [1.0, 10_000**-0.5, 10_000**-1.0]
    wanted = [*((step * rate).sin() for rate in rates), *((step * rate).cos() for rate in rates)]
    torch.testing.assert_close(places, torch.stack(wanted, 1))


def test_a_patch_is_ten_samples_of_all_leads_and_the_last_is_filled_up():
    x = torch.arange(2 * 3 * 25.0).view(2, 3, 25)
    patches = small("ecg_transformer").patches(x, None)
    assert patches.shape == (2, 3, 30)
    torch.testing.assert_close(patches[1, 1], x[1, :, 10:20].flatten())
    torch.testing.assert_close(patches[0, 2].view(3, 10)[:, :5], x[0, :, 20:])
    assert not patches[0, 2].view(3, 10)[:, 5:].any()


def test_patches_of_each_lead_stand_lead_after_lead_for_one_time():
    x = torch.arange(2 * 3 * 20.0).view(2, 3, 20)
    network = small("lead_transformer")
    patches = network.patches(x, None)
    assert patches.shape == (2, 6, 10)
    torch.testing.assert_close(patches[0, 3 + 1], x[0, 1, 10:])
    assert network.token_length(torch.tensor([1, 10, 11, 20])).tolist() == [3, 3, 6, 6]


def test_a_token_knows_its_time_and_its_lead():
    """Patches that are alike are told apart by both, before tokens see each other."""
    network = small("lead_transformer")
    embedded = network.embed(torch.ones(1, 6, 10)).view(2, 3, 8)
    assert network.leads is not None
    torch.testing.assert_close(embedded[:, 1] - embedded[:, 0], (network.leads[1] - network.leads[0]).expand(2, 8))
    between = sinusoids(2, 8)
    torch.testing.assert_close(embedded[1] - embedded[0], (between[1] - between[0]).expand(3, 8))


def test_tokens_are_patches_embedded_and_encoded_and_some_can_be_left_out():
    network, x = small("ecg_transformer"), torch.randn(2, 3, 50)
    embedded = network.embed(network.patches(x, None))
    with torch.no_grad():
        torch.testing.assert_close(network.encode(embedded, None), network.tokens(x))
        hidden = torch.tensor([[False, True, False, False, True]] * 2)
        masked = network.encode(embedded, hidden)[:, [0, 2, 3]]
        torch.testing.assert_close(network.encode(embedded[:, [0, 2, 3]], None), masked)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("n_heads", 3, "it is a divisor of 8"), ("patch", 0, "it is 1 or more"), ("n_layers", 0, "it is 1 or more")],
)
def test_numbers_that_do_not_work_are_refused(option: str, value: int, said: str):
    with pytest.raises(ValueError, match=f"{option} is {value}; {said}"):
        create_model("ecg_transformer", in_channels=3, n_classes=2, **{**SMALL, option: value})
