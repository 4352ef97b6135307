"""The multi-scale residual network with squeeze and excitation: each lead by itself first, then all together."""

from torch import nn

from models.registry import register
from models.signal.convolutional import ConvolutionalNetwork
from models.signal.lead_maps import LeadsAsChannels, LeadsAsRows, MapConvolution, MapExcitation, MapNorm, SideBySide
from models.signal.masked import Chain, Convolution, Norm, Residual
from models.signal.rhythm import Activated, SqueezeExcitation

OF_A_LEAD = 32  # channels, as long as leads are apart
STEM_KERNEL, KERNEL = 50, 15
BRANCH_KERNELS = (3, 5, 7)
N_SHORTER, N_BLOCKS = 3, 4  # blocks that halve the steps of all branches, and blocks of each kind in a branch
REDUCTION = 16


def _of_leads(kernel: int, stride: int = 1, dropout: float = 0.0) -> list[nn.Module]:
    convolution = MapConvolution(OF_A_LEAD, OF_A_LEAD, (1, kernel), stride, bias=False)
    return [MapNorm(OF_A_LEAD), nn.ReLU(), nn.Dropout(dropout), convolution]


def _shorter() -> Activated:
    """Half as many steps, of each lead."""
    around = Chain(MapNorm(OF_A_LEAD), nn.ReLU(), MapConvolution(OF_A_LEAD, OF_A_LEAD, (1, 1), 2))
    return Activated(Residual(Chain(*_of_leads(KERNEL, 2), MapExcitation(OF_A_LEAD, REDUCTION)), around))


def _apart(kernel: int, dropout: float) -> Activated:
    """Three convolutions of each lead."""
    layers = [*_of_leads(kernel), *_of_leads(kernel, dropout=dropout), *_of_leads(kernel, dropout=dropout)]
    return Activated(Residual(Chain(*layers, MapExcitation(OF_A_LEAD, REDUCTION))))


def _together(width_in: int, width: int, kernel: int, dropout: float) -> list[nn.Module]:
    """Half as many steps by one convolution of all leads, and three more."""
    around = Chain(Norm(width_in), nn.ReLU(), Convolution(width_in, width, 1, 2))
    first = [Norm(width_in), nn.ReLU(), Convolution(width_in, width, kernel, 2, bias=False)]
    behind: list[nn.Module] = []
    for _ in range(3):
        behind += [Norm(width), nn.ReLU(), nn.Dropout(dropout), Convolution(width, width, kernel, bias=False)]
    return [
        Residual(Chain(*first, SqueezeExcitation(width, REDUCTION)), around),
        Activated(Residual(Chain(*behind, SqueezeExcitation(width, REDUCTION)))),
    ]


def _branch(n_leads: int, width: int, kernel: int, dropout: float) -> Chain:
    layers: list[nn.Module] = [_apart(kernel, dropout) for _ in range(N_BLOCKS)]
    layers.append(LeadsAsChannels())
    for block in range(N_BLOCKS):
        layers += _together(width if block else n_leads * OF_A_LEAD, width, kernel, dropout)
    return Chain(*layers)


@register("se_ecgnet", modality="signal", family="surveyed", paper="after Zhang et al. 2020")
def se_ecgnet(in_channels: int, n_classes: int, width: int = 128, dropout: float = 0.2) -> ConvolutionalNetwork:
    """Residual blocks on each lead, then on all of them, in three branches of other kernels, and the mean over time.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        width: channels of a branch where leads are together, 16 or more. 256 as published.
        dropout: probability within the blocks of the branches, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 256 samples
        - output: (n, n_classes)

    Raises:
        ValueError: ``width`` is below 16, of which the squeeze leaves nothing.

    Reference:
        Zhang, Zhao and Liu, SE-ECGNet: a multi-scale deep residual network with squeeze-and-excitation module for ECG
        signal classification, IEEE BIBM 2020, with the widths of their code (Amadeuszhao/SE-ECGNet). They have eight
        leads of 32 channels, which are 256 together; here any number of leads is brought to ``width``. With 256, 8
        leads and 34 classes it has 17,018,496 weights (derived: 51,782 before the branches, then in each of them
        4 · (3 · 32² k + 6 · 32 + 162) while leads are apart, 4 · (4 · 256² k + 256² + 256 + 5 · 512 + 2 · 8,464)
        where they are together, for k = 3, 5 and 7; 26,146 of the head), as published; the default is for a CPU. There
        all blocks of a stage had one shortcut in common; here each has its own. Age and sex are not read. Padded
        items, which it does not know, give what they would give alone.
    """
    if width < REDUCTION:
        raise ValueError(f"width is {width}; it is {REDUCTION} or more")
    body = Chain(
        LeadsAsRows(),
        MapConvolution(1, OF_A_LEAD, (1, STEM_KERNEL), 2, bias=False),
        MapNorm(OF_A_LEAD),
        nn.ReLU(),
        *(_shorter() for _ in range(N_SHORTER)),
        SideBySide([_branch(in_channels, width, kernel, dropout) for kernel in BRANCH_KERNELS]),
    )
    return ConvolutionalNetwork(
        body, in_channels=in_channels, token_dim=width * len(BRANCH_KERNELS), n_classes=n_classes
    )
