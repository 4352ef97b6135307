"""The page of an answer: every class, what marks it, remarks, images of each representation, and what no answer is."""

from typing import Any

import numpy as np
import pytest
import torch

from pipeline.report.answer_drawing import MOST_CLASSES, MOST_PANELS, answer_figure, draw_answer
from pipeline.representations import LEAD_MAP_KEY, REPRESENTATIONS, ImageRecipe, draw_images
from pipeline.scoring.answers import NOTICE, Answer, Images, Seen
from pipeline.signals.leads import LEADS
from pipeline.sources.formats.recording import Recording

X = np.stack([np.sin(2 * np.pi * (1 + number / 10) * np.arange(300) / 100) for number in range(12)]).astype(np.float32)


def answer(**more: Any) -> Answer:
    given: dict[str, Any] = {
        "file": "a.hea", "record_id": "a $x$", "probabilities": {"MI": 0.7, "NORM": 0.2},
        "thresholds": {"MI": 0.5, "NORM": 0.4}, "findings": ("MI",), "intervals": None, "spreads": None,
        "remarks": ("V1 is flat.",), "seconds": 3.0, "sampling_rate": 100.0, "leads": LEADS, "run": "runs/alexnet",
    }  # fmt: skip
    return Answer(**(given | more))


def seen(names: tuple[str, ...] = ()) -> Seen:
    recipe = ImageRecipe(size=16, representations=names)
    images = {}
    if names:
        grey = draw_images(torch.from_numpy(X[:2]), 100.0, recipe).numpy()
        images = {"alexnet": (grey, LEADS[:2], {name: recipe.parameters(name) for name in names})}
    return Seen(signal=X, leads=LEADS, sampling_rate=100.0, recording=Recording(X, 100.0, LEADS), images=images)


def words(figure: Any) -> str:
    return "\n".join(text.get_text() for text in [*figure.texts, *(t for axes in figure.axes for t in axes.texts)])


def test_findings_remarks_and_the_notice_are_read_beside_the_paper():
    text = words(answer_figure(answer(), seen()))
    for part in ("Findings: MI", "V1 is flat.", "0.700", "0.200", NOTICE, "25 mm/s", "upright: threshold"):
        assert part in text
    assert "none is at its threshold" in words(answer_figure(answer(findings=()), seen()))


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_images_of_every_representation_are_drawn(name: str):
    figure = answer_figure(answer(), seen((name,)))
    drawn = [axes.images[0].get_array().shape for axes in figure.axes if axes.images]
    assert drawn.count((16, 16)) == 2


def test_a_line_of_images_is_of_whole_leads():
    names = tuple(REPRESENTATIONS)[:3]
    panels = [axes for axes in answer_figure(answer(), seen(names)).axes if axes.images and axes.get_xlabel()]
    heights = [axes.get_position().y0 for axes in panels]
    assert len(panels) == 2 * len(names)
    assert heights == [heights[0]] * len(names) + [heights[-1]] * len(names)
    assert heights[0] > heights[-1]


def test_images_that_are_left_out_are_counted():
    grey, of_all = np.zeros((12, 1, 16, 16), np.uint8), {"rp": ImageRecipe().parameters("rp")}
    recording = Recording(X, 100.0, LEADS)

    def of(repeats: int) -> Any:
        images: dict[str, Images] = {"vgg": (np.repeat(grey, repeats, axis=0), LEADS * repeats, of_all)}
        some = Seen(signal=X, leads=LEADS, sampling_rate=100.0, recording=recording, images=images)
        return answer_figure(answer(), some)

    assert "what vgg saw" in words(of(1)).splitlines()
    figure = of(5)
    assert f"what vgg saw: the first {MOST_PANELS} of 60 images" in words(figure)
    assert len([axes for axes in figure.axes if axes.images and axes.get_xlabel()]) == MOST_PANELS


def test_a_lead_map_is_drawn():
    images: dict[str, Images] = {"vgg": (np.zeros((1, 1, 12, 30), np.uint8), ("all leads",), {LEAD_MAP_KEY: {}})}
    some = seen()
    of_map = Seen(signal=X, leads=LEADS, sampling_rate=100.0, recording=some.recording, images=images)
    assert any(axes.images for axes in answer_figure(answer(), of_map).axes)


def test_ranges_have_a_mark_each():
    both = {"MI": (0.6, 0.8), "NORM": (0.1, 0.3)}
    bare = answer_figure(answer(thresholds=None), seen()).axes[1].lines
    full = answer_figure(answer(intervals=both, spreads=both), seen())
    assert (len(bare), len(full.axes[1].lines)) == (0, 6)
    assert "whisker: members or branches    dotted: parts of the recording" in words(full)


def test_time_has_no_numbers_where_images_are_of_a_part():
    parts = {"MI": (0.6, 0.8), "NORM": (0.1, 0.3)}
    figure = answer_figure(answer(spreads=parts), seen(("rp",)))
    panels = [axes for axes in figure.axes if axes.images and axes.get_xlabel()]
    assert [(axes.get_xlabel(), len(axes.get_xticks())) for axes in panels] == [("time", 0)] * 2


def test_many_classes_are_the_most_probable_ones():
    many = {f"class {number}": number / 100 for number in range(71)}
    figure = answer_figure(answer(probabilities=many, thresholds=None, findings=()), seen())
    assert len(figure.axes[1].patches) == MOST_CLASSES
    assert f"The {MOST_CLASSES} most probable" in words(figure)


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_answer_gives_the_same_bytes(tmp_path, kind: str):
    for name in "ab":
        draw_answer(tmp_path / f"{name}.{kind}", answer(), seen(("rp",)))
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
