"""InceptionFormer and its variants: stages of multi-scale depthwise convolutions, then of attention."""

from collections.abc import Mapping
from itertools import cycle, islice

import torch
from torch import Tensor, nn

from models.registry import chosen, register
from models.signal.attention_kinds import CrossAttention, make_attention
from models.signal.inception1d import Inception
from models.signal.masked import Chain, Convolution, Norm, Residual
from models.signal.mixers import CHANNEL_MIXERS, TOKEN_MIXERS, Added, Modulation, OverTime
from models.signal.staged import Staged

LOCAL, MODULATION, GLOBAL = "local", "modulation", "global"

VARIANTS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "base": ((64, 128, 256, 512), (2, 4, 8, 4)),
    "three_stages": ((64, 128, 256), (2, 4, 8)),
    "short": ((64, 128, 256, 512), (2, 4, 8, 2)),
    "tiny": ((32, 64, 128, 256), (2, 4, 8, 4)),
}
"""By name: channels of each stage, and its blocks."""

LAYOUTS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "interleaved": ((LOCAL,), (LOCAL,), (LOCAL, GLOBAL), (GLOBAL,)),
    "local_first": ((LOCAL,), (LOCAL,), (*[LOCAL] * 4, *[GLOBAL] * 4), (GLOBAL,)),
    "modulated": ((LOCAL,), (LOCAL, MODULATION), (MODULATION, GLOBAL), (GLOBAL,)),
}
"""By name: what the blocks of each stage mix their steps with, over and over."""

POOLINGS = ("mean", "cls")


class ReadByToken(nn.Module):
    """A learnt token that asks the last map, in place of its mean.

    Args:
        width: of a step.
        n_heads: a divisor of it.

    Shape:
        - tokens: (n, t, width)
        - steps: (n,) that are each item's own, on the same device; None where all are
        - returns: (n, width)
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.asking = CrossAttention(width, n_heads)

    def forward(self, tokens: Tensor, steps: Tensor | None) -> Tensor:
        token = self.token.expand(tokens.shape[0], -1, -1)
        y: Tensor = (token + self.asking(token, tokens, steps))[:, 0]
        return y


@register("inception_former", modality="signal", family="hybrid", paper="LongWei 2024, after Yu et al. and Lin et al.")
class InceptionFormer(Staged):
    """Convolutions of four widths side by side, attention between them from the third stage on, and a mean over time.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        variant: ``base``, ``three_stages`` (without the last one), ``short`` (two blocks in the last) or ``tiny`` (half
            the channels).
        attention: what global blocks have: ``multi_head``, ``spatial_reduction``, ``bi_level``, ``window``,
            ``shifted_window``, ``shunted``, ``hilo`` or ``stride_pooled``.
        n_heads: of each attention, a divisor of its channels; of ``hilo`` and ``stride_pooled`` a multiple of 2, of
            ``shunted`` of 4.
        window: steps of a window or region, where the attention has such; None as it has them.
        top: regions that ``bi_level`` looks at; None as it has them.
        layout: which blocks have attention: ``interleaved`` (every other one of stage 3, all of stage 4),
            ``local_first`` (the latter half of stage 3) or ``modulated`` (as interleaved, with modulation in every
            other block of stage 2 and in the local ones of stage 3).
        mixer: what local blocks have: ``convolution``, ``modulation`` or ``sandwich``, an inverted residual.
        gate: behind the kernels of local blocks: ``none``, ``se`` (squeeze-excitation) or ``coordinate``.
        channel_mixer: of every block: ``ffn``, ``glu`` or ``depthwise_ffn``.
        pooling: ``mean`` over time, or ``cls``, a learnt token that asks the last map.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 8 samples, of ``three_stages`` 4
        - output: (n, n_classes)

    Raises:
        ValueError: a word is none of these, a number is too small or does not divide, or the attention takes none such.

    Reference:
        LongWei, ECG papers and experiments (a web log), 2024: blocks after Yu et al., InceptionNeXt, CVPR 2024, in the
        order of Lin et al., Scale-aware modulation meet transformer, ICCV 2023; its code is not published, its counts
        are. With 12 leads and 9 classes it has 12,451,321 weights. A block of d channels with kernels has
        2d + 11d + 2d + 4d² + 3d (norm, kernels of 3, 7, 11 and 19, norm, feed-forward), one with attention
        2d + 4d² + 4d + 2d + 4d² + 3d: 35,072 of stage 1, 271,360 of stage 2, 3,175,424 of stage 3, 8,411,136 of stage
        4, and 516,992 of the convolutions between, 4,617 of the head. The stem of 36,720 is a convolution of 7, one of
        5 and an inception block with a shortcut; where its two norms stand is not published: here as in InceptionTime.
        Normalisation is over the channels of a step, where the published code of the line has it over time; heads are
        8, which is published of ``shunted`` alone. Padded items, which it does not know, give what they would give
        alone.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        variant: str = "base",
        attention: str = "multi_head",
        n_heads: int = 8,
        window: int | None = None,
        top: int | None = None,
        layout: str = "interleaved",
        mixer: str = "convolution",
        gate: str = "none",
        channel_mixer: str = "ffn",
        pooling: str = "mean",
    ) -> None:
        widths, depths = chosen("variant", variant, VARIANTS)
        patterns = chosen("layout", layout, LAYOUTS)
        of_local = chosen("mixer", mixer, TOKEN_MIXERS)
        of_channels = chosen("channel_mixer", channel_mixer, CHANNEL_MIXERS)
        if pooling not in POOLINGS:
            raise ValueError(f"pooling is {pooling!r}; it is one of {', '.join(POOLINGS)}")
        own = {name: number for name, number in (("window", window), ("top", top)) if number is not None}
        stages: list[list[nn.Module]] = []
        n_global = 0
        for width, depth, pattern in zip(widths, depths, patterns, strict=False):
            stages.append([])
            for kind in islice(cycle(pattern), depth):
                over_steps: nn.Module
                if kind == GLOBAL:
                    over_steps = make_attention(attention, width, n_heads, n_global, **own)
                    n_global += 1
                else:
                    over_steps = OverTime(of_local(width, gate) if kind == LOCAL else Modulation(width))
                stages[-1] += [Added(width, over_steps), Added(width, of_channels(width))]
        super().__init__(_stem(in_channels, widths[0]), stages, widths, in_channels=in_channels, n_classes=n_classes)
        self.read = ReadByToken(widths[-1], n_heads) if pooling == "cls" else None

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The mean over an item's own steps, or what a token is told of them."""
        if self.read is None:
            return super().pool(tokens, length)
        steps = None if length is None else self.token_length(length.to(tokens.device, non_blocking=True))
        y: Tensor = self.read(tokens, steps)
        return y


def _stem(in_channels: int, width: int) -> Chain:
    shortcut = Chain(Convolution(width, width, 1), Norm(width))
    return Chain(
        Convolution(in_channels, width // 2, 7),
        nn.ReLU(),
        Convolution(width // 2, width, 5),
        nn.ReLU(),
        Residual(Chain(Inception(width, width // 4, bias=True)), shortcut),
        nn.ReLU(),
    )
