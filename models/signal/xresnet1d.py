"""The deep residual network of the PTB-XL benchmark."""

from itertools import pairwise

from torch import nn

from models.registry import register
from models.signal.benchmark import ConcatPooled, NormedConvolution
from models.signal.masked import Chain, MaxPoolAround, MeanOfTwo, Residual

STEM = (32, 32, 64)  # channels of the first three convolutions
INNER, OUTER = 64, 256  # channels within a block, and behind it
KERNEL = 5
DEPTHS = (3, 4, 23, 3)  # blocks of each stage


@register("xresnet1d101", modality="signal", family="resnet1d", paper="Strodthoff et al. 2021, after He et al. 2019")
class XResNet1d101(ConcatPooled):
    """Three convolutions, 33 bottleneck blocks in four stages, maximum and mean over time, one hidden layer.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        dropout: probability before the head, in [0, 1); half of it before the hidden layer.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 32 samples
        - output: (n, n_classes)

    Reference:
        Strodthoff et al., Deep learning for ECG analysis: benchmarks and insights from PTB-XL, IEEE J. Biomed. Health
        Inform. 25 (2021) 1519, whose xresnet has the same channels in all stages; after He et al., Bag of tricks for
        image classification, 2019: a shortcut that has to be shorter is the mean of two steps, and has a convolution
        in the first stage alone, where channels become more. With 12 leads and 5 classes it has 1,872,261 weights:
        17,536 of the stem (5 · (12 · 32 + 32 · 32 + 32 · 64) and two a channel of the norms), 58,624 of the first
        block, whose shortcut is 16,896 of them, 54,016 of each of the other 32 (64 · 256 + 5 · 64 · 64 + 64 · 256,
        and the norms), 67,589 of the head. Padded items, which it does not know, give what they would give alone.
    """

    def __init__(self, in_channels: int, n_classes: int, dropout: float = 0.5) -> None:
        widths = (in_channels, *STEM)
        layers: list[nn.Module] = []
        for place, (width_in, width) in enumerate(pairwise(widths)):
            layers += [NormedConvolution(width_in, width, KERNEL, 1 if place else 2), nn.ReLU()]
        layers += [MaxPoolAround(3, 2)]
        width_in = STEM[-1]
        for stage, depth in enumerate(DEPTHS):
            for block in range(depth):
                layers += [_block(width_in, 2 if stage and not block else 1), nn.ReLU()]
                width_in = OUTER
        super().__init__(Chain(*layers), in_channels=in_channels, token_dim=OUTER, n_classes=n_classes, dropout=dropout)


def _block(width_in: int, stride: int) -> Residual:
    body = Chain(
        NormedConvolution(width_in, INNER, 1),
        nn.ReLU(),
        NormedConvolution(INNER, INNER, KERNEL, stride),
        nn.ReLU(),
        NormedConvolution(INNER, OUTER, 1),
    )
    shortcut: list[nn.Module] = [MeanOfTwo()] if stride == 2 else []
    shortcut += [] if width_in == OUTER else [NormedConvolution(width_in, OUTER, 1)]
    return Residual(body, Chain(*shortcut) if shortcut else None)
