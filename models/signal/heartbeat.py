"""Convolutional networks for single heartbeats, as they are often published for 187 samples at 125 Hz."""

from torch import nn

from models.registry import register
from models.signal.convolutional import ConvolutionalNetwork
from models.signal.masked import Chain, Convolution, MaxPool, Residual

BEAT_SAMPLES = 187  # of the well-known CSV files: what a flattened end is built for unless told otherwise


def heartbeat_body(in_channels: int, dropout: float) -> tuple[Chain, int]:
    """Four pairs of convolutions without padding, three of them pooled, and the channels of the last map."""
    layers: list[nn.Module] = []
    channels = in_channels
    for width, kernel in ((16, 5), (32, 3), (32, 3)):
        layers += [*_pair(channels, width, kernel), MaxPool(2), nn.Dropout(dropout)]
        channels = width
    return Chain(*layers, *_pair(channels, 256, 3)), 256


def _pair(in_channels: int, width: int, kernel: int) -> list[nn.Module]:
    first, second = (Convolution(channels, width, kernel, valid=True) for channels in (in_channels, width))
    return [first, nn.ReLU(), second, nn.ReLU()]


@register(
    "heartbeat_cnn",
    modality="signal",
    family="heartbeat",
    paper="CVxTz, ECG_Heartbeat_Classification, 2018; Jaewon-py, ECG-Classification",
)
class HeartbeatCnn(ConvolutionalNetwork):
    """Eight convolutions, the largest of each channel over time, two hidden layers.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        head: how the last map is read: its ``max`` over time as published, its ``mean``, or all of it (``flatten``).
        n_samples: that a flattened map is built for.
        dropout: probability after each pooling and, twice as high, before the hidden layers, in [0, 0.5].

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Reference:
        CVxTz, ECG_Heartbeat_Classification (baseline for MIT-BIH), whose layers and dropouts Jaewon-py,
        ECG-Classification, takes over; a dropout of 0.1 after three poolings and of 0.2 after the last.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        head: str = "max",
        n_samples: int = BEAT_SAMPLES,
        dropout: float = 0.1,
    ) -> None:
        body, width = heartbeat_body(in_channels, dropout)
        super().__init__(
            body,
            in_channels=in_channels,
            token_dim=width,
            n_classes=n_classes,
            head=head,
            n_samples=n_samples,
            widths=(64, 64),
            dropouts=(min(2 * dropout, 0.9), 0.0, 0.0),
        )


@register("cnet", modality="signal", family="heartbeat", paper="Kachuee, Fazeli & Sarrafzadeh 2018")
class CNet(ConvolutionalNetwork):
    """A convolution and five residual blocks, each pooled, and a hidden layer.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        head: how the last map is read: its ``mean`` or ``max`` over time, or all of it (``flatten``) as published.
        n_samples: that a flattened map is built for.
        dropout: probability before the head, in [0, 1); the published network has none.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Reference:
        Kachuee et al., ECG heartbeat classification: a deep transferable representation, ICHI 2018, as
        dl-4-health-uiuc, ecg_classification, has it: no ReLU behind the first convolution, one hidden layer.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        head: str = "mean",
        n_samples: int = BEAT_SAMPLES,
        dropout: float = 0.0,
    ) -> None:
        width, kernel = 32, 5
        layers: list[nn.Module] = [Convolution(in_channels, width, kernel)]
        for _ in range(5):
            around = Chain(Convolution(width, width, kernel), nn.ReLU(), Convolution(width, width, kernel))
            layers += [Residual(around), nn.ReLU(), MaxPool(5, 2)]
        super().__init__(
            Chain(*layers),
            in_channels=in_channels,
            token_dim=width,
            n_classes=n_classes,
            head=head,
            n_samples=n_samples,
            widths=(width,),
            dropouts=(0.0, dropout),
        )
