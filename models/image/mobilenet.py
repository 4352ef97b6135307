"""MobileNetV2 for stacked images of leads, torchvision's own."""

from models.base import ImageNetwork
from models.image.first_layer import adapt_first_layer
from models.layers import MeanPool
from models.registry import register


@register(
    "mobilenet_v2",
    modality="image",
    family="mobilenet",
    paper="Narotamo et al. 2024, after Sandler et al. 2018",
)
def mobilenet_v2(in_channels: int, n_classes: int, dropout: float = 0.2) -> ImageNetwork:
    """MobileNetV2 with fresh weights; ``torchvision:mobilenet_v2`` has those of ImageNet.

    Args:
        in_channels: channels of the image.
        n_classes: logits that come out.
        dropout: probability before the head, in [0, 1).

    Shape:
        - input: (n, in_channels, height, width), sides from 32 pixels
        - output: (n, n_classes)

    Reference:
        Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018.
    """
    from torchvision import models  # seconds to import

    backbone = models.mobilenet_v2(weights=None)
    adapt_first_layer(backbone, in_channels, keep_weights=False)
    return ImageNetwork(
        backbone.features,
        MeanPool(dropout),
        in_channels=in_channels,
        token_dim=backbone.last_channel,
        feature_dim=backbone.last_channel,
        n_classes=n_classes,
        smallest_size=32,  # of which the last map is one position
    )
