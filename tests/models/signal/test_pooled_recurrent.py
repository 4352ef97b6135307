"""Pooled over an item's own steps, and each direction read where it has seen all of them."""

import pytest
import torch
from plain_networks import head
from torch import Tensor, nn

from models.registry import create_model
from models.signal.pooled_recurrent import PooledLstm


def network_of(name: str, **options: int) -> PooledLstm:
    torch.manual_seed(0)
    network = create_model(name, in_channels=2, n_classes=3, hidden_size=4, **options).eval()
    assert isinstance(network, PooledLstm)
    return network


def pooled(network: PooledLstm, tokens: Tensor, length: Tensor | None = None) -> Tensor:
    """What the hidden layer reads."""
    read: list[Tensor] = []
    hook = network.hidden.register_forward_pre_hook(lambda layer, inputs: read.append(inputs[0]))
    network.pool(tokens, length)
    hook.remove()
    return read[0]


@pytest.mark.parametrize("name", ["lstm_pooled", "lstm_bidir"])
def test_layers_are_torchs_own_stack(name: str) -> None:
    network = network_of(name)
    stack = nn.LSTM(2, 4, 2, batch_first=True, bidirectional=name == "lstm_bidir")
    named = {
        k if network.layers[0].num_layers == 2 else k.replace("_l0", f"_l{i}"): v
        for i, layer in enumerate(network.layers)
        for k, v in layer.state_dict().items()
    }
    stack.load_state_dict(named)
    x = torch.randn(5, 2, 30)
    torch.testing.assert_close(network.tokens(x), stack(x.mT)[0])


def test_mean_maximum_and_last_step_stand_side_by_side() -> None:
    network, tokens = network_of("lstm_pooled"), torch.randn(3, 10, 4)
    wanted = torch.cat([tokens.mean(1), tokens.amax(1), tokens[:, -1]], 1)
    torch.testing.assert_close(pooled(network, tokens), wanted)
    length = torch.tensor([10, 4, 1])
    alone = [torch.cat([t[:n].mean(0), t[:n].amax(0), t[n - 1]]) for t, n in zip(tokens, length.tolist(), strict=True)]
    torch.testing.assert_close(pooled(network, tokens, length), torch.stack(alone))


def test_the_backward_direction_is_read_at_the_first_sample() -> None:
    """The published one reads it at the last, of which it has seen no other."""
    network, tokens = network_of("lstm_bidir"), torch.randn(3, 10, 8)
    torch.testing.assert_close(pooled(network, tokens)[:, 16:], torch.cat([tokens[:, -1, :4], tokens[:, 0, 4:]], 1))


@pytest.mark.parametrize(("name", "width"), [("lstm_pooled", 12), ("lstm_bidir", 24)])
def test_the_head_is_the_benchmarks(name: str, width: int) -> None:
    network = network_of(name)
    ours = [*network.hidden, network.head]
    theirs = head(width, 3)
    assert [type(layer) for layer in ours] == [type(layer) for layer in theirs]
    assert [getattr(layer, "p", None) for layer in ours] == [getattr(layer, "p", None) for layer in theirs]
    shapes = [[tuple(x.shape) for layer in layers for x in layer.parameters()] for layers in (ours, theirs)]
    assert shapes[0] == shapes[1]
    assert network.feature_dim == 128


def test_one_layer_takes_a_dropout_which_is_the_heads() -> None:
    network = network_of("lstm_bidir", n_layers=1)
    assert [layer.p for layer in network.hidden if isinstance(layer, nn.Dropout)] == [0.25, 0.5]
    assert network.dropout.p == 0
