"""Representations of leads: pure torch functions of (..., time) -> (..., size, size), and their recipe."""

from pipeline.representations.drawing import draw_images
from pipeline.representations.gaf import gaf
from pipeline.representations.grey import to_uint8
from pipeline.representations.lead_map import (
    LEAD_MAP,
    LEAD_MAP_KEY,
    LeadMapRecipe,
    in_lead_map_order,
    lead_map,
    lead_map_order,
    names_lead_map,
    require_rows,
)
from pipeline.representations.mtf import mtf
from pipeline.representations.recipe import ImageRecipe
from pipeline.representations.registry import REPRESENTATIONS, Representation
from pipeline.representations.rp import rp
from pipeline.representations.stft import power_spectrogram, stft

__all__ = [
    "LEAD_MAP",
    "LEAD_MAP_KEY",
    "REPRESENTATIONS",
    "ImageRecipe",
    "LeadMapRecipe",
    "Representation",
    "draw_images",
    "gaf",
    "in_lead_map_order",
    "lead_map",
    "lead_map_order",
    "mtf",
    "names_lead_map",
    "power_spectrogram",
    "require_rows",
    "rp",
    "stft",
    "to_uint8",
]
