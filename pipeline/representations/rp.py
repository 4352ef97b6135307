"""Recurrence plot: how far apart the states of the heart are at two times."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.representations.preparation import (
    RANGE_MV,
    fixed_limit,
    paa,
    quantiles,
    require_count,
    require_leads,
    require_scale,
    rescale,
    segment_bounds,
)


def rp(
    x: Tensor,
    size: int,
    dimension: int = 1,
    delay: int = 1,
    threshold: float | str | None = None,
    percentage: float = 10.0,
    scale: str = "record",
    range_mv: float = RANGE_MV,
    known_finite: bool = False,
) -> Tensor:
    """Recurrence plot of each lead: distances between all states, or where they are below a threshold.

    The lead is averaged to size + (dimension − 1) · delay points and scaled to [0, 1]; a state is
    `dimension` points that lie `delay` points apart. The diagonal of distances is zero, and so is the
    image of a constant lead.

    Args:
        x: leads in mV.
        size: height and width of the image, in pixels.
        dimension: points in a state, 1 or more.
        delay: points of the averaged lead between two points of a state, 1 or more.
        threshold: None for distances; a distance above 0, 'distance' for `percentage` of the largest, or
            'point' for the distance that `percentage` of all pairs stay below. Pairs strictly closer are 1,
            others 0.
        percentage: in [0, 100], see threshold.
        scale: 'record' scales by the lead's own minimum and maximum, 'fixed' by ±range_mv.
        range_mv: half the range of scale 'fixed', in mV.
        known_finite: whether no sample can be NaN or infinite, so that none is looked at.

    Shape:
        - x: (..., time)
        - output: (..., size, size), in [0, √dimension], or 0 and 1 (without gradient) below a threshold

    Raises:
        ValueError: if an option is out of its range, the lead is too short, or a sample is not finite.

    Reference: Eckmann, Kamphorst and Ruelle, "Recurrence Plots of Dynamical Systems", Europhysics Letters
        4, 1987. pyts has no size; averaging after the plot would blur its zero diagonal, so ours comes
        first.
    """
    options: dict[str, Any] = {
        "dimension": dimension, "delay": delay, "threshold": threshold, "percentage": percentage,
    }  # fmt: skip
    rp_range(**options, scale=scale, range_mv=range_mv)
    n_points = rp_length(size, **options)
    require_leads(x, size, n_points, known_finite)
    points = rescale(paa(x.double(), n_points), 0.0, 1.0, scale, range_mv)
    distances = _distances(points, size, dimension, delay)
    if threshold is not None:
        distances = (distances < _radius(distances.detach(), threshold, percentage)).double()
    return distances.to(x.dtype)


def rp_range(
    *,
    dimension: int,
    delay: int,
    threshold: float | str | None,
    percentage: float,
    scale: str,
    range_mv: float,
    **_: Any,
) -> tuple[float, float]:
    """Lowest and highest value that these options can give.

    Raises:
        ValueError: if an option is out of its range.
    """
    require_scale(scale, range_mv)
    require_count("The RP's dimension", dimension, least=1)
    require_count("The RP's delay", delay, least=1)
    if not 0 <= percentage <= 100:
        raise ValueError(f"The RP's percentage lies between 0 and 100, not at {percentage!r}.")
    if isinstance(threshold, str):
        if threshold not in ("point", "distance"):
            raise ValueError(f"The RP's threshold is None, 'point', 'distance' or a distance, not {threshold!r}.")
    elif threshold is not None and not 0 < threshold < float("inf"):
        raise ValueError(f"The RP's threshold is a distance above 0, not {threshold!r}.")
    return 0.0, dimension**0.5 if threshold is None else 1.0


def rp_length(size: int, *, dimension: int, delay: int, **_: Any) -> int:
    """Fewest samples that a lead needs for an image of this size: the points that the states are made of."""
    return size + (dimension - 1) * delay


def draw_rp(
    x: np.ndarray,
    grey: np.ndarray,
    number: int,
    *,
    size: int,
    dimension: int,
    threshold: float | str | None,
    scale: str,
    range_mv: float,
    **_: Any,
) -> bool:
    """Grey images on the CPU, 15 times faster than by torch; distances between single points only. See `draw_gaf`."""
    if dimension > 1 or threshold is not None:
        return False
    from pipeline.representations.kernels import fill_rp

    fill_rp(x, segment_bounds(x.shape[-1], size), fixed_limit(scale, range_mv), grey, number)
    return True


def _distances(points: Tensor, size: int, dimension: int, delay: int) -> Tensor:
    """Euclidean distances between the states that start at each point: (..., points) -> (..., size, size)."""
    if dimension == 1:
        return (points[..., :, None] - points[..., None, :]).abs_()
    squared = torch.zeros((), dtype=points.dtype, device=points.device)
    for k in range(dimension):
        point = points[..., k * delay : k * delay + size]
        squared = squared + (point[..., :, None] - point[..., None, :]).square()
    apart = squared > 0
    # the slope of the root is infinite at 0: it is taken of 1 there, and its gradient is 0
    return torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), 0.0)


def _radius(distances: Tensor, threshold: float | str, percentage: float) -> Tensor | float:
    """The distance below which two states recur: a number, or one a plot as (..., 1, 1)."""
    if threshold == "point":
        return quantiles(distances.flatten(-2), (percentage / 100,))[..., None]
    if threshold == "distance":
        return percentage / 100 * distances.amax((-2, -1), keepdim=True)
    return float(threshold)
