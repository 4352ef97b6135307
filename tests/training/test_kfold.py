"""K-fold: whole patients held out, the mean of the members, scores of training items by who never saw them."""

import csv
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from cards import card_json, write_json
from kills import Killed, kill_at_call
from small_stores import as_partition, sum_anew

import evaluate
import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.metrics import macro_auroc
from pipeline.evaluation.scores import load_scores
from pipeline.machine.locks import locked
from pipeline.runs.card import CARD, DEV_SCORES, LOG, MEMBERS, OUT_OF_FOLD_SCORES, RESUME, TENSORBOARD, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.runs.folder import newest_run
from pipeline.runs.learners import NetworkLearner
from pipeline.runs.load import load_run, save_weights
from pipeline.scoring.partition import score_partition
from pipeline.scoring.predict import probabilities
from pipeline.store.reading import Store, digest_of_items
from pipeline.training import kfold, loop, network
from pipeline.training.data import rows_of
from pipeline.training.kfold import held_out_members

pytestmark = pytest.mark.usefixtures("cpu_as_before")

CPU = torch.device("cpu")
K = 3
NETWORK = "-model gru -hidden_size 4 -dropout 0.3 -crop 0.5 -stride 0.5 -leads I II V2 -batch_size 8 -epochs 2 -seed 4"
WORDS = f"{NETWORK} -kfold {K}"
NUMBERS = range(1, K + 1)


def fit_run(stores: Path, folder: Path, words: str) -> Path:
    train.main([*words.split(), "-data", str(stores), "-path_save_model", str(folder), "-threads", "1"])
    return folder


def member(run: Path, number: int) -> Path:
    return run / MEMBERS / str(number)


