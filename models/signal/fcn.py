"""The fully convolutional network of the PTB-XL benchmark."""

from torch import nn

from models.registry import register
from models.signal.benchmark import ConcatPooled
from models.signal.masked import Chain, Convolution, Norm

LAYERS = ((128, 8), (256, 5), (128, 3))  # channels and kernel of each


@register("fcn_wang", modality="signal", family="resnet1d", paper="Strodthoff et al. 2021, after Wang et al. 2017")
class FcnWang(ConcatPooled):
    """Three convolutions, maximum and mean over time, one hidden layer.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        dropout: probability before the head, in [0, 1); half of it before the hidden layer.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is a sample
        - output: (n, n_classes)

    Reference:
        Strodthoff et al., Deep learning for ECG analysis: benchmarks and insights from PTB-XL, IEEE J. Biomed. Health
        Inform. 25 (2021) 1519, after Wang et al., Time series classification from scratch, 2017. With 12 leads and 5
        classes it has 309,765 weights: 12 · 128 · 8 + 128 · 256 · 5 + 256 · 128 · 3 of the convolutions, 1,024 of
        their norms, 34,309 of the head. There the kernel of 8 has three zeros on either side and makes a step less;
        here it has a fourth behind, so that a token is a sample. Padded items, which it does not know, give what they
        would give alone.
    """

    def __init__(self, in_channels: int, n_classes: int, dropout: float = 0.5) -> None:
        layers: list[nn.Module] = []
        width_in = in_channels
        for width, kernel in LAYERS:
            layers += [Convolution(width_in, width, kernel, bias=False), Norm(width), nn.ReLU(inplace=True)]
            width_in = width
        super().__init__(
            Chain(*layers), in_channels=in_channels, token_dim=width_in, n_classes=n_classes, dropout=dropout
        )
