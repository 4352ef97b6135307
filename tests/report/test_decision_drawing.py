"""The decision curves drawn: a panel a class, whatever the classes are called."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.evaluation.decision import decision_curves
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores
from pipeline.report.decision_drawing import draw_decisions


@pytest.mark.parametrize("classes", [("MI",), ("MI", "a$b_c$", "窦性心律", "x" * 80, "e"), tuple(map(str, range(30)))])
def test_it_is_drawn_whatever_the_classes(tmp_path: Path, classes: tuple[str, ...]):
    draw = np.random.default_rng(0)
    labels = draw.random((80, len(classes))) < 0.3
    scores = Scores(draw.random(labels.shape), labels, np.arange(80), classes, "multilabel")
    path = tmp_path / "decision.png"
    draw_decisions(path, decision_curves(scores, Resampling(40)), ["of a $run$, partition test"])
    with Image.open(path) as image:
        assert image.size[0] >= 600
        assert len(np.unique(np.asarray(image.convert("L")))) > 20
