"""The network is the published one, layer for layer; a token is a sample."""

import torch
from plain_networks import ConcatPool, alike, head, normed
from torch import Tensor, nn

from models.registry import create_model


class Inception(nn.Module):
    """Kernels of 39, 19 and 9 on a bottleneck of 32 channels, and a convolution of a maximum of three steps."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.bottleneck = nn.Conv1d(n_in, 32, 1, bias=False)
        self.wide = nn.ModuleList(nn.Conv1d(32, 32, k, padding=k // 2, bias=False) for k in (39, 19, 9))
        self.largest = nn.Sequential(nn.MaxPool1d(3, 1, 1), nn.Conv1d(n_in, 32, 1, bias=False))
        self.norm = nn.BatchNorm1d(128)

    def forward(self, x: Tensor) -> Tensor:
        narrow = self.bottleneck(x)
        y: Tensor = self.norm(torch.cat([*(wide(narrow) for wide in self.wide), self.largest(x)], 1)).relu()
        return y


class Published(nn.Module):
    """Six of them with a shortcut around each three, for 12 leads and 5 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.ModuleList([Inception(12), Inception(128), Inception(128)])
        self.first_shortcut = normed(12, 128, 1)
        self.second = nn.ModuleList(Inception(128) for _ in range(3))
        self.second_shortcut = normed(128, 128, 1)
        self.head = nn.Sequential(ConcatPool(), *head(256, 5))

    def forward(self, x: Tensor) -> Tensor:
        for blocks, shortcut in ((self.first, self.first_shortcut), (self.second, self.second_shortcut)):
            before = x
            for block in blocks:
                x = block(x)
            x = (x + shortcut(before)).relu()
        y: Tensor = self.head(x)
        return y


def test_it_is_the_published_network() -> None:
    torch.manual_seed(0)
    network, plain = create_model("inception1d", in_channels=12, n_classes=5), Published()
    alike(network.double(), plain.double())
    for time in (250, 101):
        x = torch.randn(2, 12, time, dtype=torch.float64)
        torch.testing.assert_close(network(x), plain(x), atol=1e-10, rtol=0)
        assert plain(x).std(0).min() > 1e-5, "items are not told apart, so that nothing is shown"


def test_a_token_sees_the_widest_kernel_of_each_block_and_is_a_sample() -> None:
    network = create_model("inception1d", in_channels=1, n_classes=2).double().eval()
    x = torch.randn(1, 1, 400, dtype=torch.float64)
    changed = x.clone()
    changed[..., 200] += 1.0
    with torch.no_grad():
        differs = (network.tokens(x) - network.tokens(changed)).abs().amax(2)[0] > 0
    assert network.tokens(x).shape == (1, 400, 128)
    seen = differs.nonzero().flatten() - 200
    assert seen.min() >= -6 * 19
    assert seen.max() <= 6 * 19
    assert seen.max() - seen.min() > 19 * 6  # more than a row of three blocks
