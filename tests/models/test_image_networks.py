"""Image networks: the published map sizes, the two heads, other sizes and memory formats."""

from collections.abc import Callable

import pytest
import torch
import torchvision.models
from torch import Tensor, nn

from models import ImageNetwork, create_model, describe_model, list_models
from models.layers import FlattenPool, MeanPool

Example = Callable[..., Tensor]

images = pytest.mark.parametrize("name", list_models("image"))


def build(name: str, channels: int = 9, **options: object) -> ImageNetwork:
    network = create_model(name, in_channels=channels, n_classes=4, **options)
    assert isinstance(network, ImageNetwork)
    return network.eval()


def build_without_memory(name: str) -> ImageNetwork:
    with torch.device("meta"):
        return build(name)


def sides_after(name: str, kind: type[nn.Module], size: int = 256) -> list[int]:
    """Side of the map after each layer of a kind."""
    network, sides = build_without_memory(name), list[int]()
    for layer in network.modules():
        if isinstance(layer, kind):
            layer.register_forward_hook(lambda layer, inputs, output: sides.append(output.shape[-1]))
    network.last_map(torch.empty(1, network.in_channels, size, size, device="meta"))
    return sides


def test_alexnet_has_the_published_maps() -> None:
    assert sides_after("alexnet", nn.Conv2d) == [62, 30, 14, 14, 14]
    assert sides_after("alexnet", nn.MaxPool2d) == [30, 14, 6]
    assert sides_after("alexnet", nn.Dropout2d) == [30, 14, 6]


def test_the_other_networks_have_the_published_maps() -> None:
    assert sides_after("vgg", nn.MaxPool2d) == [128, 64, 32]
    assert sides_after("cnn", nn.Conv2d) == [254, 126, 126]
    assert sides_after("cnn", nn.MaxPool2d) == [126, 62]
    assert sides_after("resnet", nn.MaxPool2d) == [64]
    assert sides_after("resnet", nn.ReLU)[-1] == 8


def test_averaging_changes_nothing_at_the_published_size() -> None:
    body = build("alexnet", channels=1).body
    assert isinstance(body, nn.Sequential)
    averaging = body[-1]
    assert isinstance(averaging, nn.AdaptiveAvgPool2d)
    with torch.no_grad():
        last = body[:-1](torch.rand(1, 1, 256, 256))
    assert last.shape == (1, 256, 6, 6)
    assert torch.equal(averaging(last), last)


@pytest.mark.parametrize("size", [67, 100, 128, 224])
def test_alexnet_gives_36_tokens_at_any_size(size: int) -> None:
    network = build_without_memory("alexnet")
    assert network.tokens(torch.empty(2, 9, size, size + 3, device="meta")).shape == (2, 36, 256)


@images
def test_tokens_are_the_rows_of_the_last_map(name: str, example: Example) -> None:
    network = build(name, channels=3)
    batch = example(name, n=1, size=100)
    with torch.no_grad():
        last_map, tokens = network.last_map(batch), network.tokens(batch)
    height, width = last_map.shape[2:]
    assert torch.equal(tokens[0, 0 * width + 1], last_map[0, :, 0, 1])
    assert torch.equal(tokens[0, (height - 1) * width], last_map[0, :, height - 1, 0])


def test_flatten_is_channel_after_channel() -> None:
    last_map = torch.randn(2, 3, 2, 2)
    pooling = FlattenPool(12, widths=(5,), dropouts=(0.0,))
    (linear, relu, _) = pooling.layers
    expected = relu(linear(last_map.reshape(2, 12)))
    assert torch.equal(pooling(last_map.flatten(2).transpose(1, 2)), expected)


def test_mean_pool_is_the_mean_of_the_positions() -> None:
    tokens = torch.tensor([[[1.0, 10.0], [3.0, 30.0]]])
    assert MeanPool()(tokens).tolist() == [[2.0, 20.0]]


@images
def test_channels_last_gives_the_same(name: str, example: Example) -> None:
    network = build(name, channels=3)
    batch = example(name, n=2)
    with torch.no_grad():
        expected = network(batch)
        network.to(memory_format=torch.channels_last)
        got = network(batch.to(memory_format=torch.channels_last))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounded = network(batch.to(memory_format=torch.channels_last)).float()
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(rounded, expected, atol=0.05 * float(expected.abs().max()), rtol=0)


with_heads = pytest.mark.parametrize("name", [n for n in list_models("image") if "head" in describe_model(n).options])


@with_heads
def test_flatten_head_takes_its_size_only(name: str, example: Example) -> None:
    network = build(name, channels=3, head="flatten", size=16)
    batch = example(name, n=2, size=16)
    with torch.no_grad():
        assert network(batch).shape == (2, 4)
        assert torch.equal(network(batch), network(batch)), "dropout acts at test"
    for size in (15, 17):
        with pytest.raises(ValueError, match=rf"{size} × {size} pixels.*16"):
            network.tokens(example(name, n=1, size=size))


@with_heads
def test_flatten_head_drops_out_in_training(name: str, example: Example) -> None:
    network = build(name, channels=3, head="flatten", size=16).train()
    batch = example(name, n=2, size=16)
    with torch.no_grad():
        assert not torch.equal(network(batch), network(batch))


@with_heads
def test_a_wrong_head_or_size_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="'max' is neither 'mean' nor 'flatten'"):
        build(name, head="max")
    with pytest.raises(ValueError, match="size 7 is below the smallest"):
        build(name, head="flatten", size=7)


@pytest.mark.parametrize(("depth", "theirs"), [(50, "resnet50"), (101, "resnet101")])
def test_a_resnet_has_the_weights_of_torchvisions_and_biases_that_are_idle(depth: int, theirs: str) -> None:
    with torch.device("meta"):
        network = create_model("resnet", in_channels=3, n_classes=1000, nb_filters=64, depth=depth)
        other = torchvision.models.get_model(theirs, weights=None)
    idle = [x for name, x in network.named_parameters() if name.endswith("bias") and "head" not in name]
    norms = [x for module in network.modules() if isinstance(module, nn.BatchNorm2d) for x in [module.bias]]
    extra = sum(x.numel() for x in idle) - sum(x.numel() for x in norms)
    assert sum(x.numel() for x in network.parameters()) - extra == sum(x.numel() for x in other.parameters())


def test_a_resnet_of_another_depth_is_refused_and_26_layers_are_26() -> None:
    with pytest.raises(ValueError, match="26, 50, 101 layers deep, not 34"):
        build("resnet", depth=34)
    on_the_way = [module for name, module in build("resnet", depth=26).named_modules() if "shortcut" not in name]
    assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in on_the_way) == 26
