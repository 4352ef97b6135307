"""The transformer that reads time both ways."""

import pytest
import torch

from models import create_model
from models.signal.ecgtransform import EcgTransform
from models.signal.patch_transformer import sinusoids


@pytest.fixture
def network() -> EcgTransform:
    torch.manual_seed(0)
    network = create_model("ecgtransform", in_channels=2, n_classes=3, hidden_size=16).eval()
    assert isinstance(network, EcgTransform)
    return network


def one_way(network: EcgTransform, steps: torch.Tensor) -> torch.Tensor:
    y = steps + sinusoids(steps.shape[1], steps.shape[2])
    for layer in network.layers:
        y = layer(y)
    return y


def test_the_other_direction_is_time_turned_around_and_back(network: EcgTransform) -> None:
    steps = torch.randn(2, 7, 128)
    expected = one_way(network, steps) + one_way(network, steps.flip(1)).flip(1)
    torch.testing.assert_close(network.both_ways(steps, None), expected)
    shorter = network.both_ways(steps, torch.tensor([7, 4]))  # its end is its own
    expected = one_way(network, steps[1:, :4]) + one_way(network, steps[1:, :4].flip(1)).flip(1)
    torch.testing.assert_close(shorter[1:, :4], expected)


def test_both_directions_together_do_not_know_which_is_which(network: EcgTransform) -> None:
    steps = torch.randn(2, 7, 128)
    torch.testing.assert_close(network.both_ways(steps.flip(1), None).flip(1), network.both_ways(steps, None))


def test_it_is_as_large_outside_the_transformer_as_published() -> None:
    network = create_model("ecgtransform", in_channels=12, n_classes=9)
    assert isinstance(network, EcgTransform)
    of_layers = sum(each.numel() for each in network.layers.parameters())
    assert sum(each.numel() for each in network.parameters()) - of_layers == 218_313


def test_no_hidden_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="hidden_size is 0; it is 1 or more"):
        create_model("ecgtransform", in_channels=2, n_classes=3, hidden_size=0)
