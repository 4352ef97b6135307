"""Gramian angular field: how amplitudes at two times add up as angles."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.representations.preparation import (
    RANGE_MV,
    fixed_limit,
    paa,
    require_leads,
    require_scale,
    rescale,
    segment_bounds,
)
from pipeline.representations.recorded import is_recorded

METHODS = ("summation", "difference")


def gaf(
    x: Tensor,
    size: int,
    method: str = "summation",
    scale: str = "record",
    range_mv: float = RANGE_MV,
    known_finite: bool = False,
) -> Tensor:
    """Gramian angular field of each lead.

    The lead is averaged to `size` points, scaled to [−1, 1] and read as cosines of angles φ; a pixel is
    cos(φᵢ + φⱼ) or sin(φᵢ − φⱼ). A constant lead gives 1 (summation) or 0 (difference) with scale 'record'.

    Args:
        x: leads in mV.
        size: height and width of the image, in pixels.
        method: 'summation' (GASF, symmetric, 2x²−1 on the diagonal) or 'difference' (GADF, antisymmetric).
        scale: 'record' scales by the lead's own minimum and maximum, 'fixed' by ±range_mv.
        range_mv: half the range of scale 'fixed', in mV.
        known_finite: whether no sample can be NaN or infinite, so that none is looked at.

    Shape:
        - x: (..., time)
        - output: (..., size, size), in [−1, 1], of x's dtype

    Raises:
        ValueError: if an option is unknown, the lead is shorter than the size, or a sample is not finite.

    Reference: Wang and Oates, "Encoding Time Series as Images for Visual Inspection and Classification
        Using Tiled Convolutional Neural Networks", AAAI Workshop 2015. Scale 'fixed' is ours: min–max
        scaling loses amplitude.
    """
    gaf_range(method=method, scale=scale, range_mv=range_mv)
    require_leads(x, size, gaf_length(size), known_finite)
    cosine = rescale(paa(x.double(), size), -1.0, 1.0, scale, range_mv)
    sine = _sine(cosine)
    if method == "summation":
        image = _outer(cosine, cosine).sub_(_outer(sine, sine))
    else:
        image = _outer(sine, cosine).sub_(_outer(cosine, sine))
    return image.to(x.dtype)


def gaf_range(*, method: str, scale: str, range_mv: float, **_: Any) -> tuple[float, float]:
    """Lowest and highest value that these options can give.

    Raises:
        ValueError: if an option is out of its range.
    """
    require_scale(scale, range_mv)
    if method not in METHODS:
        raise ValueError(f"The GAF's method is 'summation' or 'difference', not {method!r}.")
    return -1.0, 1.0


def gaf_length(size: int, **_: Any) -> int:
    """Fewest samples that a lead needs for an image of this size."""
    return size


def draw_gaf(
    x: np.ndarray,
    grey: np.ndarray,
    number: int,
    *,
    size: int,
    method: str,
    scale: str,
    range_mv: float,
    **_: Any,
) -> bool:
    """Grey images on the CPU, 20 times faster than by `gaf` and `to_uint8` and the same to the bit.

    Args:
        x: leads in mV that `require_leads` has seen, contiguous.
        grey: where the images go.
        number: which of its representations this is.
        size: see gaf.
        method: see gaf.
        scale: see gaf.
        range_mv: see gaf.

    Returns:
        Whether these options have a kernel, and the images are drawn: always.

    Shape:
        - x: (n, time), float64
        - grey: (n, representations, size, size), uint8
    """
    from pipeline.representations.kernels import fill_gaf

    bounds = segment_bounds(x.shape[-1], size)
    fill_gaf(x, bounds, method == "summation", fixed_limit(scale, range_mv), grey, number)
    return True


def _outer(rows: Tensor, columns: Tensor) -> Tensor:
    return rows[..., :, None] * columns[..., None, :]


def _sine(cosine: Tensor) -> Tensor:
    squared = 1 - cosine * cosine
    inside = squared > 0
    # at ±1 the slope of the root is infinite: it is taken of 1 there, and its gradient is 0
    return torch.where(inside, _root(torch.where(inside, squared, 1.0)), 0.0)


def _root(x: Tensor) -> Tensor:
    """Rounded correctly, as on a GPU: torch's on the CPU may be MKL's, of which one in seventy is a bit off."""
    if x.device.type == "cpu" and not x.requires_grad and not is_recorded(x):
        root = torch.empty_like(x)
        np.sqrt(x.numpy(), out=root.numpy())
        return root
    return x.sqrt()
