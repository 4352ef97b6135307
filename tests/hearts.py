"""A beat of the simulated heart alone."""

import numpy as np

from pipeline.sources.simulation.heart import LEADS_OF_ELECTRODES, Heart, _render


def one_beat(heart: Heart, electrodes: np.ndarray, times: np.ndarray) -> np.ndarray:
    """An ordinary beat without noise, (12, time) in mV, at ``times`` in s after its R peak."""
    return LEADS_OF_ELECTRODES @ electrodes @ _render(heart.waves, np.zeros(1), np.ones(1), times)
