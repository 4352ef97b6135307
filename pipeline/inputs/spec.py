"""What a network sees of an item: which leads, which part, at which scale, as which images.

The same description makes the input in training, in scoring and on another machine, so it is kept in the card.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.signals.windows import crop_starts

NORMALISATIONS = ("global", "none", "record")


@dataclass(frozen=True)
class InputSpec:
    """How a network's input is made of an item.

    Attributes:
        modality: ``signal`` or ``image``.
        leads: canonical names, in the order of the channels.
        sampling_rate: Hz.
        gain: counts to the millivolt.
        n_samples: samples of the longest item, or of the median beat.
        crop: length of what the network sees at once, s; None for the whole item.
        stride: step between the crops that are averaged at scoring, s.
        normalise: of a signal: ``global`` divides by ``scale_mv``, ``record`` makes each lead's mean 0 and its
            standard deviation 1 over what the network sees, ``none`` leaves mV.
        scale_mv: the standard deviation of what is seen of the training items, mV.
        representations: of an image: form to the parameters that make it, in the order of the channels.
        on_the_fly: whether pictures are made from the signal here or come from the store.
        beat: how much of an item's median beat is seen instead of the item, s before its R peak and s after it; None
            for the item itself.
    """

    modality: str
    leads: tuple[str, ...]
    sampling_rate: float
    gain: float
    n_samples: int
    crop: float | None = None
    stride: float | None = None
    normalise: str = "none"
    scale_mv: float = 1.0
    representations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    on_the_fly: bool = False
    beat: tuple[float, float] | None = None

    @property
    def takes_signals(self) -> bool:
        """Whether an item enters as its signal, even if the network sees a picture of it."""
        return self.modality == "signal" or self.on_the_fly

    def of_signals(self) -> "InputSpec":
        """The same input, drawn of an item's signal where it would be read: for a store that holds no images."""
        return self if self.takes_signals else replace(self, on_the_fly=True)

    @property
    def n_channels(self) -> int:
        from pipeline.representations import BANDS

        if BANDS in self.representations:  # one picture of all leads
            return 1
        return len(self.leads) * (len(self.representations) if self.modality == "image" else 1)

    @property
    def crop_samples(self) -> int:
        """Samples that the network sees at once."""
        return self.n_samples if self.crop is None else round(self.crop * self.sampling_rate)

    def crop_starts(self, n_samples: int) -> list[int]:
        """First samples of the crops whose scores are averaged for an item of ``n_samples``."""
        if self.crop is None or self.stride is None:
            return [0]
        return crop_starts(n_samples, self.crop_samples, max(1, round(self.stride * self.sampling_rate)))

    def to_card(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> "InputSpec":
        """The inverse of ``to_card``.

        Raises:
            EcgFusionError: another version wrote the card, or somebody changed it.
        """
        try:
            beat = card.get("beat")
            return cls(**{**card, "leads": tuple(card["leads"]), "beat": None if beat is None else tuple(beat)})
        except (KeyError, TypeError) as problem:
            raise EcgFusionError(f"the card's input is not understood ({problem}): copy the run folder again") from None
