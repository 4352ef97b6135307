"""The residual networks of vision over time: 18 and 34 layers of basic blocks."""

from collections.abc import Sequence

from torch import nn

from models.registry import register
from models.signal.benchmark import NormedConvolution, as_in_the_benchmark
from models.signal.convolutional import ConvolutionalNetwork
from models.signal.masked import Chain, MaxPoolAround, Residual

WIDTHS = (64, 128, 256, 512)  # of each stage, all but the first at half the rate of the one before
STEM_KERNEL, KERNEL = 7, 3


def _block(width_in: int, width: int, stride: int) -> Residual:
    body = Chain(
        NormedConvolution(width_in, width, KERNEL, stride),
        nn.ReLU(),
        NormedConvolution(width, width, KERNEL),
    )
    is_same = stride == 1 and width_in == width
    return Residual(body, None if is_same else Chain(NormedConvolution(width_in, width, 1, stride)))


def _build(in_channels: int, n_classes: int, depths: Sequence[int], dropout: float) -> ConvolutionalNetwork:
    width_in = WIDTHS[0]
    layers: list[nn.Module] = [
        NormedConvolution(in_channels, width_in, STEM_KERNEL, 2),
        nn.ReLU(),
        MaxPoolAround(3, 2),
    ]
    for stage, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True)):
        for block in range(depth):
            layers += [_block(width_in, width, 2 if stage and not block else 1), nn.ReLU()]
            width_in = width
    network = ConvolutionalNetwork(
        Chain(*layers), in_channels=in_channels, token_dim=width_in, n_classes=n_classes, dropouts=(dropout,)
    )
    network.apply(as_in_the_benchmark)
    return network


@register("resnet18_1d", modality="signal", family="surveyed", paper="after He et al. 2016")
def resnet18_1d(in_channels: int, n_classes: int, dropout: float = 0.0) -> ConvolutionalNetwork:
    """A stem of seven samples, eight basic blocks in four stages, and the mean over time.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        dropout: probability before the head, in [0, 1); the network of vision has none.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 32 samples
        - output: (n, n_classes)

    Reference:
        He et al., Deep residual learning for image recognition, CVPR 2016, as torchvision builds it, with kernels of 7
        and 3 samples in place of squares. With 12 leads and 9 classes it has 3,853,449 weights: 5,504 of the stem,
        49,664, 181,504, 723,456 and 2,888,704 of the stages, 4,617 of the head. Padded items, which the network of
        vision does not know, give what they would give alone.
    """
    return _build(in_channels, n_classes, (2, 2, 2, 2), dropout)


@register("resnet34_1d", modality="signal", family="surveyed", paper="after He et al. 2016")
def resnet34_1d(in_channels: int, n_classes: int, dropout: float = 0.0) -> ConvolutionalNetwork:
    """The same with sixteen basic blocks.

    Args, shapes:
        As ``resnet18_1d``.

    Reference:
        As ``resnet18_1d``. With 12 leads and 9 classes it has 7,227,785 weights.
    """
    return _build(in_channels, n_classes, (3, 4, 6, 3), dropout)
