"""Pretraining: labels are not read, a kill changes nothing, the run answers nothing, and -init begins with it."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from cards import card_json, write_json
from kills import Killed, kill_at_call
from made_stores import made_items, write_store, write_stores
from small_stores import sum_anew

import evaluate
import predict
import train
from models.pretraining.registry import list_methods
from pipeline.errors import EcgFusionError
from pipeline.listening import EpochEnded, Event, Listener, Remark, listening
from pipeline.runs.card import CARD, LOG, RESUME, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.runs.folder import newest_run
from pipeline.runs.load import load_run, read_weights
from pipeline.store.reading import open_store
from pipeline.training import loop, pretrained, pretraining
from pipeline.training.pretrained import pretrain
from pipeline.training.pretraining_plan import TASK, without_labels

pytestmark = pytest.mark.usefixtures("cpu_as_before")

LEADS = ("I", "II", "V2")
COMMON = "-epochs 2 -threads 1 -batch_size 8"
WORDS = {
    "jepa": "-model ecg_transformer -set patch=10 width=16 -n_layers 1 -n_heads 2 -method_set width=8 n_layers=1",
    "cpc": "-model resnet1d_wang -crop 0.9 -method_set n_ahead=4 hidden_size=8",
    "clocs": "-model resnet1d_wang -method_set lead_groups=2",
    "st_mem": "-model lead_transformer -set patch=20 width=16 -n_layers 1 -n_heads 2 -method_set width=8 n_heads=2",
}
CNN = f"-model resnet1d_wang {COMMON}"
methods = pytest.mark.parametrize("method", [*WORDS])


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rhythms in three leads, of one and of two seconds; some items bear no label. Do not write into them."""
    folder = tmp_path_factory.mktemp("pretraining") / "stores"
    small: dict[str, Any] = {"n_train": 24, "n_dev": 12, "seconds": (1.0, 2.0), "unlabelled": 4}
    return write_stores(folder, leads=LEADS, **small)


def fit(method: str, data: Path, folder: Path, words: str = "", resume: bool = False) -> Path:
    given = ["-resume"] if resume else ["-method", method, *f"{WORDS[method]} {COMMON} {words}".split()]
    pretraining.main([*given, "-data", str(data), "-path_save_model", str(folder)])
    return folder


@pytest.fixture(scope="module")
def runs(stores: Path) -> dict[str, Path]:
    """Do not write into them."""
    return {method: fit(method, stores, stores.parent / "runs" / method) for method in WORDS}


