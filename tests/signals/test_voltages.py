"""Voltages of a beat: sums that a reader can check, whatever the level, and NaN where a lead is missing."""

import numpy as np
import pytest

from pipeline.signals.leads import LEADS
from pipeline.signals.voltages import VOLTAGES, voltages

R = dict(zip(LEADS, (1.1, 0.9, 0.2, 0.0, 0.7, 0.3, 0.2, 0.4, 0.6, 1.2, 1.9, 1.6), strict=True))
S = dict(zip(LEADS, (0.1, 0.2, 0.8, 1.0, 0.0, 0.5, 1.3, 1.8, 1.0, 0.6, 0.3, 0.1), strict=True))
EXPECTED = {
    "Sokolow-Lyon": 1.3 + 1.9,
    "Cornell": 0.7 + 1.0,
    "R aVL": 0.7,
    "Gubner": 1.1 + 0.8,
    "Lewis": 1.1 + 0.8 - 0.1 - 0.2,
    "Peguero": 1.8 + 0.6,
    "R V1": 0.2,
    "R V1 and S V5 or V6": 0.2 + 0.3,
    "largest limb QRS": 1.2,
    "largest chest QRS": 2.2,
    "net QRS I": 1.0,
    "net QRS aVF": -0.2,
}


def beat(sampling_rate: int = 100, level: float = 0.0) -> np.ndarray:
    """(12, 1 s): R at 0.4 s, S 40 ms later, a P and a T wave that are higher than both."""
    x = np.full((12, sampling_rate), level)
    for row, lead in enumerate(LEADS):
        at = {0.2: 5.0, 0.4: R[lead], 0.44: -S[lead], 0.7: 5.0}
        for time, mv in at.items():
            x[row, round(time * sampling_rate)] += mv
    return x


@pytest.mark.parametrize(("sampling_rate", "level"), [(100, 0.0), (500, 0.0), (100, -0.7), (250, 3.0)])
def test_they_are_the_sums_of_the_textbooks(sampling_rate: int, level: float):
    found = voltages(beat(sampling_rate, level), LEADS, sampling_rate, 0.4)
    assert dict(zip(VOLTAGES, found, strict=True)) == pytest.approx(EXPECTED)


def test_a_lead_counts_by_its_name_wherever_it_stands():
    order = np.random.default_rng(0).permutation(12)
    names = [LEADS[number] for number in order]
    np.testing.assert_allclose(voltages(beat()[order], names, 100, 0.4), list(EXPECTED.values()))


def test_what_needs_a_missing_lead_is_not_known():
    chosen = [LEADS.index(lead) for lead in ("I", "aVL", "V3")]
    found = dict(zip(VOLTAGES, voltages(beat()[chosen], ("I", "aVL", "V3"), 100, 0.4), strict=True))
    known = {name for name, value in found.items() if np.isfinite(value)}
    assert known == {"Cornell", "R aVL", "net QRS I"}
    assert np.isnan(voltages(beat()[:1], ("MLII",), 100, 0.4)).all()
    assert np.isnan(voltages(np.empty((0, 100)), (), 100, 0.4)).all()


def test_no_wave_is_less_than_nothing():
    """A lead that only falls has an R of 0, and one that only rises an S of 0."""
    x = np.zeros((12, 100))
    x[LEADS.index("V1"), 40] = -1.0
    x[LEADS.index("V5"), 40] = 2.0
    found = dict(zip(VOLTAGES, voltages(x, LEADS, 100, 0.4), strict=True))
    assert (found["R V1"], found["Sokolow-Lyon"], found["R V1 and S V5 or V6"]) == (0, 3, 0)
