"""Averages of a map are torch's own, whatever the sizes."""

import pytest
import torch
from torch import nn

from pipeline.export.pooling import AveragedTo, with_averages_as_products


@pytest.mark.parametrize(("sides", "size"), [((6, 6), (6, 6)), ((7, 11), (6, 6)), ((1, 3), (6, 2)), ((12, 5), (4, 5))])
def test_they_are_those_of_torch(sides: tuple[int, int], size: tuple[int, int]):
    x = torch.randn(2, 3, *sides)
    torch.testing.assert_close(AveragedTo(size)(x), nn.functional.adaptive_avg_pool2d(x, size))


def test_a_network_keeps_its_own():
    network = nn.Sequential(nn.AdaptiveAvgPool2d(6), nn.AdaptiveAvgPool2d(1))
    changed = with_averages_as_products(network)
    assert [type(layer) for layer in changed.children()] == [AveragedTo, nn.AdaptiveAvgPool2d]
    assert isinstance(network[0], nn.AdaptiveAvgPool2d)