def log_of(folder: Path) -> list[dict[str, float]]:
    with (folder / LOG).open(newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


class Heard(Listener):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.remarks: list[str] = []
        self.epochs: list[EpochEnded] = []

    def hear(self, event: Event) -> None:
        if isinstance(event, Remark):
            self.remarks.append(event.sentence)
        if isinstance(event, EpochEnded):
            self.epochs.append(event)


@pytest.fixture
def heard() -> Iterator[Heard]:
    listener = Heard()
    with listening(listener):
        yield listener


def test_each_method_is_tried_here():
    assert {*WORDS} == {*list_methods()}


# the run


@methods
def test_the_card_and_the_log_say_what_was_done(method: str, runs: dict[str, Path]):
    card, log = read_card(runs[method]), log_of(runs[method])
    assert card.complete
    assert card.run_kind == "pretraining"
    assert card.pretraining is not None
    assert card.pretraining.method == method
    assert card.pretraining.epochs == len(log) == 2
    assert card.data.n_train_items == 24, "items without a label count, too"
    assert card.pretraining.figures == {
        name: x for name, x in log[-1].items() if name not in ("epoch", "learning_rate")
    }
    assert {"jepa": "dev_token_deviation", "st_mem": "dev_loss"}.get(method, "dev_found") in log[0]
    assert not (runs[method] / RESUME).exists()
    assert {*read_weights(runs[method], card)} == {*(card.pretraining.trained or ())}


@methods
def test_the_run_keeps_what_the_method_trains_and_nothing_else(method: str, runs: dict[str, Path]):
    """A hidden layer that no loss has reached is fresh in a training, and no head is kept."""
    names = {*read_weights(runs[method])}
    assert not any(name.startswith("head.") for name in names)
    assert not any(name.startswith(("copy.", "encoder.")) for name in names)
    if method == "cpc":
        assert not any(name.startswith("hidden.") for name in names)
        assert "stem.norm.running_mean" in names
    if method == "clocs":
        assert {"hidden.0.weight", "hidden.0.running_mean", "hidden.2.weight"} <= names


def test_each_epoch_is_told_with_what_dev_says(stores: Path, tmp_path: Path, heard: Heard):
    pretrain(method="clocs", model="resnet1d_wang", data=stores, path_save_model=tmp_path / "run", epochs=2, threads=1)
    assert [event.epoch for event in heard.epochs] == [1, 2]
    for event in heard.epochs:
        assert event.dev_macro_auroc is None
        assert {*event.figures} == {"dev_loss", "dev_found"}
    assert any("pretraining by clocs, which reads no labels" in sentence for sentence in heard.remarks)


def scrambled(stores: Path, folder: Path) -> Path:
    """The same items with other labels, of other classes, of another task, and of those that had none, too."""
    for partition in ("train", "dev"):
        n_records = 24 if partition == "train" else 12
        made = made_items(partition, n_records, seconds=(1.0, 2.0), n_leads=3)
        made.right = np.random.default_rng(7).integers(0, 2, n_records)
        made.classes = ("X", "Y")
        write_store(folder, partition, made, leads=LEADS, task="other")
        with h5py.File(stores / f"{partition}.h5") as ours, h5py.File(folder / f"{partition}.h5") as theirs:
            np.testing.assert_array_equal(ours["signals"][()], theirs["signals"][()])
    return folder


@methods
def test_labels_are_never_read(method: str, stores: Path, runs: dict[str, Path], tmp_path: Path):
    other = fit(method, scrambled(stores, tmp_path / "stores"), tmp_path / "run")
    assert (other / WEIGHTS).read_bytes() == (runs[method] / WEIGHTS).read_bytes()
    assert log_of(other) == log_of(runs[method])


def test_a_limit_takes_the_same_items_whatever_their_labels(stores: Path, tmp_path: Path):
    other = scrambled(stores, tmp_path / "stores")
    limited = "-limit 10 -dev_limit 6"
    ours, theirs = (fit("clocs", data, tmp_path / name, limited) for data, name in ((stores, "a"), (other, "b")))
    assert card_json(ours)["data"]["n_train_items"] == 10
    assert card_json(ours)["data"]["n_dev_items"] == 6
    assert (ours / WEIGHTS).read_bytes() == (theirs / WEIGHTS).read_bytes()


def test_a_view_of_a_store_has_no_labels(stores: Path):
    view = without_labels(open_store(stores / "train.h5"))
    assert [*view.labels] == [TASK]
    assert view.default_task == TASK
    assert not view.labels[TASK].values.any()
    assert view.labels[TASK].labelled.all()


def test_other_signals_are_heard(stores: Path, runs: dict[str, Path], tmp_path: Path):
    """What the test of labels would not tell: that nothing is read at all."""
    folder = scrambled(stores, tmp_path / "stores")
    with h5py.File(folder / "train.h5", "r+") as file:
        file["signals"][0, :, :50] = 17
        sum_anew(file)
    other = fit("clocs", folder, tmp_path / "run")
    assert (other / WEIGHTS).read_bytes() != (runs["clocs"] / WEIGHTS).read_bytes()


@methods
@pytest.mark.parametrize("augmented", [False, True])
def test_a_resumed_run_equals_an_uninterrupted_one(
    method: str, augmented: bool, stores: Path, runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    words = "-augment noise lead_dropout -normalise none" if augmented else ""
    whole = fit(method, stores, tmp_path / "whole", words) if augmented else runs[method]
    with monkeypatch.context() as patch:
        kill_at_call(patch, pretrained.PretrainingSteps, "_step", 5)  # the second of the second epoch
        with pytest.raises(Killed):
            fit(method, stores, tmp_path / "run", words)
    with pytest.raises(EcgFusionError, match=r"is not finished: go on with python train\.py -resume"):
        load_run(tmp_path / "run")
    fit(method, stores, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()
    assert log_of(tmp_path / "run") == log_of(whole)
    cards = [card_json(run) for run in (tmp_path / "run", whole)]
    for card in cards:
        del card["given"]["path_save_model"]
    assert cards[0] == cards[1]


def test_a_kill_while_it_is_sealed_changes_nothing(
    stores: Path, runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        kill_at_call(patch, pretrained, "seal_weights", 1)
        with pytest.raises(Killed):
            fit("jepa", stores, tmp_path / "run")
    fit("jepa", stores, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == (runs["jepa"] / WEIGHTS).read_bytes()


def test_another_seed_and_another_precision_are_other_runs(stores: Path, runs: dict[str, Path], tmp_path: Path):
    for name, words in (("seed", "-seed 1"), ("bf16", "-precision bf16")):
        other = fit("jepa", stores, tmp_path / name, words)
        assert (other / WEIGHTS).read_bytes() != (runs["jepa"] / WEIGHTS).read_bytes()
        assert all(np.isfinite(row["dev_loss"]) for row in log_of(other))


def test_the_loss_falls_and_so_does_that_of_dev(stores: Path, tmp_path: Path):
    log = log_of(fit("clocs", stores, tmp_path / "run", "-epochs 8 -learning_rate 3e-3"))
    assert len(log) == 8
    assert log[-1]["train_loss"] < log[0]["train_loss"]


def test_a_loss_that_is_no_number_is_one_sentence(stores: Path, tmp_path: Path):
    words = "-learning_rate 9e5 -optimizer sgd -scheduler none -clip_norm 0 -epochs 9"
    with pytest.raises(EcgFusionError, match=r"in epoch .*: lower -learning_rate"):
        fit("clocs", stores, tmp_path / "run", words)
    with pytest.raises(EcgFusionError, match="came to no result"):
        fit("clocs", stores, tmp_path / "run", resume=True)


# what it is for


def test_it_answers_nothing(runs: dict[str, Path], stores: Path, tmp_path: Path):
    run = str(runs["jepa"])
    said = f"{run} is pretrained by jepa, without labels, and answers nothing: train it on with python train.py -init"
    with pytest.raises(EcgFusionError) as told:
        load_run(run)
    assert said in str(told.value)
    for command, words in (
        (evaluate, ["-run", run, "-data", str(stores)]),
        (predict, ["-run", run, "some.csv"]),
        (
            train,
            [
                "-model",
                "late",
                "-combine",
                "mean",
                "-branches",
                run,
                str(runs["cpc"]),
                "-path_save_model",
                str(tmp_path / "f"),
            ],
        ),
    ):
        with pytest.raises(EcgFusionError, match="answers nothing"):
            command.main(words)
    with pytest.raises(EcgFusionError, match="answers nothing"):
        newest_run(runs["jepa"].parent)


def test_the_newest_run_is_one_that_answers(runs: dict[str, Path], stores: Path, tmp_path: Path):
    (tmp_path / "pretrained").symlink_to(runs["jepa"])
    train.main([*CNN.split(), "-data", str(stores), "-path_save_model", str(tmp_path / "cnn")])
    (runs["jepa"] / CARD).touch()
    assert newest_run(tmp_path) == tmp_path / "cnn"


def test_a_finished_one_is_neither_gone_on_with_nor_written_over(runs: dict[str, Path], stores: Path):
    with pytest.raises(EcgFusionError, match=r"is finished, .*: train it on with python train.py -init"):
        fit("jepa", stores, runs["jepa"], resume=True)
    with pytest.raises(EcgFusionError, match=r"holds a finished run: .* or train it on with python train.py -init"):
        fit("jepa", stores, runs["jepa"])


@methods
def test_a_training_begins_with_its_weights(
    method: str, runs: dict[str, Path], stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    began: list[dict[str, torch.Tensor]] = []
    steps = loop.Steps

    def look(learner, *arguments):
        began.append({name: x.clone() for name, x in learner.network.state_dict().items()})
        return steps(learner, *arguments)

    monkeypatch.setattr(loop, "Steps", look)
    words = f"-init {runs[method]} {COMMON} -data {stores} -path_save_model {tmp_path / 'tuned'}"
    train.main(words.split())
    there, card = read_weights(runs[method]), read_card(tmp_path / "tuned")
    assert card.model == read_card(runs[method]).model
    assert card.init is not None
    assert card.init.pretraining == method
    assert {*card.init.taken} == {*there}
    assert all(torch.equal(there[name], began[0][name]) for name in there)
    assert {"head.weight", "head.bias"} <= {*card.init.fresh}
    assert load_run(tmp_path / "tuned").card.complete


def test_frozen_features_need_all_of_them(runs: dict[str, Path], stores: Path, tmp_path: Path):
    """A transformer has nothing behind its tokens that learns; the other's hidden layer would be fresh."""
    frozen = f"-freeze features {COMMON} -data {stores}"
    train.main(f"-init {runs['jepa']} {frozen} -path_save_model {tmp_path / 'probe'}".split())
    there, here = read_weights(runs["jepa"]), read_weights(tmp_path / "probe")
    assert all(torch.equal(there[name], here[name]) for name in there)
    with pytest.raises(
        EcgFusionError,
        match=r"-freeze keeps what .* has learnt, and hidden.* would be fresh: .*, or take another method than cpc",
    ):
        train.main(f"-init {runs['cpc']} {frozen} -path_save_model {tmp_path / 'other'}".split())


def test_what_was_pretrained_on_is_no_dev_of_a_training(runs: dict[str, Path], stores: Path, tmp_path: Path):
    swapped = tmp_path / "swapped"
    for partition, folder in (("train", "dev"), ("dev", "train")):
        made = made_items(folder, 12, seconds=(1.0, 2.0), n_leads=3)
        write_store(swapped, partition, made, leads=LEADS, folds={"train": [2], "dev": [1], "test": [3]})
    with pytest.raises(EcgFusionError, match="was trained on: choose a store of other folds"):
        train.main(f"-init {runs['jepa']} {COMMON} -data {swapped} -path_save_model {tmp_path / 'run'}".split())


def test_windows_and_median_beats_are_items_as_any_other(small_store_folder: Path, tmp_path: Path):
    windows = write_stores(tmp_path / "windows", leads=LEADS, n_train=12, n_dev=9, seconds=(1.0,), windows=2)
    few: dict[str, Any] = {"method": "clocs", "epochs": 1, "batch_size": 8, "threads": 1}
    for data, beat, words, n_items in ((windows, None, "", 24), (small_store_folder, True, "-beat", 31)):
        run = pretrain(data=data, beat=beat, path_save_model=tmp_path / f"run-{n_items}", **few)
        card = read_card(run)
        assert card.data.n_train_items == n_items
        assert (card.spec.beat is None) == (beat is None)
        tuned = tmp_path / f"tuned-{n_items}"
        train.main(f"-init {run} {words} -epochs 1 -threads 1 -data {data} -path_save_model {tuned}".split())
        assert load_run(tuned).card.init is not None


def test_members_that_hold_out_what_was_pretrained_on_are_refused(runs: dict[str, Path], stores: Path, tmp_path: Path):
    with pytest.raises(EcgFusionError, match="-kfold scores each item by a network that never saw it"):
        train.main(f"-init {runs['jepa']} -kfold 3 {COMMON} -data {stores} -path_save_model {tmp_path / 'k'}".split())


# what is refused


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "which method? give -method with one of clocs, cpc, jepa, st_mem"),
        ("-method jeppa", "-method: no method is named 'jeppa'; did you mean jepa?"),
        (
            "-method jepa -model resnet",
            "resnet sees images, and a pretraining is of signals: take a network of signals",
        ),
        ("-method jepa -model nosuch", "no network is named 'nosuch'"),
        ("-method cpc -model beat_seq2seq", "beat_seq2seq answers for heartbeats in their sequence"),
        ("-method cpc -model rhythm_resnet", "-method cpc of rhythm_resnet: cpc predicts what comes next, and a token"),
        ("-method st_mem -model gru", "-method st_mem of gru: st_mem hides patches of each lead"),
        ("-method jepa -method_set span=0.5", "-method jepa of ecg_transformer: span is 0.5 and n_spans 4"),
        ("-method jepa -method_set spam=0.5", "method 'jepa' does not take the option 'spam'; it takes n_spans"),
        ("-method jepa -method_set span=wide", "-method jepa of ecg_transformer: "),
        ("-method jepa -nb_filters 3", "ecg_transformer has no -nb_filters"),
        (
            "-method jepa -set patch=50",
            "jepa of ecg_transformer takes at least 251 samples (2.51 s), and would see 100",
        ),
        ("-method cpc -crop 0.3", "cpc of resnet1d_wang takes at least 49 samples (0.49 s), and would see 30"),
        ("-method clocs -batch_size 1", "-batch_size 1 is too small for resnet1d_wang"),
        ("-method clocs -model gru -batch_size 1", "clocs compares the items of a batch: take a -batch_size"),
        ("-method clocs -momentum 0.5", "-momentum is for -optimizer sgd or sgdw"),
        ("-method clocs -beat -crop 0.5", "-beat shows one beat, of which nothing is cropped"),
        ("-method clocs -augment nois", "-augment: "),
        ("-method clocs -crop 7", "-crop 7 s does not fit into items of 2 s"),
        ("-method clocs -leads aVF", "lead"),
    ],
)
def test_what_does_not_work_is_one_sentence(words: str, said: str, stores: Path, tmp_path: Path):
    with pytest.raises(EcgFusionError) as told:
        pretraining.main([*words.split(), "-data", str(stores), "-path_save_model", str(tmp_path / "run")])
    assert said in str(told.value)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "option", ["kfold", "task", "init", "loss", "class_weights", "patience", "branches", "features"]
)
def test_options_of_labels_are_refused_at_the_door_of_python(option: str, stores: Path, tmp_path: Path):
    value: Any = {"kfold": 3, "patience": 3, "branches": ("a", "b"), "features": ("rr",)}.get(option, "none")
    value = "balanced" if option == "class_weights" else value
    with pytest.raises(
        EcgFusionError, match=f"-{option} is of train.py, and a pretraining sees signals without labels"
    ):
        pretrain(method="clocs", data=stores, path_save_model=tmp_path / "run", **{option: value})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pretraining": {"method": "jepa", "options": {}}}, "it lacks pretraining.trained, though complete is true"),
        ({"result": {"dev_macro_auroc": 0.9}}, "it has result, which a pretrained run has not"),
    ],
)
def test_a_card_that_was_changed_is_refused(changes: dict[str, Any], said: str, runs: dict[str, Path], tmp_path: Path):
    write_json(tmp_path, {**card_json(runs["jepa"]), **changes})
    with pytest.raises(EcgFusionError, match=said):
        read_card(tmp_path)
