"""InfoNCE: equal logits, aligned pairs, and items that are not there."""

import math

import pytest
import torch

from models.pretraining.contrast import found, info_nce


@pytest.mark.parametrize("n", [1, 2, 7])
def test_equal_logits_give_the_logarithm_of_their_number(n: int):
    for value in (0.0, -3.5, 40.0):
        assert info_nce(torch.full((4, n, n), value)).item() == pytest.approx(math.log(n), abs=1e-5)


def test_aligned_pairs_lose_less_than_shuffled_ones_and_than_chance():
    torch.manual_seed(0)
    ours = torch.nn.functional.normalize(torch.randn(16, 8), dim=1)
    logits = ours @ ours.T / 0.1
    aligned, shuffled = info_nce(logits), info_nce(logits.roll(1, 1))
    assert aligned < math.log(16) < shuffled
    assert found(logits) == 1
    assert found(logits.roll(1, 1)) == 0


def test_it_is_torchs_cross_entropy_of_the_diagonal():
    torch.manual_seed(0)
    logits = torch.randn(3, 5, 5)
    expected = torch.stack([torch.nn.functional.cross_entropy(each, torch.arange(5)) for each in logits]).mean()
    torch.testing.assert_close(info_nce(logits), expected)


def test_items_that_are_not_there_are_neither_rows_nor_columns():
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 4, requires_grad=True)
    valid = torch.tensor([[True, True, False, True], [False] * 4])
    kept = [0, 1, 3]
    loss = info_nce(logits, valid)
    torch.testing.assert_close(loss, info_nce(logits[:1, kept][:, :, kept]))
    torch.testing.assert_close(found(logits, valid), found(logits[:1, kept][:, :, kept]))
    loss.backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert not logits.grad[0, 2].any()
    assert not logits.grad[:, :, 2].any()
    assert not logits.grad[1].any()
