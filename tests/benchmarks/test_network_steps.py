"""A step that is timed is one that learns, and every network that is named has its line."""

import pytest
import torch

from benchmarks import network_steps
from models import create_model

pytestmark = pytest.mark.usefixtures("cpu_as_before")


def test_a_line_says_parameters_time_and_ratio(capsys: pytest.CaptureFixture[str]):
    network_steps.main(["-only", "mina", "rhythm_resnet", "-turns", "1"])
    *_, first, second = capsys.readouterr().out.splitlines()
    for line, name in ((first, "mina"), (second, "rhythm_resnet")):
        _, named, parameters, time, ratio, _ = (cell.strip() for cell in line.split("|"))
        network = create_model(name, in_channels=12, n_classes=75)
        assert named == f"`{name}`"
        assert int(parameters.replace(",", "")) == sum(each.numel() for each in network.parameters())
        assert float(time.removesuffix(" ms")) > 0
        assert float(ratio) > 0


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_what_is_timed_learns(precision: str):
    step = network_steps.step_of("rhythm_resnet", torch.device("cpu"), precision)
    network = step.keywords["network"]
    before = [parameter.clone() for parameter in network.parameters()]
    step()
    assert not any(torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))


def test_a_foreign_name_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        network_steps.main(["-only", "alexnet"])
    assert "alexnet" in capsys.readouterr().err
