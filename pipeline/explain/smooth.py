"""What a network sees, with a slope: the images and numbers of ``InputMaker``, straight through their rounding."""

from typing import Any

import torch
from torch import Tensor

from pipeline.errors import EcgFusionError
from pipeline.export.seeing import Seeing, mean_and_deviation
from pipeline.representations import REPRESENTATIONS, ImageRecipe, LeadMapRecipe, lead_map, to_uint8
from pipeline.representations.preparation import FLAT_BELOW, paa, segment_bounds
from pipeline.representations.stft import FLOOR_DB


class Smooth(Seeing):
    """``Seeing`` whose output is the same, and has the slope that it had before it was rounded.

    What a lead is scaled by, where that is its own least and greatest value or its own deviation, is that of the
    recording which is explained, and stays so: else a recording that fades into a flat line would be drawn alike until
    its last bit, and what it is worth would have no slope anywhere. So does what rounding to grey levels adds: else a
    flat line, half a level away from where it belongs, would be worth what no sample is.

    Attributes:
        holding: whether the next recordings are those that are explained, whose scales are kept.

    Reference:
        Bengio et al., Estimating or propagating gradients through stochastic neurons, arXiv:1308.3432, for the slope
        that goes straight through a rounding.
    """

    holding = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._held: dict[str, tuple[Tensor, ...]] = {}

    def _fractions(self, mv: Tensor) -> Tensor:
        return self._grey(mv)

    def _drawn(self, mv: Tensor, name: str, recipe: ImageRecipe) -> Tensor:
        options = recipe.parameters(name)
        low, high = options.pop("value_range")
        if options["scale"] == "record" and "range_mv" in options:
            mv, options = self._by_own_range(mv, name, options), options | {"scale": "fixed", "range_mv": 1.0}
        by_decibels = options["scale"] == "record" and "db_range" in options
        if by_decibels:
            options |= {"scale": "fixed", "db_range": (FLOOR_DB, -FLOOR_DB)}
        rate = self.spec.sampling_rate
        drawn = REPRESENTATIONS[name].draw(mv, sampling_rate=rate, known_finite=True, **options)
        if mv.requires_grad and not drawn.requires_grad:
            raise EcgFusionError(
                f"{name}, as this run draws it, counts and compares and has no gradient: occlusion explains it "
                f"(-method occlusion)"
            )
        if by_decibels:
            drawn = self._by_own_decibels(drawn, name)
        return self._rounded(name, (drawn - low) / (high - low), to_uint8(drawn.detach(), (low, high)))

    def _map_of_leads(self, mv: Tensor, recipe: LeadMapRecipe) -> Tensor:
        range_mv = recipe.range_mv
        fractions = (paa(mv, recipe.size) + range_mv) / (2 * range_mv)
        rows = lead_map_rows(int(mv.shape[-2]), recipe.size)
        grey = lead_map(mv.detach(), recipe, known_finite=True)
        return self._rounded("lead map", fractions.index_select(-2, rows), grey)

    def _standardised(self, counts: Tensor) -> Tensor:
        mean, deviation = self._kept("deviation", mean_and_deviation(counts.detach()))
        return (counts - mean) / deviation

    def _by_own_range(self, mv: Tensor, name: str, options: dict[str, Any]) -> Tensor:
        """Each lead from -1, the least of its points, to 1; a flat one is -1, as ``rescale`` has it."""
        sizes = {option: value for option, value in options.items() if option != "size"}
        n_points = REPRESENTATIONS[name].smallest_length(
            options["size"], sampling_rate=self.spec.sampling_rate, **sizes
        )
        points = paa(mv.detach(), n_points)
        least = points.amin(-1, keepdim=True)
        least, spread = self._kept(name, (least, points.amax(-1, keepdim=True) - least))
        flat = spread < FLAT_BELOW
        return torch.where(flat, -1.0, (mv - least) * (2 / torch.where(flat, 1.0, spread)) - 1)

    def _by_own_decibels(self, decibels: Tensor, name: str) -> Tensor:
        """From 0, the least of an image, to 1, as ``stft`` has it of scale 'record'."""
        seen = decibels.detach()
        least = seen.amin((-2, -1), keepdim=True)
        least, spread = self._kept(name, (least, seen.amax((-2, -1), keepdim=True) - least))
        return (decibels - least) / torch.where(spread < FLAT_BELOW, 1.0, spread)

    def _rounded(self, what: str, fractions: Tensor, grey: Tensor) -> Tensor:
        """Images with the slope that they had before they were rounded, and none beyond what they can show."""
        inside = fractions.clamp(0, 1)
        (added,) = self._kept(f"rounding of {what}", (grey.double() / 255 - inside.detach(),))
        return (inside + added).float()

    def _kept(self, what: str, found: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Those of the recording that is explained, for each of a batch of its likes, crop by crop."""
        if self.holding:
            self._held[what] = found
            return found
        times = len(found[0]) // len(self._held[what][0])
        return tuple(each.repeat_interleave(times, 0) for each in self._held[what])


def lead_map_rows(n_leads: int, size: int) -> Tensor:
    """Which lead each row of a lead map shows, (size,), in the order of ``in_lead_map_order``."""
    bounds = torch.from_numpy(segment_bounds(size, n_leads))
    return torch.repeat_interleave(torch.arange(n_leads), bounds.diff())
