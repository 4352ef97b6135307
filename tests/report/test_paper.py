"""Paper is true to the millimetre, the same every time, and shows names as they are."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from pipeline.report.paper import ecg_svg, plot_ecg
from pipeline.signals.leads import LEADS

RATE = 100.0
SECONDS = np.arange(0, 10, 1 / RATE)
TWELVE = np.stack([np.sin(2 * np.pi * (1 + number / 10) * SECONDS) for number in range(12)])


def lines(figure) -> list[np.ndarray]:
    """The waves and pulses, (2, points) mm each; the grid's lines have gaps."""
    (axes,) = figure.axes
    return [np.stack(line.get_data()) for line in axes.lines if not np.isnan(line.get_data()[0]).any()]


def test_a_second_and_a_millivolt_are_as_long_as_paper_says():
    figure = plot_ecg(TWELVE[:1], RATE, ["I"], layout="rows")
    width, height = figure.get_size_inches() * 25.4
    (axes,) = figure.axes
    assert axes.get_xlim() == pytest.approx((0, width))  # one unit of the axes is a millimetre
    assert axes.get_ylim() == pytest.approx((0, height))
    assert axes.get_position().bounds == (0, 0, 1, 1)
    pulse, wave = lines(figure)
    assert wave[0, -1] - wave[0, 0] == pytest.approx(25 * SECONDS[-1])
    assert np.ptp(wave[1]) == pytest.approx(10 * np.ptp(TWELVE[0]))
    assert np.ptp(pulse[1]) == pytest.approx(10)
    assert pulse[0, 3] - pulse[0, 1] == pytest.approx(5)


@pytest.mark.parametrize(("speed", "gain"), [(50.0, 10.0), (25.0, 20.0)])
def test_another_speed_and_gain_are_drawn_and_said(speed: float, gain: float):
    figure = plot_ecg(TWELVE[:1], RATE, ["I"], layout="rows", speed=speed, gain=gain)
    _, wave = lines(figure)
    assert np.ptp(wave[0]) == pytest.approx(speed * SECONDS[-1])
    assert np.ptp(wave[1]) == pytest.approx(gain * np.ptp(TWELVE[0]))
    assert any(f"{speed:g} mm/s   {gain:g} mm/mV" in text.get_text() for text in figure.axes[0].texts)


def test_three_rows_of_four_leads_go_on_in_time_above_the_rhythm():
    figure = plot_ecg(TWELVE, RATE, LEADS)
    names = [text.get_text() for text in figure.axes[0].texts][:13]
    assert names == ["I", "aVR", "V1", "V4", "II", "aVL", "V2", "V5", "III", "aVF", "V3", "V6", "II"]
    waves = [line for line in lines(figure) if line.shape[1] > 100]
    assert [wave.shape[1] for wave in waves] == [250] * 12 + [1000]
    starts = [wave[0, 0] for wave in waves[:4]]
    np.testing.assert_allclose(np.diff(starts), 62.5)
    zero_to_wave = waves[1][1] - 10 * TWELVE[LEADS.index("aVR"), 250:500]
    np.testing.assert_allclose(zero_to_wave, zero_to_wave[0])


def test_all_stays_on_the_paper():
    figure = plot_ecg(3 * TWELVE, RATE, LEADS)
    width, height = figure.get_size_inches() * 25.4
    for x, y in lines(figure):
        assert x.min() >= 0
        assert x.max() <= width
        assert y.min() >= 0
        assert y.max() <= height


@pytest.mark.parametrize("dark", [False, True])
def test_svg_has_its_size_in_millimetres_and_refers_to_nothing_elsewhere(dark: bool):
    text = ecg_svg(TWELVE, RATE, LEADS, title='<script>alert(1)</script> & $x$ "', notes=["--> <b>"], dark=dark)
    assert text == ecg_svg(TWELVE, RATE, LEADS, title='<script>alert(1)</script> & $x$ "', notes=["--> <b>"], dark=dark)
    root = ElementTree.fromstring(text)
    figure = plot_ecg(TWELVE, RATE, LEADS)
    width, height = figure.get_size_inches() * 25.4
    assert float(root.get("width", "").removesuffix("mm")) == pytest.approx(width, abs=1e-3)
    assert float(root.get("height", "").removesuffix("mm")) == pytest.approx(height, abs=1e-3)
    assert {each.tag.rpartition("}")[2] for each in root.iter()} <= {
        "svg",
        "defs",
        "style",
        "g",
        "path",
        "clipPath",
        "rect",
        "use",
    }
    references = re.findall(r'(?:href|src)="([^"]*)"|url\(([^)]*)\)', text)
    assert all((one or other).startswith("#") for one, other in references)


def test_what_cannot_be_laid_out_is_refused():
    with pytest.raises(ValueError, match="no layout 3x4 of the leads I II"):
        plot_ecg(TWELVE[:2], RATE, ["I", "II"])
    with pytest.raises(ValueError, match="no layout 2x6"):
        plot_ecg(TWELVE, RATE, LEADS, layout="2x6")
