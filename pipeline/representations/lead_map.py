"""The lead map, one image of all leads: rows for each, so that neighbours in the image are neighbours on the body.

It represents no single lead, so a store holds none; it is drawn where a network sees all leads of an item, and a lead's
amplitude is the grey level of its rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from pipeline.representations.constants import constant
from pipeline.representations.grey import to_uint8
from pipeline.representations.preparation import paa, require_count, require_leads, require_scale, segment_bounds

LEAD_MAP = "lead_map"  # its name among the representations
LEAD_MAP_KEY = "leads"  # the name that cards keep, and that was typed before; it is taken still
ORDER = ("aVL", "I", "II", "aVF", "III", "aVR", "V1", "V2", "V3", "V4", "V5", "V6")
RANGE_MV = 3.0  # trained on ±1 mV, which cuts R peaks, a network saw clearly less than on ±3


@dataclass(frozen=True)
class LeadMapRecipe:
    """The recipe of a lead map.

    Attributes:
        size: height and width, in pixels.
        range_mv: black and white are −range_mv and range_mv; what lies beyond is drawn at its end.

    Raises:
        ValueError: if a value is out of its range.
    """

    size: int = 256
    range_mv: float = RANGE_MV

    def __post_init__(self) -> None:
        """Checks every value."""
        require_count("An image's size", self.size, least=1)
        require_scale("fixed", self.range_mv)

    def parameters(self) -> dict[str, Any]:
        """All that makes the image, as JSON can hold it."""
        return {"size": self.size, "range_mv": self.range_mv}

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """The recipe that has these ``parameters()``.

        Raises:
            ValueError: if no recipe has them.
        """
        if set(parameters) != {"size", "range_mv"}:
            raise ValueError(f"These parameters of {LEAD_MAP} are none of this version's: {dict(parameters)!r}.")
        return cls(**parameters)

    def smallest_length(self, sampling_rate: float) -> int:
        """Fewest samples of leads that can be drawn: one a column."""
        return self.size

    def largest_size(self, n_samples: int, sampling_rate: float) -> int:
        """Largest size of images of leads of ``n_samples``."""
        return n_samples


def names_lead_map(names: Iterable[str]) -> bool:
    """Whether one of these names of representations is the lead map's, as it is called now or as it was first."""
    return not {LEAD_MAP, LEAD_MAP_KEY}.isdisjoint(names)


def in_lead_map_order(x: Tensor, leads: tuple[str, ...]) -> Tensor:
    """The leads of (..., leads, time) as `lead_map` takes them, from the top rows to the lowest."""
    return x.index_select(-2, _order_on(leads, x.device))


@lru_cache(maxsize=64)
def _order_on(leads: tuple[str, ...], device: torch.device) -> Tensor:
    return constant(np.array(lead_map_order(leads)), device)


def lead_map_order(leads: Sequence[str]) -> list[int]:
    """Positions of leads from the top rows to the lowest: as in ``ORDER``, below these any others as they come."""
    places = {lead: place for place, lead in enumerate(ORDER)}
    return sorted(range(len(leads)), key=lambda number: places.get(leads[number], len(ORDER)))


@torch.no_grad()
def lead_map(x: Tensor, recipe: LeadMapRecipe, known_finite: bool = False) -> Tensor:
    """One grey image of all leads: the first in the uppermost rows, time to the right, zero in the middle grey.

    Columns are means over segments of time; all rows of a lead are the same, and no lead has two more than another.

    Args:
        x: leads in mV, in the order of their rows.
        recipe: size and range.
        known_finite: whether no sample can be NaN or infinite, so that none is looked at.

    Shape:
        - x: (..., leads, time)
        - output: (..., size, size), uint8

    Raises:
        ValueError: if the leads are too short or too many for the size, or have a NaN or infinite sample.
    """
    require_leads(x, recipe.size, recipe.size, known_finite)
    require_rows(x.shape[-2], recipe.size)
    grey = to_uint8(paa(x.double(), recipe.size), (-recipe.range_mv, recipe.range_mv))
    return grey.index_select(-2, _lead_of_rows(int(x.shape[-2]), recipe.size, x.device))


@lru_cache(maxsize=64)
def _lead_of_rows(n_leads: int, size: int, device: torch.device) -> Tensor:
    return constant(np.repeat(np.arange(n_leads), np.diff(segment_bounds(size, n_leads))), device)


def require_rows(n_leads: int, size: int) -> None:
    """Refuse an image that has no lead, or not a row for each.

    Raises:
        ValueError: if so.
    """
    if n_leads < 1:
        raise ValueError("An image of all leads needs one at least.")
    if size < n_leads:
        raise ValueError(f"An image of {n_leads} leads needs a row for each, and a size of {size} has too few.")
