"""The image forms by name: a new one is a module, a line here, and a recipe field for each own option."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pipeline.representations.gaf import gaf, gaf_length, gaf_range
from pipeline.representations.mtf import mtf, mtf_length, mtf_range
from pipeline.representations.rp import rp, rp_length, rp_range
from pipeline.representations.stft import stft, stft_length, stft_range


@dataclass(frozen=True)
class Representation:
    """An image form and what a recipe needs to know of it.

    Attributes:
        function: (x, size, **options) -> pictures; also takes `sampling_rate` where it is timed.
        value_range: options -> lowest and highest value; refuses options that are out of their range.
        smallest_length: (size, sampling_rate=…, **options) -> fewest samples of a lead.
        options: the function's options, each with the recipe field that holds it; size and scale all forms
            have.
        default_scale: 'record' or 'fixed', where the recipe names none.
        is_timed: whether the function needs the sampling rate.
    """

    function: Callable[..., Tensor]
    value_range: Callable[..., tuple[float, float]]
    smallest_length: Callable[..., int]
    options: Mapping[str, str]
    default_scale: str = "record"
    is_timed: bool = False

    def default(self, option: str) -> Any:
        """What the function takes where an option is not given."""
        return inspect.signature(self.function).parameters[option].default

    def draw(self, x: Tensor, size: int, sampling_rate: float, **options: Any) -> Tensor:
        """Pictures of leads.

        Shape:
            - x: (..., time), in mV
            - output: (..., size, size), in `value_range(**options)`
        """
        timing = {"sampling_rate": sampling_rate} if self.is_timed else {}
        return self.function(x, size, **timing, **options)


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
    "gaf": Representation(gaf, gaf_range, gaf_length, {"method": "gaf_method", **_RANGE}),
    "mtf": Representation(mtf, mtf_range, mtf_length, {**_MTF, **_RANGE}),
    "rp": Representation(rp, rp_range, rp_length, {**_RP, **_RANGE}, default_scale="fixed"),
    "stft": Representation(stft, stft_range, stft_length, _STFT, default_scale="fixed", is_timed=True),
}
