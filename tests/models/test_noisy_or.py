"""Noisy-or: what follows from 1 − Π (1 − p), and numbers that a naive form would lose."""

import pytest
import torch
from torch import nn

from models.noisy_or import NoisyOr


def test_a_class_is_there_where_any_of_its_statements_is():
    p = torch.tensor([[0.1, 0.5, 0.9], [0.2, 0.0001, 0.7]])
    got = NoisyOr([[[0, 1]], [[2]]], 3)(torch.logit(p)).sigmoid()
    want = torch.stack([1 - (1 - p[:, 0]) * (1 - p[:, 1]), p[:, 2]], 1)
    torch.testing.assert_close(got, want, atol=1e-6, rtol=0)


def test_one_statement_is_its_own_log_odds():
    logits = torch.tensor([[-20.0, -3.0, 0.0, 4.0, 80.0]])
    torch.testing.assert_close(NoisyOr([[[i]] for i in range(5)], 5)(logits), logits, atol=2e-4, rtol=1e-5)


def test_of_several_lists_a_class_has_the_mean_log_odds():
    logits = torch.tensor([[1.0, -2.0, 0.5]])
    both = NoisyOr([[[0], [1, 2]]], 3)(logits)
    apart = NoisyOr([[[0]], [[1, 2]]], 3)(logits)
    torch.testing.assert_close(both[:, 0], apart.mean(1))


def test_a_statement_more_never_makes_a_class_less_likely():
    logits = torch.randn(50, 6, generator=torch.Generator().manual_seed(0)) * 5
    fewer, more = NoisyOr([[[0, 1]]], 6)(logits), NoisyOr([[[0, 1, 2, 3, 4, 5]]], 6)(logits)
    assert (more >= fewer - 1e-5).all()
    assert (fewer[:, 0] >= logits[:, :2].amax(1) - 1e-5).all()


@pytest.mark.parametrize("logit", [-1e4, -100.0, 100.0, 1e4])
def test_sure_statements_give_finite_answers_and_slopes(logit):
    logits = torch.full((1, 4), logit, requires_grad=True)
    answered = NoisyOr([[[0, 1, 2, 3], [0]]], 4)(logits)
    answered.sum().backward()
    assert answered.isfinite().all()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_its_slope_is_that_of_finite_differences():
    logits = torch.tensor([[-1.0, 0.3, 2.0]], dtype=torch.float64, requires_grad=True)
    reading = NoisyOr([[[0, 1]], [[1, 2], [0]]], 3)

    def answered(x: torch.Tensor) -> torch.Tensor:
        return reading(x).double()

    assert torch.autograd.gradcheck(answered, logits, eps=1e-3, atol=1e-3)


def test_it_has_no_weights_and_nothing_is_saved_of_it():
    reading: nn.Module = NoisyOr([[[0, 1]]], 2)
    assert not list(reading.parameters())
    assert not reading.state_dict()


@pytest.mark.parametrize(
    ("readings", "n_statements", "what"),
    [([], 1, "each class"), ([[]], 1, "each class"), ([[[]]], 1, "each class"), ([[[1]]], 1, "among the 1")],
)
def test_what_no_class_can_be_read_from_is_refused(readings, n_statements, what):
    with pytest.raises(ValueError, match=what):
        NoisyOr(readings, n_statements)
