"""A slim VGG for stacked images of leads: three blocks of 3 × 3 convolutions."""

from typing import Literal

from torch import nn

from models.base import ImageNetwork
from models.layers import FlattenPool, MeanPool, only_size
from models.registry import register

CONVOLUTIONS = (2, 2, 3)  # of each block
HIDDEN = 4096


@register(
    "vgg",
    modality="image",
    family="vgg",
    paper="Narotamo et al. 2024, after Simonyan & Zisserman 2015",
)
def vgg(
    in_channels: int,
    n_classes: int,
    nb_filters: int = 16,
    dropout: float = 0.3,
    head: Literal["mean", "flatten"] = "mean",
    size: int = 256,
) -> ImageNetwork:
    """VGG of the comparative study, its 285 million weights replaced by a mean unless asked for.

    Args:
        in_channels: channels of the image.
        n_classes: logits that come out.
        nb_filters: channels of the first block; each next has twice as many.
        dropout: probability before the head, and after both hidden layers of ``"flatten"``, in [0, 1).
        head: ``"mean"`` averages the last map, ``"flatten"`` puts two layers of 4096 on all of it.
        size: side of the images in pixels, the only one that goes in with ``"flatten"``.

    Shape:
        - input: (n, in_channels, height, width), sides from 8 pixels
        - output: (n, n_classes)

    Raises:
        ValueError: ``head`` is neither, or ``size`` is too small for ``"flatten"``.

    Reference:
        Narotamo et al. 2024 (see ``alexnet``), with ``head="flatten"``. Its dropout also acted at
        test; ours does not.
    """
    smallest = 2 ** len(CONVOLUTIONS)  # each block halves the map
    widths = [nb_filters * 2**block for block in range(len(CONVOLUTIONS))]
    size_taken = only_size(head, size, smallest)
    pooling: nn.Module = MeanPool(dropout)
    if size_taken is not None:
        n_positions = (size_taken // smallest) ** 2
        pooling = FlattenPool(widths[-1] * n_positions, (HIDDEN, HIDDEN), (dropout, dropout))
    return ImageNetwork(
        _blocks(in_channels, widths),
        pooling,
        in_channels=in_channels,
        token_dim=widths[-1],
        feature_dim=widths[-1] if size_taken is None else HIDDEN,
        n_classes=n_classes,
        smallest_size=smallest,
        only_size=size_taken,
    )


def _blocks(in_channels: int, widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width, n_convolutions in zip(widths, CONVOLUTIONS, strict=True):
        for _ in range(n_convolutions):
            layers += [nn.Conv2d(in_channels, width, 3, padding=1), nn.ReLU()]
            in_channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)
