"""Fusions of k-fold branches: a head a member, fitted on what that member never saw, and their mean."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cards import card_json, write_json
from kills import Killed, kill_at_call
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import train
from models import BranchShape, create_fusion
from models.fusion.late import mean_logits
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.fusion import members as members_module
from pipeline.fusion.fit_on import out_of_fold_items
from pipeline.fusion.frozen import KeptItems, KeptLearner, keep
from pipeline.fusion.members import MembersItems, MembersLearner
from pipeline.inputs.batches import Pick
from pipeline.runs.card import DEV_SCORES, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.runs.folder import member_folder
from pipeline.runs.load import load_run
from pipeline.scoring.partition import score_partition
from pipeline.store.reading import digest_of_items, open_store

pytestmark = pytest.mark.usefixtures("cpu_as_before")

CPU = torch.device("cpu")
KFOLD = {
    "gru": "-model gru -hidden_size 4 -n_layers 1 -leads II -crop 2.5 -stride 2.5",
    "stft": "-model resnet -nb_filters 2 -representation stft -leads II V2 -crop 2.5 -stride 2.5 -size 32",
}
LEARNING = "-epochs 2 -hidden_size 16 -batch_size 32 -threads 1"
OUT_OF_FOLD = f"-fit_on out_of_fold {LEARNING}"


@pytest.fixture(scope="module")
def kfold(stores: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two runs of three folds, which leave out the same items, and one that leaves out others."""
    folder = tmp_path_factory.mktemp("members")
    common = f"-epochs 1 -kfold 3 -batch_size 32 -threads 1 -data {stores}"
    for name, words in {**KFOLD, "other": f"{KFOLD['gru']} -seed 1"}.items():
        train.main([*f"{words} {common}".split(), "-path_save_model", str(folder / name)])
    return {name: folder / name for name in (*KFOLD, "other")}


def fuse(combine: str, branches: list[Path], folder: Path, words: str = OUT_OF_FOLD) -> Path:
    named = ["-branches", *map(str, branches), "-path_save_model", str(folder)]
    train.main(["-model", "intermediate", "-combine", combine, *words.split(), *named])
    return folder


