"""Groups in the text, the CSV files and the LaTeX; whatever a cell is called, it stays a name."""

import csv
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.asked import Asked, answer
from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.grouping import by_cells
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores
from pipeline.report.evaluations import save_evaluation
from pipeline.report.tables import as_text


@pytest.fixture
def found() -> tuple[Evaluation, Scores]:
    draw = np.random.default_rng(0)
    labels = draw.random((300, 2)) < [0.4, 0.3]
    scores = Scores(draw.random((300, 2)), labels, np.arange(300), ("a|b", "c"), "multilabel")
    cells = [("=cmd|x", "\x1b[31mred", "", "few")[i % 4 if i > 5 or i % 4 < 3 else 3] for i in range(300)]
    cells = ["" if cell == "few" and i > 20 else cell for i, cell in enumerate(cells)]
    grouping = by_cells("si|te", "<who>.csv", cells)
    return answer(Asked(groupings=(grouping,)), scores, None, resampling=Resampling(40)), scores


def test_names_are_escaped_everywhere(found, tmp_path: Path):
    evaluation, scores = found
    text = as_text(evaluation)
    assert "by si\\|te (by value; \\<who\\>.csv), at the thresholds of the whole" in text
    assert "| a\\|b" in text
    assert "\\=cmd\\|x" in text
    assert "\x1b" not in text
    assert "few: fewer than 10 patients with or without a\\|b, c, so without intervals and not among the gaps" in text
    assert "si\\|te is not known of " in text
    save_evaluation(tmp_path, evaluation, scores, ("md", "csv", "latex"))
    with open(tmp_path / "subgroups.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["group"] for row in rows} == {"'=cmd|x", "\\x1b[31mred", "few"}
    assert (tmp_path / "subgroup_gaps.csv").read_text(encoding="utf-8").startswith("column,row,class,figure,highest")
    tex = (tmp_path / "table.tex").read_text(encoding="utf-8")
    assert tex.count("\\begin{table}") == 4
    assert "Largest gaps by si\\textbar{}te" in tex


def test_files_go_when_groups_are_not_asked_for(found, tmp_path: Path):
    evaluation, scores = found
    save_evaluation(tmp_path, evaluation, scores)
    save_evaluation(tmp_path, answer(Asked(), scores, None), scores)
    assert not {"subgroups.csv", "subgroup_gaps.csv"} & {path.name for path in tmp_path.iterdir()}
