"""Fitting: it learns, it stops, it keeps the best epoch, and a kill changes nothing."""

import csv
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cards import card_json
from kills import Killed, kill_at_call
from one_cycle import cycle
from signal_stores import make_signal_stores

import train
from models import create_model
from pipeline.errors import EcgFusionError
from pipeline.evaluation.metrics import macro_auroc
from pipeline.evaluation.scores import load_scores
from pipeline.runs.card import DEV_SCORES, LOG, RESUME, WEIGHTS
from pipeline.runs.learners import NetworkLearner
from pipeline.runs.load import load_run
from pipeline.scoring.partition import score_partition
from pipeline.training import loop, network
from pipeline.training.losses import make_loss
from pipeline.training.optimisation import check_batch_size, check_precision
from pipeline.training.steps import generators_of, seed_of_step

pytestmark = pytest.mark.usefixtures("cpu_as_before")

GRU = "-model gru -hidden_size 6 -dropout 0.3 -crop 0.5 -leads I II V2 -batch_size 8"
RESNET1D = "-model resnet1d_wang -crop 1 -batch_size 8"
IMAGES = "-model resnet -representation gaf rp -leads II -batch_size 8"


def fit_run(stores: Path, folder: Path, words: str, resume: bool = False) -> Path:
    common = ["-data", str(stores), "-path_save_model", str(folder), "-threads", "1"]
    train.main([*words.split(), *common, *(["-resume"] if resume else [])])
    return folder


