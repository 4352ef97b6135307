"""The interpretable network over the map of leads × time: kernels over neighbouring leads, then over time alone."""

from torch import nn

from models.registry import register
from models.signal.convolutional import ConvolutionalNetwork
from models.signal.lead_maps import (
    LeadsAsRows,
    MapConvolution,
    MapExcitation,
    MapNorm,
    MeanOfLeads,
    SideBySide,
)
from models.signal.masked import Chain, Convolution, Residual, TimeLayer

TIMES_AS_WIDE = (1, 2, 4, 8)  # behind the stem and the two blocks, and a branch
STEM_KERNEL, KERNEL = 50, 15
BRANCH_KERNELS = (5, 7, 15)
ROWS = 3  # neighbouring leads that a kernel sees
REDUCTION = 16


class _Kernels:
    """Makes convolutions: each whole, or a kernel for each channel and a 1 × 1 convolution."""

    def __init__(self, *, separable: bool) -> None:
        self.separable = separable

    def one(
        self, width_in: int, width: int, steps: int, rows: int = 1, stride: int = 1, dropout: float = 0.0
    ) -> list[nn.Module]:
        """Norm, ReLU, dropout and a convolution."""
        layers: list[nn.Module] = [MapNorm(width_in), nn.ReLU(), nn.Dropout(dropout)]
        if not self.separable:
            return [*layers, MapConvolution(width_in, width, (rows, steps), stride)]
        return [
            *layers,
            MapConvolution(width_in, width_in, (rows, steps), stride, groups=width_in, bias=False),
            MapConvolution(width_in, width, (1, 1)),
        ]

    def two(
        self, width_in: int, width: int, steps: int, rows: int = 1, stride: int = 1, dropout: float = 0.0
    ) -> list[nn.Module]:
        """Two of them, the second over time alone; the dropout is the second's."""
        first = self.one(width_in, width, steps, rows, stride)
        return [*first, *self.one(width, width, steps, dropout=dropout)]


def _around(width_in: int, width: int, stride: int = 1) -> Chain:
    return Chain(MapConvolution(width_in, width, (1, 1), stride), MapNorm(width))


def _excited(layers: list[nn.Module], width: int) -> Residual:
    """What layers of one width say, its channels weighed, and a 1 × 1 convolution around them."""
    return Residual(Chain(*layers, MapExcitation(width, REDUCTION)), _around(width, width))


def _shorter(
    kernels: _Kernels, width_in: int, width: int, steps: int, n_behind: int, dropout: float, first_dropout: float
) -> Chain:
    """Half as many steps by a kernel over leads and one over time; then pairs of kernels over time."""
    first = kernels.two(width_in, width, steps, ROWS, 2, first_dropout)
    behind = [layer for _ in range(n_behind) for layer in kernels.two(width, width, steps, dropout=dropout)]
    layers: list[TimeLayer] = [
        Residual(Chain(*first), _around(width_in, width, 2)),
        MapExcitation(width, REDUCTION),
    ]
    return Chain(*layers, _excited(behind, width))


@register("im_ecg", modality="signal", family="surveyed", paper="after Tao et al. 2023")
def im_ecg(
    in_channels: int,
    n_classes: int,
    width: int = 8,
    n_blocks: int = 2,
    separable: bool = True,
    dropout: float = 0.5,
) -> ConvolutionalNetwork:
    """Residual blocks of dual kernels on the map of leads × time, three branches of other widths, the mean of the map.

    The rows of the map are the leads in their order, of which a kernel sees three neighbours: any number goes in.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        width: channels of the first map, 8 or more; a branch has eight times as many. 32 as published.
        n_blocks: pairs of kernels of a branch behind its first, 1 or more. 5 as published.
        separable: whether a convolution is a kernel for each channel and a 1 × 1 convolution, or whole, as published.
        dropout: probability within the pairs of kernels, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 16 samples, the mean over the leads
        - output: (n, n_classes)

    Raises:
        ValueError: ``width`` or ``n_blocks`` is too small.

    Reference:
        Tao et al., IM-ECG: an interpretable framework for arrhythmia detection using multi-lead ECG, Expert Systems
        with Applications, 2023, with the widths of the one public form (hhhey-lw/db_ecgnet). As there (``width=32``,
        ``n_blocks=5``, ``separable=False``) it has 25,439,649 weights with 9 classes, and 21 billion products for
        12 × 1000 samples: for a GPU. The default is for a CPU, and has 161,095 weights. No count hangs on the leads.
        The last 1 × 1 convolution stands behind the mean over the leads, which gives the same for fewer products.
        Padded items, which it does not know, give what they would give alone.
    """
    for what, number, least in (("width", width, 8), ("n_blocks", n_blocks, 1)):
        if number < least:
            raise ValueError(f"{what} is {number}; it is {least} or more")
    kernels = _Kernels(separable=separable)
    stem, first, second, branch = (times * width for times in TIMES_AS_WIDE)
    shorter = Chain(*kernels.one(stem, first, KERNEL, ROWS, 2), MapExcitation(first, REDUCTION))
    behind = [*kernels.one(first, first, KERNEL), *kernels.one(first, first, KERNEL)]
    branches = [
        _shorter(kernels, second, branch, steps, n_blocks, dropout, first_dropout=dropout) for steps in BRANCH_KERNELS
    ]
    wide = branch * len(branches)
    body = Chain(
        LeadsAsRows(),
        MapConvolution(1, stem, (1, STEM_KERNEL), 2),
        MapNorm(stem),
        nn.ReLU(),
        Residual(shorter, _around(stem, first, 2)),
        _excited(behind, first),
        _shorter(kernels, first, second, KERNEL, 3, dropout, first_dropout=0.0),
        SideBySide(branches),
        MeanOfLeads(),
        Convolution(wide, wide, 1),
    )
    return ConvolutionalNetwork(body, in_channels=in_channels, token_dim=wide, n_classes=n_classes)
