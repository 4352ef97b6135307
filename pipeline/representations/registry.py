"""The image forms by name: a new one is a module, a line here, and a recipe field for each own option.

A kernel for the CPU can come later: without one, a form is drawn by its function everywhere.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from pipeline.representations.gaf import draw_gaf, gaf, gaf_length, gaf_range
from pipeline.representations.mtf import draw_mtf, mtf, mtf_length, mtf_range
from pipeline.representations.rp import draw_rp, rp, rp_length, rp_range
from pipeline.representations.stft import draw_stft, stft, stft_length, stft_range


@dataclass(frozen=True)
class Representation:
    """An image form and what a recipe needs to know of it.

    Attributes:
        function: (x, size, known_finite=…, **options) -> pictures; also takes `sampling_rate` where it is timed.
        value_range: options -> lowest and highest value; refuses options that are out of their range.
        smallest_length: (size, sampling_rate=…, **options) -> fewest samples of a lead.
        options: the function's options, each with the recipe field that holds it; size and scale all forms
            have.
        default_scale: 'record' or 'fixed', where the recipe names none.
        is_timed: whether the function needs the sampling rate.
        grey: (x, grey, form, size=…, **options) -> whether it has drawn the grey pictures of leads on the CPU, to
            the bit those of the function; False where these options have no kernel. See `draw_gaf`.
    """

    function: Callable[..., Tensor]
    value_range: Callable[..., tuple[float, float]]
    smallest_length: Callable[..., int]
    options: Mapping[str, str]
    default_scale: str = "record"
    is_timed: bool = False
    grey: Callable[..., bool] | None = None

    def default(self, option: str) -> Any:
        """What the function takes where an option is not given."""
        return inspect.signature(self.function).parameters[option].default

    def draw(self, x: Tensor, size: int, sampling_rate: float, *, known_finite: bool = False, **options: Any) -> Tensor:
        """Pictures of leads; a NaN or infinite sample is refused, unless there is known to be none.

        Shape:
            - x: (..., time), in mV
            - output: (..., size, size), in `value_range(**options)`
        """
        return self.function(x, size, known_finite=known_finite, **self._timing(sampling_rate), **options)

    def draw_grey(self, x: np.ndarray, grey: np.ndarray, form: int, sampling_rate: float, **options: Any) -> bool:
        """Draws the grey pictures of leads into grey[:, form], where a kernel can; False where none can.

        Shape:
            - x: (n, time), float64, contiguous, in mV
            - grey: (n, forms, size, size), uint8, contiguous
        """
        if self.grey is None:
            return False
        return self.grey(x, grey, form, **self._timing(sampling_rate), **options)

    def _timing(self, sampling_rate: float) -> dict[str, float]:
        return {"sampling_rate": sampling_rate} if self.is_timed else {}


_RP = {
    "dimension": "rp_dimension",
    "delay": "rp_delay",
    "threshold": "rp_threshold",
    "percentage": "rp_percentage",
}
_STFT = {"window": "stft_window", "hop": "stft_hop", "max_hz": "stft_max_hz", "db_range": "stft_db_range"}
_MTF = {"n_bins": "mtf_bins", "strategy": "mtf_strategy"}
_RANGE = {"range_mv": "range_mv"}

REPRESENTATIONS: Mapping[str, Representation] = {
    "gaf": Representation(gaf, gaf_range, gaf_length, {"method": "gaf_method", **_RANGE}, grey=draw_gaf),
    "mtf": Representation(mtf, mtf_range, mtf_length, {**_MTF, **_RANGE}, grey=draw_mtf),
    "rp": Representation(rp, rp_range, rp_length, {**_RP, **_RANGE}, default_scale="fixed", grey=draw_rp),
    "stft": Representation(stft, stft_range, stft_length, _STFT, default_scale="fixed", is_timed=True, grey=draw_stft),
}
