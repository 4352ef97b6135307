"""MetaECGNet: in each block kernels of four widths, then far and mean attention, then a feed-forward part."""

from torch import nn

from models.registry import register
from models.signal.attention_kinds import make_attention
from models.signal.masked import Chain, Convolution, Norm
from models.signal.mixers import WIDER, Added, FeedForward, MultiScale, OverTime, inverted_residual
from models.signal.rhythm import SqueezeExcitation
from models.signal.staged import Staged

TIMES = (2, 3, 4)  # the width of each stage, in that of a head group
DEPTHS = (2, 3, 4)  # blocks of each stage
WINDOWS = (5, 5, 1)  # steps, in each stage, between those that far heads see, and of a mean
STEM_KERNEL, REDUCTION = 3, 4


@register("meta_ecgnet", modality="signal", family="hybrid", paper="LongWei 2024, after Yu et al. 2022")
class MetaEcgNet(Staged):
    """Three stages of blocks that mix near steps, far steps and channels, and a mean over time.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        width: a stage has 2, 3 and 4 times as many channels; an even number.
        n_heads: of each attention, an even number that divides those channels.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 8 samples
        - output: (n, n_classes)

    Raises:
        ValueError: ``width`` or ``n_heads`` is no such number.

    Reference:
        LongWei, db_ecgnet (MetaECGNet), 2024, after Yu et al., MetaFormer is actually what you need for vision, CVPR
        2022. With 12 leads and 9 classes it has 7,763,373 weights: a block of d channels has 6d² + 39.5d of the
        inverted residual, 4d² + 6d of the attention, whose mean is mixed anew by d² + 3d where it is one of five steps,
        and 4d² + 5d of the feed-forward part: 637,488, 2,134,188 and 4,703,040 of the stages, 280,440 of the
        convolutions between, 5,616 of the stem, 2,601 of the head. There an item must be a multiple of 20 samples; here
        a last window has what is left. Its squeeze-excitation has a ReLU, as Hu et al. have it, where there it is a
        GELU.
        Padded items, which it does not know, give what they would give alone.
    """

    def __init__(self, in_channels: int, n_classes: int, width: int = 72, n_heads: int = 4) -> None:
        if width < 2 or width % 2:
            raise ValueError(f"width is {width}; it is an even number, 2 or more")
        widths = [times * width for times in TIMES]
        stages = []
        for channels, depth, window in zip(widths, DEPTHS, WINDOWS, strict=True):
            blocks = [_block(channels, n_heads, window) for _ in range(depth)]
            stages.append([part for block in blocks for part in block])
        stem = Chain(Convolution(in_channels, widths[0], STEM_KERNEL, 2), Norm(widths[0]))
        super().__init__(stem, stages, widths, in_channels=in_channels, n_classes=n_classes)


def _block(width: int, n_heads: int, window: int) -> list[Added]:
    inner = WIDER * width
    over_time = (MultiScale(inner), Norm(inner), nn.GELU(), SqueezeExcitation(inner, REDUCTION))
    near = OverTime(Chain(Norm(width), *inverted_residual(width, *over_time, bias=True).layers))
    far = make_attention("stride_pooled", width, n_heads, window=window)
    return [Added(width, near, normed=False), Added(width, far), Added(width, FeedForward(width))]
