"""Layers over maps of leads × time: each item gets what it would get alone; each lead is a row."""

import pytest
import torch
from torch import nn

from models.signal.lead_maps import (
    LeadsAsChannels,
    LeadsAsRows,
    MapConvolution,
    MapExcitation,
    MapNorm,
    MeanOfLeads,
    SideBySide,
)
from models.signal.masked import Chain, Residual

LENGTHS = torch.tensor([40, 17, 26, 33])


def layers() -> Chain:
    torch.manual_seed(0)
    inner = Chain(MapConvolution(32, 32, (3, 5)), nn.ReLU(), MapNorm(32), MapExcitation(32, 16))
    sides = SideBySide([MapConvolution(32, 3, (1, kernel), 2) for kernel in (3, 6)])
    return Chain(LeadsAsRows(), MapConvolution(1, 32, (1, 8), 2), MapNorm(32), Residual(inner), sides, MeanOfLeads())


@pytest.mark.parametrize("n_leads", [1, 2, 5])
def test_each_item_gets_what_it_would_get_alone(n_leads: int) -> None:
    chain = layers().eval()
    x = torch.randn(4, n_leads, 40) * (torch.arange(40) < LENGTHS[:, None])[:, None]
    together = chain(x, LENGTHS)
    for row, n in enumerate(LENGTHS.tolist()):
        alone = chain(x[row : row + 1, :, :n], None)
        steps = chain.n_steps(n)
        assert alone.shape == (1, 6, steps)
        torch.testing.assert_close(together[row, :, :steps], alone[0], atol=1e-6, rtol=1e-6)
        assert not together[row, :, steps:].any()


def test_a_norm_counts_all_leads_and_an_items_own_steps() -> None:
    x = torch.randn(4, 3, 5, 40) * (torch.arange(40) < LENGTHS[:, None])[:, None, None]
    own = torch.cat([item[..., :n].flatten(1) for item, n in zip(x, LENGTHS.tolist(), strict=True)], 1)  # (3, steps)
    norm = MapNorm(3)
    norm(x, LENGTHS)
    torch.testing.assert_close(norm.norm.running_mean, 0.1 * own.mean(1))
    torch.testing.assert_close(norm.norm.running_var, 0.9 + 0.1 * own.var(1))
    torch.testing.assert_close(MapNorm(3)(x, None), nn.BatchNorm2d(3)(x))


def test_a_kernel_of_one_row_sees_one_lead_and_of_three_its_neighbours() -> None:
    x = torch.zeros(1, 1, 6, 20)
    x[0, 0, 2, 9] = 1.0
    for rows, seen in ((1, [2]), (3, [1, 2, 3])):
        y = MapConvolution(1, 4, (rows, 5), bias=False)(x, None)
        assert y.abs().sum((0, 1, 3)).nonzero().flatten().tolist() == seen


def test_leads_side_by_side_are_those_of_each_channel() -> None:
    x = torch.arange(12.0).reshape(1, 2, 3, 2)
    assert LeadsAsChannels()(x, None)[0, :, 0].tolist() == [0, 2, 4, 6, 8, 10]
