"""A search drawn: what is drawn is what was given, whatever names and values are."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from pipeline.report.search_drawing import MOST_CHOICES, DrawnTrial, plot_search, save_figure

TRIALS = [
    DrawnTrial(0, 0.7, 0.7, {"rate": 0.1, "optimizer": "sgd", "layers": 2}),
    DrawnTrial(1, None, 0.6, {"rate": 0.001, "optimizer": "adam", "layers": 3}),
    DrawnTrial(3, 0.8, 0.8, {"rate": 0.01, "optimizer": "adam", "layers": 2}),
    DrawnTrial(4, 0.75, 0.75, {"rate": 0.02, "optimizer": ["$x$", "窦"], "layers": 2}),
    DrawnTrial(5, None, None, {"rate": 0.02, "optimizer": "sgd", "layers": 4}),
]
NAMES = ("rate", "optimizer", "layers")
SHARES = {"optimizer": 0.6, "rate": 0.3, "layers": 0.1}


def test_bars_course_and_choices_are_those_that_were_given():
    bars, course, *panels = plot_search(TRIALS, SHARES, choices=NAMES, log={"rate"}).axes
    assert [bar.get_width() for bar in bars.patches if isinstance(bar, Rectangle)] == pytest.approx([60, 30, 10])
    crosses, dots, best = course.lines
    assert np.asarray(crosses.get_xydata()).tolist() == [[1, 0.6]]
    assert np.asarray(dots.get_xydata()).tolist() == [[0, 0.7], [3, 0.8], [4, 0.75]]
    assert np.asarray(best.get_xydata()).tolist() == [[0, 0.7], [3, 0.8], [4, 0.8]]
    assert [axes.get_xlabel() for axes in panels] == [*SHARES]
    words, rate, layers = panels
    assert [tick.get_text() for tick in words.get_xticklabels()] == ["adam", "sgd", "\\$x\\$ ?"]
    assert np.asarray(words.lines[1].get_xydata()).tolist() == [[1, 0.7], [0, 0.8], [2, 0.75]]
    assert rate.get_xscale() == "log"
    assert layers.get_xscale() == "linear"
    assert layers.get_xticks().tolist() == [2, 3, 4]


def test_of_too_few_trials_nothing_is_said():
    first, _, *panels = plot_search(TRIALS[:1], None, choices=NAMES).axes
    assert not first.patches
    assert first.texts[0].get_text() == "too few trials came to an end"
    assert [axes.get_xlabel() for axes in panels] == [*NAMES]


def test_a_search_of_many_choices_or_of_none_that_ended_is_drawn(tmp_path: Path):
    names = [f"option_{number}" for number in range(40)]
    trials = [
        DrawnTrial(0, None, 0.5, dict.fromkeys(names, 0.5)),
        DrawnTrial(1, None, None, dict.fromkeys(names, True)),
    ]
    figure = plot_search(trials, None, choices=names, title="$many$")
    assert len(figure.axes) == 2 + MOST_CHOICES
    for name in ("a.png", "b.png"):
        save_figure(tmp_path / name, plot_search(TRIALS[1:2], None, choices=NAMES[:1], title="$one$"), dpi=40)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
