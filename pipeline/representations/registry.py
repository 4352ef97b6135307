"""The representations by name: a new one is a module, a line here, and a recipe field for each own option.

A kernel for the CPU can come later: without one, a representation is drawn by its function everywhere. An own option is
typed by the name of its recipe field, and so has a line in ``pipeline/commands/image_options.py``.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from torch import Tensor

from pipeline.representations.gaf import draw_gaf, gaf, gaf_length, gaf_range
from pipeline.representations.mtf import draw_mtf, mtf, mtf_length, mtf_range
from pipeline.representations.references import pyts_gaf, pyts_mtf, pyts_rp, scipy_stft
from pipeline.representations.rp import draw_rp, rp, rp_length, rp_range
from pipeline.representations.stft import draw_stft, stft, stft_length, stft_range

Axes = Literal["time-time", "frequency-time"]


@dataclass(frozen=True)
class Reference:
    """Where a representation comes from.

    Attributes:
        paper: who described it.
        draw: (x (n, time) in mV, sampling_rate, parameters) -> (n, size, size) in the value range: the same images by
            other people's code, which ``--verify`` compares with; None where nobody else's makes them.
    """

    paper: str
    draw: Callable[[np.ndarray, float, dict[str, Any]], np.ndarray] | None = None


@dataclass(frozen=True)
class Representation:
    """A representation, and what a recipe, a drawing and a check of a store need to know of it.

    Attributes:
        function: (x, size, known_finite=…, **options) -> images; also takes `sampling_rate` where it is timed.
        value_range: options -> lowest and highest value; refuses options that are out of their range.
        smallest_length: (size, sampling_rate=…, **options) -> fewest samples of a lead.
        title: what a drawing writes over it.
        axes: what its rows and columns are: 'time-time', from the top left to the bottom right, or 'frequency-time',
            with frequencies from 0 at the bottom to Nyquist's, or to the option `max_hz` where it has one.
        reference: the paper, and code to compare with.
        options: the function's options, each with the recipe field that holds it; size and scale all representations
            have.
        default_scale: 'record' or 'fixed', where the recipe names none.
        units: scale to the unit of the values, where they have one.
        is_timed: whether the function needs the sampling rate.
        grey: (x, grey, number, size=…, **options) -> whether it has drawn the grey images of leads on the CPU, to
            the bit those of the function; False where these options have no kernel. See `draw_gaf`.
    """

    function: Callable[..., Tensor]
    value_range: Callable[..., tuple[float, float]]
    smallest_length: Callable[..., int]
    title: str
    axes: Axes
    reference: Reference
    options: Mapping[str, str] = field(default_factory=dict)
    default_scale: str = "record"
    units: Mapping[str, str] = field(default_factory=dict)
    is_timed: bool = False
    grey: Callable[..., bool] | None = None

    def default(self, option: str) -> Any:
        """What the function takes where an option is not given."""
        return inspect.signature(self.function).parameters[option].default

    def draw(self, x: Tensor, size: int, sampling_rate: float, *, known_finite: bool = False, **options: Any) -> Tensor:
        """Images of leads; a NaN or infinite sample is refused, unless there is known to be none.

        Shape:
            - x: (..., time), in mV
            - output: (..., size, size), in `value_range(**options)`
        """
        return self.function(x, size, known_finite=known_finite, **self._timing(sampling_rate), **options)

    def draw_grey(self, x: np.ndarray, grey: np.ndarray, number: int, sampling_rate: float, **options: Any) -> bool:
        """Draws the grey images of leads into grey[:, number], where a kernel can; False where none can.

        Shape:
            - x: (n, time), float64, contiguous, in mV
            - grey: (n, representations, size, size), uint8, contiguous
        """
        if self.grey is None:
            return False
        return self.grey(x, grey, number, **self._timing(sampling_rate), **options)

    def _timing(self, sampling_rate: float) -> dict[str, float]:
        return {"sampling_rate": sampling_rate} if self.is_timed else {}


_WANG = (
    "Wang and Oates, Encoding Time Series as Images for Visual Inspection and Classification Using Tiled Convolutional "
    "Neural Networks, 2015"
)
_ECKMANN = "Eckmann, Kamphorst and Ruelle, Recurrence Plots of Dynamical Systems, 1987"
_ALLEN = "Allen, Short Term Spectral Analysis, Synthesis, and Modification by Discrete Fourier Transform, 1977"

_RP = {
    "dimension": "rp_dimension",
    "delay": "rp_delay",
    "threshold": "rp_threshold",
    "percentage": "rp_percentage",
}
_STFT = {
    "window": "stft_window",
    "hop": "stft_hop",
    "max_hz": "stft_max_hz",
    "db_range": "stft_db_range",
    "taper": "stft_taper",
}
_MTF = {"n_bins": "mtf_bins", "strategy": "mtf_strategy"}
_RANGE = {"range_mv": "range_mv"}

REPRESENTATIONS: Mapping[str, Representation] = {
    "gaf": Representation(
        *(gaf, gaf_range, gaf_length),
        title="Gramian angular field",
        axes="time-time",
        reference=Reference(_WANG, pyts_gaf),
        options={"method": "gaf_method", **_RANGE},
        grey=draw_gaf,
    ),
    "mtf": Representation(
        *(mtf, mtf_range, mtf_length),
        title="Markov transition field",
        axes="time-time",
        reference=Reference(_WANG, pyts_mtf),
        options={**_MTF, **_RANGE},
        grey=draw_mtf,
    ),
    "rp": Representation(
        *(rp, rp_range, rp_length),
        title="recurrence plot",
        axes="time-time",
        reference=Reference(_ECKMANN, pyts_rp),
        options={**_RP, **_RANGE},
        default_scale="fixed",
        grey=draw_rp,
    ),
    "stft": Representation(
        *(stft, stft_range, stft_length),
        title="spectrogram",
        axes="frequency-time",
        reference=Reference(_ALLEN, scipy_stft),
        options=_STFT,
        default_scale="fixed",
        units={"fixed": "dB re 1 mV²"},
        is_timed=True,
        grey=draw_stft,
    ),
}
