"""How far two maps agree."""

import numpy as np
import pytest

from pipeline.explain.agreement import agreement, in_parts


def test_a_map_agrees_with_itself_in_any_unit_and_disagrees_with_its_opposite():
    x = np.random.default_rng(0).normal(size=(3, 100))
    assert agreement(x, x, 6) == pytest.approx(1.0)
    assert agreement(x, np.exp(in_parts(x, 1)).reshape(3, 100), 1) == pytest.approx(1.0)
    assert agreement(x, -x, 6) == pytest.approx(-1.0)
    assert agreement(x, np.zeros((3, 100)), 6) is None


def test_noise_agrees_with_nothing():
    draw = np.random.default_rng(1)
    assert abs(agreement(draw.normal(size=(12, 1000)), draw.normal(size=(12, 1000)), 6)) < 0.1


def test_parts_are_means_and_the_last_one_is_shorter():
    np.testing.assert_allclose(in_parts(np.arange(5.0)[None], 2), [0.5, 2.5, 4.0])
