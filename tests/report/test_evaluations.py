"""The files of an evaluation: each is opened as its reader would, with names that try everything."""

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from multiclass_scores import drawn_multiclass

from pipeline.evaluation.figures import Evaluation, evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.metrics import headings
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.subject import Subject
from pipeline.report.evaluations import save_evaluation
from pipeline.report.tables import as_text

ALL = ("md", "csv", "latex")
NASTY = (
    "=cmd|' /C calc'!A0",
    "a|b `c` <b>",
    "50 % of {x}_1 \\ $y$",
    'say "hi", then',
    "[x]",
    "*",
    "-1",
    "_it_",
    "macro",
)


def judged(classes: tuple[str, ...], n: int = 60, **names) -> tuple[Scores, Evaluation]:
    random = np.random.default_rng(3)
    labels = (random.random((n, len(classes))) < 0.4).astype(np.uint8)
    values = np.clip(0.3 * labels + 0.6 * random.random(labels.shape), 0, 1).astype(np.float32)
    items = np.array([f"i{i}" for i in range(n)])
    patients = np.array([f"p{i // 2}" for i in range(n)])
    plain = tuple(f"c{i}" for i in range(len(classes)))
    scores = Scores(values, labels, items, plain, "multilabel", items, patients, **names)
    scores.classes = classes  # whatever they are called, and whoever let them in
    found = evaluate(scores, threshold=0.5, resampling=Resampling(40))
    return scores, replace(found, subject=Subject("runs/a_b", "gru", "test", "ptbxl", "1.0.3", "10", "2026-11-28"))


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False, dtype=str)


@pytest.mark.parametrize("classes", [("MI", "STTC", "CD", "HYP"), NASTY])
def test_every_table_has_every_class_once(tmp_path: Path, classes):
    scores, found = judged(classes)
    files = save_evaluation(tmp_path, found, scores, ALL)
    assert {path.name for path in files} == {path.name for path in tmp_path.iterdir()}
    counts, table = read(tmp_path / "counts.csv"), read(tmp_path / "table.csv")
    assert [name.removeprefix("'") for name in counts["class"]] == list(classes)
    assert not any(name[0] in "=+-@" for name in counts["class"])
    of_classes = table[table["row"] == "class"]
    assert list(of_classes["name"]) == list(counts["class"])
    assert of_classes[["TP", "FN", "FP", "TN"]].equals(counts[["TP", "FN", "FP", "TN"]])
    for name, row in zip(classes, of_classes.to_dict("records"), strict=True):
        for figure in headings():
            assert float(row[figure]) == found.classes[name].figures[figure]
            ends = found.intervals.classes[name].get(figure, ("", ""))  # empty where it is withheld
            written = row[f"{figure}_low"], row[f"{figure}_high"]
            assert [float(end or "nan") for end in written] == pytest.approx(
                [float(end or "nan") for end in ends], nan_ok=True
            )
            reasons = [reason.partition(":")[0] for reason in row["withheld"].split("; ")]
            assert (figure in reasons) == (ends == ("", ""))
    markdown = (tmp_path / "table.md").read_text()
    header, *rows = markdown.split("\n\n")[2].splitlines()
    cells = {len(re.split(r"(?<!\\)\|", line)) for line in (header, *rows)}
    assert len(cells) == 1
    assert len(rows) - 1 == len(classes) + 2 + (found.norm is not None)


def test_a_prediction_is_a_line_an_item(tmp_path: Path):
    scores, found = judged(("MI", "=x"))
    save_evaluation(tmp_path, found, scores)
    table = pd.read_csv(tmp_path / "predictions.csv", dtype={"item_id": str})
    assert list(table.columns[:3]) == ["item_id", "record_id", "patient_id"]
    assert list(table.columns[3:]) == [
        *("MI score", "MI found", "MI label", "'=x score", "'=x found", "'=x label"),
    ]
    assert list(table["item_id"]) == list(scores.item_id)
    assert list(table["patient_id"]) == list(scores.patient_id)
    assert np.array_equal(table["MI score"].to_numpy(np.float32), scores.scores[:, 0])
    assert np.array_equal(table["MI found"], scores.scores[:, 0] >= 0.5)
    assert np.array_equal(table["'=x label"], scores.labels[:, 1])
    both = (table["MI found"] == 1) & (table["MI label"] == 1)
    assert both.sum() == found.classes["MI"].counts["TP"]


def test_of_several_classes_the_highest_is_found(tmp_path: Path):
    scores = Scores(
        np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([[0, 1], [0, 1]]), np.array(["a", "b"]), ("N", "S"), "multiclass"
    )
    save_evaluation(tmp_path, evaluate(scores), scores, ALL)
    table = pd.read_csv(tmp_path / "predictions.csv")
    assert table[["N found", "S found"]].to_numpy().tolist() == [[0, 1], [1, 0]]
    assert list(table.columns[:3]) == ["item_id", "found class", "true class"]
    assert list(table.columns[3:]) == ["N score", "N found", "N label", "S score", "S found", "S label"]
    assert table[["found class", "true class"]].to_numpy().tolist() == [["S", "S"], ["N", "S"]]
    assert list(read(tmp_path / "counts.csv")["threshold"]) == ["", ""]


