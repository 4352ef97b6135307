"""Heads hear what they are said to, of an item's own steps."""

import pytest
import torch
from torch import Tensor, nn

from models.signal.attention_kinds import Attention
from models.signal.heads import ReducedHeads, RoutedHeads, StrideHeads, WindowHeads, dot_products, in_windows, means

WIDTH, N_HEADS, TIME = 8, 4, 30

pytestmark = pytest.mark.usefixtures("in_float64")


def hears(attention: nn.Module, step: int) -> list[int]:
    """Which steps one step hears."""
    x = torch.randn(1, TIME, WIDTH, requires_grad=True)
    (slope,) = torch.autograd.grad(attention(x, None)[0, step].square().sum(), x)
    heard: list[int] = slope[0].abs().sum(1).nonzero().flatten().tolist()
    return heard


@pytest.mark.parametrize(
    ("heads", "step", "heard"),
    [
        (lambda: WindowHeads(8, 8, 4, 8), 9, range(8, 16)),
        (lambda: WindowHeads(8, 8, 4, 8), 29, range(24, 30)),
        (lambda: WindowHeads(8, 8, 4, 8, 4), 3, range(4)),
        (lambda: WindowHeads(8, 8, 4, 8, 4), 9, range(4, 12)),
        (lambda: WindowHeads(8, 8, 4, 8, 3), 4, range(5)),
        (lambda: StrideHeads(8, 8, 4, 7), 9, range(2, 30, 7)),
        (lambda: StrideHeads(8, 8, 4, 40), 9, [9]),
    ],
)
def test_heads_hear_what_they_are_said_to(heads: object, step: int, heard: range) -> None:
    assert callable(heads)
    assert hears(Attention(WIDTH, heads()), step) == list(heard)


def test_routing_goes_to_the_nearest_regions_by_the_means_of_queries_and_keys() -> None:
    heads, x = RoutedHeads(WIDTH, WIDTH, N_HEADS, 10, 2), torch.randn(1, TIME, WIDTH)
    query, key = heads.query(x)[0], heads.key_value(x)[0, :, :WIDTH]
    nearness = query.unflatten(0, (3, 10)).mean(1) @ key.unflatten(0, (3, 10)).mean(1).T
    for region in range(3):
        near = nearness[region].argsort(descending=True)[:2].tolist()
        x.requires_grad_()
        (slope,) = torch.autograd.grad(heads(x, None)[0, 10 * region + 3].square().sum(), x)
        heard = slope[0].abs().sum(1).unflatten(0, (3, 10)).any(1).nonzero().flatten().tolist()
        assert heard == sorted({*near, region})  # its own region is where the query is from
    counted = attended_steps(heads, x.detach())
    assert counted == [20] * TIME


def attended_steps(heads: RoutedHeads, x: Tensor) -> list[int]:
    seen = heads._seen(x, None)
    assert seen is not None
    counts: list[int] = seen[0].sum(1).tolist()
    return counts


def test_reduced_heads_hear_a_convolution_whose_kernel_is_its_stride() -> None:
    heads, x = ReducedHeads(WIDTH, WIDTH, N_HEADS, 4), torch.randn(2, TIME, WIDTH)
    assert isinstance(heads.shorter, nn.Sequential)
    linear, norm = heads.shorter
    assert isinstance(linear, nn.Linear)
    weight = linear.weight.unflatten(1, (4, WIDTH)).transpose(1, 2)  # (out, in, kernel)
    padded = nn.functional.pad(x.transpose(1, 2), (0, 2))
    wanted = norm(nn.functional.conv1d(padded, weight, linear.bias, 4).transpose(1, 2))
    torch.testing.assert_close(heads.heard(x, None)[0], wanted)


def test_a_mean_is_of_an_items_own_steps() -> None:
    x = torch.tensor([[[1.0], [3.0], [8.0], [0.0]], [[5.0], [0.0], [0.0], [0.0]]])
    own = torch.tensor([[True, True, True, False], [True, False, False, False]])
    assert means(x, own, 2).flatten().tolist() == [2.0, 8.0, 5.0, 0.0]
    assert means(x[:1, :3], None, 2).flatten().tolist() == [2.0, 8.0]


def test_windows_are_filled_up_on_both_sides() -> None:
    windows, own = in_windows(torch.arange(1.0, 6)[None, :, None], None, 4, before=1)
    assert own is not None
    assert windows[0, ..., 0].tolist() == [[0, 1, 2, 3], [4, 5, 0, 0]]
    assert own[0].tolist() == [[False, True, True, True], [True, True, False, False]]


@pytest.mark.parametrize("masked", [False, True])
def test_in_bf16_on_a_cpu_only_what_comes_and_goes_is_rounded(masked: bool):
    """Products and sums are fp32's, within autocast too, and what goes back is of the type that came."""
    query, key, value = (torch.randn(2, 3, 9, 4, dtype=torch.bfloat16, requires_grad=True) for _ in range(3))
    seen = torch.arange(9) < torch.tensor([[[[9]]], [[[4]]]]) if masked else None
    with torch.autocast("cpu", torch.bfloat16):
        y = dot_products(query, key, value, seen)
    exact = nn.functional.scaled_dot_product_attention(query.float(), key.float(), value.float(), attn_mask=seen)
    assert torch.equal(y, exact.to(torch.bfloat16))
    y.sum().backward()
    assert all(x.grad is not None and x.grad.dtype == torch.bfloat16 for x in (query, key, value))
