"""The drawn confusion matrix: every count stands in its cell, and any name can be drawn."""

import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from pipeline.evaluation.confusion import Confusion
from pipeline.report import confusion_drawing
from pipeline.report.confusion_drawing import draw_confusion


def drawn(n: int, names: tuple[str, ...] | None = None) -> Confusion:
    counts = np.random.default_rng(n).integers(0, 900, (n, n))
    counts[0, -1] = 0
    return Confusion(names or tuple(f"class{i}" for i in range(n)), counts)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn."""
    kept: list[Figure] = []

    def made(*arguments, **keywords) -> Figure:
        kept.append(Figure(*arguments, **keywords))
        return kept[-1]

    monkeypatch.setattr(confusion_drawing, "Figure", made)
    return kept


@pytest.mark.parametrize("n", [1, 2, 3, 5, 9, 26, 300])
def test_a_matrix_of_any_size_is_a_picture_that_grows_with_it(tmp_path: Path, n: int):
    draw_confusion(tmp_path / "confusion.png", drawn(n), ["rhythm3, 818 items"])
    with Image.open(tmp_path / "confusion.png") as image:
        assert image.format == "PNG"
        assert min(image.size) >= max(400, 60 * min(n, 40))
        assert max(image.size) < 4000


def test_each_cell_has_its_count_and_its_share_of_the_row(tmp_path: Path, figures: list[Figure]):
    counts = np.array([[999, 1, 0], [1, 1, 2], [0, 0, 0]])
    draw_confusion(tmp_path / "c.png", Confusion(("N", "A", "O"), counts), ["aami5, 1004 items"])
    axes = figures[0].axes[0]
    assert [text.get_text() for text in axes.texts] == [
        *("999\n>99%", "1\n<1%", "0"),
        *("1\n25%", "1\n25%", "2\n50%"),
        *("0", "0", "0"),
    ]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["N", "A", "O"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["N", "A", "O"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("truth", "found: the class with the highest score")
    assert axes.get_title() == "aami5, 1004 items"


def test_no_name_is_too_strange_to_be_drawn(tmp_path: Path):
    names = ("$x_1$", "窦性心律", "a\nb", "x" * 200, "\x1b[31m", "_^{}\\")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_confusion(tmp_path / "c.png", drawn(6, names), ["$", "窦性心律 of 50 $", "x" * 300])


def test_names_beside_each_other_do_not_overlap(tmp_path: Path, figures: list[Figure]):
    for names in (("SNR", "AF"), ("LQRSV", "NSIVCB") * 8, ("supraventricular", "ventricular"), ("x" * 24,) * 4):
        draw_confusion(tmp_path / "c.png", drawn(len(names), names))
        boxes = [label.get_window_extent() for label in figures[-1].axes[0].get_xticklabels()]
        assert not any(left.x1 > right.x0 for left, right in itertools.pairwise(boxes))
        assert np.isfinite(boxes[0].x0)