@pytest.fixture(scope="module")
def fused(kfold: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fuse("concat", [kfold["gru"], kfold["stft"]], tmp_path_factory.mktemp("out_of_fold") / "run")


def logits_of(items: KeptItems, head: torch.nn.Module) -> torch.Tensor:
    learner = KeptLearner(head)  # type: ignore[arg-type]
    logits: torch.Tensor = learner(items[Pick(np.arange(len(items)), np.zeros(len(items), np.int64))])
    return logits


@torch.no_grad()
def test_the_run_is_the_mean_of_a_head_a_member(fused, stores):
    run, store = load_run(fused), open_store(stores / "test.h5")
    assert len(run.network) == 3
    rows = np.flatnonzero(store.task("disease").labelled)
    alone = []
    for number, head in enumerate(run.network, 1):
        members = {name: part.parts[str(number)] for name, part in run.parts.items()}
        alone.append(logits_of(keep(members, None, store, rows, CPU), head).sigmoid().numpy())
    assert np.abs(alone[0] - alone[1]).max() > 1e-4
    found = score_partition(fused, stores, "test", threads=1).scores
    np.testing.assert_allclose(found, np.mean(alone, 0), atol=1e-6)


def test_it_predicts_again_what_it_said_of_dev_and_of_one_recording(fused, stores):
    again = score_partition(fused, stores, "dev", threads=1)
    np.testing.assert_allclose(again.scores, load_scores(fused / DEV_SCORES).scores, atol=1e-6)
    run, signal = load_run(fused), np.random.default_rng(0).normal(0, 0.2, (12, 1000))
    leads = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    said = run.predict(signal, sampling_rate=100, leads=leads)
    assert set(said) == set(run.card.classes)
    assert not run.network.training


def test_no_head_is_fitted_on_an_item_that_its_members_saw(kfold, stores, tmp_path, monkeypatch):
    """By the members' own cards, and by what is asked of them."""
    asked: dict[Path, np.ndarray] = {}
    store = open_store(stores / "train.h5")
    original = members_module.keep

    def watched(branches, max_tokens, of, rows, *others):
        if of.path == store.path:
            asked.update({run.folder: rows for run in branches.values()})
        return original(branches, max_tokens, of, rows, *others)

    monkeypatch.setattr(members_module, "keep", watched)
    run = fuse("gated", [kfold["gru"], kfold["stft"]], tmp_path / "run")
    labelled = np.flatnonzero(store.task("disease").labelled)
    for name in KFOLD:
        folders = [member_folder(run / "branches" / name, number) for number in (1, 2, 3)]
        for folder in folders:
            seen = np.setdiff1d(labelled, asked[folder])
            assert 0 < len(seen) < len(labelled)
            assert digest_of_items(store.columns["item_id"][seen]) == read_card(folder).data.train_items_digest
        assert sorted(np.concatenate([asked[folder] for folder in folders])) == labelled.tolist()


def test_tokens_are_read_of_members_too(kfold, stores, tmp_path):
    words = f"{OUT_OF_FOLD} -n_heads 2 -max_tokens 8"
    run = fuse("attention", [kfold["gru"], kfold["stft"]], tmp_path / "run", words)
    again = score_partition(run, stores, "dev", threads=1).scores
    np.testing.assert_allclose(again, load_scores(run / DEV_SCORES).scores, atol=1e-6)


@pytest.fixture(scope="module")
def machines(kfold: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = "-fit_on out_of_fold -set C=0.1"
    return fuse("svm", [kfold["gru"], kfold["stft"]], tmp_path_factory.mktemp("machines") / "run", words)


@torch.no_grad()
def test_each_member_has_a_machine_fitted_on_what_it_never_saw(machines, kfold, stores):
    run, store = load_run(machines), open_store(stores / "train.h5")
    rows, held_out_by = out_of_fold_items({name: kfold[name] for name in KFOLD}, store)
    said = {"features": "out_of_fold", "cross_fitting_folds": 5}
    assert card_json(machines)["fitted_on"] == said
    labels = store.task("disease").values
    for number, machine in enumerate(run.network, 1):
        members = {name: part.parts[str(number)] for name, part in run.parts.items()}
        own = rows[held_out_by == number]
        items = keep(members, None, store, own, CPU)
        branches = items[Pick(np.arange(len(own)), np.zeros(len(own), np.int64))].branches
        x = np.concatenate([branches[name].double().numpy() for name in machine.branches], 1)
        x = StandardScaler().fit_transform(x)
        decisions = machine.decide(branches).numpy()
        for column in range(labels.shape[1]):
            weight = run.card.training.class_weights[column]
            model = LinearSVC(C=0.1, dual=False, class_weight={1: weight}).fit(x, labels[own, column])
            np.testing.assert_allclose(decisions[:, column], model.decision_function(x), atol=1e-6)


def test_machines_answer_with_their_mean(machines, stores):
    """What dev was told is cross-fitted, so another store is asked, and the heads one by one."""
    run, store = load_run(machines), open_store(stores / "test.h5")
    rows, alone = np.flatnonzero(store.task("disease").labelled), []
    for number, machine in enumerate(run.network, 1):
        members = {name: part.parts[str(number)] for name, part in run.parts.items()}
        alone.append(logits_of(keep(members, None, store, rows, CPU), machine).sigmoid().numpy())
    assert np.abs(alone[0] - alone[1]).max() > 1e-4
    found = score_partition(machines, stores, "test", threads=1).scores
    np.testing.assert_allclose(found, np.mean(alone, 0), atol=1e-6)


def test_a_resumed_one_equals_an_uninterrupted_one(kfold, fused, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, MembersLearner, "outputs", 8)  # 180 items in batches of 32 are six steps an epoch
        with pytest.raises(Killed):
            fuse("concat", [kfold["gru"], kfold["stft"]], tmp_path / "run")
    train.main(["-resume", "-path_save_model", str(tmp_path / "run")])
    for name in (WEIGHTS, DEV_SCORES):
        assert (tmp_path / "run" / name).read_bytes() == (fused / name).read_bytes()


def test_card_lines_and_table_say_what_it_was_fitted_on(kfold, fused, stores, tmp_path, capsys):
    import evaluate

    inside = [kfold["gru"] / "members" / "1", kfold["stft"] / "members" / "1"]
    capsys.readouterr()
    in_sample = fuse("concat", inside, tmp_path / "in", LEARNING)
    assert "fitted on features of items that its branches were trained on; of k-fold" in capsys.readouterr().out
    out = fuse("concat", [kfold["gru"], kfold["stft"]], tmp_path / "out", f"{OUT_OF_FOLD} -epochs 1")
    assert "fitted out of fold: a head for each of the 3 members of every branch" in capsys.readouterr().out
    assert card_json(in_sample)["fitted_on"] == {"features": "in_sample"}
    assert card_json(out)["fitted_on"] == card_json(fused)["fitted_on"] == {"features": "out_of_fold"}
    late = tmp_path / "late"
    named = ["-branches", str(kfold["gru"]), str(kfold["stft"]), "-path_save_model", str(late)]
    train.main(["-model", "late", "-combine", "weighted", *named])
    for run, words in (
        (in_sample, "intermediate concat of 1, 1-2, fitted on features of items that its branches were trained on"),
        (out, "intermediate concat of gru, stft, fitted out of fold"),
        (late, "late weighted of gru, stft, fitted on dev"),
    ):
        evaluate.main(["-run", str(run), "-data", str(stores), "-resamples", "0", "-threads", "1"])
        assert words in capsys.readouterr().out
        assert words in (run / "evaluation" / "test" / "table.md").read_text()
    assert read_card(kfold["gru"]).fitted is None


def test_an_earlier_card_that_says_nothing_was_fitted_in_sample(earlier):
    card = read_card(earlier / "runs" / "concat")
    assert card.fitted_on is None
    assert card.fitted == "fitted on features of items that its branches were trained on"


@pytest.mark.parametrize(
    ("names", "words", "sentence"),
    [
        (
            "gru stft",
            LEARNING,
            "consists of several networks, .* take -fit_on out_of_fold, name one of the runs inside",
        ),
        ("gru stft", f"{LEARNING} -finetune", "what single ones see: name one of the runs inside it, or take"),
        (
            "gru stft",
            f"{OUT_OF_FOLD} -finetune",
            "-finetune trains the branches on, on all items, and -fit_on out_of_f",
        ),
        ("gru stft", f"{LEARNING} -fit_on dev", "-fit_on dev is for -model late, and an intermediate fusion is fitted"),
        ("gru wang", OUT_OF_FOLD, "wang has no features out of fold: train it with -kfold, or leave -fit_on out"),
        ("gru other", OUT_OF_FOLD, "members of .*other were trained without other items than those of .*gru, so that"),
    ],
)
def test_what_cannot_be_is_one_sentence(names, words, sentence, kfold, runs, tmp_path):
    with pytest.raises(EcgFusionError, match=sentence) as problem:
        fuse("concat", [{**runs, **kfold}[name] for name in names.split()], tmp_path / "run", words)
    assert "\n" not in str(problem.value)
    assert not (tmp_path / "run").exists()


def test_other_folds_than_the_members_were_trained_without_are_noticed(kfold, stores):
    """Other patients make other folds, and then a head would be fitted on what its members saw."""
    store = open_store(stores / "train.h5")
    out_of_fold_items({"gru": kfold["gru"]}, store)
    changed = replace(store, columns={**store.columns, "patient_id": store.columns["patient_id"][::-1]})
    with pytest.raises(EcgFusionError, match=r"has other items, labels or patients than .*gru was trained with"):
        out_of_fold_items({"gru": kfold["gru"]}, changed)


def test_limited_branches_are_fused_on_their_items(stores, tmp_path):
    common = f"-epochs 1 -kfold 2 -limit 90 -batch_size 32 -threads 1 -data {stores}"
    for seed in (0, 1):  # the folds are dealt by a seed of their own
        words = f"{KFOLD['gru']} {common} -seed {seed} -folds_seed 3"
        train.main([*words.split(), "-path_save_model", str(tmp_path / str(seed))])
    run = fuse("concat", [tmp_path / "0", tmp_path / "1"], tmp_path / "run")
    card = read_card(run)
    assert (card.data.n_train_items, card.data.limit) == (90, 90)
    assert (tmp_path / "0/members/1" / WEIGHTS).read_bytes() != (tmp_path / "1/members/1" / WEIGHTS).read_bytes()


def test_a_member_that_is_gone_is_named(kfold, tmp_path):
    part = shutil.copytree(kfold["stft"], tmp_path / "part")
    shutil.rmtree(part / "members" / "2")
    with pytest.raises(EcgFusionError, match=r"part/members/2/run\.json is missing: copy the whole run folder$"):
        fuse("concat", [kfold["gru"], part], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_card_without_k_fold_branches_cannot_be_out_of_fold(earlier, tmp_path):
    run = damaged(earlier / "runs" / "concat", tmp_path / "run", fitted_on={"features": "out_of_fold"})
    with pytest.raises(EcgFusionError, match=r"run\.json: it was fitted out of fold, and its branches are no k-fold"):
        load_run(run)


def test_folds_are_dealt_where_there_are_some(stores, tmp_path):
    with pytest.raises(EcgFusionError, match="-folds_seed says how -kfold deals the patients: give that too"):
        train.main(f"-model gru -folds_seed 3 -data {stores} -path_save_model {tmp_path / 'run'}".split())


def damaged(run: Path, folder: Path, **fields: object) -> Path:
    shutil.copytree(run, folder)
    write_json(folder, {**card_json(folder), **fields})
    return folder


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"fitted_on": {"scores": "dev"}}, "fitted_on has scores, which runs of intermediate do not have"),
        ({"fitted_on": {}}, "fitted_on has neither scores nor features, which runs"),
        ({"fitted_on": {"features": "mixed"}}, "fitted_on.features is 'mixed', not in_sample or out_of_fold"),
        ({"fitted_on": {"features": "in_sample"}}, "damaged or of another|not the card of|no network|k-fold"),
    ],
)
def test_a_card_that_says_otherwise_is_refused(fields, sentence, fused, tmp_path):
    with pytest.raises(EcgFusionError, match=sentence) as problem:
        load_run(damaged(fused, tmp_path / "run", **fields))
    assert "\n" not in str(problem.value)


