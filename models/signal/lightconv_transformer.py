"""A transformer whose steps see their neighbours by a few shares that are learnt once, in place of attention."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from models.registry import register
from models.signal.masked import Chain, Convolution, Norm, TimeLayer
from models.signal.mixing import MixingLayer
from models.signal.padding import blank
from models.signal.rhythm import RhythmNetwork, SqueezeExcitation

WIDTHS, KERNEL, REDUCTION = (32, 64), 7, 8  # of the convolutions before the last, each of which halves the steps


class LightConvolution(TimeLayer):
    """A gate, shares of the neighbouring steps that are one kernel for all channels of a head, and a linear layer.

    Args:
        width: channels, a multiple of ``n_heads``.
        n_heads: kernels.
        kernel: steps of each, an odd number.

    Shape:
        (n, width, t) to (n, width, t).

    Reference:
        Wu et al., Pay less attention with lightweight and dynamic convolutions, ICLR 2019.
    """

    def __init__(self, width: int, n_heads: int, kernel: int) -> None:
        super().__init__()
        self.width, self.n_heads, self.kernel = width, n_heads, kernel
        self.gate, self.out = Convolution(width, 2 * width, 1), Convolution(width, width, 1)
        self.scores = nn.Parameter(nn.init.xavier_uniform_(torch.empty(n_heads, kernel)))

    def shares(self) -> Tensor:
        """What each of the steps around counts, (n_heads, kernel), which sum to 1 in each head."""
        return self.scores.softmax(1)

    def mixed(self, x: Tensor) -> Tensor:
        """The shares of the steps around each, zeros beyond both ends, (n, width, t) to (n, width, t)."""
        # Laid out to sizes known before: the exporter refuses a kernel whose size it must compute.
        each = self.shares()[:, None].expand(self.n_heads, self.width // self.n_heads, self.kernel)
        kernels = each.reshape(self.width, 1, self.kernel)
        return nn.functional.conv1d(x, kernels, padding=self.kernel // 2, groups=self.width)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        gated = nn.functional.glu(self.gate(x, length), 1)  # half of zero is zero where an item has ended
        mixed = self.mixed(gated)
        y: Tensor = self.out(mixed, length)
        return y


@register("lightconv_transformer", modality="signal", family="transformer", paper="after Meng et al. 2022")
class LightConvTransformer(RhythmNetwork):
    """Three convolutions whose channels are weighed, and layers that mix neighbouring steps by shares learnt once.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        width: of a token, 8 or more and a multiple of ``n_heads``.
        n_layers: layers over the steps, 1 or more.
        n_heads: kernels of a layer.
        kernel: steps that a kernel sees, an odd number.
        dropout: probability in a layer and before the head, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 8 samples
        - output: (n, n_classes)

    Raises:
        ValueError: a number is too small, ``n_heads`` does not divide ``width``, or ``kernel`` is even.

    Reference:
        Meng, Tan, Ma, Wang, Yin and Miao, Enhancing dynamic ECG heartbeat classification with lightweight transformer
        model, Artif. Intell. Med. 124 (2022) 102236. No code and no widths of theirs are public, so that the count is
        of our own: with 12 leads and 5 classes 549,857 weights (derived: 74,368 of the convolutions of 7, 448 of their
        norms and 5,628 of the squeezes by 8; in each of four layers 33,024 of the gate, 120 of eight kernels of 15,
        16,512 of the linear layer, 66,176 of the hidden one with its norm, and 256 of the first norm; 256 of the last
        norm, 4,160 of the weighted mean, 645 of the head). There a heartbeat is cut at its R peak and is a token; here
        a token is a step of convolutions over the whole signal, so that no beat is lost with its peak, and channels
        are weighed by all of an item. Padded items, which it does not know, give what they would give alone.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        width: int = 128,
        n_layers: int = 4,
        n_heads: int = 8,
        kernel: int = 15,
        dropout: float = 0.1,
    ) -> None:
        if width < REDUCTION:
            raise ValueError(f"width is {width}; it is {REDUCTION} or more")
        if n_layers < 1:
            raise ValueError(f"n_layers is {n_layers}; it is 1 or more")
        if n_heads < 1 or width % n_heads:
            raise ValueError(f"n_heads is {n_heads}; it is a divisor of {width}")
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}; it is an odd number, 1 or more")
        layers: list[nn.Module] = []
        for before, behind in pairwise((in_channels, *WIDTHS, width)):
            layers += [Convolution(before, behind, KERNEL, 2, bias=False), Norm(behind), nn.ReLU()]
            layers.append(SqueezeExcitation(behind, REDUCTION))
        super().__init__(Chain(*layers), in_channels, width, n_classes, dropout)
        self.layers = nn.ModuleList(
            MixingLayer(LightConvolution(width, n_heads, kernel), width, 2 * width, dropout) for _ in range(n_layers)
        )
        self.norm = nn.LayerNorm(width)

    def _follow(self, steps: Tensor, length: Tensor | None) -> Tensor:
        for layer in self.layers:
            steps = layer(steps, length)
        normed: Tensor = self.norm(steps)
        return normed if length is None else blank(normed, length)
