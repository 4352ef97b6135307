"""Back from the places of a map to leads and times: each representation's own geometry."""

import math

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.explain.smooth import lead_map_rows
from pipeline.inputs.spec import InputSpec
from pipeline.representations import LEAD_MAP_KEY, REPRESENTATIONS
from pipeline.representations.lead_map import lead_map_order


def over_leads_and_time(cells: np.ndarray, spec: InputSpec, n_samples: int) -> np.ndarray:
    """What the cells of a last map are worth, shared out over the samples that they show; the sum stays.

    A step of a signal network is its stretch of time. In an image, row and column of a GAF, MTF or RP are two times,
    which have a half each; a column of a spectrogram is a time, and a row none; a row of a lead map is a lead.

    Args:
        cells: of the map, row after row.
        spec: what the network sees.
        n_samples: of what it sees at once.

    Shape:
        cells (t,) to (leads, n_samples), leads as those of the spec.

    Raises:
        EcgFusionError: the map of an image is no square.
    """
    n_leads = len(spec.leads)
    if spec.modality == "signal":
        return np.tile(stretched(cells, n_samples) / n_leads, (n_leads, 1))
    side = math.isqrt(len(cells))
    if side**2 != len(cells):
        raise EcgFusionError("the last map of a network of this run is no square: take another -method")
    grid = cells.reshape(side, side)
    if LEAD_MAP_KEY in spec.representations:
        return _of_lead_map(grid, spec, n_samples)
    times = np.mean([over_time(grid, REPRESENTATIONS[name].axes) for name in spec.representations], axis=0)
    return np.tile(stretched(times, n_samples) / n_leads, (n_leads, 1))


def over_time(grid: np.ndarray, axes: str) -> np.ndarray:
    """The worth of each column's time, (side, side) to (side,)."""
    columns: np.ndarray = grid.sum(0)
    return columns if axes == "frequency-time" else (columns + grid.sum(1)) / 2


def stretched(parts: np.ndarray, n: int) -> np.ndarray:
    """Shared out over n places that divide the same extent: (..., parts) to (..., n), with the same sum."""
    edges = np.arange(n + 1) * (parts.shape[-1] / n)
    total = np.concatenate([np.zeros((*parts.shape[:-1], 1)), np.cumsum(parts, axis=-1)], axis=-1)
    below = np.minimum(np.floor(edges).astype(int), parts.shape[-1] - 1)
    reached = total[..., below] + (edges - below) * parts[..., below]
    found: np.ndarray = np.diff(reached, axis=-1)
    return found


def _of_lead_map(grid: np.ndarray, spec: InputSpec, n_samples: int) -> np.ndarray:
    n_leads, size = len(spec.leads), int(spec.representations[LEAD_MAP_KEY]["size"])
    pixels = stretched(grid.T, size).T  # rows as fine as the image's
    rows = lead_map_rows(n_leads, size).numpy()
    ordered = np.stack([pixels[rows == lead].sum(0) for lead in range(n_leads)])
    found = np.empty((n_leads, n_samples))
    found[lead_map_order(spec.leads)] = stretched(ordered, n_samples)
    return found
