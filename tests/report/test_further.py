"""What stands below and beside a table when it is asked for: calibration, conformal sets, the referred and the rest."""

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass
from scipy.special import expit

from pipeline.evaluation.asked import NOTHING, Asked, answer
from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.grouping import Grouping
from pipeline.evaluation.scores import Scores, load_scores
from pipeline.report.evaluations import save_evaluation
from pipeline.report.further import FILES, further_parts
from pipeline.report.tables import as_text

ALL = Asked(calibrate=True, refer=0.1, conformal=0.9, decision=True)


def drawn(prefix: str, seed: int, classes: tuple[str, ...] = ("MI", "a|b", "HYP")) -> Scores:
    """Too sure by far, and of the last class few."""
    draw = np.random.default_rng(seed)
    logits = draw.normal([0, -1, -7], 1, (300, 3))
    labels = draw.random((300, 3)) < expit(logits)
    labels[:5, 2] = True
    names = np.array([f"{prefix}{i}" for i in range(300)])
    return Scores(expit(3 * logits), labels, names, classes, "multilabel", record_id=names, patient_id=names)


def both(kind: str) -> tuple[Scores, Scores]:
    if kind == "multilabel":
        return drawn("t", 1), drawn("d", 2)
    return drawn_multiclass(), drawn_multiclass("dev", seed=5)


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(params=["multilabel", "multiclass"])
def saved(request, tmp_path: Path) -> tuple[Path, Evaluation, Scores]:
    test, dev = both(request.param)
    half = Grouping("half", "who.csv", "values", ("first", "second"), np.arange(len(test.labels)) % 2)
    found = answer(replace(ALL, groupings=(half,)), test, dev)
    save_evaluation(tmp_path, found, test, with_scores=True)
    return tmp_path, found, test


def test_nothing_asked_leaves_nothing(tmp_path: Path):
    test, dev = both("multilabel")
    plain = answer(NOTHING, test, dev)
    assert further_parts(plain) == []
    assert not {path.name for path in save_evaluation(tmp_path, plain, test)} & {*FILES}


def test_all_files_are_there_and_go_when_they_are_not_asked_for(saved):
    folder, _, test = saved
    assert {*FILES} <= {path.name for path in folder.iterdir()}
    save_evaluation(folder, answer(Asked(refer=0.1), test, None), test)
    assert {*FILES} & {path.name for path in folder.iterdir()} == {"referred.csv", "rest.md"}


def test_the_scores_stay_as_the_model_gave_them_and_the_answers_are_calibrated(saved):
    folder, found, test = saved
    np.testing.assert_array_equal(load_scores(folder / "scores.npz").scores, test.scores)
    name = test.classes[0]
    said = [float(row[f"{name} score"]) for row in rows(folder / "predictions.csv")]
    np.testing.assert_array_equal(said, found.calibration.scores.scores[:, 0])
    decided = np.array([int(row[f"{name} found"]) for row in rows(folder / "predictions.csv")])
    assert decided.sum() == found.classes[name].counts["TP"] + found.classes[name].counts["FP"]


def test_the_bins_are_all_items_each(saved):
    folder, found, test = saved
    lines = rows(folder / "reliability.csv")
    for when in ("before", "after"):
        assert sum(int(row["n"]) for row in lines if row["when"] == when) == len(test.item_id) * len(test.classes)
    assert all(float(row["share_low"]) <= float(row["share"]) <= float(row["share_high"]) for row in lines)
    table = rows(folder / "calibration.csv")
    assert [float(row["temperature"]) for row in table] == [*found.calibration.temperatures.values.values()]
    own = [row for row in lines if row["class"] == test.classes[0] and row["when"] == "before"]
    gaps = [int(row["n"]) * abs(float(row["share"]) - float(row["mean_probability"])) for row in own]
    assert math.fsum(gaps) / len(test.item_id) == pytest.approx(float(table[0]["ece_before"]))


def test_the_referred_are_named_and_the_rest_has_a_table(saved):
    folder, found, test = saved
    lines = rows(folder / "referred.csv")
    assert [row["item_id"] for row in lines] == test.item_id[found.referral.rows].tolist()
    assert [float(row["doubt"]) for row in lines] == found.referral.doubts.tolist()
    for row in lines if found.thresholds else []:
        score = float(row["score"])
        wrong = 1 - score if score >= float(row["threshold"]) else score
        assert float(row["doubt"]) / len(test.classes) - 1e-9 <= wrong <= float(row["doubt"]) + 1e-9
    assert (folder / "rest.md").read_text() == as_text(found.referral.rest)
    assert f"{found.n_items - len(lines)} items" in (folder / "rest.md").read_text()


def test_the_sets_are_those_of_the_table(saved):
    folder, found, test = saved
    sets, table = rows(folder / "conformal_sets.csv"), rows(folder / "conformal.csv")
    first = test.classes[0]
    held = [row[first] in ("1", "yes", "either") for row in sets]
    covered = sum(in_it and bears for in_it, bears in zip(held, test.labels[:, 0], strict=True))
    assert covered == int(table[0]["n_covered"]) == found.conformal.borne[first].n_covered
    assert len(table) == len(test.classes) * (2 if test.kind == "multilabel" else 1)


def test_classes_of_too_few_are_one_sentence_and_names_are_escaped():
    text = as_text(answer(ALL, *both("multilabel")))
    assert "fewer than 9 dev items with it, which are too few to rule it out, so that it is in every set: HYP" in text
    assert "a|b" not in text
    assert "a\\|b" in text
    assert "probabilities are calibrated" in text


def test_the_text_says_how_many_of_the_wrong_are_referred():
    found = answer(Asked(refer=0.1), *both("multiclass"))
    wrong, of_all = found.referral.n_wrong
    (text,) = [part for part in further_parts(found) if part.startswith("- least sure")]
    assert f"some class is wrong in {wrong} of 24 referred items" in text
    assert f"of those wrong, {wrong / of_all:.1%} are referred, and a draw at random would have 10.0%" in text


def test_temperatures_that_dev_cannot_tell_are_said():
    test, dev = both("multilabel")
    dev.labels[:, 1] = 0
    text = as_text(answer(Asked(calibrate=True), test, dev))
    assert "temperature 1, because dev has no positive or no negative: a\\|b" in text


def test_what_no_temperature_mends_is_said():
    test, dev = both("multilabel")
    for each in (test, dev):
        each.scores = each.scores * 0.4 + 0.6
    text = as_text(answer(Asked(calibrate=True), test, dev))
    assert "off as a whole by more than twice, as by class weights, which no temperature mends: a" in text
