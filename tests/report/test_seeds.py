"""A group of seeds in words and files."""

import csv
from pathlib import Path

import numpy as np

from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.seeds import SeedGroup, group_seeds
from pipeline.report.seeds import group_text, save_group


def group(n: int = 3, resamples: int = 50) -> SeedGroup:
    draw = np.random.default_rng(0)
    labels = draw.random((100, 2)) < [0.4, 0.3]
    named = {
        f"run|{i}": Scores(draw.random((100, 2)), labels, np.arange(100), ("a|b", "-c"), "multilabel", remark="a ward")
        for i in range(n)
    }
    resampling = Resampling(resamples) if resamples else None
    return group_seeds({name: evaluate(each, resampling=resampling) for name, each in named.items()}, named)


def test_the_text_says_that_few_seeds_are_few():
    text = group_text(group())
    assert text.startswith("a ward\n\nmultilabel, 100 items, 3 seeds: run\\|0, run\\|1, run\\|2\n\n| ")
    assert "| a\\|b" in text
    assert "- 3 seeds are few: their spread, and so the interval, is a rough one" in text
    assert "are few" not in group_text(group(10))
    assert "nothing was resampled" in group_text(group(2, 0))


def test_every_format_is_written(tmp_path: Path):
    saved = save_group(tmp_path, group(), ("md", "csv", "latex"))
    assert [path.name for path in saved] == ["group.json", "group.md", "group.csv", "group.tex"]
    with open(tmp_path / "group.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 9
    assert {row["class"] for row in rows} == {"", "a|b", "'-c"}
    assert {row["note"] for row in rows} == {"a ward"}
    assert all(float(row["low"]) <= float(row["high"]) for row in rows)
    assert "a\\textbar{}b" in (tmp_path / "group.tex").read_text(encoding="utf-8")
