"""Figures of scores with dev's thresholds, and what runs are called side by side."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from cards import sealed_anew
from multiclass_scores import drawn_multiclass

from pipeline.errors import EcgFusionError
from pipeline.evaluation.asked import Asked
from pipeline.evaluation.calibration import Temperatures, fit_temperatures
from pipeline.evaluation.scores import load_scores, save_scores
from pipeline.evaluation.thresholds import get_thresholds
from pipeline.listening import Event
from pipeline.runs.card import DEV_SCORES, FORMAT
from pipeline.runs.card_file import read_card, write_card
from pipeline.runs.card_parts import CalibrationCard
from pipeline.runs.load import load_run
from pipeline.scoring.judge import evaluate, judge, names_of, with_thresholds


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["runs/a", "runs/b"], ["a", "b"]),
        (["old/a", "new/a"], ["old/a", "new/a"]),
        (["old/a", "old/a"], ["1 old/a", "2 old/a"]),
        (["old/a", "new/a", "new/b"], ["old/a", "new/a", "new/b"]),
        (["alone"], ["alone"]),
        ([], []),
    ],
)
def test_runs_have_the_shortest_names_that_differ(paths: list[str], names: list[str]):
    assert names_of([Path(path) for path in paths]) == names


def test_thresholds_are_devs_whatever_is_judged(earlier: Path):
    """The thresholds are the same for two partitions, since neither chose them."""
    run = earlier / "runs" / "gru"
    scores = load_scores(run / "evaluation" / "test" / "scores.npz")
    half = load_scores(run / "evaluation" / "test" / "scores.npz")
    half.scores = half.scores / 2
    whole, halved = (judge(run, each, "test", None, None) for each in (scores, half))
    assert whole.thresholds == halved.thresholds
    assert whole.thresholds.values == pytest.approx(read_card(run).thresholds.values)


def test_a_number_is_the_threshold_of_every_class(earlier: Path, tmp_path: Path):
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    (run / DEV_SCORES).unlink()
    scores = load_scores(run / "evaluation" / "test" / "scores.npz")
    found = judge(run, scores, "test", 0.25, None)
    assert set(found.thresholds.values.values()) == {0.25}


def test_thresholds_are_the_cards_and_a_criterion_asks_dev_anew(earlier: Path, tmp_path: Path):
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    scores, card = load_scores(run / "evaluation" / "test" / "scores.npz"), read_card(run)
    other = replace(card, thresholds=replace(card.thresholds, values=dict.fromkeys(card.classes, 0.75)))
    write_card(run, other)
    found = judge(run, scores, "test", None, None).thresholds
    assert (set(found.values.values()), found.choice, found.n_dev) == ({0.75}, "gmean", card.data.n_dev_items)
    assert judge(run, scores, "test", "gmean", None).thresholds.values == card.thresholds.values
    dev = load_scores(run / DEV_SCORES)
    assert judge(run, dev, "dev", None, None).thresholds.values == other.thresholds.values
    assert judge(run, dev, "dev", "gmean", None).thresholds.values == card.thresholds.values


def test_classes_that_dev_could_not_choose_for_are_said_by_the_card(earlier: Path, tmp_path: Path):
    """And where an earlier card does not say them, by the dev scores."""
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    scores, dev = load_scores(run / "evaluation" / "test" / "scores.npz"), load_scores(run / DEV_SCORES)
    dev.labels[:, 0] = 0
    save_scores(run / DEV_SCORES, dev)
    assert judge(run, scores, "test", None, None).thresholds.not_chosen == ("MI",)
    card = read_card(run)
    write_card(run, replace(card, thresholds=replace(card.thresholds, not_chosen=("CD",))))
    assert judge(run, scores, "test", None, None).thresholds.not_chosen == ("CD",)


@pytest.mark.parametrize("threshold", [None, "f1", 0.5])
def test_dev_scores_of_another_run_are_refused(earlier: Path, tmp_path: Path, threshold):
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    scores, card = load_scores(run / "evaluation" / "test" / "scores.npz"), read_card(run)
    write_card(run, replace(card, format=FORMAT))
    sealed_anew(run)
    judge(run, scores, "test", threshold, None)
    shutil.copy(earlier / "runs" / "lstm" / DEV_SCORES, run)
    with pytest.raises(EcgFusionError, match=r"gru/dev_scores\.npz is damaged or of another run: copy the run folder"):
        judge(run, scores, "test", threshold, None)


def test_of_a_multiclass_run_the_highest_score_wins_unless_thresholds_are_asked_for(earlier: Path, tmp_path: Path):
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    card = read_card(run)
    dev = drawn_multiclass("d", card.classes, task=card.task)
    scores = drawn_multiclass("t", card.classes, task=card.task, remark="beats of one patient are in train and test")
    save_scores(run / DEV_SCORES, dev)
    write_card(run, replace(card, kind="multiclass", thresholds=None))
    plain, by_f1 = (judge(run, scores, "test", threshold, None) for threshold in (None, "f1"))
    assert plain.thresholds is None
    assert by_f1.thresholds == get_thresholds(card.classes, dev, "f1")
    assert plain.confusion.counts.tolist() == by_f1.confusion.counts.tolist()
    assert plain.note == "beats of one patient are in train and test"
    assert judge(run, scores, "train", None, None).note == f"optimistic: trained on these items; {plain.note}"
    (run / DEV_SCORES).unlink()
    assert judge(run, scores, "test", None, None).thresholds is None
    with pytest.raises(EcgFusionError, match="on which -threshold f1 is chosen"):
        judge(run, scores, "test", "f1", None)


@pytest.mark.parametrize("name", ["gru", "kfold", "weighted", "nested"])
def test_a_loaded_run_is_given_the_thresholds_that_evaluate_would_choose(earlier: Path, name: str):
    run = load_run(earlier / "runs" / name)
    scores = load_scores(run.folder / "evaluation" / "test" / "scores.npz")
    for threshold in ("gmean", "f1", "sensitivity:0.9", 0.25):
        given = with_thresholds(run, threshold)
        wanted = judge(run.folder, scores, "test", threshold, None).thresholds
        assert given.card.thresholds.values == wanted.values
        assert replace(given, card=run.card) == run
    assert with_thresholds(run, "gmean").card.thresholds.values == pytest.approx(run.card.thresholds.values)
    assert with_thresholds(run, "f1").card.thresholds.values != pytest.approx(run.card.thresholds.values)


def test_no_threshold_is_given_to_a_run_that_has_nothing_to_choose_it_on(earlier: Path, tmp_path: Path):
    folder = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    (folder / DEV_SCORES).unlink()
    run = load_run(folder)
    assert set(with_thresholds(run, 0.25).card.thresholds.values.values()) == {0.25}
    with pytest.raises(EcgFusionError, match="on which -threshold f1 is chosen"):
        with_thresholds(run, "f1")
    exclusive = replace(run, card=replace(run.card, kind="multiclass", thresholds=None))
    with pytest.raises(EcgFusionError, match="the class with the highest score is found, without thresholds: leave"):
        with_thresholds(exclusive, 0.5)


def test_classes_that_no_threshold_could_be_chosen_for_are_told(earlier: Path, tmp_path: Path, told: list[Event]):
    folder = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    dev = load_scores(folder / DEV_SCORES)
    dev.labels[:, 0] = 0
    save_scores(folder / DEV_SCORES, dev)
    sealed_anew(folder)
    given = with_thresholds(load_run(folder), "f1")
    assert given.card.thresholds.values["MI"] == 0.5
    assert any("no threshold could be chosen for MI" in str(event) for event in told)


@pytest.mark.parametrize("name", ["gru", "kfold", "stacking", "weighted", "concat", "nested"])
def test_any_kind_of_run_answers_what_is_asked_beside_the_table(earlier: Path, tmp_path: Path, name: str):
    run = shutil.copytree(earlier / "runs" / name, tmp_path / name)
    scores = load_scores(run / "evaluation" / "test" / "scores.npz")
    plain = judge(run, scores, "test", None, None)
    found = judge(run, scores, "test", None, None, Asked(calibrate=True, refer=0.1, conformal=0.9))
    assert found.calibration is not None
    assert found.calibration.temperatures.values == fit_temperatures(load_scores(run / DEV_SCORES))
    assert [row.counts for row in found.classes.values()] == [row.counts for row in plain.classes.values()]
    assert found.conformal is not None
    assert found.referral is not None
    assert found.referral.rest.n_items == found.n_items - len(found.referral.rows)


def test_a_run_has_the_temperatures_of_its_card_and_none_are_fitted(earlier: Path, tmp_path: Path):
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    card, scores = read_card(run), load_scores(run / "evaluation" / "test" / "scores.npz")
    hot = dict.fromkeys(card.classes, 3.0)
    write_card(run, replace(card, calibration=CalibrationCard(temperatures=hot, unbounded=("CD",))))
    (run / DEV_SCORES).unlink()
    for asked in (Asked(), Asked(calibrate=True)):
        found = judge(run, scores, "test", None, None, asked)
        assert found.calibration is not None
        assert found.calibration.temperatures == Temperatures(hot, card.data.n_dev_items, (), ("CD",))
    assert [row.counts for row in found.classes.values()] == [
        row.counts for row in judge(earlier / "runs" / "gru", scores, "test", None, None).classes.values()
    ]


def test_what_cannot_be_asked_of_a_run_is_refused_before_it_is_scored(earlier: Path, tmp_path: Path):
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    with pytest.raises(EcgFusionError, match="says nothing of dev itself"):
        evaluate(run, partition="dev", conformal=0.9)
    with pytest.raises(EcgFusionError, match="-refer 3 is no part of the records"):
        evaluate(run, refer=3)
    (run / DEV_SCORES).unlink()
    with pytest.raises(EcgFusionError, match=r"dev_scores\.npz is missing, on which -calibrate is fitted"):
        evaluate(run, calibrate=True)


@pytest.mark.usefixtures("cpu_as_before")
def test_the_door_has_what_the_command_has(earlier: Path, tmp_path: Path):
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    data = earlier / "stores"
    found = evaluate(run, data=data, resamples=0, calibrate=True, refer=0.2, conformal=0.5)
    assert found.calibration is not None
    assert found.referral is not None
    assert found.conformal is not None
    assert (found.referral.part, found.conformal.wanted) == (0.2, 0.5)
