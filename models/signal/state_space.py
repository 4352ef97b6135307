"""Linear systems of diagonal state, one for each channel, as one long convolution in both directions of time."""

import math

import torch
from torch import Tensor, nn

from models.base import Undecayed

DT_MIN, DT_MAX = 1e-3, 1e-1  # of a step, in units of the systems' own time


class DiagonalStateSpace(nn.Module):
    """What linear systems say of their inputs, one system a channel, running forward, and one running backward.

    A system is x' = A x + u, y = 2 Re(C x) with a diagonal complex A, whose other half are the conjugates. Held over a
    step of dt (zero-order hold), it is the recurrence x_k = Ā x_{k-1} + B̄ u_k with Ā = exp(dt A), B̄ = (Ā - 1) / A, and
    that is a convolution with the kernel 2 Re(C Ā^k B̄). Both directions have the A and dt of their channel, each its
    own C, and see the present step; what is there is added, times a weight of the channel.

    The convolution goes by a Fourier transform, in no less than float32 whatever autocast says: in bf16 the powers of
    Ā, and so what lies far back, would be noise. What it costs rises with t log t.

    Args:
        d_model: channels, each a system.
        d_state: state of a system, counted with the conjugates; an even number.

    Shape:
        - u: (n, d_model, t), zero where an item has ended: so neither direction hears what lies behind it
        - returns: (n, d_model, t) of the parameters' own type; not zero where an item has ended

    Raises:
        ValueError: ``d_model`` is below 1, or ``d_state`` no even number from 2 on.

    Reference:
        Gu, Gupta, Goel and Ré, On the parameterization and initialization of diagonal state space models, 2022:
        S4D-Lin, A = -1/2 + iπn, its real part learnt by its logarithm, and B, which C has in it, as 1. There the
        backward kernel begins a step later.
    """

    def __init__(self, d_model: int, d_state: int) -> None:
        super().__init__()
        if d_model < 1:
            raise ValueError(f"d_model is {d_model}; it is 1 or more")
        if d_state < 2 or d_state % 2:
            raise ValueError(f"d_state is {d_state}; it is 2 or another even number, half of it conjugates")
        half = d_state // 2
        spread = torch.rand(d_model) * math.log(DT_MAX / DT_MIN)
        self.log_dt = Undecayed(math.log(DT_MIN) + spread)
        self.log_decay = Undecayed(torch.full((d_model, half), math.log(0.5)))
        self.frequency = Undecayed(math.pi * torch.arange(half).repeat(d_model, 1).float())
        # of both directions, real and imaginary part, each of a normal distribution of variance 1/2
        self.c = Undecayed(torch.randn(2, 2, d_model, half) / math.sqrt(2))
        self.skip = nn.Parameter(torch.randn(d_model))

    def kernels(self, n_steps: int) -> Tensor:
        """What comes out of an impulse, forward and backward, (2, d_model, n_steps)."""
        # In float64, where there is one: the angle of a late power is large, and its rounding with it.
        kind = torch.float32 if self.skip.device.type == "mps" else torch.float64
        dt = self.log_dt.to(kind).exp()[:, None]
        decay, frequency = self.log_decay.to(kind).exp(), self.frequency.to(kind)
        # In real numbers throughout, since half of all devices and graphs know no others.
        size, angle = (-decay * dt).exp(), frequency * dt
        of_one, of_i = size * angle.cos() - 1, size * angle.sin()  # Ā - 1
        squared = decay.square() + frequency.square()
        b_real = (frequency * of_i - decay * of_one) / squared  # (Ā - 1) / A with A = -decay + i frequency
        b_imag = (-decay * of_i - frequency * of_one) / squared
        c_real, c_imag = self.c.to(kind)
        real, imag = c_real * b_real - c_imag * b_imag, c_real * b_imag + c_imag * b_real  # (2, d_model, half)
        steps = torch.arange(n_steps, device=dt.device, dtype=kind)
        sizes = (-decay * dt)[..., None].mul(steps).exp()  # (d_model, half, n_steps)
        angles = angle[..., None] * steps
        powers = torch.stack([sizes * angles.cos(), -sizes * angles.sin()], dim=2).flatten(1, 2)
        weights = torch.stack([real, imag], dim=3).flatten(2)  # (2, d_model, 2 · half), as the powers lie
        return 2 * torch.einsum("cdm,dmt->cdt", weights, powers).to(self.skip.dtype)

    def forward(self, u: Tensor) -> Tensor:
        with torch.autocast(u.device.type, enabled=False):
            u = u.to(self.skip.dtype)
            return self.convolve(u) + self.skip[:, None] * u

    def convolve(self, u: Tensor) -> Tensor:
        """Both directions added, without what is there itself."""
        from scipy.fft import next_fast_len  # here, because other networks need none of it

        time = u.shape[2]
        n = next_fast_len(2 * time - 1, real=True)  # so that the end does not come round to the beginning
        around = lay_around(self.kernels(time), n)
        y: Tensor = torch.fft.irfft(torch.fft.rfft(u, n) * torch.fft.rfft(around, n), n)[..., :time]
        return y


def lay_around(kernels: Tensor, n: int) -> Tensor:
    """The forward kernel from place 0 on, the backward one from there to the left, which is the end of a circle.

    Shape:
        - kernels: (2, d, t) with 2 t - 1 ≤ n
        - returns: (d, n)
    """
    forward, backward = nn.functional.pad(kernels, (0, n - kernels.shape[2])).unbind()
    return forward + backward.flip(-1).roll(1, -1)
