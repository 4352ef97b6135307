"""The network of inverted residual blocks of vision, over time."""

from torch import nn

from models.registry import register
from models.signal.benchmark import NormedConvolution, as_in_the_benchmark
from models.signal.convolutional import ConvolutionalNetwork
from models.signal.masked import Chain, Residual, TimeLayer

STEM, LAST = 32, 1280  # channels of the first and of the last convolution
KERNEL = 3
STAGES = (  # how many times as wide within, channels behind, blocks, stride of the first
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def _inverted(width_in: int, width: int, wider: int, stride: int) -> TimeLayer:
    """Wider by a 1 × 1 convolution, a kernel for each channel, narrow again without a ReLU."""
    within = wider * width_in
    layers: list[nn.Module] = [] if wider == 1 else [NormedConvolution(width_in, within, 1), nn.ReLU6()]
    body = Chain(
        *layers,
        NormedConvolution(within, within, KERNEL, stride, groups=within),
        nn.ReLU6(),
        NormedConvolution(within, width, 1),
    )
    return Residual(body) if stride == 1 and width_in == width else body


@register("mobilenet_v2_1d", modality="signal", family="surveyed", paper="after Sandler et al. 2018")
def mobilenet_v2_1d(in_channels: int, n_classes: int, dropout: float = 0.2) -> ConvolutionalNetwork:
    """A stem, seventeen inverted residual blocks, a last 1 × 1 convolution, and the mean over time.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        dropout: probability before the head, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 32 samples
        - output: (n, n_classes)

    Reference:
        Sandler et al., MobileNetV2: inverted residuals and linear bottlenecks, CVPR 2018, as torchvision builds it,
        with kernels of 3 samples in place of squares. With 12 leads and 9 classes it has 2,192,873 weights, 11,529 of
        them the head's. Padded items, which the network of vision does not know, give what they would give alone.
    """
    layers: list[nn.Module] = [NormedConvolution(in_channels, STEM, KERNEL, 2), nn.ReLU6()]
    width_in = STEM
    for wider, width, depth, first_stride in STAGES:
        for block in range(depth):
            layers.append(_inverted(width_in, width, wider, 1 if block else first_stride))
            width_in = width
    layers += [NormedConvolution(width_in, LAST, 1), nn.ReLU6()]
    network = ConvolutionalNetwork(
        Chain(*layers), in_channels=in_channels, token_dim=LAST, n_classes=n_classes, dropouts=(dropout,)
    )
    network.apply(as_in_the_benchmark)
    return network
