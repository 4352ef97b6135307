"""What the benchmark's networks share: how a map is read, and how they begin."""

import pytest
import torch
from plain_networks import head
from torch import nn

from models.registry import create_model
from models.signal.benchmark import ConvolutionNorm, NormedConvolution, convolved_beside, hidden_layer, largest_and_mean

NETWORKS = ["fcn_wang", "inception1d", "xresnet1d101"]


def test_maximum_and_mean_are_of_an_items_own_steps() -> None:
    tokens = torch.tensor([[[1.0], [3.0], [8.0]], [[-4.0], [-2.0], [0.0]]])
    assert [x.flatten().tolist() for x in largest_and_mean(tokens, None)] == [[8.0, 0.0], [4.0, -2.0]]
    largest, mean = largest_and_mean(tokens, torch.tensor([2, 1]))
    assert largest.flatten().tolist() == [3.0, -4.0]
    assert mean.flatten().tolist() == [2.0, -4.0]


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_the_hidden_layer_has_half_the_dropout_before_it(dropout: float) -> None:
    layers = hidden_layer(6, dropout)
    assert [type(layer) for layer in layers] == [type(layer) for layer in head(6, 2)[:-1]]
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [dropout / 2, dropout]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_maximum_stands_before_the_mean(name: str) -> None:
    network = create_model(name, in_channels=2, n_classes=3).eval()
    read: list[torch.Tensor] = []
    network.get_submodule("hidden").register_forward_pre_hook(lambda layer, inputs: read.append(inputs[0]))
    tokens = torch.randn(2, 7, network.token_dim)
    network.pool(tokens)
    torch.testing.assert_close(read[0], torch.cat([tokens.amax(1), tokens.mean(1)], 1))


@pytest.mark.parametrize("name", NETWORKS)
def test_fresh_weights_are_hes_and_no_norm_is_shut(name: str) -> None:
    torch.manual_seed(0)
    for layer in create_model(name, in_channels=12, n_classes=5).modules():
        if isinstance(layer, nn.Conv1d | nn.Linear):
            n_in = layer.weight[0].numel()
            assert layer.weight.std().item() == pytest.approx((2 / n_in) ** 0.5, rel=0.15)
            assert layer.bias is None or not layer.bias.any()
        if isinstance(layer, nn.BatchNorm1d):
            assert (layer.weight == 1).all()


@pytest.mark.parametrize("stride", [1, 2])
def test_in_a_chain_it_is_told_lengths_instead_of_places(stride: int) -> None:
    torch.manual_seed(0)
    layer = NormedConvolution(2, 3, 5, stride).eval()
    assert isinstance(layer.layer, ConvolutionNorm)
    x, length = torch.randn(3, 2, 21), torch.tensor([21, 10, 1])
    x *= (torch.arange(21) < length[:, None])[:, None]
    found = layer(x, length)
    for row, n in enumerate(length.tolist()):
        steps = layer.n_steps(n)
        torch.testing.assert_close(found[row : row + 1, :, :steps], layer(x[row : row + 1, :, :n], None))
        assert not found[row, :, steps:].any()


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_channels_that_lie_side_by_side_are_convolved_as_others(kernel: int, stride: int):
    """Forwards and backwards, whatever is left over behind the last kernel."""
    x, weight, bias = (torch.randn(shape, dtype=torch.float64) for shape in ((2, 3, 10), (4, 3, kernel), (4,)))
    of_both = []
    for convolve in (convolved_beside, torch.nn.functional.conv1d):
        given = tuple(each.clone().requires_grad_() for each in (x, weight, bias))
        y = convolve(given[0], given[1], given[2], stride=stride, padding=kernel // 2)
        of_both.append([y, *torch.autograd.grad(y.square().sum(), given)])
    torch.testing.assert_close(*of_both)
    assert of_both[0][0].unsqueeze(2).is_contiguous(memory_format=torch.channels_last)
