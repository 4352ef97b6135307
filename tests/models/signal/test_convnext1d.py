"""Blocks as published, over time; a token is 8 samples; a block that is left out changes nothing."""

import pytest
import torch
from torch import nn

from models.registry import create_model
from models.signal.convnext1d import Block, ConvNeXt1d, StochasticDepth


def network_of(**options: float) -> ConvNeXt1d:
    torch.manual_seed(0)
    network = create_model("convnext1d", in_channels=2, n_classes=3, **options).eval()
    assert isinstance(network, ConvNeXt1d)
    return network


def test_a_block_is_what_was_published() -> None:
    torch.manual_seed(0)
    block, x = Block(8, 0.0), torch.randn(3, 30, 8)
    nn.init.uniform_(block.scale, 0.5, 2)
    kernels = block.over_time.weight.split(1)  # one a channel
    each = torch.cat([nn.functional.conv1d(x.mT[:, c : c + 1], kernels[c], padding=3) for c in range(8)], 1).mT
    normed = nn.functional.layer_norm(each + block.over_time.bias, (8,))
    wide = nn.functional.gelu(normed @ block.wider.weight.T + block.wider.bias)
    assert wide.shape == (3, 30, 32)
    wanted = x + block.scale * (wide @ block.narrow.weight.T + block.narrow.bias)
    torch.testing.assert_close(block(x, None), wanted)


def test_a_fresh_block_adds_little() -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 30, 8)
    added = Block(8, 0.0)(x, None) - x
    assert 0 < added.abs().max() < 0.05


def test_a_token_is_8_samples() -> None:
    network = network_of()
    for time in (1, 8, 9, 250):
        assert network.tokens(torch.randn(1, 2, time)).shape == (1, -(-time // 8), 192)


def test_a_kernel_in_the_last_stage_sees_half_a_second() -> None:
    network = network_of().double()
    x = torch.randn(1, 2, 800, dtype=torch.float64)
    changed = x.clone()
    changed[..., 400] += 1.0
    with torch.no_grad():
        differs = (network.tokens(x) - network.tokens(changed)).abs().amax(2)[0] > 0
    (places,) = differs.nonzero(as_tuple=True)
    # Two kernels of 7 at each rate: 6 steps on either side, of 2, 4 and 8 samples; a token is 50.
    assert places.min() >= 50 - 6 - 3 - 2
    assert places.max() <= 50 + 6 + 3 + 2
    assert len(places) > 13


def test_blocks_are_left_out_more_often_the_later_they_are() -> None:
    network = network_of(stochastic_depth=0.5)
    rates = [layer.probability for layer in network.modules() if isinstance(layer, StochasticDepth)]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_what_is_left_out_is_left_out_of_a_whole_item_and_the_mean_stays() -> None:
    torch.manual_seed(0)
    layer, x = StochasticDepth(0.25), torch.ones(4000, 3, 2)
    found = layer(x)
    assert (found == found[:, :1, :1]).all()
    assert found.unique().tolist() == pytest.approx([0, 4 / 3])
    assert found.mean().item() == pytest.approx(1, abs=0.03)
    assert layer.eval()(x) is x


def test_it_acts_in_training_alone() -> None:
    network, x = network_of(stochastic_depth=0.9, dropout=0.0), torch.randn(8, 2, 100)
    assert torch.equal(network(x), network(x))
    network.train()
    for block in network.modules():
        if isinstance(block, Block):
            nn.init.ones_(block.scale)
    assert not torch.equal(network(x), network(x))


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_what_is_no_probability_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=f"stochastic_depth is {rate}; it is 0 or more"):
        network_of(stochastic_depth=rate)
