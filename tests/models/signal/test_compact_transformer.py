"""The compact transformer: a table of places for any length, attention over an item's own tokens, sane weights."""

import pytest
import torch
from torch import nn

from models import create_model
from models.signal.compact_transformer import CompactTransformer, Positions


@pytest.fixture
def network() -> CompactTransformer:
    torch.manual_seed(0)
    network = create_model("compact_transformer", in_channels=1, n_classes=3).eval()
    assert isinstance(network, CompactTransformer)
    return network


def test_5_s_at_300_hz_are_100_tokens(network: CompactTransformer) -> None:
    assert [network.tokenizer.n_steps(n) for n in (1500, 1499, 15, 14)] == [100, 99, 1, 0]
    assert network.tokens(torch.zeros(1, 1, 1500)).shape == (1, 100, 64)


def test_each_token_of_a_short_item_has_its_own_row() -> None:
    places = Positions(10, 4)
    torch.testing.assert_close(places(torch.tensor([10]), 10)[0], places.table)
    torch.testing.assert_close(places(torch.tensor([3, 7]), 7)[:, :3], places.table[None, :3].expand(2, 3, 4))


def test_a_longer_item_has_the_table_stretched_over_it() -> None:
    """Two steps a row: each a quarter of a row from its middle."""
    places = Positions(3, 1)
    nn.init.zeros_(places.table)
    with torch.no_grad():
        places.table[:, 0] = torch.tensor([0.0, 4.0, 8.0])
    torch.testing.assert_close(places(torch.tensor([6]), 6)[0, :, 0], torch.tensor([0.0, 1.0, 3.0, 5.0, 7.0, 8.0]))


def test_query_key_value_and_output_are_matrices_of_their_own(network: CompactTransformer) -> None:
    """The study had one for query, key and value, so that two of four were never built (fault)."""
    for layer in network.layers:
        assert isinstance(layer, nn.TransformerEncoderLayer)
        query, key, value = layer.self_attn.in_proj_weight.chunk(3)
        assert not torch.equal(query, key)
        assert not torch.equal(key, value)
        assert layer.self_attn.out_proj.weight.shape == (64, 64)
        assert layer.norm_first
        assert layer.dropout.p == 0.0


def test_fresh_answers_are_numbers_and_hang_on_the_signal(network: CompactTransformer) -> None:
    """Fresh weights of a deviation of 1 gave one class or no number (fault)."""
    with torch.no_grad():
        logits = network(3 * torch.randn(16, 1, 1500))
    assert logits.isfinite().all()
    assert logits.abs().max() < 3
    assert logits.std(0).min() > 1e-3


def test_it_learns_one_rhythm_from_another() -> None:
    torch.manual_seed(0)
    network = create_model("compact_transformer", in_channels=1, n_classes=2, dropout=0.0).train()
    time, labels = torch.arange(600) / 100, torch.arange(16) % 2
    x = torch.sin(2 * torch.pi * (2 + 4 * labels[:, None]) * time + torch.rand(16, 1))[:, None]
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(x), labels)
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"n_heads": 5}, "n_heads is 5; it is a divisor of 64"),
        ({"n_layers": 0}, "n_layers is 0"),
        ({"n_positions": 0}, "n_positions is 0"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        create_model("compact_transformer", in_channels=1, n_classes=3, **options)
