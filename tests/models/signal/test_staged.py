"""Networks in stages: the steps of each, and the mean of an item's own."""

import torch
from torch import Tensor, nn

from models.signal.masked import Chain, Convolution
from models.signal.staged import Staged


class Doubled(nn.Module):
    """A block that can be told from none."""

    def forward(self, x: Tensor, steps: Tensor | None) -> Tensor:
        return 2 * x


def staged() -> Staged:
    torch.manual_seed(0)
    stem = Chain(Convolution(1, 2, 3, 2))
    stages = [[Doubled()], [], [Doubled(), Doubled()]]
    return Staged(stem, stages, (2, 4, 6), in_channels=1, n_classes=3).eval()


def test_each_stage_but_the_first_has_half_the_steps() -> None:
    network = staged()
    for time in (1, 8, 9, 40):
        assert network.tokens(torch.randn(1, 1, time)).shape == (1, -(-time // 8), 6)
        assert network.token_length(torch.tensor([time])).tolist() == [-(-time // 8)]


def test_blocks_stand_in_their_stages() -> None:
    network, x = staged(), torch.randn(1, 1, 40)
    first, second = network.shorter
    map_ = second(first(2 * network.stem(x, None), None), None)
    torch.testing.assert_close(network.tokens(x), 4 * map_.transpose(1, 2))


def test_the_mean_is_of_an_items_own_steps() -> None:
    tokens = torch.tensor([[[1.0], [3.0], [8.0]], [[-4.0], [99.0], [99.0]]])
    assert staged().pool(tokens, torch.tensor([24, 8])).flatten().tolist() == [4.0, -4.0]