@pytest.fixture(scope="module")
def finished(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fit_run(small_store_folder, tmp_path_factory.mktemp("runs") / "kfold", WORDS)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return shutil.copytree(finished, tmp_path / "run")


def changed_stores(stores: Path, folder: Path, change: Callable[[h5py.File], object], names=("train",)) -> Path:
    """A copy of stores, some of them changed."""
    copy = shutil.copytree(stores, folder)
    for name in names:
        with h5py.File(copy / f"{name}.h5", "r+") as file:
            change(file)
            sum_anew(file)
    return copy


def test_every_training_item_is_held_out_by_one_member(finished: Path, store: Store):
    rows, held_out_by = held_out_members(read_card(finished), store)
    np.testing.assert_array_equal(rows, np.flatnonzero(store.task("disease").labelled))
    assert 0 < len(rows) < store.n_items
    assert set(held_out_by) == set(NUMBERS)


def test_no_member_saw_a_patient_whom_it_scores_out_of_fold(finished: Path, store: Store):
    """What a member saw is told by the digest in its card."""
    rows, held_out_by = held_out_members(read_card(finished), store)
    patients = store.columns["patient_id"][rows]
    assert len(set(patients)) < len(rows)  # some have several recordings
    for number in NUMBERS:
        seen = held_out_by != number
        data = card_json(member(finished, number))["data"]
        assert data["train_items_digest"] == digest_of_items(store.columns["item_id"][rows[seen]])
        assert data["n_train_items"] == seen.sum()
        assert not set(patients[seen]) & set(patients[~seen])


def test_a_member_is_the_network_that_its_items_alone_would_train(finished, small_store_folder, store, tmp_path):
    """Weights, epoch, normalisation and class weights: the held-out items have no part in any of them."""
    rows, held_out_by = held_out_members(read_card(finished), store)

    def forget(file: h5py.File) -> None:
        for row in rows[held_out_by == 2]:
            file["labelled/disease"][row] = 0
            file["labels/disease"][row] = 1
            file["signals"][row] = 32000

    stores = changed_stores(small_store_folder, tmp_path / "stores", forget)
    alone = fit_run(stores, tmp_path / "alone", NETWORK)
    for name in (WEIGHTS, DEV_SCORES):
        assert (alone / name).read_bytes() == (member(finished, 2) / name).read_bytes(), name
    cards = [card_json(each) for each in (alone, member(finished, 2), member(finished, 1))]
    for part in ("model", "options", "task", "kind", "classes", "input", "training", "thresholds"):
        assert cards[0][part] == cards[1][part], part
    assert cards[1]["training"]["class_weights"] != cards[2]["training"]["class_weights"]
    assert cards[1]["input"]["scale_mv"] != cards[2]["input"]["scale_mv"]


def test_the_folder_is_whole_and_so_is_each_member(finished: Path):
    assert {path.name for path in finished.iterdir()} == {CARD, MEMBERS, DEV_SCORES, OUT_OF_FOLD_SCORES}
    assert {path.name for path in (finished / MEMBERS).iterdir()} == {str(number) for number in NUMBERS}
    for number in NUMBERS:
        names = {path.name for path in member(finished, number).iterdir()}
        assert names == {CARD, WEIGHTS, DEV_SCORES, LOG, TENSORBOARD}


def test_the_cards_say_what_they_are(finished: Path, store: Store):
    card = card_json(finished)
    assert (card["complete"], card["kfold"], card["model"]) == (True, K, "gru")
    labelled = store.task("disease").labelled
    assert card["data"]["train_items_digest"] == digest_of_items(store.columns["item_id"][labelled])
    assert card["result"].keys() == {"dev_macro_auroc", "out_of_fold_macro_auroc", "seconds"}
    assert card["thresholds"]["values"].keys() == set(card["classes"])
    for number in NUMBERS:
        own = card_json(member(finished, number))
        assert own["complete"]
        assert "kfold" not in own
        assert [own["data"][name] for name in ("held_out", "of", "folds_seed")] == [number, K, 4]
        assert own["training"]["seed"] == card["training"]["seed"] == 4
        assert own["result"].keys() == {"best_epoch", "epochs", "dev_macro_auroc", "seconds"}


def mean_of_members(run: Path, partition: str) -> np.ndarray:
    parts = [score_partition(member(run, number), None, partition, threads=1).scores for number in NUMBERS]
    assert {part.dtype for part in parts} == {np.dtype(np.float32)}
    assert (parts[0] != parts[1]).any()
    return np.mean([part.astype(np.float64) for part in parts], axis=0).astype(np.float32)


@pytest.mark.parametrize("partition", ["test", "dev", "train"])
def test_the_run_gives_the_mean_of_its_members(finished: Path, partition: str):
    scores = score_partition(finished, None, partition, threads=1)
    assert scores.scores.dtype == np.float32
    np.testing.assert_array_equal(scores.scores, mean_of_members(finished, partition))


def test_the_dev_scores_are_those_of_the_mean(finished: Path):
    dev = load_scores(finished / DEV_SCORES)
    np.testing.assert_array_equal(dev.scores, mean_of_members(finished, "dev"))
    assert card_json(finished)["result"]["dev_macro_auroc"] == macro_auroc(dev.labels, dev.scores)


def test_scores_out_of_fold_are_those_of_the_member_that_never_saw_the_item(finished: Path, store: Store):
    scores = load_scores(finished / OUT_OF_FOLD_SCORES)
    rows, held_out_by = held_out_members(read_card(finished), store)
    assert scores.item_id.tolist() == store.columns["item_id"][rows].tolist()
    assert scores.patient_id.tolist() == store.columns["patient_id"][rows].tolist()
    assert (scores.task, scores.kind) == ("disease", "multilabel")
    np.testing.assert_array_equal(scores.labels, store.task("disease").values[rows])
    for number in NUMBERS:
        held_out = held_out_by == number
        on_all = score_partition(member(finished, number), None, "train", threads=1)
        assert on_all.item_id.tolist() == scores.item_id.tolist()
        close = np.isclose(on_all.scores, scores.scores, atol=1e-6).all(1)
        np.testing.assert_array_equal(close, held_out)
        exact = probabilities(load_run(member(finished, number)), store, rows[held_out], CPU)
        np.testing.assert_array_equal(scores.scores[held_out], exact)
    result = card_json(finished)["result"]
    assert result["out_of_fold_macro_auroc"] == macro_auroc(scores.labels, scores.scores)


def test_a_loaded_run_has_its_members_as_parts(finished: Path):
    loaded = load_run(finished)
    assert loaded.network is None
    assert list(loaded.parts) == [str(number) for number in NUMBERS]
    assert not any(part.network.training for part in loaded.parts.values())


def test_limit_folds_a_sample_only(small_store_folder: Path, store: Store, tmp_path: Path):
    run = fit_run(small_store_folder, tmp_path / "run", f"{WORDS} -limit 12 -epochs 1")
    sample = rows_of(read_card(run), store)
    assert len(sample) == 12
    assert load_scores(run / OUT_OF_FOLD_SCORES).item_id.tolist() == store.columns["item_id"][sample].tolist()
    assert sum(card_json(member(run, number))["data"]["n_train_items"] for number in NUMBERS) == 12 * (K - 1)


def test_classes_rarer_than_folds_are_no_hindrance(small_store_folder: Path, store: Store, tmp_path: Path):
    values = store.task("all").values.sum(0)
    assert (values == 0).any()
    assert (values == 1).any()
    run = fit_run(small_store_folder, tmp_path / "run", f"{WORDS} -epochs 1 -task all -class_weights balanced")
    assert load_scores(run / OUT_OF_FOLD_SCORES).scores.shape == (store.n_items, len(values))


def one_class_each(file: h5py.File) -> None:
    values = file["labels/disease"]
    values[:] = np.eye(4, dtype=np.uint8)[np.arange(len(values)) % 4]
    values.attrs["kind"] = "multiclass"


def test_classes_that_exclude_each_other(small_store_folder: Path, tmp_path: Path):
    """On stored pictures too: the mean still sums to 1, and there are no thresholds."""
    stores = changed_stores(small_store_folder, tmp_path / "stores", one_class_each, ("train", "dev", "test"))
    words = f"-model resnet -nb_filters 4 -representation gaf rp -leads II -batch_size 8 -epochs 1 -kfold {K}"
    run = fit_run(stores, tmp_path / "run", words)
    card = card_json(run)
    assert (card["kind"], card.get("thresholds")) == ("multiclass", None)
    test, out_of_fold = score_partition(run, None, "test", threads=1), load_scores(run / OUT_OF_FOLD_SCORES)
    assert out_of_fold.kind == "multiclass"
    for scores in (test, out_of_fold):
        np.testing.assert_allclose(scores.scores.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(test.scores, mean_of_members(run, "test"))


KILLS = {
    "before the first member": (kfold, "planned_on", 1),
    "inside the first member, before its first epoch is saved": (loop.TrainingState, "save", 1),
    "at the end of the first member": (network, "save_scores", 1),
    "when the first member's weights are sealed, and its card is not yet complete": (network, "seal_run", 1),
    "between the first member and the second": (kfold, "planned_on", 2),
    "when the second member has nothing but its folder": (kfold, "fit_network", 2),
    "when the second member has nothing but its card": (network, "fit_as_planned", 2),
    "inside the second member": (loop.TrainingState, "save", 4),
    "behind the last member": (kfold, "load_members", 1),
    "while out-of-fold scores are computed": (kfold, "probabilities", 2),
    "before out-of-fold scores are written": (kfold, "save_scores", 1),
    "before dev scores are written": (network, "save_scores", K + 1),
    "when dev scores are there, and the card is not yet complete": (network, "seal_run", K + 1),
}


def assert_same_run(ours: Path, theirs: Path) -> None:
    """The same files, byte for byte but for times and the name of the folder."""
    names = [sorted(str(path.relative_to(run)) for path in run.rglob("*.*")) for run in (ours, theirs)]
    names = [[name for name in each if TENSORBOARD not in name] for each in names]
    assert names[0] == names[1]
    for name in names[0]:
        if name.endswith((CARD, LOG)):
            assert timeless(ours / name) == timeless(theirs / name), name
        else:
            assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name


def timeless(path: Path) -> object:
    if path.name == LOG:
        with path.open(newline="") as file:
            return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
    card = card_json(path.parent)
    del card["result"]["seconds"], card["given"]["path_save_model"]
    return card


@pytest.mark.parametrize("kill", KILLS)
def test_a_kill_at_any_moment_changes_nothing(kill, finished, small_store_folder, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_at_call(patch, *KILLS[kill])
        with pytest.raises(Killed):
            fit_run(small_store_folder, tmp_path / "run", WORDS)
    assert not card_json(tmp_path / "run")["complete"]
    with pytest.raises(EcgFusionError, match=r"run is not finished: go on with"):
        load_run(tmp_path / "run")
    fit_run(small_store_folder, tmp_path / "run", "-resume")
    assert_same_run(tmp_path / "run", finished)


def test_finished_members_are_not_trained_again(finished, small_store_folder, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        kill_at_call(patch, kfold, "fit_network", 3)
        with pytest.raises(Killed):
            fit_run(small_store_folder, tmp_path / "run", WORDS)
    before = {path: path.stat().st_mtime_ns for path in member(tmp_path / "run", 2).iterdir()}
    (member(tmp_path / "run", 2) / RESUME).touch()  # a kill just before it would have gone
    capsys.readouterr()
    fit_run(small_store_folder, tmp_path / "run", "-resume")
    assert {path: path.stat().st_mtime_ns for path in member(tmp_path / "run", 2).iterdir()} == before
    said = capsys.readouterr().out
    assert "member 1 of 3 is finished\nmember 2 of 3 is finished\nmember 3 of 3: learns from" in said


@pytest.fixture
def begun(small_store_folder: Path, tmp_path: Path, monkeypatch) -> Path:
    """A run whose second member has begun."""
    with monkeypatch.context() as patch:
        kill_at_call(patch, loop.TrainingState, "save", 4)
        with pytest.raises(Killed):
            fit_run(small_store_folder, tmp_path / "begun", WORDS)
    return tmp_path / "begun"


def test_a_run_goes_on_with_its_own_folds(begun: Path, small_store_folder: Path):
    with pytest.raises(EcgFusionError, match=r"begun with -kfold 3, not 4: leave -kfold out"):
        fit_run(small_store_folder, begun, "-resume -kfold 4")


def test_a_member_does_not_go_on_alone(begun: Path, small_store_folder: Path):
    with pytest.raises(EcgFusionError, match=r"members/2 is a member of a k-fold run: .* -path_save_model .*/begun$"):
        fit_run(small_store_folder, member(begun, 2), "-resume")


@pytest.mark.parametrize("is_earlier", [False, True])
def test_a_run_does_not_go_on_where_its_folds_would_be_others(begun, small_store_folder, tmp_path, is_earlier):
    """Another member would have seen the items that a finished one held out; earlier cards do not say what is there."""
    if is_earlier:
        card = card_json(begun)
        del card["data"]["contents"]
        write_json(begun, card)

    def other_patients(file: h5py.File) -> None:
        file["patient_id"][:] = np.array([f"patient {i // 5}" for i in range(len(file["patient_id"]))], dtype=object)

    stores = changed_stores(small_store_folder, tmp_path / "stores", other_patients)
    run = member(begun, 1) if is_earlier else begun
    with pytest.raises(EcgFusionError, match=f"has other labels or patients than {run} was begun with"):
        fit_run(stores, begun, "-resume")


def test_one_process_trains_the_members(begun: Path, small_store_folder: Path):
    with (
        locked(begun / CARD, "held by the test"),
        pytest.raises(EcgFusionError, match="is being trained by another process"),
    ):
        fit_run(small_store_folder, begun, "-resume")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("-kfold 1", "-kfold 1 leaves nothing to train on: take 2 or more"),
        ("-kfold 25", r"-kfold 25 does not fit .*train\.h5: 23 patients make from 2 to 23 folds, not 25"),
        ("-kfold 3 -limit 2", r"-kfold 3 does not fit .*: 2 patients make from 2 to 2 folds, not 3"),
        ("-kfold 3 -model grru", "no network is named 'grru'"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(small_store_folder, store, tmp_path, words, sentence):
    labelled = store.task("disease").labelled
    assert len(set(store.columns["patient_id"][labelled])) == 23
    with pytest.raises(EcgFusionError, match=sentence):
        fit_run(small_store_folder, tmp_path / "run", f"{NETWORK} {words}")
    assert not (tmp_path / "run").exists()


def test_a_member_that_would_learn_nothing_is_refused_before_any_is_trained(small_store_folder, store, tmp_path):
    """All bearers are one patient's."""
    patients = store.columns["patient_id"]
    twice = next(name for name in patients if (patients == name).sum() == 2)

    def his_alone(file: h5py.File) -> None:
        file["labels/disease"][:] = np.where(patients == twice, 1, 0)[:, None]

    stores = changed_stores(small_store_folder, tmp_path / "stores", his_alone)
    with pytest.raises(EcgFusionError, match="no class with both positives and negatives: take more records"):
        fit_run(stores, tmp_path / "run", WORDS)
    assert not (tmp_path / "run").exists()


def test_members_without_a_card_are_not_gone_on_with(run: Path, small_store_folder: Path):
    (run / CARD).unlink()
    with pytest.raises(EcgFusionError, match=r"holds members of a run without its run\.json: name another folder"):
        fit_run(small_store_folder, run, WORDS)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda run: shutil.rmtree(run / MEMBERS), r"members/1/run\.json is missing: copy the whole run folder"),
        (lambda run: shutil.rmtree(member(run, 3)), r"members/3/run\.json is missing: copy the whole run folder"),
        (lambda run: (member(run, 2) / CARD).write_text("{"), r"members/2/run\.json is damaged"),
        (lambda run: (member(run, 2) / WEIGHTS).unlink(), r"members/2/weights\.safetensors is missing: copy the whole"),
        (
            lambda run: save_weights(member(run, 2), torch.nn.Linear(3, 4)),
            r"members/2/weights\.safetensors is damaged or of another network",
        ),
        (
            lambda run: shutil.copytree(member(run, 1), member(run, 2), dirs_exist_ok=True),
            r"members/2 is not member 2 of .*: copy the run folder again",
        ),
    ],
)
def test_a_spoilt_member_is_named(run: Path, spoil: Callable[[Path], object], sentence: str):
    spoil(run)
    with pytest.raises(EcgFusionError, match=sentence):
        score_partition(run, None, "test", threads=1)


def test_a_member_that_diverges_ends_the_run(small_store_folder, tmp_path, monkeypatch):
    forward, calls = NetworkLearner._said, []

    def soon_no_number(*arguments):
        calls.append(arguments)
        factor = math.nan if (tmp_path / "run" / MEMBERS / "2").exists() else 1
        return [part * factor for part in forward(*arguments)]

    monkeypatch.setattr(NetworkLearner, "_said", soon_no_number)
    with pytest.raises(EcgFusionError, match=r"the loss is nan in epoch 1: lower -learning_rate"):
        fit_run(small_store_folder, tmp_path / "run", WORDS)
    assert not member(tmp_path / "run", 3).exists()
    for words in ("-resume", ""):
        with pytest.raises(EcgFusionError, match="came to no result: member 2: the loss is nan"):
            fit_run(small_store_folder, tmp_path / "run", words) if words else load_run(tmp_path / "run")


def test_items_that_some_member_was_trained_on_are_not_scored_as_test_items(run, small_store_folder, tmp_path):
    as_partition(small_store_folder / "train.h5", tmp_path / "test.h5")
    with pytest.raises(EcgFusionError, match=r"holds fold 1, which .* was trained on"):
        score_partition(run, tmp_path, "test", threads=1)


@pytest.fixture
def workplace(workplace: Path, finished: Path) -> Path:
    """The same with a finished k-fold run in it."""
    shutil.copytree(finished, workplace / "runs" / "kfold")
    return workplace


def test_a_training_says_what_it_does(workplace: Path, capsys):
    train.main(f"{WORDS} -threads 1".split())
    said = capsys.readouterr().out
    for number in NUMBERS:
        card = card_json(member(Path("runs/gru"), number))
        head = said.index(f"member {number} of 3: learns from {card['data']['n_train_items']} items")
        tail = said.index(f"member {number} of 3: best epoch {card['result']['best_epoch']}, dev macro-AUC")
        assert head < said.index("epoch 2/2", head) < tail
    assert said.count("| MI ") == 1
    result = card_json(Path("runs/gru"))["result"]
    assert said.index("member 3 of 3: best") < said.index("optimistic: chosen on these items") < said.index("| MI ")
    assert f"{result['out_of_fold_macro_auroc']:.4f} over 30 training items; the mean of 3 members" in said
    assert said.endswith("is the run in runs/gru\n")


def test_the_run_is_evaluated_as_any_other(workplace: Path, capsys):
    evaluate.main(["-threads", "1"])
    assert "run runs/kfold, partition test" in capsys.readouterr().out
    scores = load_scores(Path("runs/kfold/evaluation/test/scores.npz"))
    np.testing.assert_array_equal(scores.scores, mean_of_members(Path("runs/kfold"), "test"))
    evaluate.main(["-run", "runs/kfold", "-partition", "train", "-threads", "1"])
    assert "optimistic: trained on these items" in capsys.readouterr().out


def test_a_member_is_evaluated_by_its_folder_and_never_found_as_the_newest(workplace: Path, capsys):
    for number in NUMBERS:
        (member(Path("runs/kfold"), number) / CARD).touch()
    assert newest_run(Path("runs")) == Path("runs/kfold")
    evaluate.main(["-run", "runs/kfold/members/2", "-threads", "1"])
    assert "saved in runs/kfold/members/2/evaluation/test" in capsys.readouterr().out


def test_it_is_compared_with_a_single_network(workplace: Path, capsys):
    train.main(f"{NETWORK} -threads 1 -path_save_model runs/single".split())
    capsys.readouterr()
    evaluate.main(["-run", "runs/kfold", "runs/single", "-threads", "1"])
    assert "saved in runs/kfold/evaluation/test: comparison.json, comparison.md" in capsys.readouterr().out
    models = json.loads(Path("runs/kfold/evaluation/test/comparison.json").read_text())["models"]
    assert models.keys() == {"kfold", "single"}


def test_scores_out_of_fold_make_a_table(workplace: Path, capsys):
    evaluate.main(["-scores", "runs/kfold/out_of_fold_scores.npz", "-dev_scores", "runs/kfold/dev_scores.npz"])
    assert "disease, 30 items" in capsys.readouterr().out


@pytest.fixture(scope="module")
def by_jobs(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, its members trained one by one as jobs of their own, in no order, and joined."""
    folder = tmp_path_factory.mktemp("jobs") / "kfold"
    for number in (2, 3, 1):
        fit_run(small_store_folder, folder, f"{WORDS} -member {number}")
        assert not card_json(folder)["complete"]
        assert card_json(member(folder, number))["complete"]
    train.main(["-resume", "-path_save_model", str(folder), "-threads", "1"])
    return folder


def test_members_of_jobs_become_the_run_of_one_process(by_jobs: Path, finished: Path):
    names = [
        DEV_SCORES,
        OUT_OF_FOLD_SCORES,
        *(f"{MEMBERS}/{n}/{name}" for n in NUMBERS for name in (WEIGHTS, DEV_SCORES)),
    ]
    for name in names:
        assert (by_jobs / name).read_bytes() == (finished / name).read_bytes(), name
    cards = [card_json(each) for each in (by_jobs, finished)]
    for card in cards:
        del card["result"]["seconds"], card["given"]["path_save_model"]
    assert cards[0] == cards[1]
    names_of = [{path.name for path in run.rglob("*") if "events" not in path.name} for run in (by_jobs, finished)]
    assert names_of[0] == names_of[1]


def test_a_member_is_trained_once(small_store_folder, tmp_path, monkeypatch, capsys):
    run = fit_run(small_store_folder, tmp_path / "run", f"{WORDS} -member 2")
    monkeypatch.setattr(kfold, "fit_network", None)
    fit_run(small_store_folder, run, f"{WORDS} -member 2")
    said = capsys.readouterr().out
    assert "member 2 of 3 is finished" in said
    assert f"-resume -path_save_model {run} joins them" in said
    member(run, 1).mkdir()
    with (
        locked(member(run, 1) / CARD, "held by the test"),
        pytest.raises(EcgFusionError, match=r"member 1 of .* is being trained by another process: wait for it"),
    ):
        fit_run(small_store_folder, run, f"{WORDS} -member 1")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (f"{NETWORK} -member 1", "-member 1 is one of the networks of -kfold: give that too"),
        (f"{WORDS} -member 4", "-member 4: the members of -kfold 3 are 1 to 3"),
        (f"{WORDS} -member 1 -patience 3", "was begun with -patience left out, not 3"),
        (f"{NETWORK.replace('-seed 4', '')} -kfold 3 -member 1", "was begun with -seed, which is left out here"),
    ],
)
def test_members_that_cannot_be_are_refused(small_store_folder, tmp_path, words, sentence):
    run = tmp_path / "run"
    if "begun" in sentence:
        begun = WORDS.replace("-epochs 2", "-epochs 1")
        fit_run(small_store_folder, run, f"{begun} -member 1")
        words = words.replace("-epochs 2", "-epochs 1")
    with pytest.raises(EcgFusionError, match=sentence):
        fit_run(small_store_folder, run, words)
    assert run.exists() == ("begun" in sentence)
