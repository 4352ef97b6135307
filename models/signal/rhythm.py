"""Our own networks for the rhythm of long, unequal records: residual stages, then layers that hear beats follow."""

from itertools import pairwise

from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.masked import Chain, Convolution, Norm, Residual, Steps, TimeLayer, blanked
from models.signal.padding import blank, shares, within
from models.signal.recurrent import run_both_ways

WIDTHS = (32, 48, 64, 80, 96)  # of up to five stages, each of which halves the steps
WIDTHS_OF_SIX = (24, 32, 48, 64, 80, 96)  # narrower, so that the network keeps about as many parameters
STEM_KERNEL, KERNEL, STEM_STRIDE = 15, 5, 2


class SqueezeExcitation(TimeLayer):
    """Weighs the channels of an item by what they say in the mean over its own steps.

    Reference:
        Hu, Shen and Sun, Squeeze-and-excitation networks, CVPR 2018.
    """

    def __init__(self, channels: int, reduction: int = 8, *, bias: bool = True) -> None:
        super().__init__()
        few = channels // reduction
        squeeze, excite = nn.Linear(channels, few, bias), nn.Linear(few, channels, bias)
        self.weigh = nn.Sequential(squeeze, nn.ReLU(), excite, nn.Sigmoid())

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        mean = x.mean(2) if length is None else x.sum(2) / length.clamp(min=1)[:, None]  # zero behind an item
        y: Tensor = x * self.weigh(mean)[..., None]
        return y


class Activated(TimeLayer):
    """What a layer says, without what is below zero."""

    def __init__(self, layer: TimeLayer) -> None:
        super().__init__()
        self.layer = layer

    def n_steps(self, n: Steps) -> Steps:
        return self.layer.n_steps(n)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        y: Tensor = self.layer(x, length).relu()
        return y


def _stage(width_in: int, width: int, dropout: float) -> Activated:
    body = Chain(
        Convolution(width_in, width, KERNEL, 2, bias=False),
        Norm(width),
        nn.ReLU(),
        nn.Dropout(dropout),
        Convolution(width, width, KERNEL, bias=False),
        Norm(width),
        SqueezeExcitation(width),
    )
    return Activated(Residual(body, Chain(Convolution(width_in, width, 1, 2, bias=False), Norm(width))))


def residual_stages(in_channels: int, n_blocks: int, dropout: float) -> tuple[Chain, int]:
    """A stem and ``n_blocks`` residual stages, and the channels of the last map.

    Raises:
        ValueError: there are no such stages.
    """
    if not 1 <= n_blocks <= len(WIDTHS_OF_SIX):
        raise ValueError(f"n_blocks is {n_blocks}; it is 1 to {len(WIDTHS_OF_SIX)}")
    widths = WIDTHS_OF_SIX if n_blocks == len(WIDTHS_OF_SIX) else WIDTHS[:n_blocks]
    stem = [Convolution(in_channels, widths[0], STEM_KERNEL, STEM_STRIDE, bias=False), Norm(widths[0]), nn.ReLU()]
    widths = (widths[0], *widths)
    stages = [_stage(before, width, dropout) for before, width in pairwise(widths)]
    return Chain(*stem, *stages), widths[-1]


class AttentionPool(nn.Module):
    """The mean of the steps, weighted by what a hidden layer says of each, over an item's own.

    Shape:
        - tokens: (n, t, d)
        - steps: (n,) that are an item's own; None where all are
        - returns: (n, d)

    Reference:
        Yang et al., Hierarchical attention networks, NAACL 2016.
    """

    def __init__(self, width: int, hidden_size: int = 32) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, hidden_size)
        self.score = nn.Linear(hidden_size, 1, bias=False)

    def forward(self, tokens: Tensor, steps: Tensor | None) -> Tensor:
        tokens = tokens if steps is None else blank(tokens, steps)
        weights = shares(self.score(self.hidden(tokens).tanh()).squeeze(2), steps)
        y: Tensor = (weights[..., None] * tokens).sum(1)
        return y


