"""Differences between rows of a table: one family, corrected together."""

import numpy as np

from benchmarks.seed_differences import differences
from pipeline.evaluation.paired import paired_p_value


def test_differences_from_controls_are_one_family_as_in_a_comparison():
    """As evaluate.py has them: a p-value that stands alone is below 0.05, and no longer among five."""
    random = np.random.default_rng(0)
    draws = {"control": random.normal(0.9, 0.001, 1000)}
    for i, (mean, spread) in enumerate(
        ((0.002, 0.0005), (0.002, 0.0006), (0.0011, 0.0005), (0.0, 0.001), (0.0, 0.001))
    ):
        draws[str(i)] = draws["control"] + random.normal(mean, spread, 1000)
    values = {name: [float(x.mean())] for name, x in draws.items()}
    against = {name: (name, "control") for name in draws if name != "control"}
    alone = {name: differences(values, draws, {name: pair})[name] for name, pair in against.items()}
    together = differences(values, draws, against)
    assert ["within noise" in text for text in alone.values()] == [False, False, False, True, True]
    assert ["within noise" in text for text in together.values()] == [False, False, True, True, True]
    p = paired_p_value(draws["0"] - draws["control"])
    assert f"p {5 * p:.3f}" in together["0"]
