"""Leads to the 8-bit images that a store holds and an image network sees."""

import warnings
from collections.abc import Iterator
from functools import lru_cache

import torch
from torch import Tensor

from pipeline.representations.grey import to_uint8
from pipeline.representations.preparation import require_leads
from pipeline.representations.recipe import ImageRecipe
from pipeline.representations.registry import REPRESENTATIONS

# measured at 256 pixels: 3 to 12 leads a block take 0.6 of the time of 1, and 24 lose a half of that again
CPU_BLOCK_PIXELS = 4 * 256**2
KERNEL_BLOCK_PIXELS = 24 * 256**2  # kernels have no float64 images, and a block's start takes them what a lead takes
GPU_BLOCK_PIXELS = 512 * 256**2


@torch.no_grad()
def draw_images(
    x: Tensor, sampling_rate: float, recipe: ImageRecipe, out: Tensor | None = None, known_finite: bool = False
) -> Tensor:
    """Grey images of each lead in each representation of the recipe.

    Computed in float64, a few leads at a time: beside the result, memory does not grow with their number.

    Args:
        x: leads in mV.
        sampling_rate: of the leads, in Hz.
        recipe: representations, size and options.
        out: where the images go, contiguous and beside x; None for new memory, whose first use can take longer
            than the drawing.
        known_finite: whether no sample can be NaN or infinite, as none decoded from int16 is: then none is looked
            at, and nothing waits for a GPU.

    Shape:
        - x: (..., time)
        - output: (..., representations, size, size), uint8

    Raises:
        ValueError: if a lead is too short for the recipe or has a NaN or infinite sample, or `out` does not fit.
    """
    require_leads(x, recipe.size, recipe.smallest_length(sampling_rate), known_finite)
    shape = (len(recipe.representations), recipe.size, recipe.size)
    leads = x.reshape(-1, x.shape[-1])
    if out is None:
        out = torch.empty((*x.shape[:-1], *shape), dtype=torch.uint8, device=x.device)
    _require_room(out, (*x.shape[:-1], *shape), x.device)
    grey = out.view(len(leads), *shape)
    left = _draw_by_kernels(leads, grey, sampling_rate, recipe)
    for block in _blocks(leads, recipe.size):
        for number in left:
            drawn, value_range = _draw(leads[block].double(), recipe.representations[number], sampling_rate, recipe)
            to_uint8(drawn, value_range, out=grey[block, number])
    return out


def _require_room(out: Tensor, shape: tuple[int, ...], device: torch.device) -> None:
    if (out.shape, out.dtype, out.device) != (shape, torch.uint8, device) or not out.is_contiguous():
        raise ValueError(
            f"Images of shape {shape} go into contiguous uint8 on {device}, not into {out.dtype} of "
            f"shape {tuple(out.shape)} and strides {out.stride()} on {out.device}."
        )


def _draw_by_kernels(leads: Tensor, grey: Tensor, sampling_rate: float, recipe: ImageRecipe) -> list[int]:
    """Fills grey[:, number] of each representation that has a kernel on this device; the numbers that are left.

    Shape:
        - leads: (n, time)
        - grey: (n, representations, size, size)
    """
    left = list(range(len(recipe.representations)))
    if leads.device.type != "cpu" or not _kernels_load():
        return left
    drawn: set[int] = set()
    for block in _blocks(leads, recipe.size, KERNEL_BLOCK_PIXELS):
        x, out = leads[block].detach().double().contiguous().numpy(), grey[block].numpy()
        for number in left:
            name = recipe.representations[number]
            if REPRESENTATIONS[name].draw_grey(x, out, number, sampling_rate, **recipe.parameters(name)):
                drawn.add(number)
    return [number for number in left if number not in drawn]


@lru_cache(maxsize=1)
def _kernels_load() -> bool:
    """Whether numba can be imported: it refuses a numpy much newer than itself."""
    try:
        import pipeline.representations.kernels  # noqa: F401
    except ImportError as problem:
        warnings.warn(f"{problem}: images are drawn by torch alone, several times slower", RuntimeWarning, stacklevel=2)
        return False
    return True


def _draw(leads: Tensor, name: str, sampling_rate: float, recipe: ImageRecipe) -> tuple[Tensor, tuple[float, float]]:
    """Unrounded images of one representation, and their range; the leads have been looked at."""
    options = recipe.parameters(name)
    low, high = options.pop("value_range")
    drawn = REPRESENTATIONS[name].draw(leads, sampling_rate=sampling_rate, known_finite=True, **options)
    return drawn, (low, high)


def _blocks(leads: Tensor, size: int, cpu_pixels: int | None = None) -> Iterator[slice]:
    """Slices of leads whose images fit the cache (CPU) or keep the device busy within a few GB."""
    pixels = (cpu_pixels or CPU_BLOCK_PIXELS) if leads.device.type == "cpu" else GPU_BLOCK_PIXELS
    # of a long lead's small image, the MTF's bins (10 numbers a sample) are the larger part
    step = max(1, pixels // max(size**2, 10 * leads.shape[-1]))
    return (slice(start, start + step) for start in range(0, len(leads), step))