def heads_and_items(kind: str) -> tuple[MembersLearner, MembersItems, list[KeptItems], list[torch.nn.Module]]:
    torch.manual_seed(0)
    shapes = {"a": BranchShape(3, 3), "b": BranchShape(2, 2)}
    heads = [create_fusion("concat", branches=shapes, n_classes=4, hidden_size=8).eval() for _ in range(2)]
    parts = [KeptItems({"a": torch.randn(n, 3), "b": torch.randn(n, 2)}, {}) for n in (3, 2)]
    places = np.array([[0, -1, 1, -1, 2], [-1, 0, -1, 1, -1]])
    return MembersLearner(torch.nn.ModuleList(heads), kind, 0.3).eval(), MembersItems(parts, places), parts, heads


def test_in_training_each_item_has_its_own_head_in_whatever_order():
    learner, items, parts, heads = heads_and_items("multilabel")
    expected = torch.empty(5, 4)
    for part, head, own in zip(parts, heads, ([0, 2, 4], [1, 3]), strict=True):
        expected[own] = logits_of(part, head)
    for order in ([0, 1, 2, 3, 4], [3, 4, 0], [1], [2, 0]):
        batch = items[Pick(np.array(order), np.zeros(len(order), np.int64))]
        said = learner.outputs(batch)
        assert [weight for weight, _ in said] == pytest.approx([1.0, 0.15, 0.15])
        torch.testing.assert_close(said[0][1], expected[order])
        assert batch.rows.tolist() == order


