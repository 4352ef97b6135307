"""Tokens that are seen are taken out and put back where they stood."""

import torch

from models.pretraining.visible import Visible


def test_what_is_taken_out_goes_back_to_its_place():
    seen = torch.tensor([[True, False, True, True], [False, True, False, False]])
    tokens = torch.arange(2 * 4 * 3.0).view(2, 4, 3)
    visible = Visible.of(seen, tokens)
    taken = visible.take(tokens)
    assert taken.shape == (2, 3, 3)
    torch.testing.assert_close(taken[0], tokens[0, [0, 2, 3]])
    torch.testing.assert_close(taken[1, 0], tokens[1, 1])
    assert visible.padded is not None
    assert visible.padded.tolist() == [[False] * 3, [False, True, True]]
    put = visible.put(taken * 10, torch.full_like(tokens, -1))
    torch.testing.assert_close(put, torch.where(seen[..., None], tokens * 10, -1.0))


def test_as_many_of_each_item_need_no_mask():
    visible = Visible.of(torch.tensor([[True, False], [False, True]]), torch.zeros(1))
    assert visible.padded is None
    assert visible.at.tolist() == [[0], [1]]
