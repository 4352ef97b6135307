"""The Gramian angular field is the cosine of summed angles, or the sine of their difference."""

import math

import numpy as np
import pytest
import torch

from pipeline.representations import gaf


def lead(n=300):
    return torch.randn(n, dtype=torch.float64)


def test_gasf_of_three_samples_by_hand():
    # scaled to −1, 0, 1: angles π, π/2, 0
    expected = [[1.0, 0, -1], [0, -1, 0], [-1, 0, 1]]
    image = gaf(torch.tensor([2.0, 3, 4], dtype=torch.float64), 3)
    torch.testing.assert_close(image, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-15)


def test_gadf_of_three_samples_by_hand():
    expected = [[0.0, 1, 0], [-1, 0, 1], [0, -1, 0]]  # sin(φᵢ − φⱼ)
    image = gaf(torch.tensor([2.0, 3, 4], dtype=torch.float64), 3, method="difference")
    torch.testing.assert_close(image, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-15)


def test_fixed_scale_by_hand():
    # ±2 mV: 1 mV is cos 60°, so cos 120° with itself and cos 150° with 0 mV
    image = gaf(torch.tensor([1.0, 0], dtype=torch.float64), 2, scale="fixed", range_mv=2.0)
    expected = torch.tensor([[-0.5, -math.sqrt(3) / 2], [-math.sqrt(3) / 2, -1]], dtype=torch.float64)
    torch.testing.assert_close(image, expected)


def test_gasf_is_symmetric_with_2x2_minus_1_on_the_diagonal():
    x = lead()
    image = gaf(x, 300)
    scaled = (x - x.min()) / (x.max() - x.min()) * 2 - 1
    torch.testing.assert_close(image, image.mT, rtol=0, atol=0)
    torch.testing.assert_close(image.diagonal(), 2 * scaled**2 - 1, rtol=0, atol=1e-12)


def test_roots_are_rounded_correctly():
    cosine = torch.linspace(-1, 1, 300, dtype=torch.float64).roll(100)  # its own scale
    found = gaf(cosine, 300)
    squared = 1 - cosine.numpy() ** 2
    sine = np.sqrt(squared.clip(min=0))
    expected = np.multiply.outer(cosine.numpy(), cosine.numpy()) - np.multiply.outer(sine, sine)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_gadf_is_antisymmetric():
    image = gaf(lead(), 64, method="difference")
    torch.testing.assert_close(image, -image.mT, rtol=0, atol=0)


@pytest.mark.parametrize(("method", "value"), [("summation", 1.0), ("difference", 0.0)])
@pytest.mark.parametrize("level", [0.0, 0.1, -1.3, 4096.7])
def test_constant_lead(method, value, level):
    x = torch.full((1000,), level, dtype=torch.float64)
    assert bool((gaf(x, 256, method=method) == value).all())


def test_only_the_fixed_scale_sees_amplitude():
    x = torch.linspace(0, 20, 300, dtype=torch.float64).sin()  # 1 mV
    # a root near 0 turns the last bit of the scaled lead into 1e-8
    torch.testing.assert_close(gaf(x, 64), gaf(2 * x + 1, 64), rtol=0, atol=1e-6)
    assert (gaf(2 * x, 64, scale="fixed") - gaf(x, 64, scale="fixed")).max() > 1  # cos 0° rather than cos 120°


def test_unknown_method_is_refused():
    with pytest.raises(ValueError, match="'sum'"):
        gaf(lead(), 64, method="sum")
