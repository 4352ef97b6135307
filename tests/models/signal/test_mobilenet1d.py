"""The network of inverted residual blocks over time: torchvision's own, on an image of one row."""

import torch
import torchvision
from laid_flat import give_weights_of_a_row

from models import create_model


def test_it_is_torchvisions_on_an_image_of_one_row() -> None:
    torch.manual_seed(0)
    network = create_model("mobilenet_v2_1d", in_channels=3, n_classes=5, dropout=0.0)
    flat = torchvision.models.mobilenet_v2(num_classes=5, dropout=0.0)
    give_weights_of_a_row(flat, network)
    signals = torch.randn(4, 3, 203)
    for training in (True, False):  # the second by the running figures that the first has left
        torch.testing.assert_close(
            network.train(training)(signals), flat.train(training)(signals[:, :, None]), atol=1e-4, rtol=1e-4
        )
