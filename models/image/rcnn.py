"""Convolutions over a spectrogram, and a recurrence over its time."""

import torch
from torch import Tensor, nn

from models.base import ImageNetwork
from models.layers import MeanPool
from models.registry import register

HALVINGS = 3


class WithHeight(nn.Module):
    """One channel more, which says how high a pixel lies: 0 in the first row, 1 in the last.

    A frequency is a place in a spectrogram, which a convolution that is then averaged over the rows would not know.

    Shape:
        (n, channels, h, w) to (n, channels + 1, h, w).

    Reference:
        Liu et al., An intriguing failing of convolutional neural networks and the CoordConv solution, NeurIPS 2018.
    """

    def forward(self, x: Tensor) -> Tensor:
        n, _, height, width = x.shape
        rows = torch.arange(height, device=x.device, dtype=x.dtype) / max(height - 1, 1)
        return torch.cat([x, rows[None, None, :, None].expand(n, 1, height, width)], 1)


class OverTime(nn.Module):
    """The mean and the maximum over the rows, read column after column by a recurrence of both directions.

    Shape:
        (n, channels, h, w) to (n, 2 · hidden_size, 1, w).
    """

    def __init__(self, channels: int, hidden_size: int) -> None:
        super().__init__()
        self.recurrent = nn.GRU(2 * channels, hidden_size, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        steps = torch.cat([x.mean(2), x.amax(2)], 1).transpose(1, 2)  # (n, w, 2 · channels)
        said: Tensor = self.recurrent(steps)[0]
        return said.transpose(1, 2)[:, :, None]


@register("rcnn", modality="image", family="cnn", paper="after Le et al. 2021")
def rcnn(
    in_channels: int, n_classes: int, nb_filters: int = 16, hidden_size: int = 64, dropout: float = 0.3
) -> ImageNetwork:
    """Three convolutions, each halved, and gated recurrent units over the columns of what they leave; their mean.

    It is made for spectrograms (``stft``), whose columns are times and whose rows are frequencies. A token is a column.

    Args:
        in_channels: channels of the image.
        n_classes: logits that come out.
        nb_filters: channels of the first convolution; the next two have 2 and 4 times as many.
        hidden_size: neurons of a direction.
        dropout: probability before the head, in [0, 1).

    Shape:
        - input: (n, in_channels, height, width), sides from 8 pixels
        - output: (n, n_classes)

    Reference:
        Le et al., Multi-module recurrent convolutional neural network with transformer encoder for ECG arrhythmia
        classification, BHI 2021: one of its modules. Its widths are not published; these are ours. With 9 channels
        and 4 classes it has 99,716 weights: 1,472 + 4,672 + 18,560 of the convolutions and their norms, 74,496 of the
        recurrence, 516 of the head.
    """
    layers: list[nn.Module] = [WithHeight()]
    width_in = in_channels + 1
    for stage in range(HALVINGS):
        width = nb_filters * 2**stage
        convolution = nn.Conv2d(width_in, width, 3, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        width_in = width
    return ImageNetwork(
        nn.Sequential(*layers, OverTime(width_in, hidden_size)),
        MeanPool(dropout),
        in_channels=in_channels,
        token_dim=2 * hidden_size,
        feature_dim=2 * hidden_size,
        n_classes=n_classes,
        smallest_size=2**HALVINGS,
    )
