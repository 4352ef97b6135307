"""What a network sees of an item: which leads, which part, at which scale, as which pictures.

The same description makes the input in training, in scoring and on another machine, so it is kept in the card.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.errors import EcgFusionError
from pipeline.signals.filters import PADDING, crop_starts


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


class InputMaker(nn.Module):
    """Makes a network's input of what the store holds, on any device.

    Shape:
        int16 counts (n, leads, time) to float32 (n, leads, time), or to pictures (n, channels, size, size) in [0, 1],
        where channels are leads · forms, or one for all leads; uint8 pictures to the same as float32 in [0, 1].
    """

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        self.spec = spec
        self._draw = _drawing(spec) if spec.modality == "image" and spec.on_the_fly else None

    @torch.no_grad()
    def forward(self, raw: Tensor, length: Tensor | None = None) -> Tensor:
        """``length`` (n,) is the number of samples that are not padding, None where all are whole."""
        if raw.dtype == torch.uint8:
            return _fractions(raw)
        counts = torch.where(raw == PADDING, 0, raw).double()  # (n, leads, time)
        if self.spec.normalise == "record":
            return _standardised(counts, length).float()
        x = counts / self.spec.gain
        if self._draw is not None:
            return _fractions(self._draw(x))
        return (x / self.spec.scale_mv if self.spec.normalise == "global" else x).float()


def _fractions(grey: Tensor) -> Tensor:
    """uint8 pictures as float32 in [0, 1], each step in the layout and the order that is the fewest bytes there."""
    if grey.is_cuda:
        return grey.contiguous(memory_format=torch.channels_last) / 255  # convolutions are fastest so
    fractions = torch.empty(grey.shape, dtype=torch.float32, device=grey.device)
    for of_item, drawn in zip(fractions, grey, strict=True):  # within the cache
        torch.div(drawn, 255, out=of_item)
    return fractions


def _drawing(spec: InputSpec) -> Callable[[Tensor], Tensor]:
    """What draws (n, leads, time) mV, decoded from int16, as (n, channels, size, size) uint8."""
    from pipeline.representations import BANDS, BandRecipe, ImageRecipe, bands, in_band_order, pictures

    if BANDS in spec.representations:
        one = BandRecipe.from_parameters(spec.representations[BANDS])
        return lambda x: bands(in_band_order(x, spec.leads), one, known_finite=True).unsqueeze(1)
    each = ImageRecipe.from_parameters(spec.representations)
    return lambda x: pictures(x, spec.sampling_rate, each, known_finite=True).flatten(1, 2)


def _standardised(counts: Tensor, length: Tensor | None) -> Tensor:
    """Mean 0 and deviation 1 of each lead before its end; a flat lead is 0, since sums of whole numbers are exact."""
    device, whole = counts.device, counts.shape[-1]
    time = torch.arange(whole, device=device)
    ends = torch.full((len(counts),), whole, device=device) if length is None else length.to(device, non_blocking=True)
    inside = (time < ends[:, None]).unsqueeze(1)  # (n, 1, time)
    n_inside = ends[:, None, None]
    centred = torch.where(inside, counts - (counts * inside).sum(-1, keepdim=True) / n_inside, 0)
    deviation = (centred.square().sum(-1, keepdim=True) / n_inside).sqrt()
    return centred / torch.where(deviation > 0, deviation, 1)
