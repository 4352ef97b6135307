"""Padding of items of unequal length: what is inside, what is blanked, and where an item ends."""

import torch

from models.signal.padding import blank, last_step, shares, within

LENGTH = torch.tensor([2, 4, 1])


def test_what_is_inside():
    assert within(LENGTH, 4).tolist() == [[True, True, False, False], [True] * 4, [True, False, False, False]]


def test_what_is_behind_the_end_is_zero_and_the_rest_untouched():
    x = torch.randn(3, 4, 5)
    blanked = blank(x, LENGTH)
    inside = within(LENGTH, 4)
    assert torch.equal(blanked[inside], x[inside])
    assert (blanked[~inside] == 0).all()


def test_the_last_step_is_an_items_own():
    x = torch.arange(12.0).view(3, 4, 1)
    assert last_step(x, LENGTH).flatten().tolist() == [1, 7, 8]
    assert last_step(x, None).flatten().tolist() == [3, 7, 11]


def test_shares_are_a_softmax_of_an_items_own_steps():
    scores = torch.randn(3, 4)
    found = shares(scores, LENGTH)
    for row, n in enumerate(LENGTH.tolist()):
        torch.testing.assert_close(found[row, :n], scores[row, :n].softmax(0))
        assert not found[row, n:].any()
    torch.testing.assert_close(shares(scores, None), scores.softmax(1))
