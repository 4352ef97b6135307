"""The network is the published one, layer for layer; a token is 32 samples."""

import torch
from plain_networks import Beside, ConcatPool, alike, head, normed
from torch import Tensor, nn

from models.registry import create_model


def published() -> nn.Sequential:
    """Three convolutions, a maximum, 3 + 4 + 23 + 3 bottleneck blocks, the head: for 12 leads and 5 classes."""
    layers: list[nn.Module] = []
    for n_in, n_out, stride in ((12, 32, 2), (32, 32, 1), (32, 64, 1)):
        layers += [normed(n_in, n_out, 5, stride), nn.ReLU()]
    layers += [nn.MaxPool1d(3, 2, 1)]
    n_in = 64
    for stage, depth in enumerate((3, 4, 23, 3)):
        for block in range(depth):
            stride = 2 if stage and not block else 1
            way = [normed(n_in, 64, 1), nn.ReLU(), normed(64, 64, 5, stride), nn.ReLU(), normed(64, 256, 1)]
            shorter: list[nn.Module] = [nn.AvgPool1d(2, ceil_mode=True)] if stride == 2 else []
            wider: list[nn.Module] = [normed(n_in, 256, 1)] if n_in != 256 else []
            layers += [Beside(nn.Sequential(*way), nn.Sequential(*shorter, *wider))]
            n_in = 256
    return nn.Sequential(*layers, ConcatPool(), *head(512, 5))


def test_it_is_the_published_network() -> None:
    torch.manual_seed(0)
    network, plain = create_model("xresnet1d101", in_channels=12, n_classes=5), published()
    alike(network.double(), plain.double())
    for time in (250, 999, 33):  # odd numbers of steps at every stage
        x = torch.randn(2, 12, time, dtype=torch.float64)
        torch.testing.assert_close(network(x), plain(x), atol=1e-10, rtol=0)
        with torch.no_grad():  # each convolution and its norm as one
            torch.testing.assert_close(network(x), plain(x), atol=1e-10, rtol=0)
        assert plain(x).std(0).min() > 1e-5, "items are not told apart, so that nothing is shown"


def test_a_token_is_32_samples() -> None:
    network = create_model("xresnet1d101", in_channels=1, n_classes=2).eval()
    for time in (1, 32, 33, 64, 250):
        assert network.tokens(torch.randn(1, 1, time)).shape == (1, -(-time // 32), 256)


def test_a_gradient_in_bf16_is_that_of_float32() -> None:
    """oneDNN once made one of memory that nobody wrote, of a kernel of 5 with a stride of 2."""
    torch.manual_seed(0)
    network = create_model("xresnet1d101", in_channels=12, n_classes=5)
    stem, x = network.get_submodule("body.layers.0"), torch.randn(16, 12, 250)
    weight, weigh = network.get_parameter("body.layers.0.layer.convolution.weight"), torch.randn(16, 32, 125)
    found: list[Tensor] = []
    for in_bf16 in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=in_bf16):
            y = stem(x, None)
        found += torch.autograd.grad((y.float() * weigh).sum(), [weight])
    torch.testing.assert_close(found[1], found[0], atol=0.03 * float(found[0].abs().max()), rtol=0)
