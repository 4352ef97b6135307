"""An explanation that was made up."""

import numpy as np
import pytest

from pipeline.explain.explanation import Explanation


@pytest.fixture
def explanation() -> Explanation:
    draw = np.random.default_rng(0)
    values = draw.normal(0, 0.01, (2, 300))
    values[1, 195:207] = -2.0
    values[0, 50:62] = 1.0
    return Explanation(
        file="a.hea",
        record_id="a",
        run="runs/gru",
        class_name="MI",
        probability=0.75,
        window_s=0.12,
        signal=draw.normal(size=(2, 300)),
        leads=("II", "V2"),
        sampling_rate=100.0,
        values=values,
        moments=values.sum(0),
    )
