"""The network is the published one, but for the step that its even kernel loses there."""

import torch
from plain_networks import ConcatPool, alike, head
from torch import nn

from models.registry import create_model


def published() -> nn.Sequential:
    """Kernels of 8, 5 and 3, for 12 leads and 5 classes."""
    layers: list[nn.Module] = []
    for n_in, n_out, kernel in ((12, 128, 8), (128, 256, 5), (256, 128, 3)):
        convolution = nn.Conv1d(n_in, n_out, kernel, padding=(kernel - 1) // 2, bias=False)
        layers += [convolution, nn.BatchNorm1d(n_out), nn.ReLU()]
    return nn.Sequential(*layers, ConcatPool(), *head(256, 5))


def test_it_is_the_published_network() -> None:
    torch.manual_seed(0)
    network, plain = create_model("fcn_wang", in_channels=12, n_classes=5), published()
    alike(network, plain)
    x = torch.randn(2, 12, 250)
    ours, theirs = network.tokens(x).mT, plain[:9](x)
    assert (ours.shape, theirs.shape) == ((2, 128, 250), (2, 128, 249))
    torch.testing.assert_close(ours[..., :246], theirs[..., :246], atol=1e-5, rtol=1e-5)  # the end, it alone, differs
    assert (ours[..., 248] - theirs[..., 248]).abs().max() > 1e-3
    torch.testing.assert_close(network.head(network.pool(theirs.mT)), plain(x), atol=1e-5, rtol=1e-5)
