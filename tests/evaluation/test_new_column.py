"""A new column of the table is a function and a line: it stands in the table, the JSON, the intervals, a comparison."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.comparison import compare
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.metrics import FIGURES, RANKINGS, Counts, Figure, RankingFigure
from pipeline.evaluation.scores import Scores
from pipeline.report.comparisons import comparison_text
from pipeline.report.evaluations import save_evaluation
from pipeline.report.tables import as_text


def informedness(counts: Counts) -> np.ndarray:
    """Youden's J, which is sensitivity and specificity less 1."""
    return FIGURES["sensitivity"](counts) + FIGURES["specificity"](counts) - 1


@pytest.fixture
def scores() -> Scores:
    random = np.random.default_rng(0)
    labels = (random.random((200, 2)) < 0.4).astype(np.uint8)
    values = np.clip(labels * 0.3 + random.random((200, 2)) * 0.6, 0, 1).astype(np.float32)
    return Scores(values, labels, np.array([f"i{n}" for n in range(200)]), ("a", "b"), "multilabel")


def test_a_column_is_a_line(scores: Scores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(FIGURES, "informedness", Figure("J", informedness, lowest=-1.0))
    gini = RankingFigure(
        "Gini", lambda *x: 2 * RANKINGS["auroc"](*x) - 1, lambda curves: 2 * curves.auroc() - 1, lowest=-1.0
    )
    monkeypatch.setitem(RANKINGS, "gini", gini)
    found = evaluate(scores, threshold=0.5, resampling=Resampling(100))
    for row in (*found.classes.values(), found.micro):
        assert row.figures["informedness"] == pytest.approx(row.figures["sensitivity"] + row.figures["specificity"] - 1)
        assert row.figures["gini"] == pytest.approx(2 * row.figures["auroc"] - 1)
    assert found.intervals is not None
    for spans in found.intervals.classes.values():
        low, high = spans["auroc"]
        assert spans["gini"] == pytest.approx((2 * low - 1, 2 * high - 1))
    table = as_text(found)
    assert all(heading in table.splitlines()[2] for heading in ("J", "Gini", "AUROC"))
    save_evaluation(tmp_path, found)
    assert {"informedness", "gini"} <= json.loads((tmp_path / "metrics.json").read_text())["macro"].keys()
    both = compare({"one": found, "other": evaluate(scores, threshold=0.4, resampling=Resampling(100))})
    assert "informedness" in both.pairs[0].rows["macro"]
    assert "Gini" in comparison_text(both)
