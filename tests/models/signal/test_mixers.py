"""What mixes steps and channels: merged kernels are one map, gates and norms see an item's own steps alone."""

import pytest
import torch
from torch import Tensor, nn

from models.signal.masked import TimeLayer
from models.signal.mixers import (
    CHANNEL_MIXERS,
    GATES,
    KERNELS,
    TOKEN_MIXERS,
    Added,
    CoordinateAttention,
    GatedFeedForward,
    MergedKernels,
    Modulation,
    MultiScale,
    OverTime,
    merged_sandwich,
)

WIDTH, TIME = 16, 30

pytestmark = pytest.mark.usefixtures("in_float64")


def with_norms(layer: nn.Module) -> nn.Module:
    """Running figures and weights that say something."""
    for norm in layer.modules():
        if isinstance(norm, nn.BatchNorm1d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
    return layer


def side_by_side(layer: MergedKernels, x: Tensor) -> Tensor:
    """Each kernel by itself, their sum, and the norm."""
    y: Tensor = layer.norm(torch.stack([kernel(x) for kernel in layer.kernels]).sum(0))
    return y


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("learning", [True, False])
def test_merged_kernels_give_the_same_map(training: bool, learning: bool) -> None:
    layer, x = with_norms(MergedKernels(WIDTH)).train(training), torch.randn(3, WIDTH, TIME)
    assert isinstance(layer, MergedKernels)
    with torch.set_grad_enabled(learning):
        torch.testing.assert_close(layer(x, None), side_by_side(layer, x))


def test_merged_kernels_learn_as_they_would_side_by_side() -> None:
    layer, x = MergedKernels(WIDTH), torch.randn(3, WIDTH, TIME)
    weigh = torch.randn(3, WIDTH, TIME)
    kernels = [kernel.get_parameter("weight") for kernel in layer.kernels]
    merged = torch.autograd.grad((layer(x, None) * weigh).sum(), kernels)
    apart = torch.autograd.grad((side_by_side(layer, x) * weigh).sum(), kernels)
    torch.testing.assert_close(merged, apart)


def test_an_inverted_residual_with_merged_kernels_is_the_same_where_nothing_is_learnt() -> None:
    layer, x = with_norms(merged_sandwich(WIDTH)).eval(), torch.randn(2, WIDTH, TIME)
    learnt = layer(x, None)
    with torch.no_grad():
        torch.testing.assert_close(layer(x, None), learnt)


def test_each_quarter_of_the_channels_has_its_own_kernel() -> None:
    layer, x = MultiScale(WIDTH), torch.zeros(1, WIDTH, 61)
    x[..., 30] = 1.0
    seen = (layer(x, None) - layer(torch.zeros_like(x), None)).abs() > 0
    assert seen[0].sum(1).tolist() == [kernel for kernel in KERNELS for _ in range(WIDTH // 4)]


LAYERS = {
    **{
        f"{name} {gate}": lambda name=name, gate=gate: TOKEN_MIXERS[name](WIDTH, gate)
        for name in TOKEN_MIXERS
        for gate in GATES
    },
    "merged": lambda: merged_sandwich(WIDTH),
}
MIXERS = {
    **{name: lambda name=name: OverTime(LAYERS[name]()) for name in LAYERS},
    **{name: lambda name=name: CHANNEL_MIXERS[name](WIDTH) for name in CHANNEL_MIXERS},
}


@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("name", MIXERS)
def test_masked_is_unpadded(name: str, learning: bool) -> None:
    block = with_norms(Added(WIDTH, MIXERS[name]())).eval()
    steps, x = torch.tensor([TIME, 19, 1]), torch.randn(3, TIME, WIDTH)
    x = x * (torch.arange(TIME) < steps[:, None])[..., None]
    with torch.set_grad_enabled(learning):
        found = block(x, steps)
        for row, n in enumerate(steps.tolist()):
            torch.testing.assert_close(found[row, :n], block(x[row : row + 1, :n], None)[0])
            assert not found[row, n:].any()


@pytest.mark.parametrize("name", MIXERS)
def test_training_does_not_see_the_padding(name: str) -> None:
    block, steps, x = Added(WIDTH, MIXERS[name]()), torch.tensor([19, 7]), torch.randn(2, TIME, WIDTH)
    x = x * (torch.arange(TIME) < steps[:, None])[..., None]
    torch.testing.assert_close(block(x, steps)[:, :19], block(x[:, :19], steps))


@pytest.mark.parametrize("name", MIXERS)
def test_a_gradient_reaches_every_weight(name: str) -> None:
    block = with_norms(Added(WIDTH, MIXERS[name]())).eval()
    block(torch.randn(2, TIME, WIDTH), None).square().sum().backward()
    for which, numbers in block.named_parameters():
        assert numbers.grad is not None, which
        assert numbers.grad.abs().max() > 0, which


def test_what_is_added_is_said_of_normed_channels() -> None:
    """Over the channels of a step: a step that is larger or shifted as a whole says the same."""
    block, x = Added(WIDTH, CHANNEL_MIXERS["ffn"](WIDTH)), torch.randn(2, TIME, WIDTH)
    x[0, 3] = 1e3 * x[0, 5] + 7
    added = block(x, None) - x
    torch.testing.assert_close(added[0, 3], added[0, 5], atol=1e-4, rtol=1e-4)


def test_coordinate_attention_is_two_weights_of_channels() -> None:
    gate, x = CoordinateAttention(WIDTH), torch.randn(2, WIDTH, TIME)
    of_item = gate.of_item(gate.shared(x.mean(2))).sigmoid()[..., None]
    of_step = gate.of_step(gate.shared(x.mT)).sigmoid().mT
    torch.testing.assert_close(gate(x, None), x * of_item * of_step)


def test_modulation_is_a_product() -> None:
    """Of a step that says nothing itself nothing is left but the last layer's bias, whatever is around it."""
    layer, x = Modulation(WIDTH), torch.randn(2, WIDTH, TIME)
    nn.init.zeros_(layer.value.convolution.bias)
    x[..., 4] = 0
    torch.testing.assert_close(layer(x, None)[..., 4], layer.project.convolution.bias.expand(2, -1))


def test_a_gated_part_whose_gate_is_shut_says_its_bias() -> None:
    layer, x = GatedFeedForward(WIDTH), torch.randn(2, TIME, WIDTH)
    half = len(layer.wider.weight) // 2
    with torch.no_grad():
        layer.wider.weight[half:], layer.wider.bias[half:] = 0.0, 0.0
    torch.testing.assert_close(layer(x, None), layer.narrow.bias.expand(2, TIME, -1))


def test_a_width_that_is_no_multiple_of_the_kernels_is_refused() -> None:
    with pytest.raises(ValueError, match="the width is 6; kernels of 4 widths take a multiple of 4"):
        MultiScale(6)


def test_an_unknown_gate_is_refused() -> None:
    with pytest.raises(ValueError, match="gate is 'shut'; it is one of none, se, coordinate"):
        MultiScale(WIDTH, "shut")


def test_all_over_time_are_layers_that_know_where_items_end() -> None:
    assert all(isinstance(make(), TimeLayer) for make in LAYERS.values())
