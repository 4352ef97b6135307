"""The run folder: whole, portable, and one sentence for everything that can be wrong with it."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from cards import card_json, write_json
from safetensors import safe_open

import evaluate
import train
from pipeline.errors import EcgFusionError
from pipeline.machine.files import replace_atomically
from pipeline.runs.card import CARD, FORMAT, WEIGHTS
from pipeline.runs.folder import newest_run, refuse_files_of_others
from pipeline.runs.load import load_run, save_weights
from pipeline.scoring.partition import score_partition

pytestmark = pytest.mark.usefixtures("cpu_as_before")


@pytest.fixture(scope="module")
def finished(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "gru"
    words = "-model gru -hidden_size 4 -n_layers 2 -dropout 0.2 -crop 0.5 -epochs 2 -threads 1"
    train.main([*words.split(), "-data", str(small_store_folder), "-path_save_model", str(folder)])
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return shutil.copytree(finished, tmp_path / "run")


def change_card(run: Path, **changes: object) -> None:
    write_json(run, {**json.loads((run / CARD).read_text()), **changes})


def test_a_finished_run_is_whole(finished: Path):
    names = {path.name for path in finished.iterdir()}
    assert names == {CARD, WEIGHTS, "dev_scores.npz", "log.csv", "tensorboard"}
    card = card_json(finished)
    assert card["complete"]
    assert card["format"] == FORMAT
    assert card["thresholds"]["criterion"] == "gmean"
    assert card["thresholds"]["values"].keys() == set(card["classes"])
    assert card["training"]["threads"] == 1
    assert card["result"].keys() == {"best_epoch", "epochs", "dev_macro_auroc", "seconds"}


def test_a_loaded_run_is_the_network_that_was_saved(run: Path):
    loaded = load_run(run)
    assert not loaded.network.training
    assert loaded.spec.crop == 0.5
    with safe_open(run / WEIGHTS, "pt") as file:
        for name, value in loaded.network.state_dict().items():
            assert torch.equal(value, file.get_tensor(name)), name


def test_nothing_is_unpickled_to_predict(run: Path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("something was unpickled")

    monkeypatch.setattr(torch, "load", refuse)
    monkeypatch.setattr("pickle.load", refuse)
    monkeypatch.setattr("pickle.loads", refuse)
    assert len(score_partition(run, None, "test", threads=1).item_id)


def test_a_run_predicts_from_another_place(run: Path, small_store_folder: Path, tmp_path: Path, monkeypatch, finished):
    """Neither the folder it was trained in nor that of its stores is needed, where ``-data`` says where they are."""
    expected = score_partition(finished, None, "test", threads=1).scores
    moved, stores = tmp_path / "elsewhere" / "gru", tmp_path / "stores"
    shutil.copytree(run, moved)
    stores.mkdir()
    shutil.copy(small_store_folder / "test.h5", stores)
    card = json.loads((moved / CARD).read_text())
    change_card(moved, data={**card["data"], "folder": "/nowhere"})
    with pytest.raises(EcgFusionError, match=r"there is no /nowhere/test\.h5"):
        score_partition(moved, None, "test", threads=1)
    monkeypatch.chdir(tmp_path)
    assert (score_partition(Path("elsewhere/gru"), Path("stores"), "test", threads=1).scores == expected).all()
    evaluate.main(["-run", "elsewhere/gru", "-data", "stores", "-threads", "1"])
    assert (moved / "evaluation" / "test" / "counts.csv").exists()


def test_an_empty_folder_holds_no_run(tmp_path: Path):
    with pytest.raises(EcgFusionError, match=r"holds no run: train one with python train\.py"):
        load_run(tmp_path)


@pytest.mark.parametrize("text", ["", "{", '{"format": 1', "\xff\xfe"])
def test_a_damaged_card_is_one_sentence(run: Path, text: str):
    (run / CARD).write_bytes(text.encode("latin-1"))
    with pytest.raises(EcgFusionError, match=r"run\.json is damaged"):
        load_run(run)


@pytest.mark.parametrize("text", ["[]", "{}", '"card"', '{"format": "1"}', '{"format": null}'])
def test_a_file_that_is_no_card_is_one_sentence(run: Path, text: str):
    (run / CARD).write_text(text)
    with pytest.raises(EcgFusionError, match=r"run\.json is not a card of ecgfusion"):
        load_run(run)


def test_a_newer_card_asks_for_an_update(run: Path):
    change_card(run, format=FORMAT + 1)
    with pytest.raises(EcgFusionError, match=rf"newer ecgfusion \(format {FORMAT + 1}\): update"):
        load_run(run)


def test_a_card_that_lacks_a_part_says_which(run: Path):
    card = json.loads((run / CARD).read_text())
    del card["kind"], card["task"]
    write_json(run, card)
    with pytest.raises(EcgFusionError, match="lacks task, kind: copy the run folder again"):
        load_run(run)


@pytest.mark.parametrize("part", ["data.folds", "training.batch_size"])
def test_a_card_that_lacks_an_inner_part_says_which(run: Path, part):
    card = card_json(run)
    outer, inner = part.split(".")
    del card[outer][inner]
    write_json(run, card)
    with pytest.raises(EcgFusionError, match=f"lacks {part}: copy the run folder again"):
        load_run(run)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "transformer"}, "no network is named 'transformer'"),
        ({"options": {"hidden": 4}}, "does not take the option 'hidden'"),
        ({"options": {"hidden_size": "wide"}}, "hidden_size"),
        ({"input": {}}, "it lacks input.modality, input.leads, input.sampling_rate, input.gain, input.n_samples: copy"),
        ({"zoom": 2}, "it has zoom, which this version does not know: copy the run folder"),
    ],
)
def test_a_card_of_another_version_is_one_sentence(run: Path, changes: dict[str, object], sentence: str):
    change_card(run, **changes)
    with pytest.raises(EcgFusionError, match=sentence):
        load_run(run)


def test_an_unfinished_run_says_how_to_go_on(run: Path):
    change_card(run, complete=False)
    with pytest.raises(EcgFusionError, match=r"is not finished: go on with python train\.py -resume"):
        load_run(run)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"complete": False}, "other is not finished: go on with python train.py -resume -path_save_model"),
        (
            {"task": "form"},
            "other has task form, but .*run disease: compare runs of one task, .*, or make one that .*training.derive",
        ),
        ({"classes": ["STTC", "MI", "CD", "HYP"]}, "other has other classes of disease than .*run: compare runs of"),
    ],
)
def test_runs_that_cannot_be_compared_are_known_before_one_is_scored(run, tmp_path, monkeypatch, changes, sentence):
    monkeypatch.setattr("pipeline.scoring.partition.score_partition", None)
    other = shutil.copytree(run, tmp_path / "other")
    change_card(other, **changes)
    with pytest.raises(EcgFusionError, match=sentence):
        evaluate.main(["-run", str(run), str(other)])


def test_a_run_is_compared_with_others_only(run: Path, monkeypatch):
    monkeypatch.setattr("pipeline.scoring.partition.score_partition", None)
    with pytest.raises(EcgFusionError, match="run is given twice: name each run once"):
        evaluate.main(["-run", str(run), f"{run.parent}/../{run.parent.name}/{run.name}"])


def test_missing_weights_are_named(run: Path):
    (run / WEIGHTS).unlink()
    with pytest.raises(EcgFusionError, match=r"weights\.safetensors is missing: copy the whole run folder"):
        load_run(run)


@pytest.mark.parametrize("kept", [0, 4, 100, 0.5])
def test_truncated_weights_are_damaged(run: Path, kept: float):
    whole = (run / WEIGHTS).read_bytes()
    (run / WEIGHTS).write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    with pytest.raises(EcgFusionError, match=r"weights\.safetensors is damaged or of another network"):
        load_run(run)


def test_weights_of_another_network_are_refused(run: Path):
    save_weights(run, torch.nn.Linear(3, 4))
    with pytest.raises(EcgFusionError, match="damaged or of another network"):
        load_run(run)


def test_the_newest_finished_run_is_taken(run: Path, tmp_path: Path):
    root = tmp_path / "runs"
    for age, (name, complete) in enumerate([("unfinished", False), ("newest", True), ("older", True)]):
        shutil.copytree(run, root / name)
        change_card(root / name, complete=complete)
        os.utime(root / name / CARD, (1e9 - age, 1e9 - age))
    (root / "newest" / WEIGHTS).touch()  # what else is in a folder says nothing
    assert newest_run(root) == root / "newest"
    os.utime(root / "older" / CARD, (2e9, 2e9))
    assert newest_run(root) == root / "older"


def test_without_a_finished_run_the_way_on_is_named(run: Path, tmp_path: Path):
    with pytest.raises(EcgFusionError, match=r"there is no run in .*: train one first"):
        newest_run(tmp_path / "runs")
    shutil.copytree(run, tmp_path / "runs" / "a")
    change_card(tmp_path / "runs" / "a", complete=False)
    with pytest.raises(EcgFusionError, match=r"no run in .* is finished: go on with .*runs/a"):
        newest_run(tmp_path / "runs")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path):
    path = tmp_path / "log.csv"
    path.write_text("old")

    def write_half(temporary: Path) -> None:
        temporary.write_text("ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_atomically(path, write_half)
    assert path.read_text() == "old"
    replace_atomically(path, lambda temporary: temporary.write_text("new") and None)
    assert path.read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == ["log.csv"]


def test_a_folder_with_files_of_others_is_refused(tmp_path):
    refuse_files_of_others(tmp_path / "new")
    refuse_files_of_others(tmp_path)
    (tmp_path / ".run.json.lock").touch()  # what a kill leaves
    (tmp_path / "run.json.part").touch()
    refuse_files_of_others(tmp_path)
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(EcgFusionError, match=r"holds thesis\.docx, which is of no run: name a new folder"):
        refuse_files_of_others(tmp_path)
    with pytest.raises(EcgFusionError, match=r"thesis\.docx is a file: name a folder"):
        refuse_files_of_others(tmp_path / "thesis.docx")
