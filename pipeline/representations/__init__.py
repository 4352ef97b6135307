"""Image forms of leads: pure torch functions of (..., time) -> (..., size, size), and their recipe."""

from pipeline.representations.drawing import pictures, pictures_with_gradient
from pipeline.representations.gaf import gaf
from pipeline.representations.grey import to_uint8
from pipeline.representations.lead_map import BANDS, BandRecipe, band_order, bands, in_band_order, require_bands
from pipeline.representations.mtf import mtf
from pipeline.representations.recipe import ImageRecipe
from pipeline.representations.registry import REPRESENTATIONS, Representation
from pipeline.representations.rp import rp
from pipeline.representations.stft import power_spectrogram, stft

__all__ = [
    "BANDS",
    "REPRESENTATIONS",
    "BandRecipe",
    "ImageRecipe",
    "Representation",
    "band_order",
    "bands",
    "gaf",
    "in_band_order",
    "mtf",
    "pictures",
    "pictures_with_gradient",
    "power_spectrogram",
    "require_bands",
    "rp",
    "stft",
    "to_uint8",
]
