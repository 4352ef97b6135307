"""What a user may say of how a network's input is made; what is None is chosen from the store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.commands.image_options import IMAGE_OPTIONS
from pipeline.inputs.spec import NORMALISATIONS
from pipeline.typed import at_least, one_of


@dataclass(frozen=True, kw_only=True)
class InputOptions:
    """The options of train.py on what the network sees, by the names that are typed; see its ``--help``."""

    leads: tuple[str, ...] | None = None
    representation: tuple[str, ...] | None = None
    on_the_fly: bool | None = None
    crop: float | None = field(default=None, metadata=at_least(1e-6))
    stride: float | None = field(default=None, metadata=at_least(1e-6))
    beat: bool | None = None
    beat_channels: tuple[str, ...] | None = None
    beat_extent: tuple[float, float] | None = None
    strip: str | None = None
    normalise: str | None = field(default=None, metadata=one_of(*NORMALISATIONS))
    features: tuple[str, ...] | None = None

    size: int | None = field(default=None, metadata=at_least(1))
    scale: str | None = field(default=None, metadata=one_of("record", "fixed"))
    range_mv: float | None = field(default=None, metadata=at_least(1e-6))
    gaf_method: str | None = field(default=None, metadata=one_of("summation", "difference"))
    mtf_bins: int | None = field(default=None, metadata=at_least(1))
    mtf_strategy: str | None = field(default=None, metadata=one_of("quantile", "uniform"))
    rp_dimension: int | None = field(default=None, metadata=at_least(1))
    rp_delay: int | None = field(default=None, metadata=at_least(1))
    rp_threshold: str | float | None = None
    rp_percentage: float | None = field(default=None, metadata=at_least(1e-6))
    stft_window: float | None = field(default=None, metadata=at_least(1e-6))
    stft_hop: float | None = field(default=None, metadata=at_least(1e-6))
    stft_max_hz: float | None = field(default=None, metadata=at_least(1e-6))
    stft_db_range: tuple[float, float] | None = None
    stft_taper: str | None = field(default=None, metadata=one_of("hann", "hamming"))

    @property
    def of_images(self) -> Mapping[str, Any]:
        """Those on how images are made, as fields of ``ImageRecipe``; what is None is left out."""
        named = {name: getattr(self, name) for name in IMAGE_OPTIONS}
        return {name: value for name, value in named.items() if value is not None}
