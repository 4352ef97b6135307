"""The recurrence plot holds distances between states."""

import math

import pytest
import torch

from pipeline.representations import rp


def test_three_samples_by_hand():
    x = torch.tensor([1.0, 2, 5], dtype=torch.float64)  # scaled to 0, 1/4, 1
    expected = torch.tensor([[0, 0.25, 1], [0.25, 0, 0.75], [1, 0.75, 0]], dtype=torch.float64)
    torch.testing.assert_close(rp(x, 3), expected)


def test_states_of_two_points_by_hand():
    # states (0, 1) and (1, 0) lie √2 apart
    x = torch.tensor([0.0, 1, 0], dtype=torch.float64)
    expected = torch.tensor([[0, math.sqrt(2)], [math.sqrt(2), 0]], dtype=torch.float64)
    torch.testing.assert_close(rp(x, 2, dimension=2), expected)


def test_threshold_by_hand():
    x = torch.tensor([0.0, 0.5, 1], dtype=torch.float64)
    assert rp(x, 3, threshold=0.6).tolist() == [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
    assert rp(x, 3, threshold="distance", percentage=50.0).tolist() == torch.eye(3).tolist()  # strictly below


@pytest.mark.parametrize(("dimension", "delay"), [(1, 1), (3, 5)])
def test_is_a_metric(dimension, delay):
    x = torch.randn(400, dtype=torch.float64)
    image = rp(x, 64, dimension=dimension, delay=delay)
    assert bool((image.diagonal() == 0).all())
    torch.testing.assert_close(image, image.mT, rtol=0, atol=0)
    around = (image[:, :, None] + image[None, :, :]).amin(1)  # the shortest way over a third state
    assert bool((image <= around + 1e-12).all())
    assert image.max() <= math.sqrt(dimension) + 1e-12


@pytest.mark.parametrize("options", [{}, {"dimension": 3, "delay": 2}, {"scale": "fixed"}, {"threshold": "point"}])
@pytest.mark.parametrize("level", [0.0, 0.1, -1.3, 40.7])
def test_constant_lead_gives_0(options, level):
    assert bool((rp(torch.full((1000,), level), 200, **options) == 0).all())


def test_share_of_recurring_pairs_is_the_percentage():
    x = torch.randn(256, dtype=torch.float64)
    share = rp(x, 256, threshold="point", percentage=20.0).mean()
    assert share == pytest.approx(0.2, abs=1e-3)


def test_fixed_scale_doubles_with_the_amplitude():
    x = torch.rand(200, dtype=torch.float64) - 0.5
    torch.testing.assert_close(rp(2 * x, 64, scale="fixed"), 2 * rp(x, 64, scale="fixed"))


def test_delay_counts_averaged_points():
    with pytest.raises(ValueError, match="74 samples"):
        rp(torch.randn(73), 64, dimension=3, delay=5)
    assert rp(torch.randn(74), 64, dimension=3, delay=5).shape == (64, 64)


@pytest.mark.parametrize(
    "wrong", [{"dimension": 0}, {"delay": 0}, {"threshold": 0.0}, {"threshold": "line"}, {"percentage": 101.0}]
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValueError, match="RP"):
        rp(torch.randn(100), 10, **wrong)
