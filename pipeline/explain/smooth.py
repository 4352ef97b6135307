"""What a network sees, with a slope: the images and numbers of ``InputMaker``, straight through their rounding."""

from typing import Any

import torch
from torch import Tensor

from pipeline.errors import EcgFusionError
from pipeline.export.seeing import Seeing, mean_and_deviation
from pipeline.representations import REPRESENTATIONS, ImageRecipe, LeadMapRecipe, lead_map, to_uint8
from pipeline.representations.preparation import FLAT_BELOW, paa


class Smooth(Seeing):
    """``Seeing`` whose output is the same, and has the slope that it had before it was rounded.

    What a lead is scaled by, where that is its own least and greatest value or its own deviation, is that of the
    recording which is explained, and stays so: else a recording that fades into a flat line would be drawn alike until
    its last bit, and what it is worth would have no slope anywhere.

    Attributes:
        holding: whether the next recordings are those that are explained, whose scales are kept.

    Reference:
        Bengio et al., Estimating or propagating gradients through stochastic neurons, arXiv:1308.3432, for the slope
        that goes straight through a rounding.
    """

    holding = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._held: dict[str, tuple[Tensor, Tensor]] = {}

    def _fractions(self, mv: Tensor) -> Tensor:
        return self._grey(mv)

    def _drawn(self, mv: Tensor, name: str, recipe: ImageRecipe) -> Tensor:
        options = recipe.parameters(name)
        low, high = options.pop("value_range")
        if options["scale"] == "record" and "range_mv" in options:
            mv, options = self._by_own_range(mv, name, options), options | {"scale": "fixed", "range_mv": 1.0}
        rate = self.spec.sampling_rate
        drawn = REPRESENTATIONS[name].draw(mv, sampling_rate=rate, known_finite=True, **options)
        if mv.requires_grad and not drawn.requires_grad:
            raise EcgFusionError(
                f"{name}, as this run draws it, counts and compares and has no gradient: occlusion explains it "
                f"(-method occlusion)"
            )
        return _straight_through((drawn - low) / (high - low), to_uint8(drawn.detach(), (low, high)).double() / 255)

    def _map_of_leads(self, mv: Tensor, recipe: LeadMapRecipe) -> Tensor:
        range_mv = recipe.range_mv
        fractions = (paa(mv, recipe.size) + range_mv) / (2 * range_mv)
        rows = lead_map_rows(int(mv.shape[-2]), recipe.size)
        grey = lead_map(mv.detach(), recipe, known_finite=True)
        return _straight_through(fractions.index_select(-2, rows), grey.double() / 255)

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

    def _kept(self, what: str, found: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Those of the recording that is explained, for each of a batch of its likes, crop by crop."""
        if self.holding:
            self._held[what] = found
            return found
        first, second = self._held[what]
        times = len(found[0]) // len(first)
        return first.repeat_interleave(times, 0), second.repeat_interleave(times, 0)


def lead_map_rows(n_leads: int, size: int) -> Tensor:
    """Which lead each row of a lead map shows, (size,), in the order of ``in_lead_map_order``."""
    from pipeline.representations.preparation import segment_bounds

    bounds = torch.from_numpy(segment_bounds(size, n_leads))
    return torch.repeat_interleave(torch.arange(n_leads), bounds.diff())


def _straight_through(fractions: Tensor, rounded: Tensor) -> Tensor:
    """``rounded``, with the slope of ``fractions``; none beyond what an image can show."""
    inside = fractions.clamp(0, 1)
    return (inside + (rounded - inside).detach()).float()
