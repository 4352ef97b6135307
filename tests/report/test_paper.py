"""Paper is true to the millimetre, the same every time, and shows names as they are."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from pipeline.errors import EcgFusionError
from pipeline.report.paper import DPI, ecg_svg, plot_ecg, save_ecg
from pipeline.report.paper_layout import MOST_MV
from pipeline.signals.leads import LEADS

RATE = 100.0
SECONDS = np.arange(0, 10, 1 / RATE)
TWELVE = np.stack([np.sin(2 * np.pi * (1 + number / 10) * SECONDS) for number in range(12)])


def measured(text: str, gid: str) -> list[np.ndarray]:
    """The points of what an SVG draws under names that begin so, (points, 2), in mm of its stated size."""
    root = ElementTree.fromstring(text)
    millimetres = float(root.get("width", "").removesuffix("mm")) / float(root.get("viewBox", "").split()[2])
    found = []
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        if group.get("id", "").startswith(gid):
            path = group.find("{http://www.w3.org/2000/svg}path")
            assert path is not None
            numbers = re.findall(r"-?\d+(?:\.\d+)?", path.get("d", ""))
            found.append(np.array(numbers, dtype=float).reshape(-1, 2) * millimetres)
    return found


@pytest.mark.parametrize(("speed", "gain"), [(25, 10), (50, 10), (25, 5), (25, 20)])
def test_a_second_and_a_millivolt_are_as_long_in_the_svg_as_paper_says(speed: float, gain: float):
    text = ecg_svg(TWELVE[:1, :401], RATE, ["I"], speed=speed, gain=gain)
    (pulse,), (wave, *_) = measured(text, "calibration"), measured(text, "trace")
    assert np.ptp(pulse[:, 1]) == pytest.approx(gain, abs=0.01)
    assert pulse[3, 0] - pulse[1, 0] == pytest.approx(0.2 * speed, abs=0.01)
    assert np.ptp(wave[:, 0]) == pytest.approx(4 * speed, abs=0.02)
    assert np.ptp(wave[:, 1]) == pytest.approx(gain * np.ptp(TWELVE[0, :401]), abs=0.05)


@pytest.mark.parametrize(("name", "step"), [("grid-1mm", 1), ("grid-5mm", 5)])
def test_squares_are_of_1_and_5_millimetres(name: str, step: int):
    (points,) = measured(ecg_svg(TWELVE, RATE, LEADS), name)
    for axis in 0, 1:
        np.testing.assert_allclose(np.diff(np.unique(points[:, axis].round(2))), step, atol=0.02)


def test_zero_lies_on_a_strong_line():
    text = ecg_svg(TWELVE, RATE, LEADS)
    (strong,) = measured(text, "grid-5mm")
    for pulse in measured(text, "calibration"):
        assert np.abs(strong[:, 1] - pulse[0, 1]).min() < 0.01


def test_no_wave_makes_the_paper_endless():
    figure = plot_ecg(1e4 * TWELVE, RATE, LEADS)
    height, n_rows = figure.get_size_inches()[1] * 25.4, 4
    assert height < n_rows * (2 * MOST_MV * 10 + 15) + 20  # mm, of 10 mm/mV; unbounded waves would need 80 m


@pytest.mark.parametrize("dark", [False, True])
def test_svg_has_its_size_in_millimetres_and_refers_to_nothing_elsewhere(dark: bool):
    how: dict[str, Any] = {"title": '<script>alert(1)</script> & $x$ "', "notes": ["--> <b>"], "dark": dark}
    text = ecg_svg(TWELVE, RATE, LEADS, **how)
    root = ElementTree.fromstring(text)
    width, height = plot_ecg(TWELVE, RATE, LEADS, **how).get_size_inches() * 25.4
    assert float(root.get("width", "").removesuffix("mm")) == pytest.approx(width, abs=1e-3)
    assert float(root.get("height", "").removesuffix("mm")) == pytest.approx(height, abs=1e-3)
    kinds = {each.tag.rpartition("}")[2] for each in root.iter()}
    assert kinds <= {"svg", "defs", "style", "g", "path", "clipPath", "rect", "use"}
    references = re.findall(r'(?:href|src)="([^"]*)"|url\(([^)]*)\)', text)
    assert all((one or other).startswith("#") for one, other in references)


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_recording_gives_the_same_bytes(tmp_path, kind: str):
    for name in "ab":
        save_ecg(tmp_path / f"{name}.{kind}", plot_ecg(TWELVE, RATE, LEADS, title="a"))
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_threads_draw_the_same():
    def drawn(number: int) -> str:
        return ecg_svg(TWELVE[: 1 + number % 3], RATE, LEADS[: 1 + number % 3])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(drawn, range(6))) == [drawn(number) for number in range(6)]


def test_a_png_says_its_resolution_and_has_it(tmp_path):
    figure = plot_ecg(TWELVE, RATE, LEADS)
    save_ecg(tmp_path / "a.png", figure)
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["dpi"] == pytest.approx((DPI, DPI), abs=0.1)
        assert np.array(image.size) / DPI == pytest.approx(figure.get_size_inches(), abs=1.5 / DPI)


def test_notes_scale_rate_and_filter_stand_beside_it():
    figure = plot_ecg(TWELVE, RATE, LEADS, notes=["a finding"], filtered="0.5 to 40 Hz")
    texts = [text.get_text() for text in figure.texts]
    assert "a finding" in texts
    assert any(all(part in text for part in ("25 mm/s", "10 mm/mV", "100 Hz", "0.5 to 40 Hz")) for text in texts)


def test_names_are_shown_as_they_are_and_shortened():
    (axes,) = plot_ecg(TWELVE[:2], RATE, ["$\\frac$", "x" * 40]).axes
    assert [text.get_text() for text in axes.texts] == ["\\$\\frac\\$", "x" * 15 + "…"]


def test_what_cannot_be_laid_out_is_refused():
    with pytest.raises(EcgFusionError, match="no layout wide"):
        plot_ecg(TWELVE, RATE, LEADS, layout="wide")
    with pytest.raises(EcgFusionError, match="of 2 leads"):
        plot_ecg(TWELVE, RATE, LEADS[:2])
    with pytest.raises(EcgFusionError, match="above 0"):
        plot_ecg(TWELVE, RATE, LEADS, gain=0)


def test_a_narrow_page_fits_on_a4_across_and_has_its_notes_below():
    notes = ["a note " * 60, "another note"]
    bare = plot_ecg(TWELVE, RATE, LEADS, narrow=True)
    noted = plot_ecg(TWELVE, RATE, LEADS, narrow=True, notes=notes)
    (width, height), (as_wide, higher) = bare.get_size_inches() * 25.4, noted.get_size_inches() * 25.4
    assert width <= 297 - 2 * 10
    assert as_wide == width
    assert higher > height
    renderer = FigureCanvasAgg(noted).get_renderer()
    paper = noted.axes[0].get_window_extent(renderer)
    for text in noted.texts:
        box = text.get_window_extent(renderer)
        assert box.x1 <= noted.bbox.x1
        assert not box.overlaps(paper)
