"""A finished store against pyts: the pictures made again by the reference, and how far they are off.

pyts is imported here alone; its import takes most of a minute.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.signals.counts import to_millivolts
from pipeline.signals.leads import choose_leads
from pipeline.store.reading import Store


def verify_store(store: Store, n_records: int) -> str:
    """Draws random records of a store again and says how many grey levels each form is off at most.

    Args:
        store: the store.
        n_records: how many records, or all where there are fewer.
    """
    rows = np.random.default_rng().permutation(store.n_items)[:n_records]
    if not store.images:
        return f"{store.path}: no images to verify"
    leads = choose_leads(store.leads, store.image_leads)
    x = to_millivolts(store.signals.open()[np.sort(rows)][:, leads], store.gain)  # (n, leads, time)
    differences = []
    for form, parameters in store.image_parameters.items():
        stored = store.images[form].open()[np.sort(rows)].astype(int)
        if form not in _REFERENCES:
            differences.append(f"{form} has no reference")
            continue
        drawn = reference_pictures(form, x.reshape(-1, x.shape[-1]), store.sampling_rate, parameters)
        differences.append(f"{form} {np.abs(stored - drawn.reshape(stored.shape)).max()}")
    return (
        f"{store.path}: largest difference from the reference in grey levels, over {len(rows)} records: "
        + ", ".join(differences)
    )


def reference_pictures(form: str, x: np.ndarray, sampling_rate: float, parameters: dict[str, Any]) -> np.ndarray:
    """Pictures of one form by pyts (scipy for the spectrogram), in grey levels.

    Args:
        form: the representation's name.
        x: leads in mV.
        sampling_rate: Hz.
        parameters: as the store keeps them.

    Shape:
        x (n, time) to (n, size, size), integers from 0 to 255.
    """
    low, high = parameters["value_range"]
    drawn = _REFERENCES[form](x, sampling_rate, parameters)
    levels: np.ndarray = np.rint(np.clip((drawn - low) / (high - low) * 255, 0, 255))
    return levels.astype(int)


def _scaled(x: np.ndarray, n_points: int, parameters: dict[str, Any], low: float, high: float) -> np.ndarray:
    """Averaged over segments, then mapped to [low, high]."""
    from pyts.approximation import PiecewiseAggregateApproximation
    from pyts.preprocessing import MinMaxScaler

    if n_points != x.shape[1]:
        x = PiecewiseAggregateApproximation(window_size=None, output_size=n_points, overlapping=False).transform(x)
    if parameters["scale"] == "record":
        # pyts refuses what its own scaler lets go beyond the range by a rounding
        return np.clip(MinMaxScaler(sample_range=(low, high)).transform(x), low, high)
    limit = float(parameters["range_mv"])
    scaled: np.ndarray = np.clip(x, -limit, limit) / limit * (high - low) / 2 + (high + low) / 2
    return scaled


def _gaf(x: np.ndarray, _: float, parameters: dict[str, Any]) -> np.ndarray:
    from pyts.image import GramianAngularField

    points = _scaled(x, parameters["size"], parameters, -1, 1)
    return GramianAngularField(sample_range=None, method=parameters["method"]).transform(points)


def _mtf(x: np.ndarray, _: float, parameters: dict[str, Any]) -> np.ndarray:
    from pyts.image import MarkovTransitionField

    size, n_bins, strategy = parameters["size"], parameters["n_bins"], parameters["strategy"]
    if strategy == "uniform" and parameters["scale"] == "fixed":
        # pyts cuts bins over each lead's own range only: two samples at the ends of the fixed range would be counted
        return np.stack([_field_over_range(lead, size, n_bins, parameters["range_mv"]) for lead in x])
    return MarkovTransitionField(image_size=size, n_bins=n_bins, strategy=strategy).transform(x)


def _field_over_range(lead: np.ndarray, size: int, n_bins: int, limit: float) -> np.ndarray:
    """The field of one lead at full length, by its definition, then averaged over segments."""
    from pyts.utils import segmentation

    bins = np.digitize(lead, np.linspace(-limit, limit, n_bins + 1)[1:-1], right=True)  # as pyts does
    transitions = np.zeros((n_bins, n_bins))
    np.add.at(transitions, (bins[:-1], bins[1:]), 1)
    transitions /= np.maximum(transitions.sum(axis=1, keepdims=True), 1)
    field = transitions[bins[:, None], bins[None, :]]
    first, last, _ = segmentation(len(lead), window_size=1, overlapping=False, n_segments=size)
    rows = np.stack([field[start:end].mean(axis=0) for start, end in zip(first, last, strict=True)])
    return np.stack([rows[:, start:end].mean(axis=1) for start, end in zip(first, last, strict=True)], axis=1)


def _rp(x: np.ndarray, _: float, parameters: dict[str, Any]) -> np.ndarray:
    from pyts.image import RecurrencePlot

    n_points = parameters["size"] + (parameters["dimension"] - 1) * parameters["delay"]
    return RecurrencePlot(
        dimension=parameters["dimension"],
        time_delay=parameters["delay"],
        threshold=parameters["threshold"],
        percentage=parameters["percentage"],
    ).transform(_scaled(x, n_points, parameters, 0, 1))


def _stft(x: np.ndarray, sampling_rate: float, parameters: dict[str, Any]) -> np.ndarray:
    from scipy.signal import get_window, spectrogram

    length = round(parameters["window"] * sampling_rate)
    step = max(1, round(parameters["hop"] * sampling_rate))
    x = x - x.mean(axis=1, keepdims=True)
    before, n_windows = length // 2, (x.shape[1] - 1) // step + 1
    padded = np.pad(x, ((0, 0), (before, length)), mode="reflect")[:, : (n_windows - 1) * step + length]
    frequencies, _, power = spectrogram(
        padded,
        fs=sampling_rate,
        window=get_window("hann", length),
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
    decibels: np.ndarray = 10 * np.log10(np.maximum(rows @ power @ columns.T, 1e-12))
    if parameters["scale"] == "fixed":
        return decibels
    lowest = decibels.min(axis=(1, 2), keepdims=True)
    spread = decibels.max(axis=(1, 2), keepdims=True) - lowest
    scaled: np.ndarray = (decibels - lowest) / np.where(spread > 0, spread, 1)
    return scaled


def _averaging(places: np.ndarray, centres: np.ndarray, width: float) -> np.ndarray:
    """Triangular weights of the places around each centre: (centres, places), rows sum to 1."""
    centres = np.clip(centres, places[0], places[-1])
    weights: np.ndarray = np.maximum(1 - np.abs(centres[:, None] - places) / width, 0)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


_REFERENCES: dict[str, Callable[[np.ndarray, float, dict[str, Any]], np.ndarray]] = {
    "gaf": _gaf,
    "mtf": _mtf,
    "rp": _rp,
    "stft": _stft,
}
