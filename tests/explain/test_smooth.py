"""What a network sees, with a slope: the same bits, and the slope that they had before they were rounded."""

import pytest
import torch
from untrained_runs import LEADS, drawn, image_spec

from pipeline.explain.smooth import Smooth, lead_map_rows
from pipeline.export.seeing import Seeing
from pipeline.inputs.spec import InputSpec
from pipeline.representations import LEAD_MAP_KEY, REPRESENTATIONS, LeadMapRecipe

SPECS = {
    f"{name} {scale}": drawn(name, scale=scale) for name in ("gaf", "rp", "stft") for scale in ("record", "fixed")
} | {"lead map": image_spec({LEAD_MAP_KEY: LeadMapRecipe(size=96).parameters()}, leads=LEADS)}


def counts_of(spec: InputSpec, n: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)  # the same whatever ran before
    return (torch.randn(n, len(spec.leads), 300, dtype=torch.float64, generator=generator).cumsum(-1) * 40).round()


@pytest.mark.parametrize("name", SPECS)
def test_the_recording_that_is_held_is_seen_to_the_bit(name: str):
    smooth, counts = Smooth(SPECS[name], SPECS[name].leads), counts_of(SPECS[name])
    smooth.holding = True
    assert torch.equal(smooth(counts), Seeing(SPECS[name], SPECS[name].leads)(counts))
    smooth.holding = False
    twice = smooth(torch.cat([counts, counts]))
    torch.testing.assert_close(twice[1:], smooth(counts), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["gaf", "rp", "stft"])
def test_the_slope_goes_straight_through_the_rounding(name: str):
    spec = drawn(name, scale="fixed")
    smooth, counts = Smooth(spec, spec.leads), counts_of(spec)
    smooth.holding = True
    smooth(counts)
    smooth.holding = False
    weight, x = torch.randn(1, 2, 72, 72), counts.clone().requires_grad_()
    (smooth(x) * weight).sum().backward()
    soft = (counts / spec.gain).requires_grad_()
    parameters = dict(spec.representations[name])
    low, high = parameters.pop("value_range")
    images = REPRESENTATIONS[name].draw(soft, sampling_rate=spec.sampling_rate, **parameters)
    ((images - low) / (high - low) * weight).sum().backward()
    assert x.grad is not None
    assert soft.grad is not None
    torch.testing.assert_close(x.grad * spec.gain, soft.grad, rtol=1e-4, atol=1e-6 * float(soft.grad.abs().max()))


def test_each_row_of_a_lead_map_is_of_a_lead():
    rows = lead_map_rows(12, 100)
    assert len(rows) == 100
    assert torch.equal(rows, rows.sort().values)
    assert set(rows.bincount().tolist()) == {8, 9}
