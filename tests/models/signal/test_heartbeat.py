"""The convolutional networks of single beats are those that were published, step by step."""

import pytest
import torch
from torch import Tensor, nn

from models import create_model
from models.signal.convolutional import ConvolutionalNetwork
from models.signal.heartbeat import CNet, HeartbeatCnn
from models.signal.masked import Convolution, TimeLayer


def steps_of(network: ConvolutionalNetwork, kind: type[TimeLayer], n: int) -> list[int]:
    """Steps behind each layer of a kind."""
    found = []
    for layer in network.body.layers:
        n = layer.n_steps(n) if isinstance(layer, TimeLayer) else n
        found += [n] if isinstance(layer, kind) else []
    return found


def test_steps_of_heartbeat_cnn_are_the_published_ones() -> None:
    assert steps_of(HeartbeatCnn(1, 5), Convolution, 187) == [183, 179, 87, 85, 40, 38, 17, 15]


def test_heartbeat_cnn_takes_the_largest_of_each_channel() -> None:
    network = HeartbeatCnn(1, 5).eval()
    tokens = network.tokens(torch.randn(2, 1, 187))
    assert tokens.shape == (2, 15, 256)
    torch.testing.assert_close(network.pool(tokens), network.hidden(tokens.amax(1)))


def test_heartbeat_cnn_drops_after_each_pooling_and_before_the_hidden_layers() -> None:
    rates = [layer.p for layer in HeartbeatCnn(1, 5).modules() if isinstance(layer, nn.Dropout)]
    assert rates == [0.1, 0.1, 0.1, 0.2, 0.0, 0.0]


def test_cnet_is_the_published_network() -> None:
    """Written out with torch's own layers, with the same weights."""
    torch.manual_seed(0)
    network = CNet(1, 5, head="flatten").eval()
    first, *others = [layer for layer in network.modules() if isinstance(layer, nn.Conv1d)]
    pairs = list(zip(others[::2], others[1::2], strict=True))
    assert len(pairs) == 5

    def same(layer: nn.Conv1d, x: Tensor) -> Tensor:
        return nn.functional.conv1d(x, layer.weight, layer.bias, padding=2)

    x = torch.randn(3, 1, 187)
    y, steps = same(first, x), []
    for inner, outer in pairs:
        y = nn.functional.max_pool1d((y + same(outer, same(inner, y).relu())).relu(), 5, 2)
        steps.append(y.shape[2])
    assert steps == [92, 44, 20, 8, 2]
    torch.testing.assert_close(network.tokens(x), y.mT)
    torch.testing.assert_close(network(x), network.head(network.hidden(y.mT.flatten(1))))


@pytest.mark.parametrize("name", ["heartbeat_cnn", "cnet"])
def test_a_flattened_end_is_built_for_a_beat_of_187_samples(name: str) -> None:
    network = create_model(name, in_channels=2, n_classes=5, head="flatten")
    assert network(torch.zeros(2, 2, 187)).shape == (2, 5)
    with pytest.raises(ValueError, match="252 samples; the network was built for n_samples=187"):
        network(torch.zeros(2, 2, 252))
    assert create_model(name, in_channels=2, n_classes=5, head="flatten", n_samples=252)(torch.zeros(1, 2, 252)).shape
