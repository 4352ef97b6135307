"""Fewer tokens, their mean and maximum, and their place: by hand, and whatever stands in the padding."""

import pytest
import torch
from torch import Tensor

from models import at_most
from models.fusion.tokens import check_mask, largest_token, mean_token, relative_position

ALL = torch.ones(1, 5, dtype=torch.bool)


def column(*numbers: float) -> Tensor:
    return torch.tensor(numbers)[None, :, None]  # (1, t, 1)


def padded_batch(garbage: float) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Items of 40, 33, 7 and 1 tokens in 50, with garbage in between and behind."""
    generator = torch.Generator().manual_seed(0)
    lengths, t = (40, 33, 7, 1), 50
    tokens, mask = torch.full((4, t, 3), garbage), torch.zeros(4, t, dtype=torch.bool)
    items = [torch.randn(length, 3, generator=generator) for length in lengths]
    for row, item in enumerate(items):
        mask[row, torch.randperm(t, generator=generator)[: len(item)]] = True
        tokens[row, mask[row]] = item
    return tokens, mask, items


def test_five_tokens_become_two_of_three_neighbours_and_two() -> None:
    tokens = column(1.0, 2.0, 6.0, 10.0, 20.0)
    fewer, mask = at_most(tokens, None, 2)
    assert fewer.flatten().tolist() == [3.0, 15.0]
    assert mask is None
    fewer, mask = at_most(tokens, ALL, 2)
    torch.testing.assert_close(fewer.flatten(), torch.tensor([3.0, 15.0]))
    assert mask.tolist() == [[True, True]]


def test_each_item_is_divided_by_its_own_number() -> None:
    tokens = column(1.0, 2.0, 6.0, 10.0, 20.0).expand(3, 5, 1)
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2, [False] * 4 + [True]])
    fewer, mask = at_most(tokens, mask, 3)
    torch.testing.assert_close(fewer[..., 0], torch.tensor([[1.5, 8.0, 20.0], [1.0, 2.0, 6.0], [20.0, 0.0, 0.0]]))
    assert mask.tolist() == [[True, True, True], [True, True, True], [True, False, False]]


@pytest.mark.parametrize("n", [1, 3, 8, 32, 49, 50, 80])
@pytest.mark.parametrize("garbage", [0.0, 1e3, float("nan")])
def test_padding_never_changes_the_groups(n: int, garbage: float) -> None:
    tokens, mask, items = padded_batch(garbage)
    fewer, fewer_mask = at_most(tokens, mask, n)
    assert fewer.shape[1] <= max(n, 1)
    assert not fewer[~fewer_mask].any()
    for row, item in enumerate(items):
        alone, _ = at_most(item[None], None, n)
        torch.testing.assert_close(fewer[row, fewer_mask[row]], alone[0])


@pytest.mark.parametrize("n", [1, 3, 8, 32, 50])
def test_a_second_time_changes_nothing(n: int) -> None:
    tokens, mask, _ = padded_batch(0.0)
    for once in (at_most(tokens, mask, n), at_most(tokens, None, n)):
        twice = at_most(*once, n)
        assert torch.equal(twice[0], once[0])
        assert once[1] is None or torch.equal(twice[1], once[1])


def test_few_enough_stay_as_they_are() -> None:
    tokens = torch.randn(2, 4, 3)
    assert torch.equal(at_most(tokens, None, 4)[0], tokens)
    with pytest.raises(ValueError, match="at most 0 tokens leave nothing"):
        at_most(tokens, None, 0)


@pytest.mark.parametrize("mask_them", [False, True])
def test_every_token_counts_as_much_as_its_neighbours(mask_them: bool) -> None:
    tokens = torch.randn(1, 12, 2, requires_grad=True)
    mask = torch.ones(1, 12, dtype=torch.bool) if mask_them else None
    at_most(tokens, mask, 4)[0].sum().backward()
    torch.testing.assert_close(tokens.grad, torch.full_like(tokens, 1 / 3))


def test_mean_and_maximum_are_of_the_items_own_tokens() -> None:
    tokens, mask, items = padded_batch(float("nan"))
    for row, item in enumerate(items):
        torch.testing.assert_close(mean_token(tokens, mask)[row], item.mean(0))
        torch.testing.assert_close(largest_token(tokens, mask)[row], item.amax(0))
        assert torch.equal(mean_token(item[None], None)[0], item.mean(0))
        assert torch.equal(largest_token(item[None], None)[0], item.amax(0))


def test_a_position_is_the_middle_of_a_token_in_its_item() -> None:
    tokens = torch.zeros(2, 5, 1)
    torch.testing.assert_close(relative_position(tokens, None), torch.tensor([[0.1, 0.3, 0.5, 0.7, 0.9]]))
    mask = torch.tensor([[True, True, False, False, False], [False, True, False, False, False]])
    position = relative_position(tokens, mask)
    assert position[mask].tolist() == [0.25, 0.75, 0.5]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.ones(2, 4, dtype=torch.bool), r"it is torch.bool \(2, 4\); it must be bool \(2, 5\)"),
        (torch.ones(2, 5), r"it is torch.float32 \(2, 5\); it must be bool"),
        (torch.tensor([[True] * 5, [False] * 5]), "it leaves item 1 without a token"),
    ],
)
def test_what_is_no_mask_is_refused(mask: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_mask(mask, torch.zeros(2, 5, 1), what="it")
