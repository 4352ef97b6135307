"""The residual networks of vision over time: torchvision's own, on an image of one row."""

import pytest
import torch
import torchvision
from laid_flat import give_weights_of_a_row

from models import create_model


@pytest.mark.parametrize(("name", "theirs"), [("resnet18_1d", "resnet18"), ("resnet34_1d", "resnet34")])
def test_it_is_torchvisions_on_an_image_of_one_row(name: str, theirs: str) -> None:
    torch.manual_seed(0)
    network = create_model(name, in_channels=3, n_classes=5)
    flat = torchvision.models.get_model(theirs, num_classes=5)
    give_weights_of_a_row(flat, network)
    signals = torch.randn(4, 3, 203)
    for training in (True, False):  # the second by the running figures that the first has left
        torch.testing.assert_close(
            network.train(training)(signals), flat.train(training)(signals[:, :, None]), atol=1e-4, rtol=1e-4
        )


def test_a_token_is_32_samples() -> None:
    network = create_model("resnet18_1d", in_channels=3, n_classes=5)
    assert network.token_length(torch.tensor([1, 32, 33, 1000])).tolist() == [1, 1, 2, 32]
