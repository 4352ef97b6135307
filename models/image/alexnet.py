"""AlexNet for stacked images of leads: five narrow convolutions and two wide hidden layers."""

from collections.abc import Callable

from torch import nn

from models.base import ImageNetwork
from models.image.self_attention import SelfAttention
from models.layers import FlattenPool
from models.registry import register

MAP_SIDE = 6  # of the last map at the published 256 pixels


def _alexnet(
    in_channels: int,
    n_classes: int,
    nb_filters: int,
    dropout: float,
    attends: bool,
) -> ImageNetwork:
    """AlexNet of the comparative study: 36 tokens of 256, pooled to 2048 features.

    Args:
        in_channels: channels of the image.
        n_classes: logits that come out.
        nb_filters: channels of the first convolution; the next three have 2, 4 and 8 times as many.
        dropout: probability with which a whole channel is dropped after each max-pooling, in [0, 1).
        attends: whether self-attention stands behind the ReLU of the first convolution, where 62² positions attend at
            256 pixels, and of the third, where 14² do.

    Shape:
        - input: (n, in_channels, height, width), sides from 67 pixels
        - output: (n, n_classes)

    Reference:
        Narotamo et al., Deep learning for ECG classification: a comparative study of 1D and 2D
        representations and multimodal fusion approaches, Biomed. Signal Process. Control 93
        (2024) 106141, whose own scripts have ``nb_filters`` 8 and whose text has 16. We average
        the last map to 6 × 6, so that sizes other than 256 go in; at 256 it has that size already.
    """
    f, d = nb_filters, 256
    # Before the convolutions, so that a seed draws the weights that it has always drawn.
    after_first, after_third = ([SelfAttention(width)] if attends else [] for width in (f, 4 * f))
    body = nn.Sequential(  # sides in the comments are those at 256 pixels
        nn.Conv2d(in_channels, f, 11, stride=4),  # 62
        nn.ReLU(),
        *after_first,
        nn.MaxPool2d(3, 2),  # 30
        nn.Dropout2d(dropout),
        nn.Conv2d(f, 2 * f, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),  # 14
        nn.Dropout2d(dropout),
        nn.Conv2d(2 * f, 4 * f, 3, padding=1),
        nn.ReLU(),
        *after_third,
        nn.Conv2d(4 * f, 8 * f, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8 * f, d, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),  # 6
        nn.Dropout2d(dropout),
        nn.AdaptiveAvgPool2d(MAP_SIDE),
    )
    return ImageNetwork(
        body,
        FlattenPool(d * MAP_SIDE**2, widths=(4096, 2048), dropouts=(0.0, 0.0)),
        in_channels=in_channels,
        token_dim=d,
        feature_dim=2048,
        n_classes=n_classes,
        smallest_size=67,  # 15, 7, 3, 1
    )


def _builder(attends: bool, what: str) -> Callable[..., ImageNetwork]:
    def build(in_channels: int, n_classes: int, nb_filters: int = 8, dropout: float = 0.0) -> ImageNetwork:
        return _alexnet(in_channels, n_classes, nb_filters, dropout, attends)

    build.__doc__ = what
    return build


ROWS = {
    "alexnet": (
        False,
        "Krizhevsky et al. 2012",
        "AlexNet of the comparative study: 36 tokens of 256, pooled to 2048 features.",
    ),
    "alexnet_attention": (
        True,
        "Krizhevsky et al. 2012 and Zhang et al. 2019",
        "AlexNet of the comparative study with self-attention on its first and its third map.",
    ),
}
"""Each with whether it attends, whom the study follows, and the network in a sentence."""

for _name, (_attends, _after, _what) in ROWS.items():
    register(_name, modality="image", family="alexnet", paper=f"Narotamo et al. 2024, after {_after}")(
        _builder(_attends, _what)
    )
