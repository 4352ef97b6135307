"""The deviation by which signals are divided: small enough to be checked by hand."""

import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.inputs.scale import standard_deviation
from pipeline.store.arrays import ArrayStore

SQUARE = np.tile([1.0, -1.0], 100)  # mV; its deviation is 1
BOTH = np.arange(2)


def held(signals: np.ndarray) -> ArrayStore:
    """Signals of leads I and II, kept as they are."""
    return ArrayStore.of(signals, 100, ["I", "II"], band=None)


def test_the_mean_is_no_part_of_it():
    signals = np.stack([[SQUARE, SQUARE], [SQUARE, SQUARE]])
    assert standard_deviation(held(signals), BOTH, ("I", "II")) == pytest.approx(1)
    assert standard_deviation(held(signals + 2), BOTH, ("I", "II")) == pytest.approx(1)


def test_it_grows_as_the_signals_do():
    signals = np.stack([[SQUARE, 3 * SQUARE], [SQUARE, 3 * SQUARE]])
    once, twice = (standard_deviation(held(factor * signals), BOTH, ("I", "II")) for factor in (1, 2))
    assert once == pytest.approx(np.sqrt((1 + 9) / 2))
    assert twice == pytest.approx(2 * once)


def test_only_what_is_seen_counts():
    signals = np.stack([[SQUARE, 3 * SQUARE], [2 * SQUARE, 5 * SQUARE]])
    assert standard_deviation(held(signals), np.array([1]), ("II",)) == pytest.approx(5)
    assert standard_deviation(held(signals), np.array([0]), ("I",)) == pytest.approx(1)


def test_a_store_of_flat_signals_is_named():
    with pytest.raises(EcgFusionError, match="the signals of the array are flat: check the recordings"):
        standard_deviation(held(np.zeros((2, 2, 200))), BOTH, ("I",))
