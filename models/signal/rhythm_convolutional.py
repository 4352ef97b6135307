"""Convolutional networks for the rhythm of short windows of one lead: seven, each a row of a table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from models.registry import register
from models.signal.convolutional import ConvolutionalNetwork
from models.signal.masked import Chain, Convolution, MaxPool, Norm, Residual, TimeLayer

EPS, MOMENTUM = 1e-3, 0.01  # Keras's own of a batch norm, its momentum counted the other way round
N_SAMPLES = 1500  # 5 s at 300 Hz


@dataclass(frozen=True)
class Stage:
    """Convolutions, each with a ReLU and then a batch norm, and what follows them.

    Attributes:
        layers: channels and kernel of each convolution.
        pool: the largest of so many steps is kept; 1 for all.
        residual: whether what went in is added, through a 1 × 1 convolution and a batch norm where channels differ.
        valid: whether the convolutions keep within the item.
        dropped: whether a dropout follows.
    """

    layers: tuple[tuple[int, int], ...]
    pool: int = 1
    residual: bool = True
    valid: bool = False
    dropped: bool = True

    def built(self, in_channels: int, dropout: float) -> list[nn.Module]:
        """Its layers, for so many channels."""
        layers: list[nn.Module] = []
        width = in_channels
        for out_channels, kernel in self.layers:
            layers += [
                Convolution(width, out_channels, kernel, valid=self.valid),
                nn.ReLU(),
                Norm(out_channels, EPS, MOMENTUM),
            ]
            width = out_channels
        if self.residual:
            layers = [Residual(Chain(*layers), _shortcut(in_channels, width))]
        layers += [MaxPool(self.pool)] if self.pool > 1 else []
        return [*layers, nn.Dropout(dropout)] if self.dropped else layers


def _shortcut(in_channels: int, out_channels: int) -> Chain | None:
    if in_channels == out_channels:
        return None
    layers: tuple[TimeLayer, ...] = (Convolution(in_channels, out_channels, 1), Norm(out_channels, EPS, MOMENTUM))
    return Chain(*layers)


def _plain(width: int, kernel: int, pool: int, **how: bool) -> Stage:
    return Stage(((width, kernel),), pool, residual=False, **how)


def _twice(width: int, kernel: int, pool: int = 1, **how: bool) -> Stage:
    return Stage(((width, kernel), (width, kernel)), pool, **how)


def _narrowed(wide: int, kernel: int, width: int, pool: int = 1, **how: bool) -> Stage:
    return Stage(((wide, 1), (wide, kernel), (width, 1)), pool, **how)


@dataclass(frozen=True)
class Row:
    """A network of the study.

    Attributes:
        what: the network in a sentence.
        stages: from leads to the last map.
        widths: neurons of the hidden layers, a dropout before each.
        begin: fills fresh weights.
    """

    what: str
    stages: tuple[Stage, ...]
    widths: tuple[int, ...]
    begin: Callable[[Tensor], Tensor] = nn.init.xavier_uniform_

    def builder(self) -> Callable[..., ConvolutionalNetwork]:
        """What builds it, with its options and their defaults."""

        def build(
            in_channels: int, n_classes: int, dropout: float = 0.5, head: str = "mean", n_samples: int = N_SAMPLES
        ) -> ConvolutionalNetwork:
            layers: list[nn.Module] = []
            width = in_channels
            for stage in self.stages:
                layers += stage.built(width, dropout)
                width = stage.layers[-1][0]
            network = ConvolutionalNetwork(
                Chain(*layers),
                in_channels=in_channels,
                token_dim=width,
                n_classes=n_classes,
                head=head,
                n_samples=n_samples,
                widths=self.widths,
                dropouts=(*[dropout] * len(self.widths), 0.0),
                norm=partial(nn.BatchNorm1d, eps=EPS, momentum=MOMENTUM),
            )
            for layer in network.modules():
                if isinstance(layer, nn.Conv1d | nn.Linear):
                    self.begin(layer.weight)
                    nn.init.zeros_(layer.get_parameter("bias"))
            return network

        build.__doc__ = self.what
        return build


_LONG_STEM = _plain(64, 192, 7, valid=True)
_SHORT_STEM = _plain(32, 15, 5)

ROWS = {
    "basic_cnn": Row(
        "Three convolutions without padding, the first as long as a beat.",
        (
            _plain(64, 192, 5, valid=True),
            _plain(48, 64, 5, valid=True),
            _plain(32, 18, 1, valid=True, dropped=False),
        ),
        (64, 32),
        partial(nn.init.normal_, std=0.05),
    ),
    "resnet_like_x3": Row(
        "The same first convolution, and two residual blocks of three.",
        (_LONG_STEM, Stage(((48, 32),) * 3, 5), Stage(((24, 16),) * 3, dropped=False)),
        (48, 24),
    ),
    "resnet_like_x4": Row(
        "The same first convolution, and two residual blocks of four that widen and narrow.",
        (
            _LONG_STEM,
            Stage(((96, 1), (96, 9), (96, 9), (48, 3)), 5),
            Stage(((72, 1), (72, 5), (72, 5), (24, 3)), dropped=False),
        ),
        (48, 24),
    ),
    "smaller_resnet_4x2": Row(
        "A short first convolution, and four residual blocks of two.",
        (_SHORT_STEM, _twice(48, 5, 3), _twice(56, 5, 3), _twice(64, 3, 3), _twice(72, 3)),
        (40,),
    ),
    "smaller_resnet_4x3": Row(
        "A short first convolution, and four residual blocks of three that widen and narrow.",
        (
            _SHORT_STEM,
            _narrowed(48, 5, 40, 3),
            _narrowed(64, 5, 48, 3),
            _narrowed(74, 3, 56, 3),
            _narrowed(96, 3, 64, dropped=False),
        ),
        (48,),
    ),
    "identity_resnet_4x2": Row(
        "Four residual blocks of two, whose shortcuts change nothing.",
        (_plain(64, 15, 5), _twice(64, 7, 3), _twice(64, 5, 3), _twice(64, 5, 3), _twice(64, 3, dropped=False)),
        (48,),
    ),
    "identity_resnet_8x2": Row(
        "Eight residual blocks of two, whose shortcuts change nothing.",
        (
            _plain(48, 15, 5),
            *(_twice(48, 7), _twice(48, 7, 3)),
            *(_twice(48, 5), _twice(48, 5, 3)),
            *(_twice(48, 5), _twice(48, 5, 3)),
            *(_twice(48, 3), _twice(48, 3, dropped=False)),
        ),
        (48,),
    ),
}
"""As Kovalchuk published them (ECG_Test_Resnet_Transformer, 2023) with ``head="flatten"`` and 1500 samples, and with
the fresh weights that Keras gives."""

for _name, _row in ROWS.items():
    _paper = "Kovalchuk 2023" if _name == "basic_cnn" else "Kovalchuk 2023, after He et al. 2016"
    register(_name, modality="signal", family="rhythm", paper=_paper)(_row.builder())
