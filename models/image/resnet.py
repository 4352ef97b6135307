"""Slim bottleneck ResNets for stacked images of leads, of 50 layers unless asked otherwise."""

from torch import Tensor, nn

from models.base import ImageNetwork
from models.layers import MeanPool
from models.registry import register

BLOCKS = {26: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}  # of each stage, by layers
EXPANSION = 4


class Bottleneck(nn.Module):
    """1 × 1 down, 3 × 3, 1 × 1 up, around a shortcut.

    Args:
        in_channels: channels that come in.
        width: channels of the 3 × 3 convolution; 4 times as many come out.
        stride: of the 3 × 3 convolution and of the shortcut.

    Shape:
        - input: (n, in_channels, h, w)
        - output: (n, 4 width, ⌈h / stride⌉, ⌈w / stride⌉)
    """

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        out_channels = EXPANSION * width
        self.residual = nn.Sequential(
            nn.Conv2d(in_channels, width, 1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, stride=stride, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, out_channels, 1),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride),
                nn.BatchNorm2d(out_channels),
            )
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.relu(self.residual(x) + self.shortcut(x))
        return y


@register(
    "resnet",
    modality="image",
    family="resnet",
    paper="Narotamo et al. 2024, after He et al. 2016",
)
def resnet(in_channels: int, n_classes: int, nb_filters: int = 16, depth: int = 50) -> ImageNetwork:
    """ResNet-50 of the comparative study, a quarter of the usual width.

    Args:
        in_channels: channels of the image.
        n_classes: logits that come out.
        nb_filters: channels of the stem and of the first stage's 3 × 3; each next stage has twice as many.
        depth: layers with weights, 26, 50 or 101; 50 is the study's.

    Shape:
        - input: (n, in_channels, height, width), sides from 32 pixels
        - output: (n, n_classes)

    Raises:
        ValueError: no network of that depth is known.

    Reference:
        Narotamo et al. 2024 (see ``alexnet``). As there, the convolutions but the stem's carry
        the bias that their batch norm makes idle.
    """
    if depth not in BLOCKS:
        raise ValueError(f"a resnet is {', '.join(map(str, BLOCKS))} layers deep, not {depth}")
    stages = [
        nn.Conv2d(in_channels, nb_filters, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(nb_filters),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, padding=1),
    ]
    channels = nb_filters
    for stage, n_blocks in enumerate(BLOCKS[depth]):
        width = nb_filters * 2**stage
        for block in range(n_blocks):
            stages.append(Bottleneck(channels, width, stride=2 if stage and not block else 1))
            channels = EXPANSION * width
    return ImageNetwork(
        nn.Sequential(*stages),
        MeanPool(),
        in_channels=in_channels,
        token_dim=channels,
        feature_dim=channels,
        n_classes=n_classes,
        smallest_size=32,  # of which the last map is one position
    )
