"""Views of the leads as a heart's walls have them, an encoder each, and how much each view is heard."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.masked import Chain, Convolution, Norm, Residual, Steps, TimeLayer, blanked
from models.signal.padding import blank

VIEWS = ("auto", "territories", "leads", "one")
TERRITORIES = ((3,), (0, 4), (6, 7), (8, 9), (10, 11), (1, 2, 5))
"""aVR; I, aVL; V1, V2; V3, V4; V5, V6; II, III, aVF: places of the twelve leads in the stores' order."""
TWELVE = sum(map(len, TERRITORIES))
STEM, STEM_KERNEL = 64, 25
WIDTH, KERNEL, SCALE = 128, 15, 4
PART = 52  # channels of each of the SCALE parts that a block is cut into
REDUCTION, FEWEST = 16, 8  # of the channels within the coordinate attention


class MeanAround(TimeLayer):
    """The mean of three steps around every second one; zeros stand beyond both ends.

    Shape:
        (n, channels, t) to (n, channels, ⌈t / 2⌉).
    """

    def n_steps(self, n: Steps) -> Steps:
        return -(-n // 2)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        y = nn.functional.avg_pool1d(x, 3, 2, 1)
        return y if length is None else blanked(y, self.n_steps(length))


class CoordinateAttention(TimeLayer):
    """A share of each channel, from its mean over an item's own steps, and one of each channel and step.

    Both come of one narrow layer, whose batch norm sees the mean as one step more of the item.

    Args:
        channels: of what goes in and comes out.

    Reference:
        Hou, Zhou and Feng, Coordinate attention for efficient mobile network design, CVPR 2021, with time in the place
        of width, and one row.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(FEWEST, channels // REDUCTION)
        self.narrow = Chain(nn.Conv1d(channels, narrow, 1), Norm(narrow), nn.Hardswish())
        self.of_channel, self.of_step = (nn.Conv1d(narrow, channels, 1) for _ in range(2))

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        if length is None:
            mean, longer = x.mean(2, keepdim=True), None
        else:
            mean, longer = x.sum(2, keepdim=True) / length[:, None, None], length + 1
        narrow = self.narrow(torch.cat([mean, x], 2), longer)
        y: Tensor = x * self.of_step(narrow[..., 1:]).sigmoid() * self.of_channel(narrow[..., :1]).sigmoid()
        return y  # zero where x is


class Parts(TimeLayer):
    """Half as many steps: the channels in four parts, three with a convolution each, the last with a mean.

    Shape:
        (n, SCALE · PART, t) to (n, SCALE · PART, ⌈t / 2⌉).
    """

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            Chain(Convolution(PART, PART, KERNEL, 2, bias=False), Norm(PART), nn.Mish()) for _ in range(SCALE - 1)
        )
        self.last = MeanAround()

    def n_steps(self, n: Steps) -> Steps:
        return self.last.n_steps(n)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        layers = (*self.parts, self.last)
        return torch.cat([layer(part, length) for layer, part in zip(layers, x.chunk(SCALE, 1), strict=True)], 1)


def res2_block(width_in: int) -> list[nn.Module]:
    """A residual block of half as many steps, whose channels are seen in parts.

    Reference:
        Gao et al., Res2Net: a new multi-scale backbone architecture, IEEE Trans. Pattern Anal. Mach. Intell. 43 (2021)
        652: the first block of a stage, where no part hears another.
    """
    body = Chain(
        nn.Conv1d(width_in, SCALE * PART, 1, bias=False),
        nn.Mish(),
        Norm(SCALE * PART),
        Parts(),
        nn.Conv1d(SCALE * PART, WIDTH, 1, bias=False),
        Norm(WIDTH),
        CoordinateAttention(WIDTH),
    )
    shortcut = Chain(Convolution(width_in, WIDTH, 1, 2), Norm(WIDTH))
    return [Residual(body, shortcut), nn.Mish()]


def encoder(in_channels: int) -> Chain:
    """What sees one view, (n, in_channels, time) to (n, WIDTH, about time / 4)."""
    stem = [Convolution(in_channels, STEM, STEM_KERNEL, valid=True, bias=False), Norm(STEM), nn.Mish()]
    return Chain(*stem, *res2_block(STEM), *res2_block(WIDTH))


def leads_of(views: str, in_channels: int) -> Sequence[Sequence[int]]:
    """The places of each view's leads.

    Raises:
        ValueError: there are no such views, or they are of twelve leads and there are others.
    """
    if views not in VIEWS:
        raise ValueError(f"views is {views!r}; it is {', '.join(VIEWS[:-1])} or {VIEWS[-1]}")
    if views == "territories" and in_channels != TWELVE:
        raise ValueError(
            f"views is 'territories', which are of the {TWELVE} leads, and there are {in_channels}; it can be "
            f"'leads' or 'one'"
        )
    if views == "one":
        return (range(in_channels),)
    if views == "territories" or (views == "auto" and in_channels == TWELVE):
        return TERRITORIES
    return [(lead,) for lead in range(in_channels)]


@register("mvms", modality="signal", family="mvms", paper="Yang et al. 2023")
class Mvms(SignalNetwork):
    """Encoders of residual blocks in parts, one for each view of the leads; the sum of their means, weighed by gates.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        views: ``territories`` for the six views of the twelve leads, which must come in the stores' order (I, II, III,
            aVR, aVL, aVF, V1 to V6); ``leads`` for a view of each lead; ``one`` for a single view of all of them, as a
            student of the six has it; ``auto`` for the territories of twelve leads, and a view a lead of others.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 4 samples, all views side by side
        - output: (n, n_classes)

    Raises:
        ValueError: ``views`` is none of these, or is of twelve leads where there are others.

    Reference:
        Yang, Lian, Zeng, Xu and Su, A multi-view multi-scale neural network for multi-label ECG classification, IEEE
        Trans. Emerg. Top. Comput. Intell., 2023. With 12 leads and 9 classes it has 2,245,263 weights: 1,600 a lead and
        128 of the norm of each view's stem, 174,528 and 196,032 of its blocks, 129 of its gate, 1,161 of the head.
        Padded items, which it does not know, give what they would give alone; a single view has no gate. Noise, which
        is added there to what is scored, too, is ``-augment noise`` of the training alone.
    """

    def __init__(self, in_channels: int, n_classes: int, views: str = "auto") -> None:
        super().__init__()
        self.in_channels, self.feature_dim = in_channels, WIDTH
        self.views = tuple(tuple(leads) for leads in leads_of(views, in_channels))
        self.token_dim = len(self.views) * WIDTH
        self.encoders = nn.ModuleList(encoder(len(leads)) for leads in self.views)
        n_gates = len(self.views) if len(self.views) > 1 else 0
        self.gates = nn.ModuleList(nn.Linear(WIDTH, 1) for _ in range(n_gates))
        self.smallest_size = self._steps.smallest()
        self.head = nn.Linear(WIDTH, n_classes)

    @property
    def _steps(self) -> Chain:
        """Any encoder, all of which leave as many steps."""
        first = self.encoders[0]
        assert isinstance(first, Chain)
        return first

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """The last maps of all views, one behind the other at each step, zero where an item has ended."""
        length = self.check(x, length)
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x = blanked(x, length)
        maps = [encode(x[:, list(leads)], length) for encode, leads in zip(self.encoders, self.views, strict=True)]
        return torch.cat(maps, 1).transpose(1, 2)

    def token_length(self, length: Tensor) -> Tensor:
        return self._steps.n_steps(length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The mean of each view over an item's own steps, times what its gate says of it, and the sum of all."""
        if length is None:
            mean = tokens.mean(1)
        else:
            steps = self.token_length(length.to(tokens.device, non_blocking=True))
            mean = blank(tokens, steps).sum(1) / steps[:, None]
        views = mean.chunk(len(self.views), 1)
        if not len(self.gates):
            return views[0]
        weighed = [gate(view).sigmoid() * view for gate, view in zip(self.gates, views, strict=True)]
        return torch.stack(weighed).sum(0)
