"""The rhythm networks of CinC 2017: lengths layer by layer, dropouts, blocks and fresh weights as published."""

from pathlib import Path

import pytest
import torch
from made_stores import write_stores
from torch import nn

import train
from models import create_model
from models.signal.convolutional import ConvolutionalNetwork
from models.signal.masked import MaxPool, Norm, Residual, TimeLayer
from models.signal.rhythm_convolutional import ROWS
from pipeline.errors import EcgFusionError

LENGTHS = {  # steps behind each layer that shortens them, of 1500 samples; and of the flattened map
    "basic_cnn": ([1309, 261, 198, 39, 22], 704),
    "resnet_like_x3": ([1309, 187, 37], 888),
    "resnet_like_x4": ([1309, 187, 37], 888),
    "smaller_resnet_4x2": ([300, 100, 33, 11], 792),
    "smaller_resnet_4x3": ([300, 100, 33, 11], 704),
    "identity_resnet_4x2": ([300, 100, 33, 11], 704),
    "identity_resnet_8x2": ([300, 100, 33, 11], 528),
}
DROPOUTS = {  # between the layers of the last map and before the head
    "basic_cnn": (2, 2),
    "resnet_like_x3": (2, 2),
    "resnet_like_x4": (2, 2),
    "smaller_resnet_4x2": (5, 1),
    "smaller_resnet_4x3": (4, 1),
    "identity_resnet_4x2": (4, 1),
    "identity_resnet_8x2": (8, 1),
}
names = pytest.mark.parametrize("name", ROWS)


def published(name: str) -> ConvolutionalNetwork:
    network = create_model(name, in_channels=1, n_classes=3, head="flatten")
    assert isinstance(network, ConvolutionalNetwork)
    return network


@names
def test_each_layer_leaves_as_many_steps_as_published(name: str) -> None:
    network, steps, found = published(name), 1500, []
    for layer in network.body.layers:
        left = layer.n_steps(steps) if isinstance(layer, TimeLayer) else steps
        found += [left] if left != steps else []
        steps = left
    assert (found, steps * network.token_dim) == LENGTHS[name]
    first = network.hidden[1]
    assert isinstance(first, nn.Linear)
    assert first.in_features == LENGTHS[name][1]
    assert network.tokens(torch.zeros(1, 1, 1500)).shape == (1, steps, network.token_dim)


@names
def test_dropouts_stand_where_they_stood(name: str) -> None:
    network = published(name)
    rates = [[layer.p for layer in part.modules() if isinstance(layer, nn.Dropout)] for part in network.children()]
    in_body, in_hidden, in_head = rates
    n_body, n_hidden = DROPOUTS[name]
    assert in_body == [0.5] * n_body
    assert in_hidden == [*[0.5] * n_hidden, 0.0]
    assert in_head == []


@names
def test_batch_norms_are_those_of_keras_and_behind_each_relu(name: str) -> None:
    network = published(name)
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm1d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}
    first = list(network.body.layers)[1:3]
    assert isinstance(first[0], nn.ReLU)
    assert isinstance(first[1], Norm)


@names
def test_no_activation_follows_a_sum(name: str) -> None:
    """A block adds what it says, of any sign, to its shortcut: nothing, or 1 × 1 and a norm, where channels differ."""
    blocks = [layer for layer in published(name).body.layers if isinstance(layer, Residual)]
    n_blocks = {"basic_cnn": 0, "resnet_like_x3": 2, "resnet_like_x4": 2, "identity_resnet_8x2": 8}
    assert len(blocks) == n_blocks.get(name, 4)
    for block in blocks:
        assert (block.shortcut is None) == name.startswith("identity")
        width = next(layer for layer in block.modules() if isinstance(layer, nn.Conv1d)).in_channels
        x = torch.randn(2, width, 40)
        around = x if block.shortcut is None else block.eval().shortcut(x, None)
        torch.testing.assert_close(block.eval()(x, None), block.body(x, None) + around)
        assert (block(x, None) < 0).any()


@names
def test_fresh_weights_are_those_of_keras(name: str) -> None:
    torch.manual_seed(0)
    network = published(name)
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv1d | nn.Linear)]
    for weight in weights:
        fans = weight[0, 0].numel() * (weight.shape[0] + weight.shape[1])  # kernel, outputs and inputs
        expected = 0.05 if name == "basic_cnn" else (2 / fans) ** 0.5
        assert float(weight.detach().std()) == pytest.approx(expected, rel=0.25)


@names
def test_the_flattened_map_is_read_step_by_step_as_keras_does(name: str) -> None:
    network = published(name).eval()
    tokens = torch.randn(2, 1, 1)  # any map
    assert torch.equal(network._pooled(tokens.expand(2, 3, 4), None), tokens.expand(2, 3, 4).reshape(2, 12))


@names
def test_only_the_flattened_head_is_tied_to_a_length(name: str) -> None:
    with torch.no_grad():
        pooled = create_model(name, in_channels=1, n_classes=3).eval()
        for time in (1500, 2700, 18000 if name.startswith("smaller") else 3000):
            assert pooled(torch.zeros(1, 1, time)).shape == (1, 3)
    with pytest.raises(ValueError, match="2700 samples; the network was built for n_samples=1500"):
        published(name)(torch.zeros(1, 1, 2700))
    with pytest.raises(ValueError, match="n_samples is 20; the smallest"):
        create_model(name, in_channels=1, n_classes=3, head="flatten", n_samples=20)


@pytest.mark.usefixtures("cpu_as_before")
def test_a_flattened_head_with_padded_items_is_refused_in_one_sentence(tmp_path: Path) -> None:
    stores = write_stores(tmp_path / "stores", n_train=6, n_dev=4, seconds=(5.0, 3.0))
    words = f"-model smaller_resnet_4x2 -head flatten -epochs 1 -threads 1 -data {stores}"
    with pytest.raises(EcgFusionError, match=r"takes items of 500 samples alone, and the item .* take -head mean"):
        train.main([*words.split(), "-path_save_model", str(tmp_path / "run")])


def test_the_maximum_is_behind_the_norm_and_of_side_by_side_steps() -> None:
    pools = [layer for layer in published("basic_cnn").body.layers if isinstance(layer, MaxPool)]
    assert [(pool.kernel, pool.stride) for pool in pools] == [(5, 5), (5, 5)]
