"""What images are made of leads: representations, size, scale and their options, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from pipeline.representations.preparation import require_count
from pipeline.representations.registry import REPRESENTATIONS

_LATER = {"stft": {"taper": "hann"}}
"""Options that earlier versions had not, with what they did: left out where they are that, so that older stores and
cards are read, and new ones are the same."""


def _default(representation: str, option: str) -> Any:
    return REPRESENTATIONS[representation].default(option)


@dataclass(frozen=True)
class ImageRecipe:
    """The recipe of an image of each lead in each representation.

    Attributes:
        representations: names in REPRESENTATIONS, in the order of the images; none is a recipe of no images.
        size: height and width, in pixels.
        scale: 'record' (the lead's own minimum and maximum) or 'fixed' (a range that all records share), for
            all representations or as pairs of representation and scale. One without has its `default_scale` in
            REPRESENTATIONS; the pairs are written out, so that equal recipes are written alike.
        range_mv: half the fixed range, in mV.
        gaf_method: see gaf.
        mtf_bins: `n_bins` of mtf.
        mtf_strategy: see mtf.
        rp_dimension: see rp.
        rp_delay: see rp, in points of the averaged lead.
        rp_threshold: see rp.
        rp_percentage: see rp.
        stft_window: see stft, in s.
        stft_hop: see stft, in s.
        stft_max_hz: see stft.
        stft_db_range: see stft, in dB re 1 mV².
        stft_taper: see stft.

    Raises:
        ValueError: if a representation is unknown or named twice, or a value is out of its range.
    """

    representations: tuple[str, ...] = tuple(REPRESENTATIONS)
    size: int = 256
    scale: str | tuple[tuple[str, str], ...] | None = None
    range_mv: float = _default("gaf", "range_mv")
    gaf_method: str = _default("gaf", "method")
    mtf_bins: int = _default("mtf", "n_bins")
    mtf_strategy: str = _default("mtf", "strategy")
    rp_dimension: int = _default("rp", "dimension")
    rp_delay: int = _default("rp", "delay")
    rp_threshold: float | str | None = _default("rp", "threshold")
    rp_percentage: float = _default("rp", "percentage")
    stft_window: float = _default("stft", "window")
    stft_hop: float = _default("stft", "hop")
    stft_max_hz: float = _default("stft", "max_hz")
    stft_db_range: tuple[float, float] = _default("stft", "db_range")
    stft_taper: str = _default("stft", "taper")

    def __post_init__(self) -> None:
        """Checks every value and writes the scale out."""
        object.__setattr__(self, "representations", _known(self.representations))
        object.__setattr__(self, "stft_db_range", tuple(self.stft_db_range))
        object.__setattr__(self, "scale", _written_out(self.scale, self.representations))
        require_count("An image's size", self.size, least=1)
        for name, representation in REPRESENTATIONS.items():
            representation.value_range(**self._options[name])

    def parameters(self, name: str) -> dict[str, Any]:
        """All that makes the images of one representation, as JSON can hold it.

        Returns:
            `size`, `scale`, the representation's own options and `value_range`, the values that 0 and 255 stand for.
        """
        return dict(self._parameters[name])

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Mapping[str, Any]]) -> Self:
        """The recipe that has these `parameters(name)` for each representation name.

        Raises:
            ValueError: if representations disagree on a value that they share, or no recipe has these parameters.
        """
        fields: dict[str, Any] = {}
        for name in _known(tuple(parameters)):
            known = _LATER.get(name, {}) | dict(parameters[name])
            given = {key: tuple(v) if isinstance(v, list) else v for key, v in known.items()}
            options = {**REPRESENTATIONS[name].options, "size": "size"}
            if given.keys() != {*options, "scale", "value_range"}:
                raise ValueError(f"These parameters of {name} are none of this version's: {given!r}.")
            for option, field in options.items():
                if fields.setdefault(field, given[option]) != given[option]:
                    raise ValueError(
                        f"The representations disagree on {field} ({fields[field]!r} and {given[option]!r})."
                    )
        scale = tuple((name, parameters[name]["scale"]) for name in parameters)
        recipe = cls(tuple(parameters), scale=scale, **fields)
        for name in parameters:
            value_range = list(parameters[name]["value_range"])
            if recipe.parameters(name)["value_range"] != value_range:
                raise ValueError(f"The range of {name} is not {value_range!r} in this version.")
        return recipe

    def smallest_length(self, sampling_rate: float) -> int:
        """Fewest samples of a lead that this recipe can draw; `sampling_rate` in Hz."""
        lengths = (
            REPRESENTATIONS[name].smallest_length(self.size, sampling_rate=sampling_rate, **self._options[name])
            for name in self.representations
        )
        return max(lengths, default=1)

    def largest_size(self, n_samples: int, sampling_rate: float) -> int:
        """Largest size of images of leads of `n_samples`; 0 where they are too short for any."""
        if n_samples < 1:
            return 0
        # every representation needs its size plus a constant, or a constant
        missing = replace(self, size=n_samples).smallest_length(sampling_rate) - n_samples
        size = n_samples - missing
        fits = size > 0 and replace(self, size=size).smallest_length(sampling_rate) <= n_samples
        return size if fits else 0

    @cached_property
    def _options(self) -> Mapping[str, dict[str, Any]]:
        """Scale and own options of each representation there is."""
        scales: Any = self.scale  # pairs since __post_init__
        return {
            name: {
                "scale": dict(scales).get(name, representation.default_scale),
                **{option: getattr(self, field) for option, field in representation.options.items()},
            }
            for name, representation in REPRESENTATIONS.items()
        }

    @cached_property
    def _parameters(self) -> Mapping[str, dict[str, Any]]:
        given = {
            name: {"size": self.size, **options, "value_range": REPRESENTATIONS[name].value_range(**options)}
            for name, options in self._options.items()
        }
        return {
            name: {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in parameters.items()
                if key not in (later := _LATER.get(name, {})) or value != later[key]
            }
            for name, parameters in given.items()
        }


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(names, str) or len(set(names)) < len(names):
        raise ValueError(f"The representations are different names, not {names!r}.")
    for name in names:
        if name not in REPRESENTATIONS:
            raise ValueError(f"There is no representation {name!r}: choose from {', '.join(REPRESENTATIONS)}.")
    return tuple(names)


def _written_out(scale: Any, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """A pair of representation and scale for each representation."""
    given = dict.fromkeys(names, scale) if isinstance(scale, str) else dict(scale or ())
    _known(tuple(given))
    return tuple((name, given.get(name, REPRESENTATIONS[name].default_scale)) for name in names)
