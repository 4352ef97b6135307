"""-calibrate: temperatures from dev in the card of every kind of run, and nothing else is changed by them."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kills import Killed, kill_at_call
from multiclass_scores import drawn_multiclass

import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.calibration import apply_temperatures, fit_temperatures
from pipeline.evaluation.reliability import brier
from pipeline.evaluation.scores import Scores, load_scores
from pipeline.listening import Remark
from pipeline.machine.files import FileError
from pipeline.runs.card import CARD, DEV_SCORES, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.runs.folder import member_folder
from pipeline.runs.load import load_run
from pipeline.scoring import calibrating
from pipeline.scoring.calibrating import calibrated_on
from pipeline.scoring.judge import evaluate
from pipeline.signals.leads import LEADS
from pipeline.training import network

pytestmark = pytest.mark.usefixtures("cpu_as_before")

GRU = "-threads 1 -model gru -hidden_size 4 -crop 0.5 -leads I II V2 -batch_size 8 -epochs 1"
KINDS = {
    "network": GRU,
    "members": f"{GRU} -kfold 2",
    "late": "-model late -combine mean",
    "intermediate": "-threads 1 -model intermediate -combine concat -epochs 1 -batch_size 8",
}


def fit(folder: Path, data: Path, words: str) -> Path:
    train.main([*words.split(), "-data", str(data), "-path_save_model", str(folder)])
    return folder


@pytest.fixture(scope="module")
def plain(reference_stores: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each kind, not calibrated."""
    folder = tmp_path_factory.mktemp("plain")
    fit(folder / "second", reference_stores, f"{GRU} -seed 1")
    for kind, words in KINDS.items():
        other = "second" if kind == "intermediate" else "members"
        branches = f" -branches {folder}/network {folder}/{other}" if kind in ("late", "intermediate") else ""
        fit(folder / kind, reference_stores, words + branches)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_the_card_has_them_and_all_else_is_as_without(plain: Path, reference_stores: Path, tmp_path: Path, kind: str):
    other = "second" if kind == "intermediate" else "members"
    branches = f" -branches {plain}/network {plain}/{other}" if kind in ("late", "intermediate") else ""
    run = fit(tmp_path / "run", reference_stores, f"{KINDS[kind]}{branches} -calibrate")
    card, without = read_card(run), read_card(plain / kind)
    dev = load_scores(run / DEV_SCORES)
    assert card.calibration is not None
    assert card.calibration.temperatures == pytest.approx(dict(fit_temperatures(dev)))
    assert card.calibration.fitted_on == "dev"
    assert card.calibration.brier_before == pytest.approx(brier(dev.labels, dev.scores).mean())
    assert without.calibration is None
    assert card.thresholds == without.thresholds
    assert (run / DEV_SCORES).read_bytes() == (plain / kind / DEV_SCORES).read_bytes()
    if kind == "members":
        assert read_card(member_folder(run, 1)).calibration is None
    else:
        assert (run / WEIGHTS).read_bytes() == (plain / kind / WEIGHTS).read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_finished_run_is_calibrated_as_one_that_was_trained_so(plain: Path, tmp_path: Path, told, kind: str):
    run = shutil.copytree(plain / kind, tmp_path / kind)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path != run / CARD}
    found = evaluate(run, resamples=0, calibrate=True)
    card = read_card(run)
    assert card == replace(read_card(plain / kind), calibration=calibrated_on(load_scores(run / DEV_SCORES)))
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path != run / CARD} == before
    assert found.calibration is not None
    assert dict(found.calibration.temperatures.values) == load_run(run).card.calibration.temperatures
    assert any("they are kept in" in event.sentence for event in told if isinstance(event, Remark))
    told.clear()
    assert evaluate(run, resamples=0).calibration is not None
    evaluate(run, resamples=0, calibrate=True)
    assert not any("temperatures" in event.sentence for event in told if isinstance(event, Remark))
    assert read_card(run) == card


