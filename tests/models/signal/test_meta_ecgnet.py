"""MetaECGNet: three stages of near, far and channel mixing, with the published numbers of weights."""

import pytest
import torch
from torch import nn

from models.registry import create_model
from models.signal.heads import PooledHeads, StrideHeads
from models.signal.meta_ecgnet import MetaEcgNet
from models.signal.rhythm import SqueezeExcitation


def network_of(**options: int) -> MetaEcgNet:
    torch.manual_seed(0)
    network = create_model("meta_ecgnet", in_channels=2, n_classes=3, **{"width": 8, **options})
    assert isinstance(network, MetaEcgNet)
    return network.eval()


def count(module: nn.Module) -> int:
    return sum(numbers.numel() for numbers in module.parameters())


def test_parts_have_as_many_weights_as_published() -> None:
    with torch.device("meta"):
        network = MetaEcgNet(12, 9)
    assert [count(stage) for stage in network.stages] == [637_488, 2_134_188, 4_703_040]
    assert count(network.stem) == 5_616
    assert count(network.shorter) == 280_440


def test_a_token_is_eight_samples() -> None:
    for time in (1, 8, 9, 100):
        assert network_of().tokens(torch.randn(1, 2, time)).shape == (1, -(-time // 8), 32)


def test_far_heads_and_means_are_of_five_steps_and_of_one_in_the_last_stage() -> None:
    strides = [heads.stride for heads in network_of().modules() if isinstance(heads, StrideHeads)]
    rates = [heads.rate for heads in network_of().modules() if isinstance(heads, PooledHeads)]
    assert strides == rates == [5] * 5 + [1] * 4


def test_the_excitation_has_a_quarter_of_the_wide_channels() -> None:
    wide = [layer.weigh[0].weight.shape for layer in network_of().modules() if isinstance(layer, SqueezeExcitation)]
    assert wide == [(8, 32)] * 2 + [(12, 48)] * 3 + [(16, 64)] * 4


@pytest.mark.parametrize("length", [[130, 61], [130, 1], [7, 130]])
def test_an_item_gets_what_it_gets_alone(length: list[int]) -> None:
    network, x = network_of().double(), torch.randn(2, 2, 130, dtype=torch.float64)
    together = network(x, torch.tensor(length))
    alone = torch.cat([network(item[None, :, :n]) for item, n in zip(x, length, strict=True)])
    torch.testing.assert_close(together, alone, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(("option", "number"), [("width", 0), ("width", 7), ("n_heads", 3), ("n_heads", 0)])
def test_what_is_no_network_is_refused(option: str, number: int) -> None:
    with pytest.raises(ValueError, match=f"{option} is {number}; "):
        network_of(**{option: number})
