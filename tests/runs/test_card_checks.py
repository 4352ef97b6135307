"""What cannot be in a card is one sentence that names the field and the file."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from cards import card_json, small_card, write_json

import evaluate
from pipeline.errors import EcgFusionError
from pipeline.fusion.branches import named_branches
from pipeline.inputs.spec import InputSpec
from pipeline.runs.card import WEIGHTS, is_plain_name
from pipeline.runs.card_file import read_card, write_card

TEMPERATURES = {"MI": 1.2, "STTC": 0.8, "CD": 1.0, "HYP": 2.0}


@pytest.fixture
def card(tmp_path: Path) -> dict[str, Any]:
    """The fields of a small card, which lies in the test's folder."""
    write_card(tmp_path, small_card(InputSpec("signal", ("I", "II"), 100.0, 1000.0, 1000)))
    return card_json(tmp_path)


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        ("training.batch_size", "x", "training.batch_size is 'x', not a whole number"),
        ("training.batch_size", True, "training.batch_size is True, not a whole number"),
        ("training.batch_size", 0, "training.batch_size is 0, not a number of at least 1"),
        ("training.precision", "fp64", "training.precision is 'fp64', not fp32 or bf16 or fp16"),
        ("training.class_weights", [1.0], "training.class_weights are 1 numbers for 4 classes"),
        ("training", [], r"training is \[\], not named fields"),
        ("kfold", "3", "kfold is '3', not a whole number"),
        ("input.leads", [None], r"input.leads\[0\] is None, not text"),
        ("input.leads", "I", "input.leads is 'I', not a list"),
        ("input.normalise", "x", "input.normalise is 'x', not global or none or record"),
        ("input.sampling_rate", float("nan"), "input.sampling_rate is nan, not a number of at least"),
        ("input.sampling_rate", 10**400, "input.sampling_rate is inf, not a number of at least"),
        ("input.zoom", 2, "it has input.zoom, which this version does not know"),
        ("input.beat", [0.3], r"input.beat is \[0.3\], not a list of 2"),
        ("input.beat_version", 3, "input.beat_version is 3, not 1 or 2"),
        ("input.beat_version", True, "input.beat_version is True, not a whole number"),
        ("kind", "multilable", "kind is 'multilable', not multilabel or multiclass"),
        ("classes", ["MI", "MI"], "classes are .*, not different names"),
        ("classes", ["MI", "", "CD", "HYP"], "a class has an empty name"),
        ("classes", ["MI", "S\x1b[31m", "CD", "HYP"], "the class .* cannot be printed"),
        ("classes", ["MI", "=cmd|x", "CD", "HYP"], "the class '=cmd.x' begins like a formula"),
        ("task", "../x", "the task '../x' is no plain file name"),
        ("task", "a\nb", "the task .* cannot be printed"),
        ("input.leads", ["I", "I\nI"], "the lead .* cannot be printed"),
        ("data.folds", {"train": ["a"]}, r"data.folds.train\[0\] is 'a', not a whole number"),
        ("options", {"a": [[[1]]]}, "options.a is .* nested too deep"),
        ("training.optimizer", None, "it lacks training.optimizer"),
        ("training.epochs", None, "it lacks training.epochs"),
        ("complete", True, "it lacks result, though complete is true"),
        ("model", "late", "it lacks branches"),
    ],
)
def test_a_field_that_cannot_be_is_named_with_its_file(card: dict[str, Any], tmp_path: Path, place, value, sentence):
    *outer, name = place.split(".")
    inner = card[outer[0]] if outer else card
    inner[name] = value
    write_json(tmp_path, card)
    with pytest.raises(EcgFusionError, match=rf"run\.json: {sentence}.*: copy the run folder again$"):
        read_card(tmp_path)


def test_the_kind_of_a_finished_run_goes_with_its_thresholds(earlier: Path, tmp_path: Path):
    card = card_json(earlier / "runs" / "gru")
    write_json(tmp_path, {**card, "kind": "multiclass"})
    with pytest.raises(EcgFusionError, match="kind is 'multiclass', and a run of that kind does not have thresholds"):
        read_card(tmp_path)


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), float("inf")])
def test_a_threshold_is_a_probability(earlier: Path, tmp_path: Path, value: float):
    card = card_json(earlier / "runs" / "gru")
    card["thresholds"]["values"]["MI"] = value
    write_json(tmp_path, card)
    with pytest.raises(EcgFusionError, match=r"thresholds\.values\.MI is .*, not a number from 0 to 1: copy the run"):
        read_card(tmp_path)


NO_NAMES = ["..", ".", "", "a/b", "/etc", "a\\b", "a\0", "../../x", "./a", "a/", ".hidden", "a\n", "\x1b[2J", "x" * 201]


