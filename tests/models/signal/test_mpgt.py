"""The transformer of two scales and a gate between them."""

import pytest
import torch

from models import create_model
from models.signal.mpgt import CausalConvolution, ProgressiveGate


def test_a_step_sees_itself_and_those_a_dilation_before() -> None:
    torch.manual_seed(0)
    convolution = CausalConvolution(2, 3, 2)
    x = torch.randn(1, 2, 9)
    changed = x.clone()
    changed[..., 3] += 1.0
    differs = (convolution(x, None) != convolution(changed, None)).any(1)[0]
    assert differs.nonzero().flatten().tolist() == [3, 5, 7]


def test_a_gate_that_knows_nothing_lets_half_through() -> None:
    gate = ProgressiveGate(4)
    with torch.no_grad():
        gate.share.weight.zero_()
        gate.share.bias.zero_()
    one, other = torch.randn(2, 2, 5, 4)
    torch.testing.assert_close(gate(one, other), one / 2 + other)


@pytest.mark.parametrize(("bias", "share"), [(100.0, 0.7310586), (-100.0, 0.2689414)])
def test_a_gate_is_never_shut_and_never_wide_open(bias: float, share: float) -> None:
    gate = ProgressiveGate(4)
    with torch.no_grad():
        gate.share.weight.zero_()
        gate.share.bias.fill_(bias)
    one = torch.randn(2, 5, 4)
    torch.testing.assert_close(gate(one, torch.zeros(2, 5, 4)), share * one)


def test_a_token_is_8_samples() -> None:
    network = create_model("mpgt", in_channels=3, n_classes=2, width=8).eval()
    x = torch.randn(1, 3, 250)
    assert network.tokens(x).shape == (1, 31, 8)
    with pytest.raises(ValueError, match="the signal has 2 samples; the smallest number that goes in is 3"):
        network(x[..., :2])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"width": 0}, "width is 0; it is 1 or more"),
        ({"n_layers": 0}, "n_layers is 0; it is 1 or more"),
        ({"n_heads": 5}, "n_heads is 5; it is a divisor of 96"),
        ({"n_heads": 0}, "n_heads is 0; it is a divisor of 96"),
    ],
)
def test_wrong_numbers_are_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        create_model("mpgt", in_channels=3, n_classes=2, **options)
