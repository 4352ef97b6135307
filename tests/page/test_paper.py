"""A recording on the page's paper is where its millimetres say, however it is sampled."""

import re

import numpy as np
import pytest

from pipeline.page.model import Picture
from pipeline.page.paper import paper


def places(path: str) -> np.ndarray:
    """Where a path of relative lines goes, mm."""
    numbers = [float(each) for each in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", path)]
    found: np.ndarray = np.cumsum(np.array(numbers).reshape(-1, 2), axis=0)
    return found


def traces(signal: np.ndarray, rate: float, leads: tuple[str, ...]) -> list[np.ndarray]:
    drawing, _ = paper("k", Picture("r", (), signal, leads, rate))
    return [places(path) for path in re.findall(r'<path d="([^"]*)" class="trace">', drawing) if "l0 0" in path]


@pytest.mark.parametrize("rate", [100, 500, 1000])
def test_a_millivolt_is_ten_millimetres_and_a_second_25(rate: int):
    seconds = np.arange(0, 4, 1 / rate)
    (trace,) = traces(np.sin(2 * np.pi * seconds)[None], rate, ("II",))
    assert np.ptp(trace[:, 1]) == pytest.approx(20, abs=0.1)
    assert np.ptp(trace[:, 0]) == pytest.approx(100, abs=0.6)
    highest, lowest = trace[trace[:, 1].argmin(), 0], trace[trace[:, 1].argmax(), 0]
    assert (lowest - highest) % 25 == pytest.approx(12.5, abs=0.6)


def test_what_is_no_number_leaves_a_gap():
    signal = np.zeros((1, 200))
    signal[0, 50:60] = np.nan
    drawing, notes = paper("k", Picture("r", (), signal, ("II",), 100.0))
    assert "nan" not in drawing
    assert any("missing" in note for note in notes)


def test_long_recordings_say_what_is_shown_and_names_are_text():
    drawing, notes = paper("k", Picture("<b>", (), np.zeros((1, 3000)), ("<i>",), 100.0))
    assert notes[-1] == "The first 10 s of 30 s."
    assert "<b>" not in drawing
    assert "<i>" not in drawing