def test_a_part_of_another_run_stays_as_that_one_knows_it(plain: Path, tmp_path: Path, told):
    run = shutil.copytree(plain / "members", tmp_path / "members")
    member = member_folder(run, 1)
    card = (member / CARD).read_bytes()
    assert evaluate(member, resamples=0, calibrate=True).calibration is not None
    assert (member / CARD).read_bytes() == card
    assert load_run(run).card.kfold == 2
    assert any("is a part of" in event.sentence for event in told if isinstance(event, Remark))


def test_temperatures_that_cannot_be_kept_are_of_this_evaluation(plain: Path, tmp_path: Path, told, monkeypatch):
    run = shutil.copytree(plain / "network", tmp_path / "network")

    def full(*_: object) -> None:
        raise FileError(f"{run / CARD} cannot be written: the disk is full", "make room")

    monkeypatch.setattr(calibrating, "write_card", full)
    assert evaluate(run, resamples=0, calibrate=True).calibration is not None
    assert read_card(run).calibration is None
    assert any("of this evaluation alone" in event.sentence for event in told if isinstance(event, Remark))


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_run_says_of_a_recording_is_calibrated(plain: Path, kind: str):
    run, signal = load_run(plain / kind), np.random.default_rng(0).normal(0, 0.3, (12, 1000))
    said = run.predict(signal, sampling_rate=100, leads=LEADS)
    hot = {name: 1.5 + number for number, name in enumerate(run.card.classes)}
    of_dev = calibrated_on(load_scores(plain / kind / DEV_SCORES))
    warm = replace(run, card=replace(run.card, calibration=replace(of_dev, temperatures=hot)))
    found = warm.predict(signal, sampling_rate=100, leads=LEADS)
    expected = apply_temperatures(np.array([[*said.values()]]), run.card.classes, hot, "multilabel")[0]
    assert [*found.values()] == pytest.approx(expected.tolist(), abs=1e-7)


def test_a_training_that_was_stopped_is_calibrated_at_its_end(reference_stores: Path, tmp_path: Path, monkeypatch):
    words = f"{GRU} -calibrate"
    with monkeypatch.context() as patch:
        kill_at_call(patch, network, "calibrated_on", 1)
        with pytest.raises(Killed):
            fit(tmp_path / "run", reference_stores, words)
    begun = read_card(tmp_path / "run")
    assert begun.calibration is not None
    assert begun.calibration.temperatures is None
    train.main(["-resume", "-path_save_model", str(tmp_path / "run")])
    whole = fit(tmp_path / "whole", reference_stores, words)
    assert read_card(tmp_path / "run").calibration == read_card(whole).calibration
    assert read_card(tmp_path / "run").seal == read_card(whole).seal


def test_it_is_not_asked_for_half_way(reference_stores: Path, tmp_path: Path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_at_call(patch, network, "complete", 1)
        with pytest.raises(Killed):
            fit(tmp_path / "run", reference_stores, GRU)
    with pytest.raises(EcgFusionError, match="was begun with -calibrate left out, not True: leave -calibrate out"):
        train.main(["-resume", "-calibrate", "-path_save_model", str(tmp_path / "run")])


def test_it_says_what_it_has_found(told):
    found = calibrated_on(drawn_multiclass())
    (said,) = [event.sentence for event in told if isinstance(event, Remark)]
    assert found.temperatures is not None
    assert f"temperatures from 240 dev items: {found.temperatures['N']:.3g} for all classes; on these same" in said
    assert (found.without, found.unbounded) == ((), ())


def test_it_says_what_dev_cannot_tell(told):
    draw = np.random.default_rng(0)
    scores = draw.random((200, 3)).astype(np.float32)
    labels = draw.random((200, 3)) < scores
    labels[:, 1], scores[:, 2] = False, np.where(labels[:, 2], 0.8, 0.2)
    found = calibrated_on(Scores(scores, labels, np.arange(200), ("MI", "CD", "HYP"), "multilabel"))
    sentences = [event.sentence for event in told if isinstance(event, Remark)]
    assert sentences[1:] == [
        "temperature 1, because dev has no positive or no negative: CD",
        "temperature 1, because dev tells of no best one: HYP",
    ]
    assert (found.without, found.unbounded) == (("CD",), ("HYP",))
