"""Numbers beside any network: what every network must do, it still does, and the numbers are seen."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from models import BesideFeatures, Network, SignalNetwork, at_most, beside_features, create_model, list_models
from models.beside_features import WIDTH

Example = Callable[..., Tensor]
CHANNELS, CLASSES, NUMBERS = 3, 4, 3


def beside(name: str, **options: object) -> BesideFeatures:
    torch.manual_seed(0)
    network = create_model(name, in_channels=CHANNELS, n_classes=CLASSES, **options)
    return beside_features(network, NUMBERS, CLASSES)


@pytest.fixture
def numbers() -> Tensor:
    return torch.randn(3, NUMBERS, generator=torch.Generator().manual_seed(2))


def test_the_contract_of_networks_is_kept(name: str, network: Network, batch: Tensor, numbers: Tensor) -> None:
    wrapped = beside(name).eval()
    assert isinstance(wrapped, SignalNetwork) == isinstance(network, SignalNetwork)
    assert (wrapped.in_channels, wrapped.smallest_size) == (network.in_channels, network.smallest_size)
    with torch.no_grad():
        tokens, features = wrapped.tokens(batch, numbers=numbers), wrapped.features(batch, numbers=numbers)
        assert tokens.shape[2] == wrapped.token_dim == network.token_dim + WIDTH
        assert features.shape == (3, wrapped.feature_dim) == (3, network.feature_dim + WIDTH)
        torch.testing.assert_close(wrapped.pool(tokens), features, atol=1e-5, rtol=1e-5)
        assert torch.equal(wrapped.head(features), wrapped(batch, numbers=numbers))


def test_what_the_network_says_stays_as_it_is(name: str, batch: Tensor, numbers: Tensor) -> None:
    torch.manual_seed(0)
    alone = create_model(name, in_channels=CHANNELS, n_classes=CLASSES).eval()
    with torch.no_grad():
        of_network = beside(name).eval().features(batch, numbers=numbers)[:, :-WIDTH]
        assert torch.equal(of_network, alone.features(batch))


@pytest.mark.parametrize("training", [True, False])
def test_a_gradient_reaches_every_new_parameter(name: str, training: bool, example: Example) -> None:
    wrapped = beside(name).train(training)
    wrapped(example(name, n=4), numbers=torch.randn(4, NUMBERS)).square().sum().backward()
    new = {own: parameter for own, parameter in wrapped.named_parameters() if own.startswith(("embedding.", "head."))}
    assert len(new) == 6
    for own, parameter in wrapped.named_parameters():
        assert parameter.grad is not None, own  # so there is none that nothing trains, such as the head of before
        assert parameter.grad.abs().max() > 0 or own not in new, own


def test_an_item_does_not_depend_on_its_batch(name: str, batch: Tensor, numbers: Tensor) -> None:
    wrapped = beside(name).eval()
    with torch.no_grad():
        together = wrapped(batch, numbers=numbers)
        alone = [wrapped(*pair[:1], numbers=pair[1]) for pair in zip(batch.split(1), numbers.split(1), strict=True)]
        torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-5)
        other = numbers.clone()
        other[0] += 1
        moved = (wrapped(batch, numbers=other) - together).abs().amax(1)
    assert moved[0] > 1e-3
    assert not moved[1:].any()


@pytest.mark.parametrize("name", list_models("signal"), indirect=True)
def test_padding_changes_nothing(name: str, example: Example, time: int, numbers: Tensor) -> None:
    wrapped, batch = beside(name).eval(), example(name, n=3)
    assert isinstance(wrapped, SignalNetwork)
    length = torch.tensor([time, time, time])
    longer = torch.cat([batch, torch.full((3, CHANNELS, 11), 9.0)], 2)
    with torch.no_grad():
        expected = wrapped(batch, numbers=numbers)
        torch.testing.assert_close(wrapped(longer, length, numbers=numbers), expected, atol=1e-5, rtol=1e-5)
        tokens = wrapped.tokens(longer, length, numbers=numbers)
        steps = int(wrapped.token_length(length)[0])
        assert not tokens[:, steps:].any()
        torch.testing.assert_close(
            wrapped.pool(tokens, length), wrapped.features(longer, length, numbers=numbers), atol=1e-5, rtol=1e-5
        )


def test_fewer_tokens_still_carry_the_numbers(numbers: Tensor) -> None:
    """A fusion averages neighbours; what all of them have in common stays."""
    wrapped = beside("gru", hidden_size=4, n_layers=1).eval()
    with torch.no_grad():
        fewer, _ = at_most(wrapped.tokens(torch.zeros(3, CHANNELS, 50), numbers=numbers), None, 4)
        expected = wrapped.embed(numbers, 3)[:, None].expand(-1, fewer.shape[1], -1)
    torch.testing.assert_close(fewer[..., -WIDTH:], expected)


def test_numbers_beyond_all_that_was_seen_stay_bounded() -> None:
    wrapped = beside("gru", hidden_size=4, n_layers=1)
    assert wrapped.embed(torch.full((1, NUMBERS), 1e30), 1).abs().max() <= 1


@pytest.mark.parametrize("wrong", [None, torch.zeros(3, 2), torch.zeros(2, 3), torch.zeros(3)])
def test_other_numbers_are_refused(wrong: Tensor | None) -> None:
    wrapped, x = beside("gru", hidden_size=4, n_layers=1), torch.zeros(3, CHANNELS, 50)
    for door in (wrapped, wrapped.tokens, wrapped.features):
        with pytest.raises(ValueError, match=r"must be \(3, 3\)"):
            door(x, numbers=wrong)
    with pytest.raises(ValueError, match="n_numbers is 0"):
        beside_features(nn.Module(), 0, 4)  # type: ignore[arg-type]
