import pytest
import torch
from torch import nn

from models.registry import create_model


@pytest.mark.parametrize("length", [None, torch.tensor([250, 101, 4])])
def test_convolution_and_norm_as_one_are_the_two_one_after_the_other(length):
    torch.manual_seed(0)
    network = create_model("resnet1d_wang", in_channels=2, n_classes=5).eval()
    for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm1d)):
        norm.running_mean.normal_(0, 0.1)
        norm.running_var.uniform_(0.5, 2)
        nn.init.uniform_(norm.weight, 0.5, 2)
        nn.init.normal_(norm.bias, 0, 0.1)
    x = torch.randn(3, 2, 250)

    as_two = network(x, length)  # a gradient may be asked for
    with torch.no_grad():
        as_one = network(x, length)

    assert as_two.requires_grad
    assert not as_one.requires_grad
    torch.testing.assert_close(as_one, as_two.detach(), atol=1e-5, rtol=1e-5)
    assert as_two.std(0).min() > 0
