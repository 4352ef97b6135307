"""Values to grey levels."""

import math

import torch
from torch import Tensor


def to_uint8(image: Tensor, value_range: tuple[float, float], out: Tensor | None = None) -> Tensor:
    """Grey levels: (image − lowest) / (highest − lowest) · 255 in float64, rounded half to even.

    Args:
        image: values of any floating-point type; those outside the range become its ends.
        value_range: the values that become 0 and 255.
        out: where the levels go; None for new memory.

    Shape:
        - image: any
        - output: the same, uint8
    """
    low, high = value_range
    grey = image.double() - low
    if math.frexp(high - low)[0] == 0.5:  # a power of two: one factor gives the same bits, a pass earlier
        grey.mul_(255 / (high - low))
    else:
        grey.div_(high - low).mul_(255)
    grey.round_().clamp_(0, 255)
    return grey.to(torch.uint8) if out is None else out.copy_(grey)
