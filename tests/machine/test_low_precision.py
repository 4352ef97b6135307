"""Convolutions in bf16 say what they say in fp32, to rounding, whatever the processor's library makes of them."""

import pytest
import torch
from torch import nn

from models import create_model
from pipeline.machine import low_precision
from pipeline.machine.devices import placed
from pipeline.machine.low_precision import keep_right

ROUNDING = 0.02  # of a layer or a few


def told(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        y: torch.Tensor = network(x).float()
    return y


def far(found: torch.Tensor, right: torch.Tensor) -> float:
    return float((found - right).norm() / right.norm())


@pytest.mark.parametrize("kernel", [3, 5, 8, 16, 24])
@pytest.mark.parametrize("channels", [1, 2, 3, 8, 12])
def test_a_convolution_of_leads_is_right(kernel: int, channels: int):
    torch.manual_seed(0)
    layer, x = nn.Conv1d(channels, 32, kernel), torch.randn(4, channels, 250)
    keep_right(layer, torch.bfloat16)
    with torch.no_grad():
        assert far(told(layer, x), layer(x)) < ROUNDING


@pytest.mark.parametrize("name", ["fcn_wang", "mina", "basic_cnn", "im_ecg"])
def test_a_network_learns_what_it_says(name: str):
    """One with kernels of 8 or 32 samples, which some processors get wrong, or with some that hang."""
    torch.manual_seed(0)
    network, x = create_model(name, in_channels=12, n_classes=5).eval(), torch.randn(8, 12, 1000)
    placed(network, torch.device("cpu"))
    keep_right(network, torch.bfloat16)
    with torch.no_grad():
        assert far(told(network, x), network(x)) < 3 * ROUNDING


def test_what_is_wrong_is_computed_in_fp32_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch):
    network = nn.Sequential(nn.Conv1d(2, 4, 3), nn.Conv1d(4, 4, 5), nn.Conv1d(4, 4, 3))
    monkeypatch.setattr(low_precision, "_is_wrong", lambda form, dtype: form[0][-1] == 5)
    assert keep_right(network, torch.bfloat16) == ["1"]
    seen = []
    for layer in network:
        layer.register_forward_hook(lambda _, inputs, y: seen.append(y.dtype))
    told(network, torch.randn(1, 2, 30))
    assert seen == [torch.bfloat16, torch.float32, torch.bfloat16]


@pytest.mark.parametrize(
    ("channels", "kernel", "stride", "groups", "hangs"),
    [
        (16, (1, 15), (1, 1), 16, True),
        (2, (3, 31), (1, 1), 2, True),
        (17, (1, 15), (1, 1), 17, False),
        (16, (1, 14), (1, 1), 16, False),
        (16, (15, 1), (1, 1), 16, False),
        (16, (1, 15), (1, 2), 16, False),
        (16, (1, 15), (1, 1), 1, False),
    ],
)
def test_what_would_never_come_back_is_not_tried(
    channels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    groups: int,
    hangs: bool,
    monkeypatch: pytest.MonkeyPatch,
):
    """Long kernels of 2 to 16 single channels that move by one sample; all others come back, and are tried."""
    network = nn.Sequential(nn.Conv2d(channels, channels, kernel, stride, groups=groups))
    placed(network, torch.device("cpu"))
    tried = []

    def convolved(*_: object, **__: object) -> torch.Tensor:
        tried.append(True)
        return torch.ones(1)

    low_precision._is_wrong.cache_clear()
    monkeypatch.setattr(nn.functional, "conv2d", convolved)
    assert keep_right(network, torch.bfloat16) == (["0"] if hangs else [])
    assert bool(tried) != hangs
    low_precision._is_wrong.cache_clear()


def test_an_error_within_leaves_autocast_as_it_was(monkeypatch: pytest.MonkeyPatch):
    layer = nn.Conv1d(2, 4, 3)
    monkeypatch.setattr(low_precision, "_is_wrong", lambda *_: True)
    keep_right(layer, torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        with pytest.raises(RuntimeError):
            layer(torch.randn(1, 3, 30))
        assert torch.is_autocast_enabled("cpu")


def test_nothing_random_is_drawn():
    layer = nn.Conv1d(3, 7, 9)
    before = torch.get_rng_state()
    keep_right(layer, torch.bfloat16)
    assert torch.equal(before, torch.get_rng_state())
