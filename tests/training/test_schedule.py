"""Warm-up, waves and floor: the rates of torch's own schedulers, step by step, and what is refused."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from pipeline.errors import EcgFusionError
from pipeline.runs.card_parts import CHOICES
from pipeline.training import defaults
from pipeline.training.optimisation import SCHEDULERS, Settings, make_optimizer, make_scheduler
from pipeline.training.schedule import chosen_schedule, cosine_waves, warm_up

EPOCHS, STEPS = 10, 7  # of an epoch
TOPS = (0.1, 0.004)


def settings(**changes: Any) -> Settings:
    chosen = {name: defaults.training_defaults("resnet")[name] for name in CHOICES}
    return Settings("multiclass", **chosen | {"epochs": EPOCHS, "optimizer": "sgd"} | changes)


def optimizer_of(chosen: Settings) -> torch.optim.Optimizer:
    return make_optimizer([{"params": [nn.Parameter(torch.ones(1))], "lr": top} for top in TOPS], chosen)


def rates_of(optimizer: torch.optim.Optimizer, scheduler: Any, n_steps: int = EPOCHS * STEPS) -> list[list[float]]:
    """Of each step, the rates of both groups."""
    rates = []
    for _ in range(n_steps):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return rates


def rates(**changes: Any) -> list[list[float]]:
    chosen = settings(**changes)
    optimizer = optimizer_of(chosen)
    return rates_of(optimizer, make_scheduler(optimizer, chosen, EPOCHS * STEPS))


def of_torch(n_warm: int, then: Any) -> list[list[float]]:
    """A linear warm-up, then a scheduler, both torch's; its floor is absolute, so each group is alone."""
    found = []
    for top in TOPS:
        first, second = (torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=top) for _ in "ab")
        rising = lr_scheduler.LinearLR(first, 0.1, total_iters=n_warm) if n_warm else None
        of_group = rates_of(first, rising, n_warm) + rates_of(second, then(second, top), EPOCHS * STEPS - n_warm)
        found.append([rate for (rate,) in of_group])
    return [list(both) for both in zip(*found, strict=True)]


