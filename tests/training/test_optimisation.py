"""Optimizers and schedulers: the registries, what a new line in them brings, and what is refused."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from one_cycle import cycle
from torch import nn

from models import create_model
from models.base import Undecayed
from pipeline.errors import EcgFusionError
from pipeline.runs.card_parts import CHOICES
from pipeline.training import defaults
from pipeline.training.optimisation import (
    OPTIMIZERS,
    SCHEDULERS,
    OptimizerEntry,
    Settings,
    check_batch_size,
    check_precision,
    make_optimizer,
    make_scheduler,
)


def settings(**changes: Any) -> Settings:
    chosen = {name: defaults.training_defaults("resnet")[name] for name in CHOICES}
    return Settings("multilabel", **chosen | changes)


def fitted(chosen: Settings, n_steps: int = 10) -> tuple[torch.optim.Optimizer, list[float]]:
    """The optimizer and its rate before each step."""
    weight = nn.Parameter(torch.ones(3))
    optimizer = make_optimizer([{"params": iter([weight]), "lr": 0.1}], chosen)
    scheduler = make_scheduler(optimizer, chosen, n_steps)
    rates = []
    for _ in range(n_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        weight.square().sum().backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    return optimizer, rates


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_goes_with_every_scheduler(optimizer, scheduler):
    made, rates = fitted(settings(optimizer=optimizer, scheduler=scheduler))
    assert max(rates) <= 0.1 + 1e-12
    assert made.param_groups[0]["weight_decay"] == 1e-2
    assert (made.param_groups[0]["params"][0] < 1).all()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_one_pass_over_all_parameters_moves_them_as_a_loop_does(optimizer):
    """In fp16 there is none, since accelerate could not tell which steps the scaler of gradients leaves out."""
    starts, after = (torch.linspace(-1, 1, 7), torch.tensor([[2.0], [0.0]]), torch.zeros(0)), {}
    for precision in ("fp32", "fp16"):
        weights = [nn.Parameter(start.clone()) for start in starts]
        made = make_optimizer(
            [{"params": weights, "lr": 0.1}], settings(optimizer=optimizer, scheduler="none", precision=precision)
        )
        assert bool(made.param_groups[0].get("fused")) == (precision == "fp32")
        for step in range(20):
            sum((weight - step / 10).square().sum() for weight in weights).backward()
            made.step()
            made.zero_grad()
        after[precision] = weights
    torch.testing.assert_close(after["fp32"], after["fp16"], rtol=1e-5, atol=1e-6)


def test_rates_by_hand():
    assert fitted(settings(scheduler="none"))[1] == [0.1] * 10
    cosine = fitted(settings(scheduler="cosine"))[1]
    assert cosine[0] == pytest.approx(0.1)
    assert cosine[5] == pytest.approx(0.05)
    onecycle = fitted(settings(scheduler="onecycle"))[1]
    assert onecycle.index(max(onecycle)) == 3  # the top is at 30 % of 11 steps less the first, 2.3; the fall is slower
    assert onecycle[-1] < 0.01


@pytest.mark.parametrize("n_steps", [4, 10, 33, 1000])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_one_cycle_by_hand(optimizer: str, n_steps: int):
    """From a 25th of the highest rate, to it, and down to a 250,000th; momentum goes the other way, from .95 to .85.

    Reference: Smith and Topin, Super-Convergence, 2017, as torch's OneCycleLR has it.
    """
    chosen, weights = settings(optimizer=optimizer, scheduler="onecycle"), [nn.Parameter(torch.ones(1)) for _ in "ab"]
    made = make_optimizer(
        [{"params": [weight], "lr": rate} for weight, rate in zip(weights, (0.1, 0.01), strict=True)], chosen
    )
    scheduler = make_scheduler(made, chosen, n_steps)
    for step in range(n_steps + 1):
        for group, top in zip(made.param_groups, (0.1, 0.01), strict=True):
            assert group["lr"] == pytest.approx(cycle(step, n_steps, top / 25, top, top / 250_000), rel=1e-9)
            if optimizer in ("sgd", "sgdw"):
                assert group["momentum"] == chosen.momentum
            else:
                assert group["betas"][0] == pytest.approx(cycle(step, n_steps, 0.95, 0.85, 0.95), rel=1e-9)
        if step < n_steps:
            made.step()
            scheduler.step()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_is_not_to_be_decayed_is_not(optimizer: str):
    """A gradient of 0 leaves the decay alone to move a weight."""
    weights = [nn.Parameter(torch.ones(2)), Undecayed(torch.ones(2)), nn.Parameter(torch.ones(2))]
    chosen = settings(optimizer=optimizer, scheduler="none")
    groups = [{"params": weights, "lr": 0.1}, {"params": [Undecayed(torch.ones(1))], "lr": 0.01}]
    made = make_optimizer(groups, chosen)
    assert [len(group["params"]) for group in made.param_groups] == [2, 1, 1]
    assert [group["weight_decay"] for group in made.param_groups] == [1e-2, 0, 0]
    assert [group["lr"] for group in made.param_groups] == [0.1, 0.1, 0.01]
    for weight in weights:
        weight.grad = torch.zeros(2)
    made.step()
    assert [bool((weight < 1).all()) for weight in weights] == [True, False, True]
    assert weights[1].tolist() == [1.0, 1.0]


def test_a_copy_of_a_network_is_not_decayed_either():
    network = create_model("s4d", in_channels=2, n_classes=3, d_model=4, n_layers=2)
    for each in (network, copy.deepcopy(network), network.double()):
        assert sum(isinstance(x, Undecayed) for x in each.parameters()) == 8


def test_momentum_is_that_of_the_user_in_sgd_and_sgdw_alone():
    for name in ("sgd", "sgdw"):
        assert fitted(settings(optimizer=name, momentum=0.7))[0].param_groups[0]["momentum"] == 0.7
    for name in ("adam", "adamw"):
        assert fitted(settings(optimizer=name, momentum=0.7, scheduler="none"))[0].param_groups[0]["betas"][0] == 0.9


def test_a_new_optimizer_and_a_new_scheduler_are_a_line(monkeypatch):
    def rmsprop(groups, settings, **how):
        return torch.optim.RMSprop(groups, **how)

    def halves(optimizer, settings, n_steps):
        return torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)

    monkeypatch.setitem(OPTIMIZERS, "rmsprop", OptimizerEntry(rmsprop, has_fused=False, cycles_momentum=False))
    monkeypatch.setitem(SCHEDULERS, "halves", halves)
    made, rates = fitted(settings(optimizer="rmsprop", scheduler="halves"), 3)
    assert isinstance(made, torch.optim.RMSprop)
    assert rates == pytest.approx([0.1, 0.05, 0.025])
    fitted(settings(optimizer="rmsprop", scheduler="onecycle"))


def test_unknown_names_are_refused_with_the_near_ones():
    with pytest.raises(EcgFusionError, match=r"there is no optimizer adamm: did you mean adam"):
        fitted(settings(optimizer="adamm"))
    with pytest.raises(EcgFusionError, match=r"there is no scheduler cosin: did you mean cosine\?"):
        fitted(settings(scheduler="cosin"))


def test_the_loss_of_settings_is_the_cross_entropy_unless_another_is_chosen():
    assert settings().loss == "cross_entropy"
    assert replace(settings(), loss="focal").loss == "focal"


def test_single_items_are_refused_where_the_batch_is_normalised():
    check_batch_size(1, nn.Linear(2, 2), "plain")
    check_batch_size(2, nn.BatchNorm1d(2), "normed")
    with pytest.raises(EcgFusionError, match="-batch_size 1 is too small for normed"):
        check_batch_size(1, nn.Sequential(nn.BatchNorm2d(2)), "normed")


def test_half_precision_needs_a_gpu():
    check_precision("bf16", torch.device("cpu"))
    with pytest.raises(EcgFusionError, match="-precision fp16 needs a GPU"):
        check_precision("fp16", torch.device("cpu"))
