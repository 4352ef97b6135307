"""The tests of each class in the text, the CSV files and the LaTeX of a comparison; names are escaped."""

import csv
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.comparison import Comparison, compare
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores
from pipeline.report.comparisons import comparison_text, save_comparison


def model(skill: float, seed: int = 0, remark: str | None = None) -> Scores:
    draw, own = np.random.default_rng(0), np.random.default_rng(seed)
    labels = draw.random((200, 2)) < [0.4, 0.3]
    logits = draw.normal(size=(200, 2)) + 0.5 * own.normal(size=(200, 2)) + skill * labels
    scores, items = 1 / (1 + np.exp(-logits)), np.array([f"t{i}" for i in range(200)])
    patients = np.arange(200) // 2
    return Scores(scores, labels, items, ("a|b", "-c"), "multilabel", patient_id=patients, remark=remark)


def compared(resamples: int = 100, margin: float | None = None, remark: str | None = None) -> Comparison:
    models = {"x_1": model(2, 1, remark), "=y": model(1, 2, remark), "z": model(0.4, 3, remark)}
    resampling = Resampling(resamples) if resamples else None
    return compare({name: evaluate(each, resampling=resampling) for name, each in models.items()}, models, margin)


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_text_says_what_was_tested_and_what_it_rests_on():
    text = comparison_text(compared())
    assert "Class by class, x_1 − =y:\n\n| " in text
    assert "=y − z" not in text.partition("Class by class")[2]  # the best one beside each other one
    assert "| a\\|b" in text
    assert "corrected for 6 tests of its kind" in text
    assert "but 200 items are of 100 patients: believe the bootstrap" in text
    without = comparison_text(compared(0))
    assert "nothing was resampled, so differences have no interval by the bootstrap" in without
    assert "Class by class" not in comparison_text(compare(compared().models))


def test_every_format_has_it(tmp_path: Path):
    saved = save_comparison(tmp_path, compared(margin=0.02), ("md", "csv", "latex"))
    names = "comparison.json comparison.md comparison.csv comparison.tex class_tests.csv equivalence.csv"
    assert [path.name for path in saved] == names.split()
    tests, margins = rows(tmp_path / "class_tests.csv"), rows(tmp_path / "equivalence.csv")
    assert [(each["first"], each["second"], each["class"]) for each in tests[:3]] == [
        ("x_1", "'=y", "a|b"),
        ("x_1", "'=y", "'-c"),
        ("x_1", "z", "a|b"),
    ]
    assert len(tests) == 6
    assert len(margins) == 9
    assert {each["margin"] for each in margins} == {"0.02"}
    tex = (tmp_path / "comparison.tex").read_text(encoding="utf-8")
    assert tex.count("\\begin{table}") == 5
    assert "Equivalence of" in tex
    assert "x\\_1 $-$ =y" in tex


def test_a_remark_of_the_scores_stands_in_each(tmp_path: Path):
    save_comparison(tmp_path, compared(remark="of one ward"), ("csv", "latex"))
    assert {each["note"] for each in rows(tmp_path / "class_tests.csv")} == {"of one ward"}
    assert (tmp_path / "comparison.tex").read_text(encoding="utf-8").count("of one ward") == 3


@pytest.mark.parametrize("formats", [("md",), ("csv",)])
def test_what_was_not_asked_again_is_gone(tmp_path: Path, formats: tuple[str, ...]):
    save_comparison(tmp_path, compared(margin=0.02), ("csv",))
    save_comparison(tmp_path, compared(), formats)
    assert not (tmp_path / "equivalence.csv").exists()
    assert (tmp_path / "class_tests.csv").exists() == ("csv" in formats)
