"""Joint-embedding prediction: the copy that follows, what is hidden, and how collapse is told."""

from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from models import SignalNetwork, create_model
from models.pretraining.jepa import Jepa, standardised_in_time, token_deviation

SMALL: dict[str, Any] = {"patch": 10, "width": 16, "n_layers": 1, "n_heads": 2, "dropout": 0.0}


def small(name: str = "ecg_transformer", **options: Any) -> Jepa:
    torch.manual_seed(0)
    of_network = SMALL if name.endswith("transformer") else {}
    encoder = create_model(name, in_channels=3, n_classes=1, **of_network)
    assert isinstance(encoder, SignalNetwork)
    return Jepa(encoder, **{"width": 8, "n_layers": 1, "n_heads": 2, **options})


def moved(method: Jepa) -> dict[str, Tensor]:
    """The encoder as a step might have left it."""
    with torch.no_grad():
        for parameter in method.encoder.parameters():
            parameter.add_(torch.randn_like(parameter))
    return {name: x.clone() for name, x in method.encoder.state_dict().items()}


def test_the_copy_gets_no_gradient_and_stays_in_evaluation_mode():
    method = small().train()
    method(torch.randn(4, 3, 200)).loss.backward()
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in method.copy.parameters())
    assert not any(module.training for module in method.copy.modules())
    assert method.encoder.training


def test_the_copy_follows_by_its_momentum():
    """m of itself and 1 - m of the encoder, step after step."""
    method = small(momentum=0.3)
    for _ in range(3):
        before, encoder = deepcopy(method.copy.state_dict()), moved(method)
        method.follow()
        for name, tensor in method.copy.state_dict().items():
            torch.testing.assert_close(tensor, 0.3 * before[name] + 0.7 * encoder[name])


def test_it_follows_in_training_alone():
    method = small()
    moved(method)
    before = deepcopy(method.copy.state_dict())
    method.eval()(torch.randn(2, 3, 200))
    assert all(torch.equal(before[name], tensor) for name, tensor in method.copy.state_dict().items())
    method.train()(torch.randn(2, 3, 200))
    assert not all(torch.equal(before[name], tensor) for name, tensor in method.copy.state_dict().items())


def test_running_figures_follow_too_and_counts_are_taken():
    method = small("resnet1d_wang").train()
    for _ in range(2):  # the copy follows what the step before has left
        method(torch.randn(4, 3, 200))
    ours, theirs = method.copy.state_dict(), method.encoder.state_dict()
    assert ours["stem.norm.num_batches_tracked"] == 1
    assert ours["stem.norm.running_mean"].any()
    assert not torch.equal(ours["stem.norm.running_mean"], theirs["stem.norm.running_mean"])


@pytest.mark.parametrize("n_tokens", [6, 7, 20, 50])
def test_spans_are_contiguous_and_leave_something(n_tokens: int):
    method = small(n_spans=1, span=0.2)
    torch.manual_seed(0)
    own = torch.full((200,), n_tokens)
    hidden = method.draw_spans(own, n_tokens)
    wide = max(1, int(0.2 * n_tokens))
    assert (hidden.sum(1) == wide).all()
    starts = hidden.to(torch.uint8).argmax(1)
    assert all(row[start : start + wide].all() for row, start in zip(hidden, starts.tolist(), strict=True))
    assert {*starts.tolist()} == {*range(n_tokens - wide + 1)}, "each place comes"
    assert (small().draw_spans(own, n_tokens).sum(1) <= n_tokens - 2).all()


def test_spans_lie_within_the_item():
    method = small()
    own = torch.tensor([6, 20, 13])
    hidden = method.draw_spans(own, 20)
    assert hidden.any(1).all()
    assert not any(row[end:].any() for row, end in zip(hidden, own.tolist(), strict=True))


def test_all_leads_of_a_time_are_hidden_together():
    method = small("lead_transformer")
    hidden = method.draw_spans(torch.full((5,), 60), 60).view(5, 20, 3)
    assert (hidden == hidden[..., :1]).all()
    assert hidden.any()


@pytest.mark.parametrize("name", ["ecg_transformer", "lead_transformer", "gru", "resnet1d_wang"])
def test_what_is_hidden_is_not_seen(name: str):
    """Other samples in the hidden spans change no prediction."""
    method = small(name).eval()
    x = torch.randn(1, 3, 200)
    with torch.no_grad():
        n_tokens = method.encoder.tokens(x).shape[1]
        own = torch.tensor([n_tokens])
        torch.manual_seed(1)
        hidden = method.draw_spans(own, n_tokens)
        times = hidden[:, :: method._per_step]
        of_sample = torch.arange(200) // -(-200 // times.shape[1])
        other = torch.where(times[:, of_sample][:, None], 99.0, x)
        assert (other != x).any()
        torch.testing.assert_close(method.predict(x, None, own, hidden), method.predict(other, None, own, hidden))
        seen = torch.where(times[:, of_sample][:, None], x, 99.0)
        assert (method.predict(x, None, own, hidden) - method.predict(seen, None, own, hidden)).abs().max() > 1e-3


def test_the_loss_is_of_hidden_tokens_alone(monkeypatch: pytest.MonkeyPatch):
    method, x = small().eval(), torch.randn(2, 3, 200)
    hidden = torch.zeros(2, 20, dtype=torch.bool)
    hidden[0, 3:5] = hidden[1, 7] = True
    monkeypatch.setattr(method, "draw_spans", lambda own, n_tokens: hidden)
    own = torch.tensor([20, 20])
    wanted = standardised_in_time(torch.nn.functional.layer_norm(method.copy.tokens(x), (16,)), own)
    predicted = method.predict(x, None, own, hidden)
    torch.testing.assert_close(method(x).loss, (predicted - wanted)[hidden].abs().mean())


def test_what_is_wanted_has_mean_0_and_deviation_1_over_an_items_own_time():
    tokens, own = 5 + 3 * torch.randn(2, 40, 8), torch.tensor([40, 15])
    wanted = standardised_in_time(tokens, own)
    for row, end in enumerate(own.tolist()):
        torch.testing.assert_close(wanted[row, :end].mean(0), torch.zeros(8), atol=1e-5, rtol=0)
        torch.testing.assert_close(wanted[row, :end].std(0, correction=0), torch.ones(8), atol=1e-3, rtol=0)
        assert not wanted[row, end:].any()
    same = torch.ones(1, 9, 8)
    assert not standardised_in_time(same, torch.tensor([9])).any(), "tokens that are all the same are no number"


def test_collapse_is_told():
    same = torch.nn.functional.layer_norm(torch.randn(1, 1, 64), (64,)).expand(5, 9, 64)
    own = torch.full((5,), 9)
    assert token_deviation(same, own) < 1e-3
    torch.manual_seed(0)
    others = torch.nn.functional.layer_norm(torch.randn(50, 9, 64), (64,))
    assert token_deviation(others, torch.full((50,), 9)) == pytest.approx(1, abs=0.02)


def test_padding_is_no_token_of_it():
    tokens = torch.randn(2, 5, 8)
    own = torch.tensor([5, 2])
    expected = torch.cat([tokens[0], tokens[1, :2]]).var(0, correction=0).mean().sqrt()
    torch.testing.assert_close(token_deviation(tokens, own), expected)
