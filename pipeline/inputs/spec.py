"""What a network sees of an item: which leads, which part, at which scale, as which images.

The same description makes the input in training, in scoring and on another machine, so it is kept in the card.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.signals.beats import BEAT_CHANNELS
from pipeline.signals.windows import crop_starts
from pipeline.typed import FieldError, at_least, left_out, one_of

NORMALISATIONS = ("global", "none", "record")


@dataclass(frozen=True)
class FeatureScale:
    """How the numbers of one feature of a store become a network's: changed, less ``mean``, over ``deviation``.

    Attributes:
        change: ``none``, or ``log``, of numbers that are ratios or are compared by their ratio.
        mean: of each number of the training items, once changed.
        deviation: their standard deviation.

    Raises:
        FieldError: there are no numbers, not as many deviations as means, or one is no number or no deviation.
    """

    change: str = field(metadata=one_of("none", "log"))
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.deviation) or not self.mean:
            raise FieldError(f"a feature has {len(self.mean)} means and {len(self.deviation)} deviations")
        for value in (*self.mean, *self.deviation):
            if not math.isfinite(value):
                raise FieldError(f"a feature has the mean or deviation {value}")
        if min(self.deviation) <= 0:
            raise FieldError(f"a feature has the deviation {min(self.deviation)}")


@dataclass(frozen=True)
class Strip:
    """A rhythm strip: one lead of an item from its beginning, in lines as long as its median beat.

    Attributes:
        lead: canonical name.
        n_lines: lines, each below the one before.
    """

    lead: str
    n_lines: int = field(metadata=at_least(1))


@dataclass(frozen=True)
class InputSpec:
    """How a network's input is made of an item; a card keeps it, and reads it with the ranges that stand here.

    Attributes:
        modality: ``signal`` or ``image``.
        leads: canonical names, in the order of the channels.
        sampling_rate: Hz.
        gain: counts to the millivolt.
        n_samples: samples of the longest item, or of the median beat.
        crop: length of what the network sees at once, s; None for the whole item.
        stride: step between the crops that are averaged at scoring, s; at least a sample.
        normalise: of a signal: ``global`` divides by ``scale_mv``, ``record`` makes each lead's mean 0 and its
            standard deviation 1 over what the network sees, ``none`` leaves mV.
        scale_mv: the standard deviation of what is seen of the training items, mV.
        representations: of an image: names, each with the parameters that make it, in the order of the channels.
        on_the_fly: whether images are made from the signal here or come from the store.
        beat: how much of an item's median beat is seen instead of the item, s before its R peak and s after it; None
            for the item itself.
        beat_channels: which parts of what its beats say are seen, names in ``BEAT_CHANNELS`` in the order of the
            channels, all leads of one before those of the next; None for the median beat alone.
        strip: the rhythm strip below the beats of a lead map; None for none.
        beat_version: which program's median beat that is; None, as in cards that do not say, for the first one's.
        features: which numbers of an item are seen beside it, by their names in the store, in their order; None for
            none.
    """

    modality: str = field(metadata=one_of("signal", "image"))
    leads: tuple[str, ...]
    sampling_rate: float = field(metadata=at_least(1e-6))
    gain: float = field(metadata=at_least(1e-6))
    n_samples: int = field(metadata=at_least(1))
    crop: float | None = field(default=None, metadata=at_least(1e-6))
    stride: float | None = field(default=None, metadata=at_least(1e-6))
    normalise: str = field(default="none", metadata=one_of(*NORMALISATIONS))
    scale_mv: float = field(default=1.0, metadata=at_least(1e-12))
    representations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    on_the_fly: bool = False
    beat: tuple[float, float] | None = None
    beat_version: int | None = field(default=None, metadata=left_out() | one_of(1, 2))
    features: Mapping[str, FeatureScale] | None = field(default=None, metadata=left_out())
    beat_channels: tuple[str, ...] | None = field(default=None, metadata=left_out())
    strip: Strip | None = field(default=None, metadata=left_out())

    def __post_init__(self) -> None:
        if self.beat_channels is not None:
            wrong = [name for name in self.beat_channels if name not in BEAT_CHANNELS]
            if wrong or not self.beat_channels or len({*self.beat_channels}) < len(self.beat_channels):
                raise FieldError(f"it sees the parts {list(self.beat_channels)} of a record's beats")
        if self.beat is None and (self.beat_channels is not None or self.strip is not None):
            raise FieldError("it sees no beat, and parts of one")
        if self.strip is not None and self.strip.lead not in self.leads:
            raise FieldError(f"it sees a strip of {self.strip.lead}, which is none of its leads")

    @property
    def takes_signals(self) -> bool:
        """Whether an item enters as its signal, even if the network sees an image of it."""
        return self.modality == "signal" or self.on_the_fly

    def of_signals(self) -> "InputSpec":
        """The same input, drawn of an item's signal where it would be read: for a store that holds no images."""
        return self if self.takes_signals else replace(self, on_the_fly=True)

    @property
    def n_channels(self) -> int:
        from pipeline.representations import LEAD_MAP_KEY

        n_parts = len(self.beat_parts)
        if LEAD_MAP_KEY in self.representations:  # one image of all leads
            return n_parts
        return n_parts * len(self.leads) * (len(self.representations) if self.modality == "image" else 1)

    @property
    def beat_parts(self) -> tuple[str, ...]:
        """What is seen of a record's beats, or of the item itself: one name a channel of each lead."""
        return self.beat_channels or BEAT_CHANNELS[:1]

    @property
    def n_rows(self) -> int:
        """Signals that a network's input is made of: of each part all leads, and the lines of a strip below them."""
        return len(self.beat_parts) * len(self.leads) + (0 if self.strip is None else self.strip.n_lines)

    @property
    def n_numbers(self) -> int:
        """Numbers that are seen beside an item."""
        return sum(len(scale.mean) for scale in (self.features or {}).values())

    @property
    def crop_samples(self) -> int:
        """Samples that the network sees at once."""
        return self.n_samples if self.crop is None else round(self.crop * self.sampling_rate)

    def crop_starts(self, n_samples: int) -> list[int]:
        """First samples of the crops whose scores are averaged for an item of ``n_samples``."""
        if self.crop is None or self.stride is None:
            return [0]
        return crop_starts(n_samples, self.crop_samples, max(1, round(self.stride * self.sampling_rate)))


def describe_beat(spec: InputSpec) -> str:
    """What is seen of an item's beats, in words, of a spec that sees them.

    >>> of = InputSpec("signal", ("II",), 100.0, 1000.0, 80, beat=(0.32, 0.48), beat_channels=("dominant", "ectopic"))
    >>> describe_beat(of)
    'median beat (dominant, ectopic)'
    """
    parts = "" if spec.beat_channels is None else f" ({', '.join(spec.beat_channels)})"
    if spec.strip is None:
        return f"median beat{parts}"
    seconds = spec.strip.n_lines * spec.n_samples / spec.sampling_rate
    return f"median beat{parts} above {seconds:g} s of {spec.strip.lead}"
