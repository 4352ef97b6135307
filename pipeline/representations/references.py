"""The same images by other people's code, pyts and scipy: what ``create_images.py --verify`` compares a store with.

pyts is imported where it draws.
"""

from functools import partial
from importlib import import_module
from inspect import isfunction
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def import_pyts(part: str) -> Any:
    """A module of pyts, with numba's functions compiled when they are called, and kept for the next process.

    pyts gives most of them signatures, by which all would be compiled at its import, which took half a minute: they
    are distances of time series, and no image asks for one. Those of images take ten seconds.

    Args:
        part: its name there.
    """
    import numba

    from pipeline.representations.kernels import from_disk

    def compiled_when_called(*function_or_signatures: Any, **options: Any) -> Any:
        functions = [*filter(isfunction, function_or_signatures)]
        return from_disk(*functions, **options) if functions else partial(from_disk, **options)

    compiled_at_once: Any = numba.njit
    numba.njit = compiled_when_called
    try:
        return import_module(f"pyts.{part}")
    finally:
        numba.njit = compiled_at_once


def pyts_gaf(x: Array, _: float, parameters: dict[str, Any]) -> Array:
    """Gramian angular fields by pyts.

    Args:
        x: leads in mV.
        _: their sampling rate in Hz, which makes no difference.
        parameters: as a store keeps them.

    Shape:
        x (n, time) to (n, size, size), in the value range of the parameters.
    """
    points = _scaled(x, parameters["size"], parameters, -1, 1)
    fields = import_pyts("image").GramianAngularField(sample_range=None, method=parameters["method"])
    drawn: Array = fields.transform(points)
    return drawn


def pyts_mtf(x: Array, _: float, parameters: dict[str, Any]) -> Array:
    """Markov transition fields by pyts, but for uniform bins of a fixed range, which it has not. See ``pyts_gaf``."""
    size, n_bins, strategy = parameters["size"], parameters["n_bins"], parameters["strategy"]
    if strategy == "uniform" and parameters["scale"] == "fixed":
        # pyts cuts bins over each lead's own range only: two samples at the ends of the fixed range would be counted
        return np.stack([_field_over_range(lead, size, n_bins, parameters["range_mv"]) for lead in x])
    fields = import_pyts("image").MarkovTransitionField(image_size=size, n_bins=n_bins, strategy=strategy)
    drawn: Array = fields.transform(x)
    return drawn


def pyts_rp(x: Array, _: float, parameters: dict[str, Any]) -> Array:
    """Recurrence plots by pyts. See ``pyts_gaf``."""
    n_points = parameters["size"] + (parameters["dimension"] - 1) * parameters["delay"]
    plots = import_pyts("image").RecurrencePlot(
        dimension=parameters["dimension"],
        time_delay=parameters["delay"],
        threshold=parameters["threshold"],
        percentage=parameters["percentage"],
    )
    drawn: Array = plots.transform(_scaled(x, n_points, parameters, 0, 1))
    return drawn


def scipy_stft(x: Array, sampling_rate: float, parameters: dict[str, Any]) -> Array:
    """Spectrograms by scipy. See ``pyts_gaf``."""
    from scipy.signal import get_window, spectrogram

    length = round(parameters["window"] * sampling_rate)
    step = max(1, round(parameters["hop"] * sampling_rate))
    x = x - x.mean(axis=1, keepdims=True)
    before, n_windows = length // 2, (x.shape[1] - 1) // step + 1
    padded = np.pad(x, ((0, 0), (before, length)), mode="reflect")[:, : (n_windows - 1) * step + length]
    frequencies, _, power = spectrogram(
        padded,
        fs=sampling_rate,
        window=get_window(parameters.get("taper", "hann"), length),
        noverlap=length - step,
        nfft=2 ** (2 * length - 1).bit_length(),
        detrend=False,
        scaling="spectrum",
    )
    top = min(parameters["max_hz"], sampling_rate / 2)
    size = parameters["size"]
    centres = np.arange(size) + 0.5
    times = np.arange(n_windows) * step
    columns = _averaging(times, centres * x.shape[1] / size - 0.5, max(step, x.shape[1] / size))
    rows = _averaging(frequencies, centres[::-1] * top / size, max(frequencies[1], top / size))
    decibels: Array = 10 * np.log10(np.maximum(rows @ power @ columns.T, 1e-12))
    if parameters["scale"] == "fixed":
        return decibels
    lowest = decibels.min(axis=(1, 2), keepdims=True)
    spread = decibels.max(axis=(1, 2), keepdims=True) - lowest
    relative: Array = (decibels - lowest) / np.where(spread > 0, spread, 1)
    return relative


def _scaled(x: Array, n_points: int, parameters: dict[str, Any], low: float, high: float) -> Array:
    """Averaged over segments, then mapped to [low, high]: (n, time) to (n, n_points)."""
    if n_points != x.shape[1]:
        averaging = import_pyts("approximation").PiecewiseAggregateApproximation
        x = averaging(window_size=None, output_size=n_points, overlapping=False).transform(x)
    scaled: Array
    if parameters["scale"] == "record":
        # pyts refuses what its own scaler lets go beyond the range by a rounding
        scaled = np.clip(import_pyts("preprocessing").MinMaxScaler(sample_range=(low, high)).transform(x), low, high)
    else:
        limit = parameters["range_mv"]
        scaled = np.clip(x, -limit, limit) / limit * (high - low) / 2 + (high + low) / 2
    return scaled


def _field_over_range(lead: Array, size: int, n_bins: int, limit: float) -> Array:
    """The field of one lead at full length, by its definition, then averaged over segments: (time,) to (size, size)."""
    bins = np.digitize(lead, np.linspace(-limit, limit, n_bins + 1)[1:-1], right=True)  # as pyts does
    transitions = np.zeros((n_bins, n_bins))
    np.add.at(transitions, (bins[:-1], bins[1:]), 1)
    transitions /= np.maximum(transitions.sum(axis=1, keepdims=True), 1)
    field = transitions[bins[:, None], bins[None, :]]  # (time, time)
    first, last, _ = import_pyts("utils").segmentation(len(lead), window_size=1, overlapping=False, n_segments=size)
    rows = np.stack([field[start:end].mean(axis=0) for start, end in zip(first, last, strict=True)])  # (size, time)
    return np.stack([rows[:, start:end].mean(axis=1) for start, end in zip(first, last, strict=True)], axis=1)


def _averaging(places: Array, centres: Array, width: float) -> Array:
    """Triangular weights of the places around each centre: (centres, places), rows sum to 1."""
    centres = np.clip(centres, places[0], places[-1])
    weights = np.maximum(1 - np.abs(centres[:, None] - places) / width, 0)
    averaging: Array = weights / weights.sum(axis=1, keepdims=True)
    return averaging
