"""The matrix is the store's way, to the last digits."""

import numpy as np
import pytest

from pipeline.export.preparation import preparation_matrix
from pipeline.signals.filters import band_pass, resample


@pytest.mark.parametrize(("native", "wanted", "band"), [(100, 100, (0.5, 40)), (250, 100, (0.5, 40)), (500, 100, None)])
def test_the_matrix_is_the_filter_and_the_resampling(native, wanted, band):
    x = np.random.default_rng(0).standard_normal((3, 4 * native)).cumsum(-1) / 20
    matrix = preparation_matrix(x.shape[-1], native, band, wanted)
    usual = resample(band_pass(x, native, band), native, wanted)
    np.testing.assert_allclose(x @ matrix, usual, rtol=0, atol=1e-13 * np.abs(x).max() * 50)


def test_nothing_to_do_is_no_matrix():
    assert preparation_matrix(1000, 100.0, None, 100.0) is None
