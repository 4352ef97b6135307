"""What a network sees of counts, in operations that a graph can hold: ``InputMaker`` without kernels and lengths."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipeline.inputs.features import standardised
from pipeline.inputs.spec import InputSpec
from pipeline.representations import (
    LEAD_MAP_KEY,
    REPRESENTATIONS,
    ImageRecipe,
    LeadMapRecipe,
    in_lead_map_order,
    lead_map,
    to_uint8,
)


class Seeing(nn.Module):
    """A network's input of whole counts, equal to ``InputMaker``'s.

    Args:
        spec: what it sees.
        leads: of the counts.

    Shape:
        (n, leads, time) float64 to (n, channels, time), or (n, channels, size, size) in [0, 1], float32.
    """

    places: Tensor

    def __init__(self, spec: InputSpec, leads: Sequence[str]) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("places", torch.tensor([leads.index(lead) for lead in spec.leads]))

    def forward(self, counts: Tensor) -> Tensor:
        counts = counts.index_select(1, self.places)
        if self.spec.modality == "image":
            return self._fractions(counts / self.spec.gain)
        if self.spec.normalise == "record":
            return self._standardised(counts).float()
        mv = counts / self.spec.gain
        return (mv / self.spec.scale_mv if self.spec.normalise == "global" else mv).float()

    def _fractions(self, mv: Tensor) -> Tensor:
        return self._grey(mv).float() / 255

    def _grey(self, mv: Tensor) -> Tensor:
        """(n, channels, size, size) uint8."""
        if LEAD_MAP_KEY in self.spec.representations:
            one = LeadMapRecipe.from_parameters(self.spec.representations[LEAD_MAP_KEY])
            return self._map_of_leads(in_lead_map_order(mv, self.spec.leads), one).unsqueeze(1)
        recipe = ImageRecipe.from_parameters(self.spec.representations)
        drawn = [self._drawn(mv, name, recipe) for name in recipe.representations]
        return torch.stack(drawn, 2).flatten(1, 2)  # lead-major

    def _map_of_leads(self, mv: Tensor, recipe: LeadMapRecipe) -> Tensor:
        return lead_map(mv, recipe, known_finite=True)

    def _drawn(self, mv: Tensor, name: str, recipe: ImageRecipe) -> Tensor:
        options = recipe.parameters(name)
        low, high = options.pop("value_range")
        drawn = REPRESENTATIONS[name].draw(mv, sampling_rate=self.spec.sampling_rate, known_finite=True, **options)
        return to_uint8(drawn, (low, high))

    def _standardised(self, counts: Tensor) -> Tensor:
        mean, deviation = mean_and_deviation(counts)
        return (counts - mean) / deviation


def numbers_beside(spec: InputSpec, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """What a network takes beside its input, by the names of its arguments, of a store's features by their names."""
    if not spec.features:
        return {}
    parts = [standardised(given[name], scale) for name, scale in spec.features.items()]
    return {"numbers": torch.cat(parts, 1).float()}


def mean_and_deviation(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Of each lead, (n, leads, 1) both; the deviation of a flat lead is 1."""
    mean = counts.sum(-1, keepdim=True) / counts.shape[-1]
    deviation = ((counts - mean).square().sum(-1, keepdim=True) / counts.shape[-1]).sqrt()
    return mean, torch.where(deviation > 0, deviation, 1.0)
