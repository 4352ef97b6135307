"""The mean of the weights over the steps: by hand, beside torch's own, and as what is scored, kept and gone on with."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from cards import card_json
from kills import Killed, kill_at_call
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.metrics import macro_auroc
from pipeline.evaluation.scores import load_scores
from pipeline.runs.card import DEV_SCORES, LOG, MEMBERS, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.runs.learners import NetworkLearner
from pipeline.runs.load import read_weights
from pipeline.scoring.partition import score_partition
from pipeline.training import loop
from pipeline.training.ema import Average, decay_at
from pipeline.training.options import TrainOptions
from pipeline.training.ranges import check_ranges

pytestmark = pytest.mark.usefixtures("cpu_as_before")

WANG = "-model resnet1d_wang -crop 1 -batch_size 8 -leads I II"
GRU = "-model gru -hidden_size 6 -dropout 0.3 -crop 0.5 -leads I II V2 -batch_size 8"


def fit_run(stores: Path, folder: Path, words: str, resume: bool = False) -> Path:
    common = ["-data", str(stores), "-path_save_model", str(folder), "-threads", "1"]
    train.main([*words.split(), *common, *(["-resume"] if resume else [])])
    return folder


def log_of(folder: Path) -> list[dict[str, float]]:
    with (folder / LOG).open(newline="") as file:
        return [{name: float(x) for name, x in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def normed() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def step(network: nn.Module, number: int) -> None:
    """One step of plain gradient descent on a batch of that step's own."""
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(number))
    network.train()
    network.zero_grad()
    network(x).square().sum().backward()
    with torch.no_grad():
        for parameter in network.parameters():
            assert parameter.grad is not None
            parameter.sub_(0.1 * parameter.grad)


def test_the_decay_rises_to_what_was_asked_for():
    assert [decay_at(number, 0.5) for number in (0, 1, 8, 9)] == pytest.approx([0.1, 2 / 11, 0.5, 0.5])
    assert decay_at(0, 0.05) == 0.05
    rising = [decay_at(number, 0.999) for number in range(12_000)]
    assert rising == sorted(rising)
    assert rising[-1] == 0.999 > rising[100]


def test_the_mean_by_hand_of_weights_and_of_the_statistics_of_a_batch():
    network, decay = normed(), 0.6
    average = Average(network, decay)
    expected = {name: x.double().numpy().copy() for name, x in network.state_dict().items()}
    for number in range(20):
        step(network, number)
        average.update(number)
        share = 1 - min(decay, (1 + number) / (10 + number))
        for name, x in network.state_dict().items():
            expected[name] += share * (x.double().numpy() - expected[name])
    mean = average.state_dict()
    assert {"1.running_mean", "1.running_var", "0.weight"} <= mean.keys() == expected.keys()
    for name, x in mean.items():
        wanted = network.state_dict()[name] if name == "1.num_batches_tracked" else expected[name]
        np.testing.assert_allclose(x.numpy(), wanted, rtol=1e-5, atol=1e-7)
    assert (mean["1.running_mean"] - network.state_dict()["1.running_mean"]).abs().max() > 1e-3


def test_behind_its_warm_up_it_is_that_of_torch():
    network, decay = normed(), 0.7
    average = Average(network, decay)
    theirs = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    theirs.update_parameters(network)  # which is where it begins
    for number in range(1000, 1015):
        step(network, number)
        average.update(number)
        theirs.update_parameters(network)
    for name, x in theirs.module.state_dict().items():
        if x.is_floating_point():
            torch.testing.assert_close(average.state_dict()[name], x)


def test_the_network_is_its_mean_within_and_itself_behind_bit_for_bit():
    network = normed()
    average = Average(network, 0.9)
    for number in range(3):
        step(network, number)
        average.update(number)
    own = {name: x.clone() for name, x in network.state_dict().items()}

    def look_and_fail() -> None:
        with average.applied():
            for name, x in network.state_dict().items():
                assert torch.equal(x, average.state_dict()[name])
            assert not torch.equal(network.state_dict()["0.weight"], own["0.weight"])
            raise RuntimeError("in the middle of it")

    with pytest.raises(RuntimeError, match="in the middle"):
        look_and_fail()
    for name, x in network.state_dict().items():
        assert torch.equal(x, own[name])


def test_what_stays_as_it_is_has_itself_as_its_mean_exactly():
    network = normed()
    average = Average(network, 0.9)
    for number in range(50):
        average.update(number)
    for name, x in average.state_dict().items():
        assert torch.equal(x, network.state_dict()[name])


@pytest.mark.parametrize("other", [nn.Linear(3, 4), nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))])
def test_the_mean_of_another_network_is_refused(other: nn.Module):
    with pytest.raises(ValueError, match="the mean"):
        Average(normed(), 0.9).load_state_dict(other.state_dict())


