"""What is doubtful in a recording: said where it was made so, and hardly ever of recordings as they are."""

import numpy as np
import pytest

from pipeline.signals.leads import LEADS
from pipeline.signals.quality import arms_seem_swapped, doubts, flat_leads, noise_mv, saturated_leads
from pipeline.sources.formats.registry import open_file

RATES = (100.0, 500.0)
SHARES = {"I": 0.6, "II": 1.0, "III": 0.4, "aVR": -0.8, "aVL": 0.1, "aVF": 0.7}


def heart(rate: float, seconds: float = 10.0) -> np.ndarray:
    """Twelve leads of a heart that beats once a second: a QRS complex and a T wave, and breath."""
    time = np.arange(round(seconds * rate)) / rate
    beat = np.exp(-0.5 * (((time % 1) - 0.4) / 0.015) ** 2) + 0.2 * np.exp(-0.5 * (((time % 1) - 0.7) / 0.05) ** 2)
    breath = 0.02 * np.sin(2 * np.pi * 0.25 * time) + 0.003 * np.random.default_rng(0).standard_normal((12, len(time)))
    return np.stack([SHARES.get(lead, 0.9) * beat for lead in LEADS]) + breath


@pytest.mark.parametrize("rate", RATES)
def test_nothing_is_said_of_a_plain_recording(rate: float):
    assert doubts(heart(rate), rate, LEADS) == ()


@pytest.mark.parametrize("rate", RATES)
def test_a_lead_that_is_flat_or_was_for_a_second_is_named(rate: float):
    x = heart(rate)
    x[3] = 0.7
    x[8, round(2 * rate) : round(3.2 * rate)] = x[8, round(2 * rate)]
    assert np.flatnonzero(flat_leads(x, rate)).tolist() == [3, 8]
    assert doubts(x, rate, LEADS)[0].startswith("lead aVR, V3 is flat")


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_lead_that_stays_at_an_end_is_saturated(rate: float, sign: int):
    x = heart(rate)
    x[5] = sign * np.minimum(20 * np.abs(x[5]), 1.0)  # whose median is near 0.36 mV
    assert np.flatnonzero(saturated_leads(x, rate)).tolist() == [5]
    assert any("lead aVF stays at an end" in sentence for sentence in doubts(x, rate, LEADS))


@pytest.mark.parametrize("rate", RATES)
def test_noise_is_measured_beside_the_beats(rate: float):
    noise = np.random.default_rng(1).standard_normal((12, round(10 * rate)))
    assert noise_mv(heart(rate), rate).max() < 0.01
    # what is averaged to 100 Hz has less of a noise of the same deviation
    found = noise_mv(heart(rate) + 0.2 * np.sqrt(rate / 100) * noise, rate)
    assert found == pytest.approx(np.full(12, 0.2 * np.sqrt(1 - 17 / 35)), rel=0.15)
    assert any("is noisy" in each for each in doubts(heart(rate) + 0.2 * np.sqrt(rate / 100) * noise, rate, LEADS))


def swapped(x: np.ndarray) -> np.ndarray:
    """The same heart with the arm electrodes swapped."""
    at = {lead: x[number] for number, lead in enumerate(LEADS)}
    limbs = [-at["I"], at["III"], at["II"], at["aVL"], at["aVR"], at["aVF"]]
    return np.stack([*limbs, *x[6:]])


@pytest.mark.parametrize("rate", RATES)
def test_swapped_arms_are_suspected(rate: float):
    x = heart(rate)
    x[4] = 0.3 * x[6]  # so that aVR, which shows aVL, points up
    assert not arms_seem_swapped(x, rate, LEADS)
    assert arms_seem_swapped(swapped(x), rate, LEADS)
    turned = swapped(x)
    turned[11] *= -1  # a heart whose V6 points down, too, is turned itself
    assert not arms_seem_swapped(turned, rate, LEADS)
    assert arms_seem_swapped(turned[:6], rate, LEADS[:6])
    assert not arms_seem_swapped(turned[1:], rate, LEADS[1:])


@pytest.mark.parametrize(("factor", "unit"), [(1000, "uV"), (0.001, "mV")])
def test_another_unit_is_asked_about(factor: float, unit: str):
    (sentence,) = doubts(factor * heart(100), 100, LEADS)
    assert sentence.endswith(f"is its unit {unit}?")


def test_too_little_to_judge_is_not_judged():
    assert doubts(np.zeros((12, 2)), 100, LEADS) == ()
    assert "flat" in doubts(np.zeros((12, 50)), 100, LEADS)[0]


@pytest.mark.realdata
def test_hardly_anything_is_said_of_recordings_as_they_are(ptbxl_folder):
    """Of 100 records of PTB-XL; and arms that are swapped are found in at least half of them."""
    files = sorted(ptbxl_folder.glob("records100/*/*.hea"))[::190]
    signals = [open_file(str(file)).read() for file in files]
    said = [doubts(each.signal, each.sampling_rate, each.leads) for each in signals]
    assert sum(map(bool, said)) <= 0.03 * len(said)
    turned = [arms_seem_swapped(swapped(each.signal), each.sampling_rate, each.leads) for each in signals]
    assert sum(turned) >= 0.5 * len(turned)