class RhythmNetwork(SignalNetwork):
    """Residual stages, layers over what is left of time, and the weighted mean of what they say.

    Args:
        stages: from leads to a map.
        in_channels: leads of the signal.
        token_dim: width of what ``_follow`` gives.
        n_classes: logits that come out.
        dropout: probability before the head, in [0, 1).
    """

    def __init__(self, stages: Chain, in_channels: int, token_dim: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.in_channels, self.stages = in_channels, stages
        self.token_dim = self.feature_dim = token_dim
        self.smallest_size = stages.smallest()
        self.pooling = AttentionPool(token_dim)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(token_dim, n_classes)

    def _follow(self, steps: Tensor, length: Tensor | None) -> Tensor:
        """What is said of each step in the light of the others, (n, t, channels) -> (n, t, token_dim)."""
        raise NotImplementedError

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """What is said of each step of the last map, zero where an item has ended."""
        length = self.check(x, length)
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x = blanked(x, length)
        steps = self.stages(x, length).transpose(1, 2)
        return self._follow(steps, None if length is None else self.token_length(length))

    def token_length(self, length: Tensor) -> Tensor:
        return self.stages.n_steps(length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The weighted mean over an item's own steps."""
        steps = None if length is None else self.token_length(length.to(tokens.device, non_blocking=True))
        y: Tensor = self.dropout(self.pooling(tokens, steps))
        return y


@register(
    "rhythm_resnet",
    modality="signal",
    family="rhythm",
    paper="after Hong et al. 2017, Hu et al. 2018 and Yang et al. 2016",
)
class RhythmResNet(RhythmNetwork):
    """Residual stages with squeeze and excitation, a recurrence in both directions, and attention over time.

    It hears a whole record, of whatever length: the stages see the shape of a beat, the recurrence how beats follow
    each other, and the attention finds the part that matters, such as a short run of fibrillation.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        n_blocks: residual stages, each of which halves the steps; so does the stem.
        hidden_size: neurons of a direction of the recurrence.
        dropout: probability within a stage and, twice as high, before the head, in [0, 0.5).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)
    """

    def __init__(
        self, in_channels: int, n_classes: int, n_blocks: int = 5, hidden_size: int = 48, dropout: float = 0.15
    ) -> None:
        stages, width = residual_stages(in_channels, n_blocks, dropout)
        super().__init__(stages, in_channels, 2 * hidden_size, n_classes, min(2 * dropout, 0.9))
        self.recurrent = nn.GRU(width, hidden_size, batch_first=True, bidirectional=True)

    def _follow(self, steps: Tensor, length: Tensor | None) -> Tensor:
        return run_both_ways(self.recurrent, steps, length)


@register(
    "rhythm_transformer",
    modality="signal",
    family="rhythm",
    paper="after Vaswani et al. 2017 and Hassani et al. 2021",
)
class RhythmTransformer(RhythmNetwork):
    """The same stages, and transformer layers over what is left of time.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        n_blocks: residual stages, each of which halves the steps; so does the stem.
        n_layers: transformer layers.
        n_heads: heads of each.
        dropout: probability within a stage and a layer and, twice as high, before the head, in [0, 0.5).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Reference:
        Vaswani et al., Attention is all you need, NeurIPS 2017; layers normalise before they act, and a depthwise
        convolution over the steps, which knows no length, says where a step stands among its neighbours.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        n_blocks: int = 4,
        n_layers: int = 2,
        n_heads: int = 4,
        dropout: float = 0.15,
    ) -> None:
        stages, width = residual_stages(in_channels, n_blocks, dropout)
        if n_heads < 1 or width % n_heads:
            raise ValueError(f"n_heads is {n_heads}; it is a divisor of {width}")
        super().__init__(stages, in_channels, width, n_classes, min(2 * dropout, 0.9))
        self.place = Residual(Chain(Convolution(width, width, 9, groups=width)))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, n_heads, 2 * width, dropout, "gelu", batch_first=True, norm_first=True)
            for _ in range(n_layers)
        )
        self.norm = nn.LayerNorm(width)

    def _follow(self, steps: Tensor, length: Tensor | None) -> Tensor:
        steps = self.place(steps.transpose(1, 2), length).transpose(1, 2)
        padded = None if length is None else ~within(length, steps.shape[1])
        for layer in self.layers:
            steps = layer(steps, src_key_padding_mask=padded)
        normed: Tensor = self.norm(steps)
        return normed if length is None else blank(normed, length)