@pytest.fixture(scope="module")
def both(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same training without a mean and with one. Do not write into them."""
    folder = tmp_path_factory.mktemp("ema")
    words = f"{WANG} -epochs 3 -patience 3"
    plain = fit_run(small_store_folder, folder / "plain", f"{words} -ema 0")
    return plain, fit_run(small_store_folder, folder / "mean", f"{words} -ema 0.9")


def test_the_steps_are_those_of_a_training_without_and_what_is_kept_is_not(both: tuple[Path, Path]):
    plain, mean = both
    assert [row["train_loss"] for row in log_of(plain)] == [row["train_loss"] for row in log_of(mean)]
    weights = [read_weights(run) for run in both]
    assert weights[0].keys() == weights[1].keys()
    assert not torch.equal(weights[0]["head.weight"], weights[1]["head.weight"])
    assert "ema" not in card_json(plain)["training"]  # as cards were before there was such a thing
    assert read_card(mean).training.ema == 0.9


def test_the_run_is_the_mean_that_the_epoch_was_chosen_by(both: tuple[Path, Path]):
    _, run = both
    scores, result = score_partition(run, None, "dev", threads=1), read_card(run).result
    assert result is not None
    best = max(log_of(run), key=lambda row: row["dev_macro_auroc"])
    assert macro_auroc(scores.labels, scores.scores) == best["dev_macro_auroc"] == result.dev_macro_auroc
    np.testing.assert_array_equal(scores.scores, load_scores(run / DEV_SCORES).scores)


def test_the_weights_of_one_epoch_are_the_mean_over_its_steps(small_store_folder, tmp_path, monkeypatch):
    """Told apart from the loop: the mean of what the network was behind each step, as the steps themselves saw it."""
    seen: list[dict[str, torch.Tensor]] = []
    learnt = NetworkLearner.learnt

    def kept(learner, batch, change=None):
        seen.append({name: x.clone() for name, x in learner.network.state_dict().items()})
        return learnt(learner, batch, change)

    monkeypatch.setattr(NetworkLearner, "learnt", kept)
    monkeypatch.setattr(loop, "macro_auroc", lambda *_: 0.5)
    words = f"{WANG} -patience 9 -scheduler none -ema 0.5"
    one = fit_run(small_store_folder, tmp_path / "one", f"{words} -epochs 1")
    n_steps = len(seen)
    fit_run(small_store_folder, tmp_path / "two", f"{words} -epochs 2")
    of_two = seen[n_steps:]  # of which the second epoch's first is what the first epoch has come to
    mean = {name: x.double() for name, x in of_two[0].items()}
    for number, state in enumerate(of_two[1 : n_steps + 1]):
        for name, x in state.items():
            mean[name] += (1 - min(0.5, (1 + number) / (10 + number))) * (x.double() - mean[name])
    for name, x in read_weights(one).items():
        if x.is_floating_point():
            torch.testing.assert_close(x.double(), mean[name], rtol=1e-4, atol=1e-6)


def same_runs(ours: Path, theirs: Path) -> None:
    for name in (WEIGHTS, DEV_SCORES):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
    assert log_of(ours) == log_of(theirs)


@pytest.mark.parametrize(
    "kill",
    [
        (NetworkLearner, "learnt", 6),
        (loop, "predict_probabilities", 2),
        (loop.TrainingState, "save", 2),
        (loop, "_restore_best", 1),
    ],
    ids=["in a step", "while the mean is scored", "before the state is saved", "when all epochs are over"],
)
@pytest.mark.parametrize("network", [WANG, GRU])
def test_a_resumed_training_equals_an_uninterrupted_one(network, kill, small_store_folder, tmp_path):
    words = f"{network} -ema 0.95 -epochs 3 -patience 3"
    whole = fit_run(small_store_folder, tmp_path / "whole", words)
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, *kill)
        with pytest.raises(Killed):
            fit_run(small_store_folder, tmp_path / "killed", words)
    same_runs(fit_run(small_store_folder, tmp_path / "killed", "", resume=True), whole)


def test_damaged_weights_of_the_best_epoch_are_put_back_as_the_mean(small_store_folder, tmp_path):
    words = f"{WANG} -ema 0.95 -epochs 2"
    whole = fit_run(small_store_folder, tmp_path / "whole", words)
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, NetworkLearner, "learnt", 6)
        with pytest.raises(Killed):
            fit_run(small_store_folder, tmp_path / "killed", words)
    first = (tmp_path / "killed" / WEIGHTS).read_bytes()
    (tmp_path / "killed" / WEIGHTS).write_bytes(b"nothing of the kind")
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, NetworkLearner, "learnt", 1)
        with pytest.raises(Killed):
            fit_run(small_store_folder, tmp_path / "killed", "", resume=True)
    assert (tmp_path / "killed" / WEIGHTS).read_bytes() == first
    same_runs(fit_run(small_store_folder, tmp_path / "killed", "", resume=True), whole)


def test_another_decay_is_another_training(small_store_folder, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, NetworkLearner, "learnt", 6)
        with pytest.raises(Killed):
            fit_run(small_store_folder, tmp_path / "run", f"{WANG} -ema 0.95 -epochs 2")
    with pytest.raises(EcgFusionError, match=r"was begun with -ema 0\.95, not 0\.9: leave -ema out to go on with it"):
        fit_run(small_store_folder, tmp_path / "run", "-ema 0.9", resume=True)


def test_members_of_a_k_fold_run_have_a_mean_each(small_store_folder, tmp_path):
    words = f"{GRU} -kfold 2 -epochs 1"
    plain = fit_run(small_store_folder, tmp_path / "plain", words)
    mean = fit_run(small_store_folder, tmp_path / "mean", f"{words} -ema 0.9")
    for number in ("1", "2"):
        card = read_card(mean / MEMBERS / number)
        assert card.training.ema == 0.9
        assert (mean / MEMBERS / number / WEIGHTS).read_bytes() != (plain / MEMBERS / number / WEIGHTS).read_bytes()


@pytest.fixture(scope="module")
def branches(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two small networks that see crops of one length. Do not write into them."""
    folder = tmp_path_factory.mktemp("branches")
    of_branches = {"a": WANG, "b": GRU.replace("-crop 0.5", "-crop 1")}
    return [
        str(fit_run(small_store_folder, folder / name, f"{words} -epochs 1")) for name, words in of_branches.items()
    ]


@pytest.mark.parametrize("how", ["", "-finetune"])
def test_fusions_that_are_trained_have_a_mean_and_go_on_with_it(how, branches, small_store_folder, tmp_path):
    words = f"-model intermediate -combine concat -hidden_size 4 -batch_size 8 -epochs 2 {how}"
    words += f" -branches {' '.join(branches)}"
    plain = fit_run(small_store_folder, tmp_path / "plain", words)
    whole = fit_run(small_store_folder, tmp_path / "whole", f"{words} -ema 0.9")
    assert read_card(whole).training.ema == 0.9
    assert [row["train_loss"] for row in log_of(plain)] == [row["train_loss"] for row in log_of(whole)]
    assert (plain / WEIGHTS).read_bytes() != (whole / WEIGHTS).read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, loop, "predict_probabilities", 2)
        with pytest.raises(Killed):
            fit_run(small_store_folder, tmp_path / "killed", f"{words} -ema 0.9")
    same_runs(fit_run(small_store_folder, tmp_path / "killed", "", resume=True), whole)


