"""Layers of state spaces: what each is made of, in both directions, at any rate of the tokens."""

import pytest
import torch
from torch import Tensor, nn

from models.registry import create_model
from models.signal.s4d import S4D, ChannelDropout


def network_of(**options: float) -> S4D:
    torch.manual_seed(0)
    network = create_model("s4d", in_channels=2, n_classes=3, **{"d_model": 6, "n_layers": 2, **options})
    assert isinstance(network, S4D)
    return network.eval()


def test_a_layer_is_what_was_published() -> None:
    """State space, GELU, a linear layer whose half opens the other, the sum with what went in, layer norm behind it."""
    network, x = network_of(), torch.randn(3, 40, 6)
    (layer, _) = network.layers
    said = nn.GELU()(layer.state_space(x.mT)).mT
    value, gate = layer.linear(said).chunk(2, dim=-1)
    wanted = nn.functional.layer_norm(x + value * gate.sigmoid(), (6,))
    torch.testing.assert_close(layer(x), wanted)


def test_the_stem_is_a_linear_layer_of_each_sample_as_published() -> None:
    network, x = network_of(), torch.randn(3, 2, 40)
    weight = network.stem.convolution.weight
    assert weight.shape == (6, 2, 1)
    torch.testing.assert_close(network.stem(x, None).mT, x.mT @ weight[:, :, 0].T + network.stem.convolution.bias)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_a_token_is_so_many_samples(stride: int) -> None:
    network = network_of(stem_stride=stride)
    for time in (1, 40, 41):
        assert network.tokens(torch.randn(1, 2, time)).shape == (1, -(-time // stride), 6)
    assert network.token_length(torch.tensor([1, stride, stride + 1])).tolist() == [1, 1, 2]


def test_backwards_in_time_with_the_directions_swapped_all_is_backwards() -> None:
    network, x = network_of().double(), torch.randn(2, 2, 50, dtype=torch.float64)
    there = network.tokens(x)
    for layer in network.layers:
        layer.state_space.c.data = layer.state_space.c.flip(1)
    torch.testing.assert_close(network.tokens(x.flip(2)).flip(1), there)


def test_every_token_hears_the_whole_item_from_both_sides() -> None:
    network, x = network_of(), torch.randn(1, 2, 300)
    for sample in (5, 290):
        changed = x.clone()
        changed[..., sample] += 3.0
        assert ((network.tokens(x) - network.tokens(changed)).abs().amax(2) > 0).all()


@pytest.mark.parametrize("length", [[60, 60], [60, 23], [1, 60]])
def test_an_item_gets_what_it_gets_alone_in_training_too(length: list[int]) -> None:
    """In float64, so that what leaked in from behind, through the backward direction, would show."""
    network, x = network_of(dropout=0.0).double().train(), torch.randn(2, 2, 60, dtype=torch.float64)
    together = network(x, torch.tensor(length))
    alone = torch.cat([network(item[None, :, :n]) for item, n in zip(x, length, strict=True)])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)


def test_dropout_takes_whole_channels() -> None:
    torch.manual_seed(0)
    layer, x = ChannelDropout(0.25), torch.ones(200, 5, 40)
    found: Tensor = layer(x)
    assert (found == found[:, :1]).all()
    assert found.unique().tolist() == pytest.approx([0, 4 / 3])
    assert found.mean().item() == pytest.approx(1, abs=0.03)
    assert layer.eval()(x) is x


@pytest.mark.parametrize(
    ("option", "number"), [("n_layers", 0), ("stem_stride", 0), ("d_model", 0), ("d_state", 3), ("d_state", 0)]
)
def test_what_is_no_network_is_refused(option: str, number: int) -> None:
    with pytest.raises(ValueError, match=f"{option} is {number}; it is"):
        network_of(**{option: number})
