"""What a network sees of an item: which leads, which part, at which scale, as which images.

The same description makes the input in training, in scoring and on another machine, so it is kept in the card.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pipeline.errors import EcgFusionError
from pipeline.inputs.features import standardised
from pipeline.inputs.spec import InputSpec
from pipeline.signals.augmentations import PartOfDraws, augment, check_augmentations
from pipeline.signals.counts import LARGEST_COUNT, PADDING


class InputMaker(nn.Module):
    """Makes a network's input of what the store holds, on any device.

    It has two doors. ``forward`` is what scoring, prediction, explanation and export see, and is the same whether the
    module trains or not. ``augmented`` is for a training step, and the only place that changes signals at random.

    Shape:
        int16 counts (n, leads, time) to float32 (n, leads, time), or to images (n, channels, size, size) in [0, 1],
        where channels are leads · representations, or one for all leads; uint8 images to the same as float32 in [0, 1].
        Of several parts of beats, (n, parts · leads, time), there are so many channels of each.
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

    @torch.no_grad()
    def images(self, raw: Tensor) -> Tensor:
        """The grey levels of the images that ``forward`` makes of counts, of a spec that draws.

        Shape:
            int16 counts (n, leads, time) to (n, channels, size, size) uint8.
        """
        if self._draw is None:
            raise ValueError("this input is not drawn of signals")
        return self._draw(torch.where(raw == PADDING, 0, raw).double() / self.spec.gain)

    @torch.no_grad()
    def beside(self, features: Tensor) -> Tensor:
        """What a network takes beside the signal or image of each item, of what the store says of it.

        Shape:
            (n, numbers) to the same float32, of mean 0 and deviation 1 in training; 0 where a number is missing.
        """
        scales = (self.spec.features or {}).values()
        parts = torch.split(features, [len(scale.mean) for scale in scales], dim=1)
        return torch.cat([standardised(x, scale) for x, scale in zip(parts, scales, strict=True)], 1).float()

    @torch.no_grad()
    def augmented(
        self,
        raw: Tensor,
        generator: torch.Generator | PartOfDraws,
        augmentations: tuple[str, ...],
        length: Tensor | None = None,
    ) -> Tensor:
        """``forward`` of signals that are changed at random first: after decoding, before normalisation and drawing.

        What is changed is rounded to int16 again, so that a network sees nothing that a store could not hold, or an
        image could not show. Padding stays padding.

        Args:
            raw: int16 counts.
            generator: where randomness comes from; the same gives the same input.
            augmentations: names in ``AUGMENTATIONS``, in the order in which they are applied; none is ``forward``.
            length: see ``forward``.

        Shape:
            - raw: (n, leads, time)
            - output: that of ``forward``

        Raises:
            ValueError: an unknown name.
            EcgFusionError: the images are stored ones, which can no longer be changed as a signal could.
        """
        names = check_augmentations(augmentations)
        if not names:
            return self.forward(raw, length)
        if raw.dtype == torch.uint8:
            raise EcgFusionError(
                f"stored images cannot be changed as signals can ({' '.join(names)}): draw them with -on_the_fly"
            )
        padding = raw == PADDING  # (n, leads, time)
        x = torch.where(padding, 0, raw).double() / self.spec.gain
        ends = (~padding).any(1).sum(-1)  # (n,)
        counts = (augment(x, self.spec.sampling_rate, generator, names, ends) * self.spec.gain).round()
        # no recording is ever clipped; this is none, and one that nearly fills int16 may be made to grow
        counts = counts.clamp(-LARGEST_COUNT, LARGEST_COUNT).to(raw.dtype)
        return self.forward(torch.where(padding, PADDING, counts), length)


def check_images(spec: InputSpec) -> None:
    """Refuses parameters of images that this version does not draw.

    Raises:
        EcgFusionError: with what is wrong.
    """
    if spec.modality == "image":
        try:
            _drawing(spec)
        except (ValueError, TypeError, KeyError) as problem:
            raise EcgFusionError(f"the images it sees are none of this version's ({problem})") from None


def _fractions(grey: Tensor) -> Tensor:
    """uint8 images as float32 in [0, 1], each step in the layout and the order that is the fewest bytes there."""
    if grey.is_cuda:
        return grey.contiguous(memory_format=torch.channels_last) / 255  # convolutions are fastest so
    fractions = torch.empty(grey.shape, dtype=torch.float32, device=grey.device)
    for of_item, drawn in zip(fractions, grey, strict=True):  # within the cache
        torch.div(drawn, 255, out=of_item)
    return fractions


def _drawing(spec: InputSpec) -> Callable[[Tensor], Tensor]:
    """What draws (n, leads, time) mV, decoded from int16, as (n, channels, size, size) uint8."""
    from pipeline.representations import (
        LEAD_MAP_KEY,
        ImageRecipe,
        LeadMapRecipe,
        draw_images,
        lead_map,
    )

    if LEAD_MAP_KEY in spec.representations:
        one = LeadMapRecipe.from_parameters(spec.representations[LEAD_MAP_KEY])
        return lambda x: lead_map(_map_rows(x, spec), one, known_finite=True)
    each = ImageRecipe.from_parameters(spec.representations)
    return lambda x: draw_images(x, spec.sampling_rate, each, known_finite=True).flatten(1, 2)


def _map_rows(x: Tensor, spec: InputSpec) -> Tensor:
    """Of each part the leads as a lead map has them, the strip's lines below: (n, rows, t) to (n, parts, rows, t)."""
    from pipeline.representations import in_lead_map_order

    n_parts, n_leads = len(spec.beat_parts), len(spec.leads)
    parts = x[:, : n_parts * n_leads].reshape(len(x), n_parts, n_leads, x.shape[-1])
    parts = in_lead_map_order(parts, spec.leads)
    if spec.strip is None:
        return parts
    lines = x[:, n_parts * n_leads :].unsqueeze(1)
    return torch.cat([parts, lines.expand(-1, n_parts, -1, -1)], 2)


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