def log_of(folder: Path) -> list[dict[str, float]]:
    with (folder / LOG).open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def assert_same_run(ours: Path, theirs: Path) -> None:
    for name in (WEIGHTS, DEV_SCORES):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
    timeless = [[{k: v for k, v in row.items() if k != "seconds"} for row in log_of(run)] for run in (ours, theirs)]
    assert timeless[0] == timeless[1]
    cards = [card_json(run) for run in (ours, theirs)]
    for card in cards:
        del card["result"]["seconds"], card["given"]["path_save_model"]
    assert cards[0] == cards[1]
    assert not (ours / RESUME).exists()


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network trained on 180 simulated records, chosen on 60; 60 others are its test partition."""
    folder = tmp_path_factory.mktemp("learnt")
    stores = make_signal_stores(folder)
    words = "-model resnet1d_wang -crop 2.5 -epochs 8 -batch_size 32"
    return fit_run(stores, folder / "run", words)


def test_the_loss_falls(learnt: Path):
    losses = [row["train_loss"] for row in log_of(learnt)]
    assert len(losses) == 8
    assert losses[-1] < 0.7 * losses[0]


def test_what_was_learnt_holds_on_the_test_partition(learnt: Path):
    scores = score_partition(learnt, None, "test", threads=1)
    assert macro_auroc(scores.labels, scores.scores) > 0.8


def test_the_weights_are_those_of_the_best_epoch(learnt: Path):
    """Scored again, dev gives the best figure of the log, which is not merely the last."""
    best = max(log_of(learnt), key=lambda row: row["dev_macro_auroc"])
    scores, result = score_partition(learnt, None, "dev", threads=1), card_json(learnt)["result"]
    assert macro_auroc(scores.labels, scores.scores) == pytest.approx(best["dev_macro_auroc"], abs=1e-9)
    assert result["dev_macro_auroc"] == best["dev_macro_auroc"]
    assert result["best_epoch"] == best["epoch"]
    np.testing.assert_array_equal(scores.scores, load_scores(learnt / DEV_SCORES).scores)


def test_the_rate_follows_one_cycle_step_by_step(learnt: Path):
    """What the log has is the rate behind the last step of each epoch."""
    card = card_json(learnt)
    n_batches, highest = -(-card["data"]["n_train_items"] // 32), card["training"]["learning_rate"]
    expected = [
        cycle(epoch * n_batches, 8 * n_batches, highest / 25, highest, highest / 250_000) for epoch in range(1, 9)
    ]
    assert [row["learning_rate"] for row in log_of(learnt)] == pytest.approx(expected, rel=1e-6)


UNCHANGED = "-learning_rate 1e-30 -weight_decay 0 -optimizer sgd -scheduler none -epochs 3 -batch_size 8"


def test_the_logged_loss_is_that_of_one_epoch_alone(small_store_folder, tmp_path):
    """Where nothing is learnt, every epoch has the loss of the first, whatever its order; nothing is carried over."""
    words = f"-model gru -hidden_size 2 -n_layers 1 -leads I {UNCHANGED}"
    losses = [row["train_loss"] for row in log_of(fit_run(small_store_folder, tmp_path / "run", words))]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-5)


def test_the_loss_is_the_weighted_cross_entropy_of_all_items(small_store_folder, tmp_path):
    words = f"-model gru -hidden_size 2 -n_layers 1 -leads I {UNCHANGED}"
    run = load_run(fit_run(small_store_folder, tmp_path / "run", words))
    scores = score_partition(run.folder, None, "train", threads=1)
    weights = np.array(run.card.training.class_weights)
    cost = -(weights * scores.labels * np.log(scores.scores) + (1 - scores.labels) * np.log(1 - scores.scores))
    assert log_of(run.folder)[0]["train_loss"] == pytest.approx(cost.mean(), rel=1e-5)


def test_dropout_acts_in_training_and_not_in_scoring(small_store_folder, tmp_path):
    words = f"-model gru -hidden_size 8 -n_layers 2 -dropout 0.5 -leads I {UNCHANGED}"
    log = log_of(fit_run(small_store_folder, tmp_path / "run", words))
    assert len({round(row["train_loss"], 5) for row in log}) == 3
    assert len({row["dev_macro_auroc"] for row in log}) == 1


def test_a_lower_precision_is_for_training_alone(small_store_folder, tmp_path, monkeypatch):
    trained: list[torch.Tensor] = []
    scored: list[torch.Tensor] = []
    forward = NetworkLearner._said

    def kept(learner, *seen):
        features, logits = forward(learner, *seen)
        (trained if learner.training else scored).append(logits)
        return features, logits

    monkeypatch.setattr(NetworkLearner, "_said", kept)
    fit_run(small_store_folder, tmp_path / "run", f"{GRU} -epochs 1 -precision bf16")
    assert {logits.dtype for logits in trained} == {torch.bfloat16}
    assert {logits.dtype for logits in scored} == {torch.float32}


@pytest.mark.parametrize(("precision", "trained_in_tf32"), [("fp32", False), ("bf16", True)])
def test_fp32_is_never_tf32(precision, trained_in_tf32, small_store_folder, tmp_path, monkeypatch):
    seen: dict[bool, set[bool]] = {True: set(), False: set()}
    forward = NetworkLearner._said

    def looked(learner, *of_batch):
        seen[learner.training].add(torch.backends.cudnn.allow_tf32)
        return forward(learner, *of_batch)

    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(NetworkLearner, "_said", looked)
    fit_run(small_store_folder, tmp_path / "run", f"{GRU} -epochs 1 -precision {precision}")
    assert seen == {True: {trained_in_tf32}, False: {False}}
    assert torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize(("kind", "weights"), [("multilabel", None), ("multilabel", [2.0, 1.0, 5.0])])
def test_the_loss_of_labels_weighs_the_positives(kind, weights):
    logits, targets = torch.randn(7, 3), torch.randint(0, 2, (7, 3)).float()
    p = logits.sigmoid()
    factor = torch.tensor(weights or [1.0] * 3)
    expected = -(factor * targets * p.log() + (1 - targets) * (1 - p).log()).mean()
    torch.testing.assert_close(make_loss(kind, weights)(logits, targets), expected)


def test_the_loss_of_classes_is_that_of_the_right_one():
    logits, right = torch.randn(7, 3), torch.tensor([0, 1, 2, 2, 1, 0, 0])
    targets = torch.nn.functional.one_hot(right, 3).float()
    expected = -logits.log_softmax(1)[torch.arange(7), right].mean()
    torch.testing.assert_close(make_loss("multiclass", None)(logits, targets), expected)


def patient_fit(aurocs: list[float], patience: int, stores: Path, folder: Path, monkeypatch) -> list[dict[str, float]]:
    values = iter(aurocs)
    monkeypatch.setattr(loop, "macro_auroc", lambda *_: next(values))
    fit_run(stores, folder, f"{GRU} -epochs {len(aurocs)} -patience {patience}")
    return log_of(folder)


def test_training_stops_after_so_many_epochs_without_a_better_one(small_store_folder, tmp_path, monkeypatch):
    aurocs = [0.5, 0.7, 0.7, 0.6, 0.9, 0.9]
    assert len(patient_fit(aurocs, 2, small_store_folder, tmp_path / "run", monkeypatch)) == 4
    assert card_json(tmp_path / "run")["result"]["best_epoch"] == 2


def test_what_is_kept_is_the_best_epoch_and_not_the_last(small_store_folder, tmp_path, monkeypatch):
    patient_fit([0.9, 0.5, 0.4], 2, small_store_folder, tmp_path / "long", monkeypatch)
    patient_fit([0.5, 0.7, 0.9], 2, small_store_folder, tmp_path / "last", monkeypatch)
    first, last = (load_scores(tmp_path / name / DEV_SCORES).scores for name in ("long", "last"))
    assert (first != last).any()
    np.testing.assert_array_equal(score_partition(tmp_path / "long", None, "dev", threads=1).scores, first)


def test_dev_is_scored_once_an_epoch_and_once_more_only_behind_a_kill(small_store_folder, tmp_path, monkeypatch):
    """The best epoch is the second of three; what it said is known, unless another process scored it."""
    counted: list[object] = []
    function = loop.predict_probabilities

    def counting(*arguments: Any) -> np.ndarray:
        counted.append(arguments[-1])
        return function(*arguments)

    monkeypatch.setattr(loop, "predict_probabilities", counting)
    patient_fit([0.5, 0.9, 0.7], 3, small_store_folder, tmp_path / "whole", monkeypatch)
    assert counted == ["scoring dev"] * 3
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, network, "save_scores", 1)
        with pytest.raises(Killed):
            patient_fit([0.5, 0.9, 0.7], 3, small_store_folder, tmp_path / "killed", monkeypatch)
    counted.clear()
    fit_run(small_store_folder, tmp_path / "killed", "", resume=True)
    assert counted == ["scoring dev"]
    assert_same_run(tmp_path / "killed", tmp_path / "whole")


def test_a_better_epoch_starts_the_patience_anew(small_store_folder, tmp_path, monkeypatch):
    aurocs = [0.5, 0.4, 0.6, 0.5, 0.7, 0.6]
    assert len(patient_fit(aurocs, 2, small_store_folder, tmp_path / "run", monkeypatch)) == 6
    assert card_json(tmp_path / "run")["result"]["best_epoch"] == 5


CONFIGURATIONS = [
    f"{GRU} -optimizer adamw -scheduler onecycle",
    f"{GRU} -optimizer adam -scheduler cosine",
    f"{IMAGES} -optimizer sgd -scheduler none -workers 1",
    f"{RESNET1D} -optimizer sgd -scheduler onecycle -normalise record",
    f"{IMAGES} -optimizer adamw -scheduler onecycle",
    f"{IMAGES} -on_the_fly -optimizer adam -scheduler none",
    f"{GRU} -precision bf16",
    f"{RESNET1D.replace('resnet1d_wang', 's4d')} -set d_model=8 stem_stride=2 -precision bf16",
    RESNET1D.replace("resnet1d_wang", "convnext1d"),
]


IN_STEP = (NetworkLearner, "learnt", 6)  # of the second epoch: 30 labelled items in batches of 8 are 4 steps
KILLS = {
    "in the steps of the second epoch": IN_STEP,
    "after these, before anything of the epoch is saved": (loop, "predict_probabilities", 2),
    "when the weights of the first epoch are there, not its line in the log": (loop, "write_log", 1),
    "when the first epoch's weights and log are there, and not its state": (loop.TrainingState, "save", 1),
    "when the last epoch is saved, and nothing after it has begun": (loop, "_restore_best", 1),
    "when all epochs are over, and the run is not yet complete": (network, "save_scores", 1),
    "when the dev scores are there, and the weights not yet sealed": (network, "seal_weights", 1),
    "when the weights are sealed, and the card is not yet complete": (network, "seal_run", 1),
}


def resumed_equals_whole(words: str, kill: tuple[object, str, int], stores: Path, folder: Path) -> None:
    words = f"{words} -epochs 3 -patience 3"
    whole = fit_run(stores, folder / "whole", words)
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, *kill)
        with pytest.raises(Killed):
            fit_run(stores, folder / "killed", words)
    assert not card_json(folder / "killed")["complete"]
    fit_run(stores, folder / "killed", "", resume=True)
    assert_same_run(folder / "killed", whole)


@pytest.mark.parametrize("words", CONFIGURATIONS)
def test_a_resumed_run_equals_an_uninterrupted_one(words, small_store_folder, tmp_path):
    resumed_equals_whole(words, IN_STEP, small_store_folder, tmp_path)


@pytest.mark.parametrize("kill", KILLS)
def test_a_kill_at_any_moment_changes_nothing(kill, small_store_folder, tmp_path):
    resumed_equals_whole(CONFIGURATIONS[0], KILLS[kill], small_store_folder, tmp_path)


def test_a_run_that_a_signal_kills_goes_on(small_store_folder, tmp_path):
    """SIGKILL to the command itself, while it trains."""
    words = f"{GRU} -epochs 15 -patience 15"
    command = [sys.executable, train.__file__, *words.split(), "-threads", "1"]
    command += ["-data", str(small_store_folder), "-path_save_model", str(tmp_path / "killed")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = tmp_path / "killed" / LOG
    while process.poll() is None and not (log.exists() and len(log_of(log.parent)) >= 2):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert 2 <= len(log_of(tmp_path / "killed")) < 15
    fit_run(small_store_folder, tmp_path / "killed", "", resume=True)
    assert_same_run(tmp_path / "killed", fit_run(small_store_folder, tmp_path / "whole", words))


def test_a_loss_that_is_no_number_is_one_sentence(small_store_folder, tmp_path, monkeypatch):
    forward = NetworkLearner._said
    monkeypatch.setattr(NetworkLearner, "_said", lambda *seen: [part * math.nan for part in forward(*seen)])
    with pytest.raises(EcgFusionError, match=r"the loss is nan in epoch 1: lower -learning_rate \(now 0"):
        fit_run(small_store_folder, tmp_path / "run", f"{GRU} -epochs 2")
    with pytest.raises(EcgFusionError, match=r"came to no result: the loss is nan .* train into another folder"):
        load_run(tmp_path / "run")
    with pytest.raises(EcgFusionError, match="came to no result"):
        fit_run(small_store_folder, tmp_path / "run", "", resume=True)
    with pytest.raises(EcgFusionError, match="came to no result"):
        fit_run(small_store_folder, tmp_path / "run", f"{GRU} -epochs 2")


def test_a_network_that_overflows_in_its_last_step_is_one_sentence(small_store_folder, tmp_path):
    """The one loss of the epoch is a number still, the scores are not."""
    words = f"{RESNET1D} -batch_size 100 -learning_rate 9e5 -optimizer sgd -scheduler none -clip_norm 0 -epochs 9"
    with pytest.raises(EcgFusionError, match=r"in epoch .*: lower -learning_rate"):
        fit_run(small_store_folder, tmp_path / "run", words)


def test_a_resume_file_is_never_unpickled(small_store_folder, tmp_path):
    """What a pickle would run on being read is not run, and a sentence says that the file is damaged."""
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, *IN_STEP)
        with pytest.raises(Killed):
            fit_run(small_store_folder, tmp_path / "run", f"{GRU} -epochs 2")
    (tmp_path / "run" / RESUME).write_bytes(pickle.dumps(_Touch(tmp_path / "touched")))
    with pytest.raises(EcgFusionError, match=r"resume\.pt is damaged"):
        fit_run(small_store_folder, tmp_path / "run", "", resume=True)
    assert not (tmp_path / "touched").exists()


class _Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_half_precision_needs_a_gpu():
    with pytest.raises(EcgFusionError, match="fp16 needs a GPU"):
        check_precision("fp16", torch.device("cpu"))
    for precision in ("fp32", "bf16"):
        check_precision(precision, torch.device("cpu"))


def test_batch_norm_needs_two_items():
    with pytest.raises(EcgFusionError, match="-batch_size 1 is too small for resnet1d_wang"):
        check_batch_size(1, create_model("resnet1d_wang", in_channels=3, n_classes=4), "resnet1d_wang")
    check_batch_size(2, create_model("resnet1d_wang", in_channels=3, n_classes=4), "resnet1d_wang")
    check_batch_size(1, create_model("gru", in_channels=3, n_classes=4), "gru")


@pytest.mark.parametrize(("seed", "step"), [(0, 0), (7, 123456), (2**62, 1)])
def test_a_step_draws_as_torch_seeded_for_it_does(seed, step):
    generators = generators_of(torch.device("cpu"))
    for generator in generators:
        generator.manual_seed(seed_of_step(seed, step))
    drawn = torch.rand(5), torch.randperm(9)
    torch.manual_seed(seed_of_step(seed, step))
    assert torch.equal(drawn[0], torch.rand(5))
    assert torch.equal(drawn[1], torch.randperm(9))


def test_no_two_steps_nor_seeds_draw_alike():
    assert len({seed_of_step(seed, step) for seed in range(5) for step in range(500)}) == 2500


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device, or not asked for with -m gpu")
def test_a_step_on_a_gpu_draws_there_as_torch_seeded_for_it_does():
    for generator in generators_of(torch.device("cuda", 0)):
        generator.manual_seed(5)
    drawn = torch.rand(5, device="cuda"), torch.rand(5)
    torch.manual_seed(5)
    assert torch.equal(drawn[0], torch.rand(5, device="cuda"))
    assert torch.equal(drawn[1], torch.rand(5))