@pytest.mark.parametrize("classes", [("N", "A", "O"), NASTY])
def test_a_confusion_matrix_is_saved_in_every_format_whatever_its_classes_are_called(tmp_path: Path, classes):
    scores = drawn_multiclass(n=300, classes=tuple(f"c{i}" for i in range(len(classes))))
    scores.classes = classes
    found = evaluate(scores, resampling=Resampling(40))
    files = save_evaluation(tmp_path, found, scores, ALL)
    assert {path.name for path in files} == {path.name for path in tmp_path.iterdir()}
    assert {"confusion.csv", "confusion.png"} <= {path.name for path in files}
    matrix = read(tmp_path / "confusion.csv")
    names = list(read(tmp_path / "counts.csv")["class"])
    assert matrix.columns.tolist() == ["truth", *names]
    assert matrix["truth"].tolist() == names
    assert not any(name[0] in "=+-@" for name in names)
    assert matrix[names].astype(int).to_numpy().tolist() == found.confusion.counts.tolist()
    predictions = read(tmp_path / "predictions.csv")
    for (i, truth), (j, name) in itertools.product(enumerate(names), repeat=2):
        both = (predictions["true class"] == truth) & (predictions["found class"] == name)
        assert both.sum() == found.confusion.counts[i, j]
    (of_all,) = read(tmp_path / "table.csv").query("row == 'agreement'").to_dict("records")
    for name, value in found.agreement.items():
        assert float(of_all[name]) == value
        ends = [float(of_all[f"{name}_{end}"] or "nan") for end in ("low", "high")]
        assert ends == pytest.approx(found.intervals.agreement.get(name, (np.nan, np.nan)), nan_ok=True)
    assert json.loads((tmp_path / "metrics.json").read_text())["confusion"]["counts"] == found.confusion.counts.tolist()
    tables = [part for part in (tmp_path / "table.md").read_text().split("\n\n") if part.startswith("|")]
    assert len(tables) == 4
    for table in tables:
        assert len({len(re.split(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    text = (tmp_path / "table.tex").read_text()
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 4


def test_a_matrix_of_an_earlier_evaluation_does_not_stay(tmp_path: Path):
    save_evaluation(tmp_path, evaluate(drawn_multiclass()))
    assert (tmp_path / "confusion.png").exists()
    save_evaluation(tmp_path, judged(("MI", "STTC"))[1])
    assert not list(tmp_path.glob("confusion.*"))


def test_found_and_label_at_thresholds_are_of_each_class_against_the_rest(tmp_path: Path):
    scores = drawn_multiclass()
    save_evaluation(tmp_path, evaluate(scores, threshold=0.2), scores)
    table = pd.read_csv(tmp_path / "predictions.csv")
    found = table[[f"{name} found" for name in scores.classes]].to_numpy()
    assert np.array_equal(found, scores.scores >= 0.2)
    assert found.sum(1).max() > 1
    assert list(table["found class"]) == [scores.classes[i] for i in scores.scores.argmax(1)]


def test_no_class_found_is_no_class(tmp_path: Path):
    _, found = judged(("MI", "STTC"), none_name="macro")
    save_evaluation(tmp_path, found, formats=ALL)
    assert list(read(tmp_path / "counts.csv")["class"]) == ["MI", "STTC"]
    (row,) = read(tmp_path / "no_class.csv").to_dict("records")
    assert row["name"] == "macro"
    assert [int(row[cell]) for cell in ("TP", "FN", "FP", "TN")] == list(found.norm.counts.values())
    assert "sensitivity" in json.loads((tmp_path / "metrics.json").read_text())["macro"]
    assert json.loads((tmp_path / "metrics.json").read_text())["macro"]["auroc"] == found.macro.figures["auroc"]


@pytest.mark.parametrize("classes", [("MI", "STTC"), NASTY])
def test_latex_is_two_tables_with_equal_rows_and_balanced_braces(tmp_path: Path, classes):
    _, found = judged(classes)
    save_evaluation(tmp_path, found, formats=("latex",))
    text = (tmp_path / "table.tex").read_text()
    bare = re.sub(r"\\[{}$&%#_]", "", text)
    depth = np.cumsum([(each == "{") - (each == "}") for each in bare])
    assert depth.min() == depth[-1] == 0
    assert bare.count("$") % 2 == 0
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == text.count(r"\toprule") == 2
    for body in re.findall(r"\\toprule\n(.*?)\\bottomrule", bare, re.DOTALL):
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len({line.count("&") for line in rows}) == 1
        assert not any(line.startswith(("[", "*")) for line in rows)  # which would belong to the end of the row above
        assert len(rows) > len(classes)
    assert r"run" in text
    assert r"runs/a\_b (gru), partition test of ptbxl 1.0.3, folds 10, 2026-11-28" in text


def test_a_version_that_nobody_knows_is_called_so():
    _, found = judged(("a", "b"))
    unknown = replace(found, subject=replace(found.subject, version="unknown (table 53c5a1b2c3d4)"))
    assert "of ptbxl version unknown (table 53c5a1b2c3d4), folds 10" in as_text(unknown).splitlines()[0]
    assert "the data's version is unknown: " in as_text(unknown)
    assert "version is unknown" not in as_text(found)