@pytest.mark.parametrize("name", [*NO_NAMES, "\ud800", "\u202e"])
def test_a_branch_has_a_plain_name(earlier: Path, tmp_path: Path, name: str):
    card = card_json(earlier / "runs" / "stacking")
    card["branches"] = {name: next(iter(card["branches"].values()))}
    write_json(tmp_path, card)
    with pytest.raises(EcgFusionError, match="which is no plain file name"):
        read_card(tmp_path)


@pytest.mark.parametrize("sha256", [{}, {WEIGHTS: "0"}])
def test_a_branch_is_told_by_the_digest_of_its_card(earlier: Path, tmp_path: Path, sha256: dict[str, str]):
    """Else any folder on this machine would be the one that a fusion copies when it goes on."""
    card = card_json(earlier / "runs" / "stacking")
    first = next(iter(card["branches"]))
    card["branches"][first]["sha256"] = sha256
    write_json(tmp_path, card)
    with pytest.raises(EcgFusionError, match=rf"it lacks branches\.{first}\.sha256\.run\.json: copy the run folder"):
        read_card(tmp_path)


@pytest.mark.parametrize("place", ["data", "branches"])
@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_folder_that_can_be_none_is_refused(earlier: Path, tmp_path: Path, place: str, name: str):
    card = card_json(earlier / "runs" / "stacking")
    (card["data"] if place == "data" else next(iter(card["branches"].values())))["folder"] = name
    write_json(tmp_path, card)
    with pytest.raises(EcgFusionError, match=rf"{place}.*folder is .*, which no folder is called: copy the run folder"):
        read_card(tmp_path)


@pytest.mark.parametrize("name", [name for name in NO_NAMES if name])
@pytest.mark.parametrize("field", ["model", "task", "class"])
def test_no_other_name_of_a_card_becomes_a_path(earlier: Path, tmp_path: Path, field: str, name: str):
    """A network or task of such a name is not known, and a class is never a file."""
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "inner" / "gru")
    card = card_json(run)
    if field == "class":
        card["classes"][0] = name
        card["thresholds"]["values"][name] = card["thresholds"]["values"].pop("MI")
    else:
        card[field] = name
    write_json(run, card)
    before = sorted(path for path in tmp_path.rglob("*"))
    with pytest.raises(EcgFusionError):
        evaluate.main(["-run", str(run), "-data", str(earlier / "stores"), "-resamples", "0", "-threads", "1"])
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_what_a_branch_is_called_can_stand_in_a_card():
    for name in (*NO_NAMES, "gru", "gru-3", "a b", "a.b", "ä", "..x"):
        folders = [f"/runs/{name.strip('/') or 'x'}".replace("\0", ""), "/other/gru"]
        assert all(is_plain_name(branch) for branch in named_branches(folders)), name
    assert list(named_branches(["runs/gru-3", "old/gru-3", "runs/a b"])) == ["gru-3", "gru-3-2", "a b"]


@pytest.mark.parametrize(
    ("calibration", "sentence"),
    [
        ({"temperatures": {"MI": 1.0}}, "calibration.temperatures are of MI, not of the classes"),
        ({"temperatures": TEMPERATURES | {"CD": 0.0}}, "calibration.temperatures.CD is 0.0, not a finite number above"),
        ({"temperatures": TEMPERATURES | {"CD": float("nan")}}, "calibration.temperatures.CD is nan, not a finite"),
        ({"temperatures": TEMPERATURES | {"CD": 10**400}}, "calibration.temperatures.CD is inf, not a finite"),
        ({"temperatures": TEMPERATURES | {"CD": "hot"}}, "calibration.temperatures.CD is 'hot', not a number"),
        ({"fitted_on": "test"}, "calibration.fitted_on is 'test', not dev"),
        ({"brier_after": -1}, "calibration.brier_after is -1.0, not a number of at least 0"),
        ({"temperature": 2.0}, "it has calibration.temperature, which this version does not know"),
    ],
)
def test_temperatures_that_cannot_be_are_refused(card: dict[str, Any], tmp_path: Path, calibration, sentence: str):
    write_json(tmp_path, card | {"calibration": calibration})
    with pytest.raises(EcgFusionError, match=sentence):
        read_card(tmp_path)


def test_a_softmax_has_one_temperature_and_a_finished_run_all_of_them(card: dict[str, Any], tmp_path: Path):
    write_json(tmp_path, card | {"kind": "multiclass", "calibration": {"temperatures": TEMPERATURES}})
    with pytest.raises(EcgFusionError, match="temperatures differ, and classes that exclude each other have one"):
        read_card(tmp_path)
    done = {"complete": True, "result": {"dev_macro_auroc": 0.5}, "kind": "multiclass", "calibration": {}}
    write_json(tmp_path, card | done)
    with pytest.raises(EcgFusionError, match=r"it lacks calibration\.temperatures, though complete is true"):
        read_card(tmp_path)