@pytest.mark.parametrize("kind", ["multilabel", "multiclass"])
def test_the_mean_of_logits_is_that_of_probabilities(kind):
    logits = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0)) * 8
    probabilities = torch.sigmoid if kind == "multilabel" else partial_softmax
    found = mean_logits(logits, kind)
    torch.testing.assert_close(probabilities(found), probabilities(logits).mean(0))
    torch.testing.assert_close(probabilities(mean_logits(logits[:1], kind)), probabilities(logits[0]))
    assert torch.isfinite(mean_logits(torch.full((3, 1, 4), 300.0), kind)).all()


def partial_softmax(logits: torch.Tensor) -> torch.Tensor:
    return logits.softmax(-1)


def test_every_part_of_a_batch_is_pinned_and_moved(monkeypatch):
    """``meta`` stands for a GPU."""
    _, items, _, _ = heads_and_items("multilabel")
    batch = items[Pick(np.array([1, 0]), np.zeros(2, np.int64))]
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda x: x.clone())
    assert torch.equal(batch.pin_memory().places[0], batch.places[0])
    moved = batch.to(torch.device("meta"))
    devices = {moved.rows.device, *(at.device for at in moved.places.values())}
    devices |= {x.device for part in moved.parts.values() for x in part.branches.values()}
    assert devices == {torch.device("meta")}
