"""Bands that add up and hold what their names say, knowledge that guides, and a softmax that is stable."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models import create_model
from models.signal.mina import N_BANDS, Bands, Mina, around

RATE = 100.0


def network(leads: int = 2, **options: Any) -> Mina:
    torch.manual_seed(0)
    found = create_model("mina", in_channels=leads, n_classes=3, **options).eval()
    assert isinstance(found, Mina)
    return found


def all_own(time: int) -> Tensor:
    return torch.ones(1, time, dtype=torch.bool)


@pytest.mark.parametrize("rate", [50.0, 100.0, 300.0, 500.0])
def test_slow_middle_and_fast_add_up_to_all(rate: float) -> None:
    x = torch.randn(2, 3, 400)
    whole, *parts = Bands(rate)(x, all_own(400)).unbind(1)
    assert torch.equal(whole, x)
    torch.testing.assert_close(sum(parts), x, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("frequency", "loudest"), [(0.1, 1), (5.0, 2), (40.0, 3)])
def test_a_tone_is_in_its_own_band(frequency: float, loudest: int) -> None:
    t = torch.arange(2000) / RATE
    bands = Bands(RATE)(torch.sin(2 * math.pi * frequency * t)[None, None], all_own(2000))
    power = bands[0, 1:, 0].square().mean(1)
    assert int(power.argmax()) + 1 == loudest
    assert power.max() > 2 * power.sort().values[-2]


def test_no_band_comes_late() -> None:
    """A filter that runs forward alone would move a beat; the bands of a symmetric one are symmetric."""
    pulse = torch.zeros(1, 1, 201)
    pulse[..., 100] = 1.0
    bands = Bands(RATE)(pulse, all_own(201))
    torch.testing.assert_close(bands, bands.flip(3))


def test_a_constant_is_slow_up_to_either_end() -> None:
    _, slow, middle, fast = Bands(RATE)(torch.full((1, 1, 90), 3.0), all_own(90)).unbind(1)
    torch.testing.assert_close(slow, torch.full_like(slow, 3.0))
    assert max(middle.abs().max(), fast.abs().max()) < 1e-5


@pytest.mark.parametrize("cut_off", [0.5, 5.0, 25.0])
def test_half_of_a_wave_is_left_at_the_cut_off(cut_off: float) -> None:
    """And no more of a faster one, since the weights fall with the distance as an exponential does."""
    weights = around(cut_off, RATE)[0, 0].double()
    assert float(weights.sum()) == pytest.approx(1.0, rel=1e-6)
    assert torch.equal(weights, weights.flip(0))
    falling = weights[len(weights) // 2 :]
    torch.testing.assert_close(
        falling[1:] / falling[:-1], (falling[1] / falling[0]).expand(len(falling) - 1), atol=1e-5, rtol=0
    )
    k = torch.arange(len(weights)) - len(weights) // 2
    left = [float((weights * torch.cos(2 * math.pi * f / RATE * k)).sum()) for f in (cut_off, 1.5 * cut_off)]
    assert left[0] == pytest.approx(0.5, abs=0.02)
    assert left[1] < left[0]


@pytest.mark.parametrize(("rate", "cut_offs"), [(100.0, (0.5, 25.0)), (300.0, (0.5, 50.0)), (500.0, (0.5, 50.0))])
def test_the_fast_band_begins_where_there_is_something_faster(rate: float, cut_offs: tuple[float, float]) -> None:
    assert network(sampling_rate=rate).bands.cut_offs == cut_offs


def test_deviation_and_power_are_those_of_an_items_own_samples() -> None:
    found, signal = network(leads=1, segment=40), torch.randn(1, 1, 100)
    tokens = found.tokens(signal).detach().unflatten(2, (N_BANDS, -1))  # (1, 3, bands, 64 + 1 + 1), the first band all
    for place, piece in enumerate(signal[0, 0].split(40)):
        assert float(tokens[0, place, 0, -2]) == pytest.approx(float(piece.std(correction=0)), rel=1e-4)
        assert float(tokens[0, place, 0, -1]) == pytest.approx(float(piece.square().mean()), rel=1e-4)


def test_the_deviation_of_a_segment_weighs_it() -> None:
    """With an attention that listens to it alone, the segment that varies most is what is read."""
    found = network(leads=1, segment=32)
    for layer, value in ((found.weigh_segments.inner, 0.0), (found.weigh_segments.outer, 0.0)):
        nn.init.constant_(layer.weight, value)
    with torch.no_grad():
        found.weigh_segments.inner.weight[:, -1] = 1.0
        found.weigh_segments.outer.weight[:] = 100.0
    tokens = torch.randn(1, 3, found.token_dim)
    bands = tokens.view(1, 3, N_BANDS, -1)
    bands[..., -2] = torch.tensor([0.1, 0.9, 0.2])[None, :, None]
    bands[..., -1] = 1.0  # of one power all, so that bands are weighed alike
    torch.testing.assert_close(found.pool(tokens), found.pool(tokens[:, 1:2]), atol=1e-4, rtol=1e-3)


def test_shares_stay_numbers_where_an_exponential_would_not() -> None:
    found = network()
    with torch.no_grad():
        for guided in (found.weigh_positions, found.weigh_segments):
            guided.outer.weight.mul_(1e6)
    answers = found(100 * torch.randn(2, 2, 120))
    answers.sum().backward()
    assert answers.isfinite().all()
    assert all(x.grad is None or x.grad.isfinite().all() for x in found.parameters())


def test_a_silent_lead_has_a_gradient() -> None:
    """The root of a variance of 0 has none that is a number, but for what is added to it."""
    signal = torch.zeros(1, 2, 120, requires_grad=True)
    found = network()
    found(signal).sum().backward()
    assert signal.grad is not None
    assert signal.grad.isfinite().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"segment": 31}, "segment is 31; it is 32 samples or more"),
        ({"out_width": 0}, "out_width is 0; it is 1 or more"),
        ({"sampling_rate": 3.0}, r"sampling_rate is 3\.0; it is 4 Hz or more"),
        ({"sampling_rate": float("nan")}, "sampling_rate of network 'mina' is nan; it is a number"),
    ],
)
def test_wrong_numbers_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network(**options)
