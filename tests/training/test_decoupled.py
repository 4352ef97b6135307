"""Weight decay that follows the rate: what a weight without a gradient loses in each step."""

from typing import Any

import pytest
import torch
from torch import nn

from pipeline.runs.card_parts import CHOICES
from pipeline.training import defaults
from pipeline.training.decoupled import SGDW
from pipeline.training.optimisation import SCHEDULERS, Settings, make_optimizer, make_scheduler

EPOCHS, STEPS, TOP, DECAY = 8, 3, 0.1, 0.2


def shrunk(optimizer: str, scheduler: str, **further: Any) -> tuple[list[float], list[float]]:
    """A weight whose gradient is always 0, behind each step, and the rate of each step."""
    chosen = {name: defaults.training_defaults("resnet")[name] for name in CHOICES}
    chosen |= {"optimizer": optimizer, "scheduler": scheduler, "weight_decay": DECAY, "epochs": EPOCHS} | further
    settings, weight = Settings("multiclass", **chosen), nn.Parameter(torch.ones(1, dtype=torch.float64))
    made = make_optimizer([{"params": [weight], "lr": TOP}], settings)
    schedule, weights, rates = make_scheduler(made, settings, EPOCHS * STEPS), [], []
    for _ in range(EPOCHS * STEPS):
        rates.append(made.param_groups[0]["lr"])
        weight.grad = torch.zeros_like(weight)
        made.step()
        schedule.step()
        weights.append(weight.item())
    return weights, rates


SCHEDULES: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in SCHEDULERS] + [
    ("cosine_restarts", {"warmup": 2, "cycles": 3, "floor": 0.01}),
    ("none", {"warmup": 4}),
]


@pytest.mark.parametrize(("scheduler", "further"), SCHEDULES)
@pytest.mark.parametrize("optimizer", ["adamw", "sgdw"])
def test_a_weight_without_a_gradient_loses_rate_times_decay_of_itself(optimizer, scheduler, further):
    weights, rates = shrunk(optimizer, scheduler, **further)
    expected = 1.0
    for weight, rate in zip(weights, rates, strict=True):
        expected *= 1 - rate * DECAY
        assert weight == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_of_the_others_it_is_a_gradient(optimizer):
    """So a first step of adam is the whole rate, whatever the decay, and sgd goes on with its momentum."""
    weights, rates = shrunk(optimizer, "none")
    assert weights[-1] < (1 - TOP * DECAY) ** len(rates) - 0.1


def moved(optimizer: torch.optim.Optimizer, weight: nn.Parameter, n_steps: int = 5) -> torch.Tensor:
    for step in range(n_steps):
        optimizer.zero_grad()
        ((weight - step) ** 2).sum().backward()
        optimizer.step()
    return weight.detach()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_without_decay_it_is_sgd_bit_for_bit(momentum):
    ours, theirs = (nn.Parameter(torch.tensor([1.0, -2.0, 0.5])) for _ in "ab")
    made = SGDW([ours], lr=0.05, momentum=momentum, weight_decay=0.0)
    torch.testing.assert_close(
        moved(made, ours), moved(torch.optim.SGD([theirs], lr=0.05, momentum=momentum), theirs), rtol=0, atol=0
    )


def test_by_hand():
    """w ← w (1 − rate · decay) − rate · m, where m ← .5 m + gradient, which has no decay in it."""
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = SGDW([weight], lr=0.1, momentum=0.5, weight_decay=0.5)
    expected, momentum = 2.0, 0.0
    for gradient in (1.0, -1.0, 3.0):
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        momentum = 0.5 * momentum + gradient
        expected = expected * 0.95 - 0.1 * momentum
        assert weight.item() == pytest.approx(expected)
    assert optimizer.param_groups[0]["weight_decay"] == 0.5


def test_what_has_no_gradient_at_all_is_left_alone():
    frozen, weight = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizer = SGDW([frozen, weight], lr=0.1, weight_decay=0.5)
    weight.grad = torch.zeros(1)
    optimizer.step()
    assert (frozen.item(), weight.item()) == (1.0, pytest.approx(0.95))


def test_a_closure_sees_the_weights_before_they_shrink():
    weight = nn.Parameter(torch.ones(1))
    optimizer = SGDW([weight], lr=0.1, weight_decay=0.5)

    def closure() -> float:
        weight.square().sum().backward()
        return weight.item()

    assert optimizer.step(closure) == 1.0
    assert weight.item() == pytest.approx(0.95 - 0.1 * 2)


def test_the_decay_is_back_where_a_step_fails(monkeypatch):
    def fails(*_: Any) -> None:
        raise RuntimeError("no step")

    weight = nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    optimizer = SGDW([weight], lr=0.1, weight_decay=0.5)
    monkeypatch.setattr(torch.optim.SGD, "step", fails)
    with pytest.raises(RuntimeError, match="no step"):
        optimizer.step()
    assert optimizer.param_groups[0]["weight_decay"] == 0.5
