"""Leads before they become images: what is refused, piecewise means, amplitude scaling, quantiles.

The rules are those of pyts (segment bounds, min–max scaling, quantiles), kept to the last bit, because a
tie that falls the other way moves a sample into another bin and a whole row of an image with it.
"""

from functools import lru_cache
from math import isfinite
from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from pipeline.representations.constants import constant

SCALES = ("record", "fixed")
RANGE_MV = 1.0  # of the fixed scale, where none is given; the evidence is benchmarks/scale_of_each_form.py
FLAT_BELOW = 10 * torch.finfo(torch.float64).eps  # scikit-learn's bound, and so pyts's


def require_leads(x: Tensor, size: int, smallest_length: int, known_finite: bool = False) -> None:
    """Refuse leads that no image can be made of.

    Args:
        x: the leads, in mV.
        size: height and width of the image, in pixels.
        smallest_length: samples that a lead must have for this image.
        known_finite: whether no sample can be NaN or infinite, as none decoded from int16 is; to look at them would
            make the host wait for a GPU.

    Shape:
        - x: (..., time)

    Raises:
        ValueError: if x is no floating-point tensor, has a NaN or infinite sample, or is too short for the
            size.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.ndim == 0:
        raise ValueError("Leads are floating-point tensors of (..., time) in mV: convert them first.")
    require_count("An image's size", size, least=1)
    if x.shape[-1] < smallest_length:
        raise ValueError(
            f"An image of size {size} with these options needs {smallest_length} samples and the lead has "
            f"{x.shape[-1]}: choose a smaller size or longer leads."
        )
    # least and greatest are NaN where a sample is, and need no copy of the leads
    if not known_finite and x.numel() and not all(isfinite(end) for end in x.detach().aminmax()):
        raise ValueError("A lead has a NaN or infinite sample: repair the record or leave it out.")


def require_count(what: str, value: object, least: int) -> None:
    """Refuse what is no whole number, or one below `least`; `what` opens the sentence.

    Raises:
        ValueError: if so.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{what} is a whole number of {least} or more, not {value!r}.")


def require_scale(scale: str, range_mv: float) -> None:
    """Refuse an unknown scale or a range that is no positive number of mV.

    Raises:
        ValueError: if either is wrong.
    """
    if scale not in SCALES:
        raise ValueError(f"The scale is 'record' or 'fixed', not {scale!r}.")
    if not 0 < range_mv < float("inf"):
        raise ValueError(f"range_mv is a positive number of mV, not {range_mv!r}.")


def fixed_limit(scale: str, range_mv: float) -> float:
    """Scale and range as the one number that kernels take: half the fixed range in mV, 0 for scale 'record'."""
    return float(range_mv) if scale == "fixed" else 0.0


@lru_cache(maxsize=64)
def segment_bounds(length: int, size: int) -> np.ndarray:
    """First sample of each of `size` segments of a lead, and the end of the last.

    Segments differ by one sample at most where `size` does not divide `length`. The array is kept: only read it.

    Shape:
        - output: (size + 1,)
    """
    return np.linspace(0, length, size + 1).astype(np.int64)


def segment_sums(x: Tensor, size: int) -> Tensor:
    """Sums of x over `size` segments of time.

    Samples are added one after another, as pyts does: the sum depends neither on the batch nor on the
    device, and sums of whole numbers are exact.

    Shape:
        - x: (..., time)
        - output: (..., size)
    """
    (first, _), *further = _samples_of_segments(int(x.shape[-1]), size, x.device)
    total = x.index_select(-1, first)
    for place, reached in further:
        sample = x.index_select(-1, place)
        total = total + (sample if reached is None else sample * reached)
    return total


@lru_cache(maxsize=64)
def _samples_of_segments(length: int, size: int, device: torch.device) -> list[tuple[Tensor, Tensor | None]]:
    """Where the first, second … sample of each segment is, and which segments have one; None where all do."""
    bounds = segment_bounds(length, size)
    start, width = bounds[:-1], np.diff(bounds)
    found: list[tuple[Tensor, Tensor | None]] = []
    for k in range(int(width.max())):
        reached = width > k
        place = constant(np.where(reached, start + k, start), device)
        found.append((place, None if reached.all() else constant(reached, device)))
    return found


@lru_cache(maxsize=64)
def segment_widths(length: int, size: int, device: torch.device) -> Tensor:
    """Samples of each of `size` segments; kept, so only read it.

    Shape:
        - output: (size,), int64
    """
    return constant(np.diff(segment_bounds(length, size)), device)


def paa(x: Tensor, size: int) -> Tensor:
    """Piecewise aggregate approximation: the mean of x over `size` segments of time.

    A constant lead gives that constant, whatever rounding makes of its sums.

    Shape:
        - x: (..., time), float64
        - output: (..., size)

    Reference: Keogh et al., "Dimensionality Reduction for Fast Similarity Search in Large Time Series
        Databases", KAIS 3(3), 2001.
    """
    if x.shape[-1] == size:
        return x
    means = segment_sums(x, size) / segment_widths(int(x.shape[-1]), size, x.device)
    constant = x.amax(-1, keepdim=True) == x.amin(-1, keepdim=True)
    return torch.where(constant, x[..., :1], means)


def rescale(x: Tensor, low: float, high: float, scale: str, range_mv: float) -> Tensor:
    """Amplitudes mapped to [low, high].

    Args:
        x: amplitudes in mV.
        low: what the smallest amplitude becomes; a constant lead becomes this with scale 'record'.
        high: what the largest amplitude becomes.
        scale: 'record' maps the lead's own minimum and maximum, 'fixed' ±range_mv, so that amplitude
            survives.
        range_mv: half the range of scale 'fixed', in mV; what lies beyond is drawn at its end.

    Shape:
        - x: (..., time), float64
        - output: (..., time)
    """
    if scale == "fixed":
        return x.clamp(-range_mv, range_mv) * ((high - low) / (2 * range_mv)) + (high + low) / 2
    smallest = x.amin(-1, keepdim=True)
    spread = x.amax(-1, keepdim=True) - smallest
    flat = spread < FLAT_BELOW
    # both branches of the outer where are finite, so no gradient is NaN
    factor = (high - low) / torch.where(flat, 1.0, spread)
    return torch.where(flat, low, (x * factor + (low - smallest * factor)).clamp(low, high))


def quantiles(x: Tensor, fractions: tuple[float, ...]) -> Tensor:
    """Quantiles of x over its last dimension, interpolated linearly as numpy does, with numpy's rounding.

    Args:
        x: any finite values.
        fractions: which quantiles, each in [0, 1].

    Shape:
        - x: (..., n)
        - output: (..., q), q being the number of fractions
    """
    below, above, weight = _ranks_on(int(x.shape[-1]), fractions, x.device)
    ordered = x.sort(-1).values
    lower, upper = ordered[..., below], ordered[..., above]
    step = upper - lower
    return torch.where(weight < 0.5, lower + step * weight, upper - step * (1 - weight))


@lru_cache(maxsize=64)
def quantile_ranks(n: int, fractions: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ranks of the two of n values that each quantile lies between, and how far from the lower to the upper.

    The arrays are kept: only read them.
    """
    position = (n - 1) * np.array(fractions)
    below = np.clip(np.floor(position), 0, n - 1).astype(np.int64)
    return below, np.minimum(below + 1, n - 1), position - below


@lru_cache(maxsize=64)
def _ranks_on(n: int, fractions: tuple[float, ...], device: torch.device) -> list[Tensor]:
    return [constant(part, device) for part in quantile_ranks(n, fractions)]