def close(ours: list[list[float]], theirs: list[list[float]]) -> bool:
    return torch.allclose(torch.tensor(ours).double(), torch.tensor(theirs).double(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("warm", [0, 1, 4])
def test_a_constant_rate_behind_a_warm_up(warm: int):
    found = rates(scheduler="none", warmup=warm)
    assert close(found, of_torch(warm * STEPS, lambda optimizer, _: lr_scheduler.ConstantLR(optimizer, 1.0)))
    assert found[warm * STEPS :] == [list(TOPS)] * ((EPOCHS - warm) * STEPS)


@pytest.mark.parametrize("floor", [0.0, 0.0025, 0.5])
@pytest.mark.parametrize("warm", [0, 1, 4])
def test_a_cosine_behind_a_warm_up(warm: int, floor: float):
    def then(optimizer: torch.optim.Optimizer, top: float) -> Any:
        return lr_scheduler.CosineAnnealingLR(optimizer, (EPOCHS - warm) * STEPS, eta_min=floor * top)

    assert close(rates(scheduler="cosine", warmup=warm, floor=floor), of_torch(warm * STEPS, then))


@pytest.mark.parametrize("floor", [0.0, 0.0025])
@pytest.mark.parametrize(("warm", "cycles"), [(0, 1), (0, 5), (2, 4), (4, 3), (5, 1)])
def test_restarts_behind_a_warm_up(warm: int, cycles: int, floor: float):
    def then(optimizer: torch.optim.Optimizer, top: float) -> Any:
        length = (EPOCHS - warm) * STEPS // cycles
        return lr_scheduler.CosineAnnealingWarmRestarts(optimizer, length, eta_min=floor * top)

    found = rates(scheduler="cosine_restarts", warmup=warm, cycles=cycles, floor=floor)
    assert close(found, of_torch(warm * STEPS, then))
    assert [rate for rate, _ in found].count(TOPS[0]) == cycles


def test_waves_that_do_not_divide_the_steps_are_all_there():
    found = [cosine_waves(step, 10, 3, 0.0) for step in range(11)]
    tops = [step for step in range(1, 10) if found[step] > found[step - 1]]
    assert tops == [4, 7]
    assert found[0] == 1
    assert found[10] == 0
    assert found[1] == pytest.approx((1 + torch.cos(torch.tensor(torch.pi * 0.3)).item()) / 2)


def test_the_rate_stays_low_behind_the_last_step():
    """The log has the rate behind the last step, which is not to be that of a wave that never comes."""
    chosen = settings(scheduler="cosine_restarts", cycles=2, floor=0.25)
    optimizer = optimizer_of(chosen)
    rates_of(optimizer, make_scheduler(optimizer, chosen, EPOCHS * STEPS))
    assert optimizer.param_groups[0]["lr"] == pytest.approx(TOPS[0] / 4)


def test_a_cosine_without_either_is_what_it_was():
    """Bit for bit, so that a training of an earlier program goes on."""
    chosen = settings(scheduler="cosine")
    optimizer = optimizer_of(chosen)
    made = make_scheduler(optimizer, chosen, EPOCHS * STEPS)
    assert type(made) is lr_scheduler.CosineAnnealingLR


def test_the_warm_up_by_hand():
    assert [warm_up(step, 3) for step in range(5)] == pytest.approx([0.1, 0.4, 0.7, 1, 1])
    assert warm_up(0, 0) == 1


def chosen(scheduler: str, epochs: int = EPOCHS, **given: Any) -> dict[str, Any]:
    given = {name: given.get(name) for name in ("warmup", "cycles", "floor")}
    return chosen_schedule(scheduler, epochs, warm=given.pop("warmup"), **given)


def test_what_is_chosen_where_nothing_is_given():
    for name in SCHEDULERS:
        cycles = defaults.CYCLES if name == "cosine_restarts" else None
        assert chosen(name) == {"warmup": None, "cycles": cycles, "floor": None}
    assert chosen("cosine_restarts", epochs=3)["cycles"] == 3
    assert chosen("cosine_restarts", epochs=3, warmup=1)["cycles"] == 2


def test_what_is_given_is_taken():
    given: dict[str, Any] = {"warmup": 4, "cycles": 6, "floor": 0.0}
    assert chosen("cosine_restarts", **given) == given
    assert chosen("none", warmup=9)["warmup"] == 9


@pytest.mark.parametrize(
    ("scheduler", "given", "sentence"),
    [
        (
            "onecycle",
            {"warmup": 2},
            r"onecycle does: leave it out, or take -scheduler cosine, cosine_restarts or none$",
        ),
        ("cosine", {"warmup": 10}, r"-warmup 10 takes all of the 10 epochs, .*: take fewer, or more -epochs than 10$"),
        ("cosine", {"cycles": 2}, r"-cycles 2 is for -scheduler cosine_restarts, and this is cosine: give that too"),
        ("onecycle", {"floor": 0.1}, r"-floor 0\.1 is for -scheduler cosine or cosine_restarts, and this is onecycle"),
        ("none", {"floor": 0.0}, r"-floor 0 is for -scheduler cosine or cosine_restarts, and this is none: give one"),
        ("cosine_restarts", {"cycles": 11}, r"-cycles 11 are more than the 10 epochs: take at most 10, or more"),
        (
            "cosine_restarts",
            {"cycles": 7, "warmup": 4},
            r"more than the 6 epochs behind the warm-up of 4: take at most 6",
        ),
    ],
)
def test_what_does_nothing_or_does_not_fit_is_refused(scheduler: str, given: dict[str, Any], sentence: str):
    with pytest.raises(EcgFusionError, match=sentence):
        chosen(scheduler, **given)
