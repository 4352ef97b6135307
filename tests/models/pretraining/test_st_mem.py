"""The masked autoencoder: what is hidden, what enters the loss, and that leads are decoded apart."""

from typing import Any

import pytest
import torch

from models import SignalNetwork, create_model
from models.pretraining.st_mem import StMem, masked_error

SMALL: dict[str, Any] = {"patch": 10, "width": 16, "n_layers": 1, "n_heads": 2, "dropout": 0.0}


def small(**options: Any) -> StMem:
    torch.manual_seed(0)
    encoder = create_model("lead_transformer", in_channels=3, n_classes=1, **SMALL)
    assert isinstance(encoder, SignalNetwork)
    return StMem(encoder, **{"width": 8, "n_heads": 2, **options})


def test_three_quarters_of_each_lead_are_hidden():
    hidden = small().draw_hidden(torch.tensor([60, 36, 12]), 60).view(3, 20, 3)
    assert hidden.sum(1).tolist() == [[15] * 3, [9] * 3, [3] * 3]
    assert not hidden[1, 12:].any()
    assert not hidden[2, 4:].any()
    assert (hidden[0, :, 0] != hidden[0, :, 1]).any(), "leads are hidden apart"


def test_no_item_is_hidden_whole_nor_shown_whole():
    hidden = small(hidden=0.95).draw_hidden(torch.tensor([12]), 12).view(1, 4, 3)
    assert hidden.sum(1).tolist() == [[3, 3, 3]]
    assert small(hidden=0.01).draw_hidden(torch.tensor([12]), 12).view(1, 4, 3).sum(1).tolist() == [[1, 1, 1]]


def test_patches_that_are_seen_do_not_enter_the_loss():
    drawn, patches = torch.randn(2, 6, 10, requires_grad=True), torch.randn(2, 6, 10)
    hidden = torch.tensor([[True, False, True, False, False, False], [False, True, False, False, False, True]])
    loss = masked_error(drawn, patches, hidden)
    loss.backward()
    assert drawn.grad is not None
    assert not drawn.grad[~hidden].any()
    assert drawn.grad[hidden].any(1).all()
    other = patches.clone()
    other[~hidden] = 9.0
    torch.testing.assert_close(masked_error(drawn, other, hidden), loss)


def test_a_perfect_drawing_loses_nothing_and_no_drawing_loses_one():
    patches = 3 + 0.01 * torch.randn(2, 6, 10)
    hidden = torch.ones(2, 6, dtype=torch.bool)
    perfect = (patches - patches.mean(2, keepdim=True)) / patches.std(2, correction=0, keepdim=True)
    assert masked_error(perfect, patches, hidden) < 1e-3
    assert masked_error(torch.zeros(2, 6, 10), patches, hidden).item() == pytest.approx(1, abs=0.05)


def test_a_flat_patch_is_a_number():
    drawn = torch.zeros(1, 2, 10, requires_grad=True)
    loss = masked_error(drawn, torch.ones(1, 2, 10), torch.ones(1, 2, dtype=torch.bool))
    loss.backward()
    assert loss == 0


def test_what_is_hidden_is_not_seen():
    method = small().eval()
    own = torch.tensor([60, 60])
    hidden = method.draw_hidden(own, 60)
    patches = torch.randn(2, 60, 10)
    other = torch.where(hidden[..., None], 50.0, patches)
    with torch.no_grad():
        torch.testing.assert_close(method.draw(patches, own, hidden), method.draw(other, own, hidden))
        seen = torch.where(hidden[..., None], patches, 50.0)
        assert (method.draw(patches, own, hidden) - method.draw(seen, own, hidden)).abs().max() > 1e-3


def test_leads_are_decoded_apart_though_in_one_batch():
    """With an encoder that lets no token see another, a lead's drawing hangs on that lead alone."""
    method = small().eval()
    for layer in method.encoder.layers:
        torch.nn.init.zeros_(layer.get_parameter("self_attn.out_proj.weight"))
    own = torch.tensor([60])
    hidden = method.draw_hidden(own, 60)
    patches = torch.randn(1, 60, 10)
    other = patches.clone()
    other.view(1, 20, 3, 10)[:, :, 1] += 5.0
    with torch.no_grad():
        ours, theirs = (method.draw(each, own, hidden).view(20, 3, 10) for each in (patches, other))
    torch.testing.assert_close(ours[:, [0, 2]], theirs[:, [0, 2]])
    assert (ours[:, 1] - theirs[:, 1]).abs().max() > 1e-3
