"""A plain stack of three convolutions for stacked images of leads."""

from typing import Literal

from torch import nn

from models.base import ImageNetwork
from models.layers import FlattenPool, MeanPool, only_size
from models.registry import register

HIDDEN = (2048, 1024)
SMALLEST_SIZE = 12  # 10, 4, 1


@register("cnn", modality="image", family="cnn", paper="Narotamo et al. 2024")
def cnn(
    in_channels: int,
    n_classes: int,
    nb_filters: int = 16,
    dropout: float = 0.3,
    head: Literal["mean", "flatten"] = "mean",
    size: int = 256,
) -> ImageNetwork:
    """The custom network of the comparative study, with a mean for its 506 million weights unless asked for.

    Args:
        in_channels: channels of the image.
        n_classes: logits that come out.
        nb_filters: channels of the first convolution; the next two have 2 and 4 times as many.
        dropout: probability with which a channel of the last map is dropped, and a neuron of the
            first hidden layer of ``"flatten"``, in [0, 1).
        head: ``"mean"`` averages the last map, ``"flatten"`` puts layers of 2048 and 1024 on all of it.
        size: side of the images in pixels, the only one that goes in with ``"flatten"``.

    Shape:
        - input: (n, in_channels, height, width), sides from 12 pixels
        - output: (n, n_classes)

    Raises:
        ValueError: ``head`` is neither, or ``size`` is too small for ``"flatten"``.

    Reference:
        Narotamo et al. 2024 (see ``alexnet``), with ``head="flatten"``.
    """
    f, d = nb_filters, 4 * nb_filters
    body = nn.Sequential(  # sides in the comments are those at 256 pixels
        nn.Conv2d(in_channels, f, 3),  # 254
        nn.ReLU(),
        nn.MaxPool2d(4, 2),  # 126
        nn.Conv2d(f, 2 * f, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(2 * f, d, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(4, 2),  # 62
        nn.Dropout2d(dropout),
    )
    size_taken = only_size(head, size, SMALLEST_SIZE)
    pooling: nn.Module = MeanPool()
    if size_taken is not None:
        pooling = FlattenPool(d * _last_side(size_taken) ** 2, HIDDEN, (dropout, 0.0))
    return ImageNetwork(
        body,
        pooling,
        in_channels=in_channels,
        token_dim=d,
        feature_dim=d if size_taken is None else HIDDEN[-1],
        n_classes=n_classes,
        smallest_size=SMALLEST_SIZE,
        only_size=size_taken,
    )


def _last_side(size: int) -> int:
    convolved = size - 2
    return ((convolved - 2) // 2 - 2) // 2
