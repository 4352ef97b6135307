"""A layer that mixes the steps by whatever it is given."""

import torch

from models.signal.masked import Convolution
from models.signal.mixing import MixingLayer


def test_a_mixer_and_a_hidden_layer_that_say_nothing_leave_the_steps() -> None:
    layer = MixingLayer(Convolution(4, 4, 3), 4, 8, 0.0)
    with torch.no_grad():
        for parameter in [*layer.mixer.parameters(), *layer.hidden[4].parameters()]:
            parameter.zero_()
    steps = torch.randn(2, 5, 4)
    torch.testing.assert_close(layer(steps, None), steps)


def test_what_stands_behind_an_item_does_not_reach_it() -> None:
    torch.manual_seed(0)
    layer = MixingLayer(Convolution(4, 4, 3), 4, 8, 0.0)
    steps = torch.randn(1, 5, 4)
    own = torch.tensor([3])
    torch.testing.assert_close(layer(steps, own)[:, :3], layer(steps[:, :3], None))