def test_heads_that_are_fitted_out_of_fold_have_a_mean(small_store_folder, tmp_path):
    of_branch = f"{GRU} -kfold 2 -folds_seed 0 -epochs 1"
    folds = [str(fit_run(small_store_folder, tmp_path / seed, f"{of_branch} -seed {seed}")) for seed in "12"]
    how = "-model intermediate -combine concat -fit_on out_of_fold -hidden_size 4 -batch_size 8 -epochs 2"
    words = f"{how} -branches {' '.join(folds)}"
    plain = fit_run(small_store_folder, tmp_path / "plain", words)
    mean = fit_run(small_store_folder, tmp_path / "mean", f"{words} -ema 0.9")
    assert read_card(mean).training.ema == 0.9
    assert [row["train_loss"] for row in log_of(plain)] == [row["train_loss"] for row in log_of(mean)]
    assert (plain / WEIGHTS).read_bytes() != (mean / WEIGHTS).read_bytes()


@pytest.mark.parametrize("combine", ["mean", "weighted", "mlp"])
def test_late_fusions_have_no_steps_to_be_averaged(combine, branches, tmp_path):
    words = (
        f"-model late -combine {combine} -ema 0.9 -branches {' '.join(branches)} -path_save_model {tmp_path / 'run'}"
    )
    with pytest.raises(EcgFusionError, match=f"-ema does nothing in late fusion by {combine}: leave it out"):
        train.main(words.split())


def test_weights_that_are_frozen_stay_what_they_are_bit_for_bit(branches, small_store_folder, tmp_path):
    origin = Path(branches[0])
    words = f"{WANG} -init {origin} -freeze features -epochs 2 -ema 0.9"
    run = fit_run(small_store_folder, tmp_path / "run", words)
    before, behind = read_weights(origin), read_weights(run)
    frozen = [name for name in before if not name.startswith("head.")]
    assert all(torch.equal(before[name], behind[name]) for name in frozen)
    assert not torch.equal(before["head.weight"], behind["head.weight"])


@pytest.mark.parametrize("decay", [-0.1, 1.0, 1.5, float("nan")])
def test_a_decay_that_is_none_is_refused(decay: float):
    with pytest.raises(EcgFusionError, match=rf"-ema {decay} does not work: take a number of at least 0 and below 1"):
        check_ranges(TrainOptions(ema=decay))
