"""The inception network of the PTB-XL benchmark."""

import torch
from torch import Tensor, nn

from models.registry import register
from models.signal.benchmark import ConcatPooled, NormedConvolution
from models.signal.masked import Chain, Convolution, MaxPoolAround, Norm, Residual, Steps, TimeLayer

KERNELS = (39, 19, 9)  # 0.39, 0.19 and 0.09 s at 100 Hz
WIDTH = 32  # channels of each kernel, and of the bottleneck before them
DEPTH, IN_A_ROW = 6, 3  # blocks, and how many of them a shortcut goes around


class Inception(TimeLayer):
    """Kernels of three widths on a bottleneck, and a convolution of what a maximum of three steps leaves, side by side.

    Args:
        in_channels: of what goes in.
        width: channels of each kernel, and of the bottleneck.
        bias: whether the convolutions add one.

    Shape:
        (n, in_channels, t) to (n, 4 · width, t).
    """

    def __init__(self, in_channels: int, width: int = WIDTH, *, bias: bool = False) -> None:
        super().__init__()
        self.bottleneck = Convolution(in_channels, width, 1, bias=bias)
        self.convolutions = nn.ModuleList(Convolution(width, width, kernel, bias=bias) for kernel in KERNELS)
        self.largest = Chain(MaxPoolAround(3), Convolution(in_channels, width, 1, bias=bias))
        self.norm = Norm((len(KERNELS) + 1) * width)

    def n_steps(self, n: Steps) -> Steps:
        return n

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        narrow = self.bottleneck(x, length)
        wide = [convolution(narrow, length) for convolution in self.convolutions]
        y: Tensor = self.norm(torch.cat([*wide, self.largest(x, length)], dim=1), length).relu()
        return y


@register("inception1d", modality="signal", family="resnet1d", paper="Strodthoff et al. 2021, after Fawaz et al. 2020")
class Inception1d(ConcatPooled):
    """Six inception blocks with a shortcut around each three, maximum and mean over time, one hidden layer.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        dropout: probability before the head, in [0, 1); half of it before the hidden layer.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is a sample
        - output: (n, n_classes)

    Reference:
        Strodthoff et al., Deep learning for ECG analysis: benchmarks and insights from PTB-XL, IEEE J. Biomed. Health
        Inform. 25 (2021) 1519, after Ismail Fawaz et al., InceptionTime, Data Min. Knowl. Discov. 34 (2020) 1936, with
        the kernels for a widest of 40, less one where even. With 12 leads and 5 classes it has 507,653 weights:
        69,632 of the first block (12 · 32 + 32 · 32 · (39 + 19 + 9) + 12 · 32 and the norm), 77,056 of each of the
        other five, 1,792 and 16,640 of the shortcuts, 34,309 of the head. Padded items, which it does not know, give
        what they would give alone.
    """

    def __init__(self, in_channels: int, n_classes: int, dropout: float = 0.5) -> None:
        wide = (len(KERNELS) + 1) * WIDTH
        layers: list[nn.Module] = []
        for first in range(0, DEPTH, IN_A_ROW):
            width_in = wide if first else in_channels
            body = Chain(Inception(width_in), *(Inception(wide) for _ in range(IN_A_ROW - 1)))
            layers += [Residual(body, Chain(NormedConvolution(width_in, wide, 1, is_beside=False))), nn.ReLU()]
        super().__init__(Chain(*layers), in_channels=in_channels, token_dim=wide, n_classes=n_classes, dropout=dropout)
