"""Contrastive predictive coding: one product for all times equals a loop, and what lies ahead is not heard."""

import math

import pytest
import torch
from torch import Tensor

from models import SignalNetwork, create_model, list_models
from models.pretraining.contrast import info_nce
from models.pretraining.cpc import Cpc, hears_whole_items


def encoder(name: str) -> SignalNetwork:
    torch.manual_seed(0)
    made = create_model(name, in_channels=2, n_classes=1)
    assert isinstance(made, SignalNetwork)
    return made


@pytest.fixture
def method() -> Cpc:
    return Cpc(encoder("resnet1d_wang"), n_ahead=4, n_times=5, hidden_size=8).eval()


def by_loop(method: Cpc, tokens: Tensor, own: Tensor, times: list[int]) -> Tensor:
    """The mean over each item that lasts, each time and each token ahead, as it is written down."""
    heard = method.recurrent(tokens)[0]
    weights = method.ahead.weight.view(method.n_ahead, -1, heard.shape[2])
    biases = method.ahead.bias.view(method.n_ahead, -1)
    losses = []
    for time in times:
        for ahead in range(1, method.n_ahead + 1):
            there = [item for item in range(len(tokens)) if time + ahead < own[item]]
            for item in there:
                predicted = weights[ahead - 1] @ heard[item, time] + biases[ahead - 1]
                likenesses = torch.stack([predicted @ tokens[j, time + ahead] for j in there]) / tokens.shape[2] ** 0.5
                losses.append(-likenesses.log_softmax(0)[there.index(item)])
    return torch.stack(losses).mean()


@pytest.mark.parametrize("lengths", [None, [80, 41, 60, 37, 80, 55]])
def test_it_equals_a_loop_over_items_times_and_tokens_ahead(method: Cpc, lengths: list[int] | None):
    x = torch.randn(6, 2, 80)
    length = None if lengths is None else torch.tensor(lengths)
    torch.manual_seed(2)
    times = method.draw_times(20)
    torch.manual_seed(2)
    loss = method(x, length).loss
    tokens = method.encoder.tokens(x, length)
    own = method.encoder.token_length(torch.full((6,), 80) if length is None else length)
    torch.testing.assert_close(loss, by_loop(method, tokens, own, times.tolist()), rtol=1e-5, atol=1e-5)


def test_predictions_that_say_nothing_lose_the_logarithm_of_the_batch(method: Cpc):
    torch.nn.init.zeros_(method.ahead.weight)
    torch.nn.init.zeros_(method.ahead.bias)
    assert method(torch.randn(6, 2, 80)).loss.item() == pytest.approx(math.log(6), abs=1e-5)


def test_what_lies_ahead_is_not_heard(method: Cpc):
    """What is predicted at a time hangs on nothing behind it."""
    tokens = torch.randn(3, 20, 128)
    other = tokens.clone()
    other[:, 11:] = 5.0
    before, after = (method.recurrent(each)[0] for each in (tokens, other))
    torch.testing.assert_close(before[:, :11], after[:, :11])
    assert (before[:, 11:] - after[:, 11:]).abs().max() > 1e-3


def test_shuffled_futures_lose_more(method: Cpc):
    torch.manual_seed(0)
    tokens = torch.randn(6, 20, 128)
    times = torch.tensor([3, 9])
    optimizer = torch.optim.Adam(method.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        info_nce(method.logits(tokens, times)).backward()
        optimizer.step()
    logits = method.logits(tokens, times)
    assert info_nce(logits) < math.log(6) < info_nce(logits.roll(1, -1))


def test_times_are_drawn_once_each_and_leave_tokens_ahead(method: Cpc):
    assert method.draw_times(9).tolist() == [0, 1, 2, 3, 4]
    for seed in range(5):
        torch.manual_seed(seed)
        times = method.draw_times(30).tolist()
        assert times == sorted({*times})
        assert len(times) == 5
        assert times[-1] + 4 < 30


HEAR_ALL = {
    "bigru",
    "bilstm",
    "compact_transformer",
    "ecg_transformer",
    "lead_transformer",
    "rhythm_resnet",
    "rhythm_transformer",
}


@pytest.mark.parametrize("name", ["gru", "lstm", "cnn_gru", "resnet1d_wang", "basic_cnn", *sorted(HEAR_ALL)])
def test_networks_that_hear_whole_items_are_known(name: str):
    assert name in list_models("signal")
    network = encoder(name).train()
    assert hears_whole_items(network) == (name in HEAR_ALL)
    assert all(module.training for module in network.modules()), "it is in training mode as before"
