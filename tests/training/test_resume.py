"""The resume file: what one optimizer has left another goes on with, fused or not."""

from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.runs.card_parts import CHOICES
from pipeline.training.defaults import training_defaults
from pipeline.training.optimisation import OPTIMIZERS, Settings, make_optimizer, make_scheduler
from pipeline.training.resume import Progress, TrainingState

WAYS = (True, None)


def begun(optimizer: str, fused: bool | None) -> TrainingState:
    """The state before the first step of a small network on a CPU, where a step is fused unless ``fused`` says no."""
    torch.manual_seed(0)
    chosen = {name: training_defaults("resnet")[name] for name in CHOICES}
    settings = Settings(kind="multilabel", **chosen | {"optimizer": optimizer, "scheduler": "onecycle"})
    network = nn.Linear(5, 3)
    made = make_optimizer([{"params": network.parameters(), "lr": 0.1}], settings)
    assert made.param_groups[0]["fused"] is True
    for group in made.param_groups:
        group["fused"] = fused
    return TrainingState(network, made, make_scheduler(made, settings, 9), None, Progress())


def go_on(state: TrainingState, n_steps: int) -> torch.Tensor:
    for _ in range(n_steps):
        state.network(torch.ones(2, 5)).square().sum().backward()
        state.optimizer.step()
        state.scheduler.step()
        state.optimizer.zero_grad()
    return torch.cat([parameter.detach().flatten() for parameter in state.network.parameters()])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("saved", WAYS)
@pytest.mark.parametrize("own", WAYS)
def test_a_fused_and_a_plain_optimizer_go_on_with_each_others_states(optimizer, saved, own, tmp_path: Path):
    first, second = begun(optimizer, saved), begun(optimizer, own)
    go_on(first, 3)
    first.save(tmp_path / "resume.pt")
    second.load(tmp_path / "resume.pt")
    assert second.optimizer.param_groups[0]["fused"] is (True if saved and own else None)
    torch.testing.assert_close(go_on(second, 3), go_on(begun(optimizer, None), 6), rtol=1e-5, atol=1e-6)
