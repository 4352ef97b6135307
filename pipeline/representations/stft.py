"""Spectrogram: which frequencies the heart beats with, and when."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.representations.constants import constant
from pipeline.representations.grey import to_uint8
from pipeline.representations.preparation import FLAT_BELOW, SCALES, require_leads
from pipeline.representations.recorded import is_recorded, whole_numbers

TAPERS = {"hann": torch.hann_window, "hamming": torch.hamming_window}  # periodic
FLOOR_DB = -120.0  # re 1 mV²: a tone of 1.4 nV, far below a count of 1 µV, so that silence has a logarithm


def stft(
    x: Tensor,
    size: int,
    sampling_rate: float,
    window: float = 0.32,
    hop: float = 0.04,
    max_hz: float = 50.0,
    db_range: tuple[float, float] = (-80.0, 0.0),
    scale: str = "record",
    taper: str = "hann",
    known_finite: bool = False,
) -> Tensor:
    """Log power of each lead over frequency (rows, the lowest last) and time (columns).

    Row r from the bottom covers r to r + 1 times max_hz / size, column c covers c to c + 1 parts in `size`
    of the lead. Power is averaged where the image is coarser than the spectrogram and interpolated where
    it is finer. A tone of amplitude A has A²/2, so twice the amplitude is 6.02 dB more. The lead's mean, an
    offset of the electrode, is left out: a constant lead gives the lowest value everywhere.

    The default window is three times a QRS complex: beats stay columns of their own up to some 180 a minute,
    and the P and T waves stand beside them. From 0.64 s on, the image shows lines (harmonics of the heart
    rate) instead of beats. Of PTB-XL between 0.5 and 40 Hz, 5 % of the pixels lie below the default dB range,
    nearly all of them above 40 Hz, and 1 in 5000 above it.

    Args:
        x: leads in mV.
        size: height and width of the image, in pixels.
        sampling_rate: of the leads, in Hz.
        window: length of the window, in s.
        hop: time between two windows, in s.
        max_hz: top of the image, in Hz; Nyquist's frequency where that is lower.
        db_range: lowest and highest value of scale 'fixed', in dB re 1 mV²; what lies beyond is drawn at
            its end.
        scale: 'fixed' gives dB over db_range; 'record' the lead's own minimum (not below −120 dB) to
            maximum as [0, 1].
        taper: how a window falls to its ends: 'hann', to 0, or 'hamming', to 0.08. A tone's nearest side lobe is 31
            or 43 dB below it; those farther off fall quickly for 'hann' alone.
        known_finite: whether no sample can be NaN or infinite, so that none is looked at.

    Shape:
        - x: (..., time)
        - output: (..., size, size), in db_range or [0, 1], of x's dtype

    Raises:
        ValueError: if an option is out of its range, the lead is shorter than the size or the window, or a
            sample is not finite.

    Reference: Allen, "Short Term Spectral Analysis, Synthesis, and Modification by Discrete Fourier Transform",
        IEEE Transactions on Acoustics, Speech, and Signal Processing 25(3), 1977. Window, padding and the averages
        that make an image of a spectrogram are ours.
    """
    stft_range(window=window, hop=hop, max_hz=max_hz, db_range=db_range, scale=scale, taper=taper)
    require_leads(x, size, stft_length(size, sampling_rate=sampling_rate, window=window), known_finite)
    spectrogram = power_by_products if is_recorded(x) else power_spectrogram
    power = spectrogram(_centred(x.double()), sampling_rate, window, hop, taper)
    extents = (*whole_numbers(*power.shape[-2:], x.shape[-1]), size)
    rows, columns = _bands_on(x.device, *extents, sampling_rate, hop, max_hz)
    # time first: the product of few frequencies is the smaller one
    decibels = _decibels(_averages(_averages(power, columns).transpose(-1, -2), rows).transpose(-1, -2))
    if scale == "fixed":
        return decibels.clamp_(*db_range).to(x.dtype)
    lowest = decibels.amin((-2, -1), keepdim=True)
    spread = decibels.amax((-2, -1), keepdim=True) - lowest
    return ((decibels - lowest) / torch.where(spread < FLAT_BELOW, 1.0, spread)).to(x.dtype)


def stft_range(
    *,
    window: float,
    hop: float,
    max_hz: float,
    db_range: tuple[float, float],
    scale: str,
    taper: str = "hann",
    **_: Any,
) -> tuple[float, float]:
    """Lowest and highest value that these options can give.

    Raises:
        ValueError: if an option is out of its range.
    """
    for name, value in (("window", window), ("hop", hop), ("max_hz", max_hz)):
        if not 0 < value < float("inf"):
            raise ValueError(f"The STFT's {name} is a positive number, not {value!r}.")
    if len(db_range) != 2 or not FLOOR_DB <= db_range[0] < db_range[1] < float("inf"):
        raise ValueError(f"The STFT's db_range is a lowest ({FLOOR_DB:g} or more) and a higher dB, not {db_range!r}.")
    if scale not in SCALES:
        raise ValueError(f"The scale is 'record' or 'fixed', not {scale!r}.")
    if taper not in TAPERS:
        raise ValueError(f"The STFT's taper is {' or '.join(map(repr, TAPERS))}, not {taper!r}.")
    return (float(db_range[0]), float(db_range[1])) if scale == "fixed" else (0.0, 1.0)


def stft_length(size: int, *, sampling_rate: float, window: float, **_: Any) -> int:
    """Fewest samples that a lead needs for an image of this size: the window, or the size where that is
    more.

    Raises:
        ValueError: if the window holds fewer than 2 samples.
    """
    return max(size, _samples(window, sampling_rate))


def power_spectrogram(x: Tensor, sampling_rate: float, window: float, hop: float, taper: str = "hann") -> Tensor:
    """One-sided power in mV² at each frequency and time, before it becomes an image.

    Windows are centred at 0, hop, 2 hop …; the lead is mirrored at its ends, where zeros would put a step.
    The transform is padded to the power of two above twice the window, at which the power of a window is
    fully sampled.

    Args:
        x: leads in mV, no shorter than the window.
        sampling_rate: of the leads, in Hz.
        window: length of the window, in s.
        hop: time between two windows, in s; at least a sample.
        taper: see ``stft``.

    Shape:
        - x: (..., time), float64
        - output: (..., frequencies, windows), frequency k at k · sampling_rate / (2 · (frequencies − 1)) Hz

    Reference: scipy.signal.spectrogram with scaling 'spectrum', mode 'psd' and no detrending, on the
        mirrored lead.
    """
    spectrum, weight = _spectra(x, sampling_rate, window, hop, taper)
    return ((spectrum.real.square() + spectrum.imag.square()) * weight).transpose(-1, -2)


def power_by_products(x: Tensor, sampling_rate: float, window: float, hop: float, taper: str = "hann") -> Tensor:
    """The same by products with sines and cosines, to some 1e-15 of the largest: a graph holds no complex numbers.

    This is a convolution of the mirrored lead with the waves of each frequency under the window.
    """
    length, step = _samples(window, sampling_rate), max(1, round(hop * sampling_rate))
    (n_samples,) = whole_numbers(x.shape[-1])
    falling, weight, n_fft = _windowing(length, taper, x.dtype, x.device)
    seen, waves = _frames(n_samples, length, step, x.device), _waves(length, n_fft, x.device)
    mirrored = x.index_select(-1, _mirrored(n_samples, length, step, x.device))
    frames = mirrored.index_select(-1, seen).reshape(*x.shape[:-1], -1, length) * falling
    real, imaginary = (frames @ waves).chunk(2, -1)
    return ((real.square() + imaginary.square()) * weight).transpose(-1, -2)


@lru_cache(maxsize=64)
def _frames(n_samples: int, length: int, step: int, device: torch.device) -> Tensor:
    """Which samples of the mirrored lead each window sees, one window after another."""
    firsts = np.arange((n_samples - 1) // step + 1) * step
    return constant((firsts[:, None] + np.arange(length)).ravel(), device)


@lru_cache(maxsize=64)
def _waves(length: int, n_fft: int, device: torch.device) -> Tensor:
    """Cosines of all frequencies side by side, then sines: (length, 2 · (n_fft / 2 + 1))."""
    turns = np.arange(length)[:, None] * np.arange(n_fft // 2 + 1) % n_fft  # whole, so that no angle is a large one
    angle = 2 * np.pi * turns / n_fft
    return constant(np.concatenate([np.cos(angle), -np.sin(angle)], 1), device)


def _spectra(x: Tensor, sampling_rate: float, window: float, hop: float, taper: str) -> tuple[Tensor, Tensor]:
    """(..., windows, frequencies) complex, and what makes their squares one-sided power (frequencies,)."""
    length, step = _samples(window, sampling_rate), max(1, round(hop * sampling_rate))
    mirrored = x.index_select(-1, _mirrored(x.shape[-1], length, step, x.device))
    falling, weight, n_fft = _windowing(length, taper, x.dtype, x.device)
    frames = mirrored.unfold(-1, length, step) * falling  # (..., windows, length)
    return _transform(frames, n_fft), weight


def _transform(frames: Tensor, n_fft: int) -> Tensor:
    """(..., windows, length) to (..., windows, n_fft / 2 + 1), complex."""
    if frames.numel():
        spectrum: Tensor = torch.fft.rfft(frames, n=n_fft)
        return spectrum
    # of nothing some versions of torch have no transform; a product has the shape, and a gradient
    nothing = frames @ frames.new_zeros(frames.shape[-1], n_fft // 2 + 1)
    return torch.complex(nothing, nothing)


@lru_cache(maxsize=64)
def _mirrored(n_samples: int, length: int, step: int, device: torch.device) -> Tensor:
    """Which samples all windows see, from the first one's start to the last one's end."""
    last = n_samples - 1
    position = np.arange(last // step * step + length) - length // 2
    return constant(last - np.abs(last - np.abs(position)), device)


@lru_cache(maxsize=64)
def _windowing(length: int, taper: str, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor, int]:
    """The window, what makes a squared spectrum of it one-sided power, and points of the transform."""
    n_fft = 2 ** (2 * length - 1).bit_length()
    with torch.inference_mode(False):
        falling = TAPERS[taper](length, dtype=dtype, device=device).clone()  # it comes as a part of a longer one
        weight = torch.full((n_fft // 2 + 1,), 2.0, dtype=dtype, device=device)
        weight[0] = weight[-1] = 1.0  # 0 Hz and Nyquist's frequency have no negative twin
        return falling, weight / falling.sum() ** 2, n_fft


def draw_stft(
    x: np.ndarray,
    grey: np.ndarray,
    number: int,
    *,
    size: int,
    sampling_rate: float,
    window: float,
    hop: float,
    max_hz: float,
    db_range: Sequence[float],
    scale: str,
    taper: str = "hann",
    **_: Any,
) -> bool:
    """Grey images on the CPU, 17 times faster than by torch, of scale 'fixed' only. See `draw_gaf`.

    Most of the time of `stft` goes into logarithms and float64 images. Here a logarithm is as rough as a grey level
    allows; where it does not, a pixel's power is looked up among the 255 powers at which its grey level rises.
    """
    rises = _rises(*db_range) if scale == "fixed" else None
    if rises is None:
        return False
    from pipeline.representations.kernels import fill_stft

    spectrum, weight = _spectra(_centred(torch.from_numpy(x)), sampling_rate, window, hop, taper)
    rows, columns = _bands(spectrum.shape[-1], spectrum.shape[-2], x.shape[-1], size, sampling_rate, hop, max_hz)
    parts = torch.view_as_real(spectrum).numpy()
    fill_stft(parts, weight.numpy(), columns, rows, rises, _straight(*db_range), grey, number)
    return True


@lru_cache(maxsize=16)
def _straight(low: float, high: float) -> tuple[np.float32, ...]:
    """Grey level over log₂ of power in mV²: its slope and its value at 1 mV², and the powers of the levels 0 and 255.

    The slope is 0 where float32 cannot tell levels apart: less than 48 dB are too steep, and beyond 300 dB powers are
    no numbers of it.
    """
    is_told = high - low >= 48 and high <= 300
    slope = 255 * 10 * np.log10(2) / (high - low) if is_told else 0.0
    numbers = slope, -255 * low / (high - low), 10 ** (low / 10), 10 ** (min(high, 300.0) / 10)
    return tuple(np.float32(number) for number in numbers)


@lru_cache(maxsize=16)
def _rises(low: float, high: float) -> tuple[np.ndarray, np.ndarray, int, int] | None:
    """The powers at which the grey level of a fixed scale rises, and an index to them.

    Returns:
        The least power of each level from 1 to 255 in mV², and infinity. Then the index: positive floats, read as
        whole numbers, are cut into cells by a shift to the right, at most one rise in each; how many rises lie below
        a cell, the number of the first, and the shift. None where the rises are too close to have cells of their own.
    """
    level = np.arange(1, 256)
    below, reached = np.zeros(255, np.int64), np.full(255, np.inf).view(np.int64)
    while (reached - below > 1).any():
        middle = below + (reached - below) // 2
        decibels = _decibels(torch.from_numpy(middle.view(np.float64))).clamp_(low, high)
        is_reached = to_uint8(decibels, (low, high)).numpy() >= level
        below, reached = np.where(is_reached, below, middle), np.where(is_reached, middle, reached)
    for shift in range(45, -1, -1):  # from 128 cells to the octave
        cells = reached >> shift
        if (np.diff(cells) > 0).all():
            n_below = np.searchsorted(cells, np.arange(cells[0], cells[-1] + 1)).astype(np.uint8)
            return np.append(reached.view(np.float64), np.inf), n_below, int(cells[0]), shift
    return None


def _samples(seconds: float, sampling_rate: float) -> int:
    if not 0 < sampling_rate < float("inf"):
        raise ValueError(f"The sampling rate is a positive number of Hz, not {sampling_rate!r}.")
    samples = round(seconds * sampling_rate)
    if samples < 2:
        raise ValueError(
            f"A window of {seconds} s holds fewer than 2 samples at {sampling_rate} Hz: choose a longer one."
        )
    return samples


def _centred(x: Tensor) -> Tensor:
    return x - x.mean(-1, keepdim=True)


def _decibels(power: Tensor) -> Tensor:
    return power.clamp(min=10 ** (FLOOR_DB / 10)).log10_().mul_(10)


def _averages(x: Tensor, terms: "_Terms") -> Tensor:
    """Weighted averages of neighbours over the last dimension: (..., n) -> (..., size), see `_band`.

    Terms are added one after another, so that every batch, and the kernel, has the same bits.
    """
    total = torch.zeros((), dtype=x.dtype, device=x.device)
    for place, weight in terms:
        total = total + x[..., place] * weight
    return total


_Terms = list[tuple[Tensor, Tensor]]
"""Of an average over neighbours, term by term: where each stands and what it weighs, both (size,)."""


@lru_cache(maxsize=64)
def _bands_on(device: torch.device, *extents: float) -> tuple[_Terms, _Terms]:
    """What `_bands` gives for the same numbers, as the terms of averages on a device."""
    rows, columns = _bands(*extents)
    return _terms(*rows, device), _terms(*columns, device)


def _terms(first: np.ndarray, weights: np.ndarray, device: torch.device) -> _Terms:
    return [(constant(first + k, device), constant(weight.copy(), device)) for k, weight in enumerate(weights.T)]


@lru_cache(maxsize=16)
def _bands(
    n_frequencies: int, n_windows: int, length: int, size: int, sampling_rate: float, hop: float, max_hz: float
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Which frequencies make each row and which windows each column, and their weights; only read them."""
    centre = np.arange(size) + 0.5
    step = max(1, round(hop * sampling_rate))
    columns = _band((centre * length / size - 0.5) / step, length / size / step, n_windows)
    bins_a_row = min(max_hz, sampling_rate / 2) / (sampling_rate / 2) * (n_frequencies - 1) / size
    return _band(centre[::-1] * bins_a_row, bins_a_row, n_frequencies), columns


def _band(position: np.ndarray, spacing: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Triangles around each position, as wide as the spacing of positions or of samples, whichever is more.

    Shape:
        - position: (size,), in samples
        - output: the first sample with a weight (size,); the weights from there on (size, k), rows sum to 1
    """
    width = max(1.0, spacing)
    position = position.clip(0, n - 1)
    k = min(n, int(np.ceil(2 * width)))  # whole numbers within 2 · width
    first = np.clip(np.floor(position - width).astype(np.int64) + 1, 0, n - k)
    away = np.abs(position[:, None] - (first[:, None] + np.arange(k)))
    triangle = np.clip(1 - away / width, 0, None)
    return first, triangle / triangle.sum(1, keepdims=True)
