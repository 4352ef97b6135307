"""Beats laid upon each other: where in its window each beat is most like others."""

import numpy as np


def refined_shifts(windows: np.ndarray, width: int, shifts: np.ndarray) -> np.ndarray:
    """Where in its window each beat is most like the median of all; twice, on an ever sharper median.

    Args:
        windows: what surrounds each beat, in all leads.
        width: samples that are compared.
        shifts: where they begin, as far as is known.

    Shape:
        windows (leads, beats, time), shifts (beats,) to (beats,), 0 to time − width.
    """
    if len(shifts) < 2:
        return shifts
    seen = windows - windows.mean(-1, keepdims=True)
    size = _sizes(seen, width)
    shifted = np.lib.stride_tricks.sliding_window_view(seen, width, axis=-1)  # (leads, beats, shifts, width)
    for _ in range(2):
        template = np.median(at_shifts(seen, shifts, width), axis=1)
        template -= template.mean(-1, keepdims=True)
        shifts = (np.einsum("lbst,lt->bs", shifted, template) / size).argmax(-1)
    return shifts


def likeness(windows: np.ndarray, templates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest correlation of each beat with each template, over all leads together, and at which shift it is.

    Each lead's mean is taken off; its amplitude is not, so that large leads say most.

    Shape:
        windows (leads, beats, time), templates (leads, templates, width) to twice (beats, templates): −1 to 1, and 0 to
        time − width. A flat beat is like none: 0.
    """
    width, n_beats = templates.shape[-1], windows.shape[1]
    seen = windows - windows.mean(-1, keepdims=True)
    size = _sizes(seen, width)
    flat = (templates - templates.mean(-1, keepdims=True)).transpose(0, 2, 1).reshape(-1, templates.shape[1])
    length = np.linalg.norm(flat, axis=0)
    flat = flat / np.where(length > 0, length, np.inf)
    highest = np.full((n_beats, flat.shape[1]), -np.inf)
    shifts = np.zeros(highest.shape, np.int64)
    for shift in range(size.shape[1]):
        part = seen[..., shift : shift + width].transpose(1, 0, 2).reshape(n_beats, -1)
        found = part @ flat / size[:, shift, None]
        shifts[found > highest] = shift
        highest = np.maximum(highest, found)
    return highest, shifts


def at_shifts(windows: np.ndarray, shifts: np.ndarray, width: int) -> np.ndarray:
    """(leads, beats, width): of each beat's window the part that begins at its shift."""
    return windows[:, np.arange(len(shifts))[:, None], shifts[:, None] + np.arange(width)]


def _sizes(seen: np.ndarray, width: int) -> np.ndarray:
    """(beats, shifts): the length of each part without its leads' means; infinite where nothing is left."""
    power = _sums(np.square(seen).sum(0), width) - np.square(_sums(seen, width)).sum(0) / width
    return np.sqrt(np.where(power > 0, power, np.inf))


def _sums(x: np.ndarray, width: int) -> np.ndarray:
    """(..., time − width + 1): sums of x over every ``width`` samples that follow each other."""
    total = np.cumsum(x, axis=-1)
    total[..., width:] -= total[..., :-width].copy()
    return total[..., width - 1 :]
