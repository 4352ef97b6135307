"""The deep residual network with a recurrence beside it."""

import torch

from models import create_model
from models.signal.ecgnet import HIDDEN, EcgNet


def test_the_recurrence_is_read_at_the_end_of_each_token_and_of_the_item() -> None:
    torch.manual_seed(0)
    network = create_model("ecgnet", in_channels=2, n_classes=3).eval()
    assert isinstance(network, EcgNet)
    x, length = torch.randn(2, 2, 75), torch.tensor([75, 40])
    heard = network.recurrent(x.mT)[0]
    tokens = network.tokens(x, length)[..., -HIDDEN:]
    ends = ([15, 31, 47, 74], [15, 39])  # 75 samples are four tokens of 16 and a rest, 40 two and a rest
    for row, places in enumerate(ends):
        torch.testing.assert_close(tokens[row, : len(places)], heard[row, places])
    features = network.features(x, length)[:, -HIDDEN:]
    torch.testing.assert_close(features, heard[[0, 1], [74, 39]])
