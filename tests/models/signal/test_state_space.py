"""The long convolution is the recurrence, the kernel the impulse response that scipy has, the directions mirror."""

import math

import numpy as np
import pytest
import scipy.signal
import torch
from torch import Tensor, nn

from models.base import Undecayed
from models.signal.state_space import DiagonalStateSpace, lay_around

CHANNELS, STATE = 3, 6


@pytest.fixture
def systems() -> DiagonalStateSpace:
    """Channels whose time constants, frequencies and steps differ."""
    torch.manual_seed(0)
    made = DiagonalStateSpace(CHANNELS, STATE).double()
    with torch.no_grad():
        made.log_decay.add_(torch.randn(CHANNELS, STATE // 2) / 3)
        made.frequency.add_(torch.randn(CHANNELS, STATE // 2))
        made.log_dt.copy_(torch.tensor([0.01, 0.05, 0.3]).log())
    return made


def discretised(systems: DiagonalStateSpace) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A, Ā, B̄ of (channels, half) and C of (directions, channels, half), complex: held over a step, written out."""
    a = torch.complex(-systems.log_decay.exp(), systems.frequency)
    a_bar = (a * systems.log_dt.exp()[:, None]).exp()
    return a, a_bar, (a_bar - 1) / a, torch.complex(*systems.c)


def stepped(systems: DiagonalStateSpace, u: Tensor, direction: int) -> Tensor:
    """Step by step: x_k = Ā x_{k-1} + B̄ u_k, y_k = 2 Re(C x_k)."""
    _, a_bar, b_bar, c = discretised(systems)
    x, said = torch.zeros(len(u), *a_bar.shape, dtype=a_bar.dtype), []
    for k in range(u.shape[2]):
        x = a_bar * x + b_bar * u[:, :, k, None]
        said.append(2 * (c[direction] * x).sum(2).real)
    return torch.stack(said, 2)


@pytest.mark.parametrize("time", [1, 2, 7, 100, 251])
def test_the_convolution_is_the_recurrence_step_by_step(systems: DiagonalStateSpace, time: int) -> None:
    u = torch.randn(2, CHANNELS, time, dtype=torch.float64)
    forward, backward = stepped(systems, u, 0), stepped(systems, u.flip(2), 1).flip(2)
    torch.testing.assert_close(systems(u), forward + backward + systems.skip[:, None] * u, atol=1e-8, rtol=1e-8)


@pytest.mark.parametrize("direction", [0, 1])
def test_the_kernel_is_scipys_impulse_response(systems: DiagonalStateSpace, direction: int) -> None:
    """Of the real system of pairs (real part, imaginary part), which scipy itself holds over a step."""
    kernel = systems.kernels(40)[direction].detach().numpy()
    a, _, _, c = (each.detach().numpy() for each in discretised(systems))
    for channel, dt in enumerate(systems.log_dt.exp().tolist()):
        blocks = [np.array([[each.real, -each.imag], [each.imag, each.real]]) for each in a[channel]]
        inner = scipy.linalg.block_diag(*blocks)
        into = np.tile([[1.0], [0.0]], (STATE // 2, 1))
        out = np.stack([2 * c[direction, channel].real, -2 * c[direction, channel].imag], 1).reshape(1, -1)
        held = scipy.signal.cont2discrete((inner, into, out, np.zeros((1, 1))), dt)[:4]
        _, (response,) = scipy.signal.dimpulse((*held, 1), n=41)
        np.testing.assert_allclose(kernel[channel], response[1:, 0], atol=1e-10)  # scipy's y_k has x_k of before u_k


def test_the_kernel_filters_as_lfilter_does(systems: DiagonalStateSpace) -> None:
    u = torch.randn(1, CHANNELS, 90, dtype=torch.float64)
    with torch.no_grad():
        systems.c[:, 1] = 0.0  # the forward direction alone
        systems.skip.zero_()
        found = systems(u)[0].numpy()
    _, a_bar, b_bar, c = (each.detach().numpy() for each in discretised(systems))
    for channel in range(CHANNELS):
        pairs = zip(c[0, channel] * b_bar[channel], a_bar[channel], strict=True)
        wanted = sum(2 * scipy.signal.lfilter([w], [1, -pole], u[0, channel].numpy()).real for w, pole in pairs)
        np.testing.assert_allclose(found[channel], wanted, atol=1e-10)


def test_backwards_in_time_the_directions_are_swapped(systems: DiagonalStateSpace) -> None:
    u = torch.randn(2, CHANNELS, 60, dtype=torch.float64)
    there = systems(u)
    with torch.no_grad():
        systems.c.copy_(systems.c.flip(1))
    torch.testing.assert_close(systems(u.flip(2)).flip(2), there, atol=1e-10, rtol=1e-10)
    assert (systems(u) - there).abs().max() > 0.01, "the directions say the same, so that nothing is shown"


def test_each_direction_hears_its_own_side(systems: DiagonalStateSpace) -> None:
    u = torch.zeros(1, CHANNELS, 50, dtype=torch.float64)
    u[:, :, 20] = 1.0
    for silent in (1, 0):
        with torch.no_grad():
            kept = systems.c.clone()
            systems.c[:, silent] = 0.0
            heard = systems.convolve(u)[0].abs() > 1e-9
            systems.c.copy_(kept)
        here = torch.arange(50) >= 20 if silent else torch.arange(50) <= 20
        assert not heard[:, ~here].any()
        assert heard[:, 20].all()
        assert heard[:, here].sum() > 60


def test_zeros_behind_an_item_change_nothing(systems: DiagonalStateSpace) -> None:
    u = torch.randn(1, CHANNELS, 37, dtype=torch.float64)
    padded = nn.functional.pad(u, (0, 64))
    torch.testing.assert_close(systems(padded)[..., :37], systems(u), atol=1e-10, rtol=1e-10)


def test_autocast_leaves_it_in_float32() -> None:
    torch.manual_seed(0)
    systems = DiagonalStateSpace(4, 8)
    u = torch.randn(2, 4, 200)
    exact = systems(u)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(systems(u), exact)
        assert systems(u.bfloat16()).dtype is torch.float32


def test_fresh_systems_are_those_of_s4d_lin() -> None:
    torch.manual_seed(0)
    systems = DiagonalStateSpace(2000, 8)
    assert (-systems.log_decay.exp()).unique().tolist() == pytest.approx([-0.5])
    assert systems.frequency[7].tolist() == pytest.approx([0, math.pi, 2 * math.pi, 3 * math.pi])
    assert systems.log_dt.exp().min() >= 1e-3
    assert systems.log_dt.exp().max() <= 1e-1 * (1 + 1e-6)
    assert systems.log_dt.mean().item() == pytest.approx(math.log(1e-2), abs=0.1)  # evenly on a logarithm
    assert torch.complex(*systems.c).abs().square().mean().item() == pytest.approx(1, rel=0.05)


def test_what_has_a_meaning_of_its_own_is_not_decayed() -> None:
    decayed = {name for name, x in DiagonalStateSpace(4, 8).named_parameters() if not isinstance(x, Undecayed)}
    assert decayed == {"skip"}


def test_a_circle_has_the_backward_kernel_to_its_left() -> None:
    kernels = torch.tensor([[[1.0, 2.0, 3.0]], [[10.0, 20.0, 30.0]]])
    assert lay_around(kernels, 6).tolist() == [[11.0, 2.0, 3.0, 0.0, 30.0, 20.0]]


@pytest.mark.parametrize(
    ("d_model", "d_state", "message"), [(0, 8, "d_model is 0"), (4, 7, "d_state is 7"), (4, 0, "d_state is 0")]
)
def test_what_is_no_system_is_refused(d_model: int, d_state: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DiagonalStateSpace(d_model, d_state)
