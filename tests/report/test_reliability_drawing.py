"""The reliability diagram: every bin is where its figures say, whatever the classes are called."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from scipy.special import expit

from pipeline.evaluation.asked import Asked, answer
from pipeline.evaluation.calibration_figures import Calibration
from pipeline.evaluation.scores import Scores
from pipeline.report import panels
from pipeline.report.panels import MOST_DRAWN
from pipeline.report.reliability_drawing import draw_reliability


def calibration(classes: tuple[str, ...], n: int = 120) -> Calibration:
    def drawn(seed: int) -> Scores:
        draw = np.random.default_rng(seed)
        logits = draw.normal(0, 1, (n, len(classes)))
        labels = draw.random(logits.shape) < expit(logits)
        return Scores(expit(2 * logits), labels, np.array([f"{seed}-{i}" for i in range(n)]), classes, "multilabel")

    found = answer(Asked(calibrate=True), drawn(0), drawn(1)).calibration
    assert found is not None
    return found


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn."""
    kept: list[Figure] = []

    def made(*arguments, **keywords) -> Figure:
        kept.append(Figure(*arguments, **keywords))
        return kept[-1]

    monkeypatch.setattr(panels, "Figure", made)
    return kept


@pytest.mark.parametrize("n", [1, 2, 5, 71])
def test_any_number_of_classes_is_a_picture(tmp_path: Path, figures: list[Figure], n: int):
    draw_reliability(tmp_path / "r.png", calibration(tuple(f"class{i}" for i in range(n))), ["superdiagnostic"])
    with Image.open(tmp_path / "r.png") as image:
        assert image.format == "PNG"
        assert max(image.size) < 4000
    assert len(figures[0].axes) == 2 * min(n, MOST_DRAWN)
    (text,) = (each.get_text() for each in figures[0].texts)
    assert (f"the {MOST_DRAWN} most frequent of 71 classes" in text.replace("\n", " ")) == (n == 71)


def test_points_and_counts_are_those_of_the_bins(tmp_path: Path, figures: list[Figure]):
    found = calibration(("MI",))
    draw_reliability(tmp_path / "r.png", found)
    curve, bars = figures[0].axes
    containers: list[Any] = list(curve.containers)
    before, after = (container.lines[0].get_xydata() for container in containers)
    for drawn, each in ((before, found.before), (after, found.after)):
        np.testing.assert_allclose(drawn, np.stack([each.bins["MI"].said, each.bins["MI"].borne], 1))
    assert [int(text.get_text()) for text in bars.texts] == found.after.bins["MI"].n.tolist()
    assert f"T {found.temperatures.values['MI']:.2f}, ECE {found.before.ece['MI']:.3f}" in curve.get_title()


def test_no_name_is_too_strange_to_be_drawn(tmp_path: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_reliability(tmp_path / "r.png", calibration(("$x_1$", "窦性心律", "x" * 200, "_^{}\\")), ["$ of $"])
