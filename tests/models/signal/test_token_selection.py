"""Which tokens stay, that keeping all of them changes nothing, and the loss between both branches."""

import numpy as np
import pytest
import torch

from models import create_model
from models.signal.token_selection import SelectingEncoder, TokenSelection, choose, correlation_loss
from pipeline.inputs.batches import Batch
from pipeline.inputs.spec import InputSpec
from pipeline.runs.learners import NetworkLearner


def test_the_tokens_with_the_highest_attention_are_kept():
    attended = torch.tensor([[0.1, 0.5, 0.2, 0.4, 0.3], [0.9, 0.1, 0.2, 0.0, 0.0]])
    chosen, unheard = choose(attended, torch.tensor([5, 3]), 0.5)
    assert chosen[0].tolist() == [1, 3, 4]
    assert chosen[1, :2].tolist() == [0, 2]
    assert unheard is not None
    assert unheard.tolist() == [[False] * 3, [False, False, True]]


def test_padded_tokens_are_never_kept_before_real_ones():
    attended = torch.tensor([[0.0, 0.0, 0.9, 0.8]])
    assert sorted(choose(attended, torch.tensor([2]), 0.5)[0][0].tolist()) == [0, 1]


def test_keeping_all_tokens_is_a_plain_encoder_and_half_of_them_is_not():
    torch.manual_seed(0)
    all_kept, half = (SelectingEncoder(8, 4, 2, 2, kept, 0.0).eval() for kept in (1.0, 0.5))
    half.load_state_dict(all_kept.state_dict())
    nearly = SelectingEncoder(8, 4, 2, 2, 0.99, 0.0).eval()  # rounded up it is all, by way of the choice
    nearly.load_state_dict(all_kept.state_dict())
    x = torch.randn(3, 6, 8)
    plain = torch.cat([all_kept.summary.expand(3, 1, 8), x], 1)
    for layer in all_kept.layers:
        plain = layer(plain, None)[0]
    torch.testing.assert_close(all_kept(x, None), plain)
    torch.testing.assert_close(nearly(x, None), plain)
    assert (half(x, None) - plain).abs().max() > 1e-3


def test_the_loss_is_one_less_the_correlation():
    first, second = torch.randn(4, 9), torch.randn(4, 9)
    expected = np.mean([1 - np.corrcoef(a, b)[0, 1] for a, b in zip(first.numpy(), second.numpy(), strict=True)])
    assert correlation_loss(first, second).item() == pytest.approx(expected, abs=1e-5)


def test_the_penalty_is_of_both_halves_with_its_weight():
    network = create_model("token_selection", in_channels=2, n_classes=3, width=16, rr_weight=0.25)
    assert isinstance(network, TokenSelection)
    features = torch.randn(5, 32)
    expected = 0.25 * correlation_loss(features[:, :16], features[:, 16:])
    torch.testing.assert_close(network.penalty(features), expected)
    network.rr_weight = 0.0
    assert network.penalty(features) is None


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("kept", 0.0, "kept is 0.0; it is above 0"),
        ("rr_weight", -1.0, "rr_weight is -1.0; it is 0 or more"),
        ("width", 12, "width is 12; it is an even multiple of n_heads, 8"),
        ("n_coarse", 3, "n_coarse is 3; it is 4 or more"),
    ],
)
def test_numbers_out_of_range_are_refused(option, value, message):
    with pytest.raises(ValueError, match=message):
        create_model("token_selection", in_channels=2, n_classes=3, **{option: value})


def test_a_training_adds_the_penalty_and_scoring_does_not():
    torch.manual_seed(0)
    network = create_model("token_selection", in_channels=2, n_classes=3, width=16, dropout=0.0)
    learner = NetworkLearner(network, InputSpec("signal", ("I", "II"), 100.0, 1000.0, 100))
    raw = torch.randint(-900, 900, (4, 2, 100), dtype=torch.int16)
    batch = Batch(raw=raw, length=None, rows=torch.arange(4))
    features, outputs = learner.learnt(batch)
    penalty = learner.penalty(features)
    assert penalty is not None
    penalty.backward()
    assert isinstance(network, TokenSelection)
    assert all(x.grad is not None for x in network.encoders.parameters())
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    assert learner.penalty(learner.learnt(batch)[0]) is None
    assert len(outputs) == 1
