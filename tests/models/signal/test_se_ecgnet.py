"""The network that sees each lead by itself first."""

import pytest
import torch

from models import create_model
from models.signal.convolutional import ConvolutionalNetwork
from models.signal.masked import Chain


def test_leads_are_apart_until_they_are_side_by_side() -> None:
    torch.manual_seed(0)
    network = create_model("se_ecgnet", in_channels=3, n_classes=2).eval()
    assert isinstance(network, ConvolutionalNetwork)
    before = Chain(*list(network.body.layers)[:4])  # the stem; squeezes, behind it, hear the mean of all leads
    x = torch.randn(1, 3, 200)
    changed = x.clone()
    changed[:, 1] += 1.0
    differs = (before(x, None) != before(changed, None)).any(3).any(1)[0]
    assert differs.tolist() == [False, True, False]


def test_a_token_is_256_samples() -> None:
    network = create_model("se_ecgnet", in_channels=3, n_classes=2)
    assert isinstance(network, ConvolutionalNetwork)
    assert network.token_length(torch.tensor([1, 256, 257, 1000])).tolist() == [1, 1, 2, 4]


def test_too_few_channels_for_the_squeeze_are_refused() -> None:
    with pytest.raises(ValueError, match="width is 15; it is 16 or more"):
        create_model("se_ecgnet", in_channels=3, n_classes=2, width=15)
