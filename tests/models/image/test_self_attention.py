"""Self-attention on a map: a softmax over the keys, nothing at first, and no matrix of all pairs."""

import pytest
import torch

from models import create_model
from models.image.self_attention import SelfAttention


@pytest.fixture
def attention() -> SelfAttention:
    torch.manual_seed(0)
    return SelfAttention(16)


@pytest.fixture
def last_map() -> torch.Tensor:
    return torch.randn(2, 16, 3, 5, generator=torch.Generator().manual_seed(1))


def test_what_is_read_is_a_softmax_over_the_keys(attention: SelfAttention, last_map: torch.Tensor) -> None:
    """Over the queries, a position's weights would not sum to 1 (fault 7)."""
    query, key, value = (layer(last_map).flatten(2) for layer in (attention.query, attention.key, attention.value))
    assert query.shape == key.shape == (2, 2, 15)
    energy = torch.einsum("nci,ncj->nij", query, key)  # not scaled, as in SAGAN
    weights = energy.softmax(2)
    torch.testing.assert_close(weights.sum(2), torch.ones(2, 15))
    expected = torch.einsum("nij,ncj->nci", weights, value).reshape(last_map.shape)
    torch.testing.assert_close(attention.attended(last_map), expected)
    wrong = torch.einsum("nij,ncj->nci", energy.softmax(1), value).reshape(last_map.shape)
    assert (wrong - expected).abs().max() > 0.01


def test_equal_values_are_read_as_they_are(attention: SelfAttention, last_map: torch.Tensor) -> None:
    """A mean with weights that sum to 1 keeps a constant."""
    torch.nn.init.zeros_(attention.value.weight)
    torch.nn.init.constant_(attention.value.bias, 3.0)
    torch.testing.assert_close(attention.attended(last_map), torch.full_like(last_map, 3.0))


def test_a_seed_draws_attention_before_the_convolutions() -> None:
    """As it always has, so that a training with a seed goes as one before did."""
    network = create_model("alexnet_attention", in_channels=2, n_classes=3)
    channels = [layer.value.out_channels for layer in network.modules() if isinstance(layer, SelfAttention)]
    torch.manual_seed(0)
    alone = [SelfAttention(width) for width in channels]
    torch.manual_seed(0)
    network = create_model("alexnet_attention", in_channels=2, n_classes=3)
    drawn = [layer for layer in network.modules() if isinstance(layer, SelfAttention)]
    for layer, expected in zip(drawn, alone, strict=True):
        assert torch.equal(layer.value.weight, expected.value.weight)


def test_a_shut_gate_leaves_alexnet_as_it_is() -> None:
    torch.manual_seed(0)
    plain, attentive = (create_model(n, in_channels=2, n_classes=3).eval() for n in ("alexnet", "alexnet_attention"))
    others = [p for n, p in attentive.named_parameters() if not n.startswith(("body.2.", "body.11."))]
    with torch.no_grad():
        for theirs, ours in zip(others, plain.parameters(), strict=True):
            theirs.copy_(ours)
        images = torch.rand(2, 2, 80, 80)
        assert torch.equal(attentive(images), plain(images))


def test_a_shut_gate_can_open() -> None:
    torch.manual_seed(0)
    network = create_model("alexnet_attention", in_channels=2, n_classes=3)
    network(torch.rand(2, 2, 80, 80)).square().sum().backward()
    gates = [layer.gamma for layer in network.modules() if isinstance(layer, SelfAttention)]
    assert len(gates) == 2
    for gate in gates:
        assert gate.item() == 0
        assert gate.grad is not None
        assert gate.grad.abs() > 0


@pytest.mark.parametrize("channels", [2, 8, 12])
def test_any_width_has_a_query(channels: int) -> None:
    attention = SelfAttention(channels)
    assert attention.query.out_channels == 1
    assert attention(torch.randn(1, channels, 4, 4)).shape == (1, channels, 4, 4)


def test_3844_positions_attend_without_a_matrix_of_all_pairs() -> None:
    """Which would be 59 MB an item, twice over with its gradient."""
    attention, last_map = SelfAttention(8), torch.randn(4, 8, 62, 62, requires_grad=True)
    kept = 0

    def count(saved: torch.Tensor) -> torch.Tensor:
        nonlocal kept
        kept += saved.numel() * saved.element_size()
        return saved

    with torch.autograd.graph.saved_tensors_hooks(count, lambda saved: saved):
        attention(last_map).sum().backward()
    assert kept < 20e6
