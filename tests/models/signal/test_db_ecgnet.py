"""DB-ECGNet: tokens hear the map and never the other way round, and the token of the item is what is read."""

import pytest
import torch
from torch import nn

from models.registry import create_model
from models.signal.db_ecgnet import DbEcgNet


def network_of(**options: int) -> DbEcgNet:
    torch.manual_seed(0)
    network = create_model("db_ecgnet", in_channels=2, n_classes=3, **{"width": 8, **options})
    assert isinstance(network, DbEcgNet)
    return network.eval()


def count(module: nn.Module) -> int:
    return sum(numbers.numel() for numbers in module.parameters())


def test_parts_have_as_many_weights_as_published() -> None:
    with torch.device("meta"):
        network = DbEcgNet(12, 9)
    assert [count(stage) for stage in network.stages] == [177_264, 1_029_456, 5_399_424]
    assert count(network.stem) == 12 * 72 * 3 + 72 + 2 * 72
    assert count(network.project) == 12 * 72 * 100 + 72
    assert count(network.shorter) + count(network.wider) == 208_224


def test_first_is_the_token_of_the_item_then_one_a_patch() -> None:
    network = network_of(patch=20)
    for time in (1, 20, 21, 250):
        n_tokens = 1 - (-time // 20)
        assert network.tokens(torch.randn(1, 2, time)).shape == (1, n_tokens, 32)
        assert network.token_length(torch.tensor([time])).tolist() == [n_tokens]


def test_the_last_layer_is_run_once() -> None:
    """Tokens and pool together are all blocks, each with what is said between the tokens behind it."""
    network, x = network_of(patch=25), torch.randn(2, 2, 100)
    waves = network.stem(x, None).transpose(1, 2)
    patches = torch.stack([x[:, :, at : at + 25].mT.flatten(1) for at in range(0, 100, 25)], 1)
    places = network.positions(torch.tensor([4]), 4)
    tokens = network.norm(torch.cat([network.of_item.expand(2, 1, 8), network.project(patches) + places], 1))
    for stage, blocks in enumerate(network.stages):
        if stage:
            waves = network.shorter[stage - 1](waves.mT, None).mT
            tokens = network.wider[stage - 1](tokens)
        for block in blocks:  # type: ignore[attr-defined]
            waves = block.near(waves, None)
            tokens = tokens + block.told(tokens, waves, None)
            for part in block.between:
                tokens = part(tokens, None)
    torch.testing.assert_close(network.features(x), tokens[:, 0])


def test_tokens_hear_the_map_and_the_map_no_token() -> None:
    block = network_of().stages[0][0]  # type: ignore[index]
    waves, tokens = torch.randn(1, 30, 8, requires_grad=True), torch.randn(1, 4, 8, requires_grad=True)
    new_waves, new_tokens = block(waves, None, tokens, None)
    assert torch.autograd.grad(new_waves.sum(), tokens, allow_unused=True, retain_graph=True) == (None,)
    (of_waves,) = torch.autograd.grad(new_tokens[:, 0].square().sum(), waves)
    assert (of_waves.abs().sum(2) > 0).all()


def test_every_patch_says_something_of_the_answer() -> None:
    network = network_of(patch=25)
    tokens = network.tokens(torch.randn(1, 2, 100)).detach().requires_grad_()
    (slope,) = torch.autograd.grad(network.pool(tokens).square().sum(), tokens)
    assert (slope.abs().sum(2) > 0).all()


@pytest.mark.parametrize("training", [True, False])
def test_an_item_gets_what_it_gets_alone(training: bool) -> None:
    """In float64; in training the norms see both items, so that what stands behind is what is changed."""
    network, x = network_of(patch=20).double().train(training), torch.randn(2, 2, 130, dtype=torch.float64)
    length = torch.tensor([130, 61])
    found = network(x, length)
    x[1, :, 61:] = 1e3
    torch.testing.assert_close(network(nn.functional.pad(x, (0, 33), value=-7.0), length), found)
    if not training:
        torch.testing.assert_close(network(x[1:, :, :61]), found[1:])


@pytest.mark.parametrize(("option", "number"), [("patch", 0), ("n_positions", 0), ("width", 0), ("width", 7)])
def test_what_is_no_network_is_refused(option: str, number: int) -> None:
    with pytest.raises(ValueError, match=f"{option} is {number}; it is"):
        network_of(**{option: number})
