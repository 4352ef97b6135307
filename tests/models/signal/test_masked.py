"""Layers that know where items end: each item gets what it would get alone, in training's own figures, too."""

import pytest
import torch
from torch import Tensor, nn

from models.signal.masked import Chain, Convolution, MaxPool, MaxPoolAround, MeanOfTwo, Norm, Residual

LENGTHS = torch.tensor([40, 17, 26, 33])


def layers() -> Chain:
    torch.manual_seed(0)
    inner = Chain(Convolution(4, 4, 4), nn.ReLU(), Norm(4), Convolution(4, 4, 3), Norm(4))
    return Chain(
        Convolution(2, 4, 6, valid=True),
        nn.ReLU(),
        Norm(4),
        MaxPool(2),
        Residual(inner, Chain(Convolution(4, 4, 1), Norm(4))),
        Residual(inner),
        Convolution(4, 6, 5, 2, groups=2),
        MaxPool(3, 1),
    )


def padded() -> Tensor:
    x = torch.randn(4, 2, 40, generator=torch.Generator().manual_seed(1))
    return x * (torch.arange(40) < LENGTHS[:, None])[:, None]


def test_each_item_gets_what_it_would_get_alone() -> None:
    chain, x = layers().eval(), padded()
    together = chain(x, LENGTHS)
    for row, n in enumerate(LENGTHS.tolist()):
        alone = chain(x[row : row + 1, :, :n], None)
        steps = chain.n_steps(n)
        assert alone.shape[2] == steps == int(chain.n_steps(LENGTHS)[row])
        torch.testing.assert_close(together[row, :, :steps], alone[0], atol=1e-6, rtol=1e-6)
        assert not together[row, :, steps:].any()


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 15, 32])
def test_same_leaves_as_many_steps_and_pads_as_tensorflow_does(kernel: int) -> None:
    """Of kernel - 1 zeros ⌊half⌋ stand before the item, the rest behind it."""
    layer = Convolution(1, 1, kernel, bias=False)
    nn.init.ones_(layer.convolution.weight)
    x = torch.zeros(1, 1, 50)
    x[0, 0, 25] = 1.0
    (seen,) = layer(x, None)[0, 0].nonzero(as_tuple=True)
    assert layer(x, None).shape == x.shape
    assert (25 - seen.max(), seen.min() - 25) == (-((kernel - 1) // 2), -(kernel // 2))


@pytest.mark.parametrize("valid", [False, True])
@pytest.mark.parametrize("kernel", [1, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("n", [37, 38, 39])
def test_a_kernel_reaches_the_last_step_that_it_is_given(valid: bool, kernel: int, stride: int, n: int) -> None:
    """Steps behind it change nothing, and a gradient in bf16 is wrong where there are some."""
    torch.manual_seed(0)
    layer, given = Convolution(2, 3, kernel, stride, valid=valid), []
    layer.convolution.register_forward_pre_hook(lambda _, args: given.append(args[0].shape[2]))
    x = torch.randn(2, 2, n)
    y = layer(x, None)
    ends = (0, 0) if valid else ((kernel - 1) // 2, kernel // 2)
    plain = nn.functional.conv1d(nn.functional.pad(x, ends), layer.convolution.weight, layer.convolution.bias, stride)
    torch.testing.assert_close(y, plain)
    assert y.shape[2] == layer.n_steps(n)
    assert given == [(y.shape[2] - 1) * stride + kernel]


@pytest.mark.parametrize(
    "chain",
    [
        Chain(Convolution(1, 1, 192, valid=True), MaxPool(5), Convolution(1, 1, 64, valid=True), MaxPool(5)),
        Chain(Convolution(1, 1, 5)),
        Chain(MaxPool(5, 2), MaxPool(5, 2)),
        layers(),
    ],
)
def test_the_smallest_number_of_steps_leaves_one(chain: Chain) -> None:
    smallest = chain.smallest()
    assert chain.n_steps(smallest) == 1
    assert smallest == 1 or chain.n_steps(smallest - 1) < 1


def test_a_maximum_is_of_an_items_own_steps() -> None:
    x = torch.tensor([[[-3.0, -2.0, -1.0, 0.0, 0.0]]])
    assert MaxPool(2)(x, torch.tensor([3])).tolist() == [[[-2.0, 0.0]]]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("n", [6, 7])
def test_a_maximum_around_each_step_is_of_an_items_own(stride: int, n: int) -> None:
    torch.manual_seed(0)
    x, layer = torch.randn(2, 3, n) - 5, MaxPoolAround(3, stride)  # zeros behind would be the largest
    torch.testing.assert_close(layer(x, None), nn.MaxPool1d(3, stride, 1)(x))
    padded = torch.cat([x, torch.zeros(2, 3, 4)], 2)
    found = layer(padded, torch.tensor([n, n]))
    steps = layer.n_steps(n)
    torch.testing.assert_close(found[..., :steps], layer(x, None))
    assert not found[..., steps:].any()


@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_a_mean_of_two_is_of_an_items_own(n: int) -> None:
    torch.manual_seed(0)
    x, layer = torch.randn(2, 3, n), MeanOfTwo()
    wanted = nn.AvgPool1d(2, ceil_mode=True)(x)
    torch.testing.assert_close(layer(x, None), wanted)
    for longer in (1, 4):
        found = layer(torch.cat([x, torch.zeros(2, 3, longer)], 2), torch.tensor([n, n]))
        torch.testing.assert_close(found[..., : wanted.shape[2]], wanted)
        assert not found[..., wanted.shape[2] :].any()
    assert layer.n_steps(n) == wanted.shape[2]
