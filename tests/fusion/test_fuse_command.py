"""Fusions from the command on: their runs stand alone, learn as said, and go on where they were stopped."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from cards import card_json, sealed_anew, write_json
from kills import Killed, kill_at_call
from safetensors.torch import load_file

import train
from models import at_most, list_fusions
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.fusion import frozen as kept_module
from pipeline.fusion import intermediate
from pipeline.fusion.branches import digests, named_branches
from pipeline.fusion.finetuned import JointItems
from pipeline.fusion.frozen import KeptItems, KeptLearner, keep
from pipeline.fusion.plan import plan_fusion
from pipeline.inputs.batches import Pick, scoring_picks
from pipeline.inputs.items import StoreItems
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.placement import store_items
from pipeline.runs import copies as copying
from pipeline.runs.build import Run, build_fusion
from pipeline.runs.card import BRANCHES, CARD, DEV_SCORES, RESUME, WEIGHTS, Card
from pipeline.runs.learners import FusionLearner
from pipeline.runs.load import load_branches, load_run
from pipeline.scoring.partition import score_partition
from pipeline.store.reading import Store, open_store
from pipeline.training.options import TrainOptions

pytestmark = pytest.mark.usefixtures("cpu_as_before")

CPU = torch.device("cpu")
LEARNING = "-epochs 2 -hidden_size 16 -batch_size 64 -threads 1"
FUSED = {  # what is fused, and the options
    "mean": ("wang gru stft", ""),
    "weighted": ("wang stft", ""),
    "stacking": ("wang gru whole stft", "-fuse_on probabilities"),
    "mlp": ("wang whole", "-epochs 3 -hidden_size 8"),
    "concat": ("wang stft whole", LEARNING),
    "gated": ("wang gru", LEARNING),
    "attention": ("stft wang", f"{LEARNING} -n_heads 2 -max_tokens 8"),
    "mamil": ("gru stft", f"{LEARNING} -max_tokens 8"),
    "modules": ("wang stft", f"{LEARNING} -n_heads 2 -n_layers 2"),
    "svm": ("wang stft gru", "-set C=0.01"),
}
JOINT = f"{LEARNING} -finetune"


def fuse_runs(level: str, name: str, branches: list[Path], folder: Path, words: str = "") -> Path:
    named = ["-branches", *map(str, branches), "-path_save_model", str(folder)]
    train.main(["-model", level, "-combine", name, *words.split(), *named])
    return folder


def level_of(name: str) -> str:
    return "late" if name in list_fusions("late") else "intermediate"


def scores(run: Path, partition: str, stores: Path) -> np.ndarray:
    return score_partition(run, stores, partition, threads=1).scores


@pytest.fixture(scope="module")
def originals(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Copies of ``runs``; each holds a resume file and a lock that somebody forgot."""
    folder = tmp_path_factory.mktemp("originals") / "here"
    for name, run in runs.items():
        shutil.copytree(run, folder / name)
        for forgotten in (RESUME, ".run.json.lock"):
            (folder / name / forgotten).touch()
    return {name: folder / name for name in runs}


@pytest.fixture(scope="module")
def fused(originals: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of every fusion; then the runs that they were made of are moved away."""
    folder = tmp_path_factory.mktemp("fusions")
    for name, (branches, words) in FUSED.items():
        fuse_runs(level_of(name), name, [originals[each] for each in branches.split()], folder / name, words)
    here = originals["wang"].parent
    here.rename(here.with_name("away"))
    return {name: folder / name for name in FUSED}


@pytest.fixture
def store(stores: Path) -> Store:
    return open_store(stores / "dev.h5")


def test_every_fusion_is_tried():
    assert sorted(FUSED) == list_fusions()


@pytest.mark.parametrize("name", FUSED)
def test_a_run_holds_its_branches_whole(name, fused, originals):
    run, branches = fused[name], FUSED[name][0].split()
    assert {CARD, WEIGHTS, DEV_SCORES, BRANCHES} <= {path.name for path in run.iterdir()}
    assert {path.name for path in (run / BRANCHES).iterdir()} == set(branches)
    assert not [*run.rglob(RESUME), *run.rglob("*.lock"), *run.rglob("*.part")]
    card = card_json(run)
    assert card["complete"]
    assert list(card[BRANCHES]) == branches
    away = originals["wang"].parent.with_name("away")
    for branch, said in card[BRANCHES].items():
        before = digests(away / branch)
        assert {CARD, WEIGHTS} <= set(before)
        assert said["sha256"] == before == digests(run / BRANCHES / branch)
        assert said["model"] == card_json(away / branch)["model"]


@pytest.mark.parametrize("name", FUSED)
def test_a_run_predicts_with_nothing_else_at_hand(name, fused, stores):
    assert not Path(next(iter(card_json(fused[name])[BRANCHES].values()))["folder"]).exists()
    again, said = scores(fused[name], "dev", stores), load_scores(fused[name] / DEV_SCORES).scores
    if name == "mean" or (level_of(name) == "intermediate" and name != "svm"):
        np.testing.assert_allclose(again, said, atol=1e-6)
    else:  # said by fusions that were fitted on other patients
        assert again.shape == said.shape
        assert np.abs(again - said).max() > 1e-5


def test_the_mean_is_that_of_its_branches(fused, runs, stores):
    alone = [scores(runs[name], "test", stores) for name in FUSED["mean"][0].split()]
    np.testing.assert_allclose(scores(fused["mean"], "test", stores), np.mean(alone, 0), atol=1e-6)


def test_the_card_says_what_weights_were_fitted_on(fused):
    assert "fitted_on" not in card_json(fused["mean"])
    for name in ("weighted", "stacking", "mlp"):
        said = card_json(fused[name])["fitted_on"]
        assert said["scores"] == "dev"
        assert said["branches_stopped_on_these_items"] == FUSED[name][0].split()
        assert said["branches_fitted_on_these_items"] == []
    assert sum(card_json(fused["weighted"])["fitted_on"]["weights"].values()) == pytest.approx(1, abs=1e-12)
    assert card_json(fused["mlp"])["training"]["epochs"] == 3
    assert card_json(fused["svm"])["fitted_on"] == {"features": "in_sample", "cross_fitting_folds": 5}
    assert "epochs" not in card_json(fused["svm"])["training"]


@pytest.mark.parametrize("name", ["mean", "gated", "svm"])
def test_a_fusion_is_a_branch_of_another(name, fused, runs, stores, tmp_path):
    again = fuse_runs("late", "mean", [fused[name], runs["whole"]], tmp_path / "run")
    expected = np.mean([scores(run, "test", stores) for run in (fused[name], runs["whole"])], 0)
    np.testing.assert_allclose(scores(again, "test", stores), expected, atol=1e-6)


def test_the_card_and_a_line_say_which_branches_were_fitted_on_the_same_items(fused, runs, tmp_path, capsys):
    """Those inside of others, too; the mean of a network and a gated fusion has no weights from there."""
    nested = fuse_runs("late", "mean", [fused["weighted"], runs["gru"]], tmp_path / "nested")
    plain = fuse_runs("late", "mean", [fused["gated"], runs["gru"]], tmp_path / "plain")
    some = [fused["mlp"], runs["wang"], nested, fused["svm"]]
    for branches, fitted in ((some, ["mlp", "nested", "svm"]), ([runs["wang"], plain], [])):
        capsys.readouterr()
        run = fuse_runs("late", "stacking", branches, tmp_path / f"run{len(branches)}")
        assert card_json(run)["fitted_on"]["branches_fitted_on_these_items"] == fitted
        line = "the dev table is optimistic: the weights of mlp, nested, svm were fitted on these items, too\n"
        assert (line in capsys.readouterr().out) == bool(fitted)


def test_equal_names_are_numbered(runs, stores, tmp_path):
    for place in ("a/wang", "b/wang"):
        shutil.copytree(runs["wang"], tmp_path / place)
    assert list(named_branches(["a/x", "b/x", "c/x-2", "d/x"])) == ["x", "x-2", "x-2-2", "x-3"]
    run = fuse_runs("late", "mean", [tmp_path / "a/wang", tmp_path / "b/wang"], tmp_path / "run")
    assert list(load_run(run).parts) == ["wang", "wang-2"]
    np.testing.assert_allclose(scores(run, "dev", stores), scores(runs["wang"], "dev", stores), atol=1e-6)


@pytest.fixture(scope="module")
def kfold(stores: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two k-fold runs."""
    folder = tmp_path_factory.mktemp("kfold")
    words = "-model gru -hidden_size 4 -n_layers 1 -leads II -crop 0.5 -stride 0.5 -epochs 1 -kfold 2 -threads 1"
    for seed in (0, 1):
        where = ["-data", str(stores), "-path_save_model", str(folder / f"seed{seed}")]
        train.main([*words.split(), "-seed", str(seed), *where])
    return [folder / "seed0", folder / "seed1"]


def test_a_k_fold_run_is_a_branch(kfold, runs, stores, tmp_path):
    run = fuse_runs("late", "mean", [kfold[0], runs["wang"]], tmp_path / "run")
    expected = np.mean([scores(each, "test", stores) for each in (kfold[0], runs["wang"])], 0)
    np.testing.assert_allclose(scores(run, "test", stores), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["weighted", "stacking", "mlp"])
def test_weights_are_fitted_on_out_of_fold_scores(name, kfold, stores, tmp_path):
    """So none of dev has a part in them, and what dev gets is what the run gives it again."""
    run = fuse_runs("late", name, kfold, tmp_path / "run", "-fit_on out_of_fold")
    assert card_json(run)["fitted_on"]["scores"] == "out_of_fold"
    np.testing.assert_allclose(scores(run, "dev", stores), load_scores(run / DEV_SCORES).scores, atol=1e-6)


def assert_same_run(ours: Path, theirs: Path) -> None:
    for name in (WEIGHTS, DEV_SCORES):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
    cards = [card_json(run) for run in (ours, theirs)]
    for card in cards:
        card["result"].pop("seconds", None)  # late ones do not say
        del card["given"]["path_save_model"]
    assert cards[0] == cards[1]
    assert not (ours / RESUME).exists()


def killed_and_resumed(name: str, branches: list[Path], folder: Path, words: str, moved: bool = False) -> Path:
    """A fusion that is killed in its second epoch and goes on, its branches moved away in between or not."""
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, FusionLearner, "outputs", 5)  # 180 items in batches of 64 are three steps an epoch
        with pytest.raises(Killed):
            fuse_runs("intermediate", name, branches, folder, words)
    assert not card_json(folder)["complete"]
    for branch in branches if moved else ():
        branch.rename(branch.with_name(f"{branch.name} moved"))
    train.main(["-resume", "-path_save_model", str(folder)])
    return folder


def test_a_resumed_fusion_equals_an_uninterrupted_one(runs, tmp_path):
    branches = [shutil.copytree(runs[each], tmp_path / each) for each in ("wang", "gru")]
    whole = fuse_runs("intermediate", "attention", branches, tmp_path / "whole", LEARNING)
    assert_same_run(killed_and_resumed("attention", branches, tmp_path / "killed", LEARNING, moved=True), whole)


def test_so_does_one_that_trains_on_its_branches(joint, runs, tmp_path):
    resumed = killed_and_resumed("gated", [runs["wang"], runs["stft"]], tmp_path / "killed", JOINT)
    assert_same_run(resumed, joint)


def test_members_of_k_fold_runs_are_branches_and_the_fusion_goes_on(kfold, tmp_path):
    branches = [run / "members" / "1" for run in kfold]
    run = killed_and_resumed("concat", branches, tmp_path / "run", LEARNING)
    assert list(load_run(run).parts) == ["1", "1-2"]


def kill_in_second_copy(patch: pytest.MonkeyPatch) -> None:
    """When the copy of the second branch is nearly there."""
    copy, calls = shutil.copytree, []

    def half(source, place, *how, **named):
        copy(source, place, *how, **named)
        calls.extend([place] if Path(place).suffix == ".part" else [])  # it calls itself for folders inside
        if len(calls) == 2:
            (Path(place) / WEIGHTS).unlink()
            raise Killed

    patch.setattr(copying.shutil, "copytree", half)


@pytest.mark.parametrize(
    ("level", "name", "words"),
    [("late", "weighted", ""), ("intermediate", "concat", LEARNING), ("intermediate", "svm", "")],
)
def test_a_fusion_goes_on_from_a_kill_among_the_copies(level, name, words, runs, tmp_path):
    """The branch that was not copied has to be there, as it was; the other need not."""
    first, second = (shutil.copytree(runs[each], tmp_path / each) for each in ("wang", "stft"))
    whole, run = fuse_runs(level, name, [first, second], tmp_path / "whole", words), tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        kill_in_second_copy(patch)
        with pytest.raises(Killed):
            fuse_runs(level, name, [first, second], run, words)
    assert [path.name for path in (run / BRANCHES).glob("[!.]*")] == ["wang"]
    with pytest.raises(EcgFusionError, match="run holds a run already: go on with it with -resume"):
        fuse_runs(level, name, [first, second], run, words)
    first.rename(tmp_path / "gone")
    second.rename(tmp_path / "away")
    sentence = r"stft is not there as it was when .*run was begun, and .*: put it back and go on with -resume"
    for there in (False, True):  # first nothing is in its place, then another run
        if there:
            shutil.copytree(runs["gru"], second)
        with pytest.raises(EcgFusionError, match=sentence) as problem:
            train.main(["-resume", "-path_save_model", str(run)])
        assert "\n" not in str(problem.value)
    shutil.rmtree(second)
    (tmp_path / "away").rename(second)
    train.main(["-resume", "-path_save_model", str(run)])
    assert_same_run(run, whole)
    assert {path.name for path in (run / BRANCHES).iterdir()} == {"wang", "stft"}
    assert digests(run / BRANCHES / "stft") == digests(second)


def state(run: Run) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in run.network.state_dict().items()}


def test_frozen_branches_stay_as_they_are(runs, tmp_path, monkeypatch):
    """Those in memory, too: weights, and statistics of batch norm."""
    loaded: list[Run] = []

    def kept(card: Card, folder: Path) -> dict[str, Run]:
        branches = load_branches(card, folder)
        loaded.extend(branches.values())
        return branches

    monkeypatch.setattr(intermediate, "load_branches", kept)
    fuse_runs("intermediate", "gated", [runs["wang"], runs["stft"]], tmp_path / "run", LEARNING)
    for run, name in zip(loaded, ("wang", "stft"), strict=True):
        before = state(load_run(runs[name]))
        assert any("running_mean" in key for key in before)
        assert before.keys() == run.network.state_dict().keys()
        for key, tensor in run.network.state_dict().items():
            assert torch.equal(tensor, before[key]), key


@pytest.fixture(scope="module")
def joint(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fusion that trained on its branches."""
    folder = tmp_path_factory.mktemp("joint") / "run"
    return fuse_runs("intermediate", "gated", [runs["wang"], runs["stft"]], folder, JOINT)


def test_training_on_branches_leaves_their_copies(joint, runs, stores):
    weights, run = load_file(joint / WEIGHTS), load_run(joint)
    assert run.card.fitted_on is None  # whose features change from step to step
    assert run.card.fitted is None
    for number, name in enumerate(("wang", "stft")):
        assert digests(joint / BRANCHES / name) == digests(runs[name])
        before = state(load_run(runs[name]))
        for key, tensor in run.parts[name].network.state_dict().items():
            assert torch.equal(tensor, weights[f"branches.{number}.{key}"])
        own = {key: tensor for key, tensor in before.items() if tensor.is_floating_point()}
        changed = [key for key, tensor in own.items() if (weights[f"branches.{number}.{key}"] != tensor).any()]
        assert len(changed) > 0.8 * len(own)
    np.testing.assert_allclose(scores(joint, "dev", stores), load_scores(joint / DEV_SCORES).scores, atol=1e-6)


def test_a_fusion_trained_with_its_branches_is_a_branch(joint, runs, stores, tmp_path):
    run = fuse_runs("late", "mean", [joint, runs["wang"]], tmp_path / "run")
    expected = np.mean([scores(each, "test", stores) for each in (joint, runs["wang"])], 0)
    np.testing.assert_allclose(scores(run, "test", stores), expected, atol=1e-6)


def kept_of(items: KeptItems) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    batch = items[Pick(np.arange(len(items)), np.zeros(len(items), np.int64))]
    return batch.branches, batch.masks


@pytest.mark.parametrize("max_tokens", [None, 12])
def test_what_is_kept_does_not_depend_on_the_batch(max_tokens, runs, store):
    rows, names = np.arange(9), ("wang", "gru", "stft")
    kept = []
    for batch_size in (32, 7):
        branches = {name: load_run(runs[name]) for name in names}
        for name, run in branches.items():
            card = run.card.with_training(batch_size=batch_size)
            branches[name] = replace(run, card=card)
        kept.append(kept_of(keep(branches, max_tokens, store, rows, CPU)))
    for first, second in zip(*kept, strict=True):
        assert first.keys() == second.keys()
        for name in first:
            torch.testing.assert_close(first[name].float(), second[name].float(), atol=1e-5, rtol=1e-4)


def crops_of(run: Run, items: StoreItems, row: int) -> Iterator[torch.Tensor]:
    """The tokens of each crop of an item, (1, t, token_dim), in time order."""
    for start in items.crop_starts(int(items.lengths[row])):
        batch = items[Pick(np.array([row]), np.array([start]))]
        yield run.network.tokens(InputMaker(run.spec)(batch.raw, batch.length))


@pytest.mark.parametrize("name", ["wang", "gru", "stft"])
@torch.no_grad()
def test_kept_features_are_means_over_crops_and_kept_tokens_in_time_order(name, runs, store):
    run, rows, most = load_run(runs[name]), np.array([3, 11, 4]), 12
    features = kept_of(keep({name: run}, None, store, rows, CPU))[0][name]
    tokens, masks = kept_of(keep({name: run}, most, store, rows, CPU))
    items = store_items(store, rows, run.spec)
    assert len(items.crop_starts(int(items.lengths[0]))) >= 4
    for row in range(len(rows)):
        crops = list(crops_of(run, items, row))
        pooled = torch.cat([run.network.pool(crop) for crop in crops])
        torch.testing.assert_close(features[row], pooled.mean(0), atol=1e-5, rtol=1e-4)
        share = max(1, most // len(crops))
        expected = torch.cat([at_most(crop, None, share)[0][0] for crop in crops])
        own = masks[name][row] if name in masks else slice(None)
        torch.testing.assert_close(tokens[name][row][own], expected, atol=1e-5, rtol=1e-4)
        assert (expected[1:] != expected[:-1]).any()


def test_branches_that_are_trained_on_see_the_same_crop(runs, store):
    branches = {name: load_run(runs[name]) for name in ("stft", "wang", "wang-1")}
    items, signals = JointItems(branches, store, np.array([5, 2, 9]), CPU), store.signals.open()
    batch = items[Pick(np.array([2, 0]), np.array([17, 401]))]
    for name, run in branches.items():
        leads = [store.leads.index(lead) for lead in run.spec.leads]
        for place, row, start in zip(batch.branches[name].raw, (9, 5), (17, 401), strict=True):
            np.testing.assert_array_equal(place, signals[row][leads][:, start : start + 250])
    assert len(scoring_picks(items, 100)[0].rows) == 3 * 4


def test_crops_of_one_length_are_scored_as_the_first_branch_scores_them(runs, store, stores, tmp_path):
    dense = shutil.copytree(runs["wang"], tmp_path / "dense")
    card = card_json(dense)
    card["input"]["stride"] = 1.25
    write_json(dense, card)
    sealed_anew(dense)
    fused = fuse_runs("intermediate", "concat", [dense, runs["stft"]], tmp_path / "run", JOINT)
    parts = load_run(fused).parts
    for names, starts in ((("dense", "stft"), range(0, 751, 125)), (("stft", "dense"), range(0, 751, 250))):
        items = JointItems({name: parts[name] for name in names}, store, np.array([5, 2]), CPU)
        assert items.crop_starts(1000) == list(starts)
    np.testing.assert_allclose(scores(fused, "dev", stores), load_scores(fused / DEV_SCORES).scores, atol=1e-6)


def test_a_branch_on_beats_sees_the_beat_of_the_whole_item_beside_any_crop(runs, store):
    crops = load_run(runs["wang"])
    beats = replace(crops, spec=replace(crops.spec, crop=None, stride=None, beat=(0.3, 0.5), n_samples=80))
    rows = np.array([5, 2])
    items = JointItems({"beat": beats, "crop": crops}, store, rows, CPU)
    assert items.crop_samples == 250
    assert items.crop_starts(1000) == crops.spec.crop_starts(1000)
    pick = Pick(np.array([1, 0]), np.array([17, 401]))
    batch, whole = items[pick], Pick(pick.rows, np.zeros(2, np.int64))
    assert torch.equal(batch.branches["beat"].raw, store_items(store, rows, beats.spec)[whole].raw)
    assert torch.equal(batch.branches["crop"].raw, store_items(store, rows, crops.spec)[pick].raw)


def test_every_part_of_a_batch_is_pinned_and_moved(runs, store, monkeypatch):
    """``meta`` stands for a GPU."""
    meta, pick = torch.device("meta"), Pick(np.array([1, 0]), np.zeros(2, np.int64))
    joint = JointItems({name: load_run(runs[name]) for name in ("stft", "wang")}, store, np.array([5, 2]), CPU)[pick]
    features = torch.arange(6.0).reshape(3, 2)
    kept = KeptItems({"a": features}, {"a": features > 1})[pick]
    locked: list[torch.Tensor] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda x: locked.append(x) or x.clone())
    assert torch.equal(kept.pin_memory().branches["a"], features[[1, 0]])
    assert len(locked) == 3
    assert torch.equal(joint.pin_memory().branches["wang"].raw, joint.branches["wang"].raw)
    assert len(locked) == 3 + 2 * len(joint.branches) + 1
    there, moved = kept.to(meta), joint.to(meta)
    assert {there.branches["a"].device, there.masks["a"].device, there.rows.device} == {meta}
    assert {moved.rows.device, *(branch.raw.device for branch in moved.branches.values())} == {meta}


@pytest.mark.parametrize(("level", "name", "expected"), [("intermediate", "concat", "bf16"), ("late", "mlp", "fp32")])
def test_a_gpu_fits_what_it_computes_in_bf16(level, name, expected, runs, stores, monkeypatch):
    """Late fusions are fitted on the CPU."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (2**30, 2**31))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    given = {"model": level, "combine": name, "branches": [str(runs["wang"]), str(runs["gru"])]}
    opened = open_store(stores / "train.h5"), open_store(stores / "dev.h5")
    assert plan_fusion(TrainOptions.of(**given), *opened, torch.device("cuda", 0)).training.precision == expected


def test_what_frozen_branches_say_is_kept_where_it_fits(runs, store, monkeypatch):
    """``meta`` stands for a GPU."""
    branches, meta, rows = {"wang": load_run(runs["wang"])}, torch.device("meta"), np.array([5, 2])
    monkeypatch.setattr(kept_module, "_crops", partial(crops_on_the_cpu, kept_module._crops))
    monkeypatch.setattr(kept_module, "store_items", lambda *of: store_items(*of[:3]))
    for n_bytes, home in ((0, CPU), (10**9, meta)):
        monkeypatch.setattr(kept_module, "fits", lambda size, _, most=n_bytes: size <= most)
        batch = keep(branches, None, store, rows, meta)[Pick(np.array([1]), np.zeros(1, np.int64))]
        assert {batch.branches["wang"].device, batch.rows.device} == {home}


def crops_on_the_cpu(crops, name, run, items, device, *others):
    return crops(name, run, items, CPU, *others)


def test_the_branches_own_losses_weigh_as_much_as_said(fused):
    run = load_run(fused["concat"])
    fusion, random = build_fusion(run.card, run.parts).eval(), torch.Generator().manual_seed(0)
    seen = {name: torch.randn(4, each.network.feature_dim, generator=random) for name, each in run.parts.items()}
    items = KeptItems(seen, {})
    batch = items[Pick(np.arange(4), np.zeros(4, np.int64))]
    with_them, alone = (KeptLearner(fusion, auxiliary).outputs(batch) for auxiliary in (0.3, 0.0))
    assert [weight for weight, _ in alone] == [1.0]
    assert [weight for weight, _ in with_them] == pytest.approx([1.0, 0.1, 0.1, 0.1])
    fused_logits, own = fusion.outputs(seen)
    for (_, logits), expected in zip(with_them, [fused_logits, *own.values()], strict=True):
        assert torch.equal(logits, expected)


def test_the_branches_own_losses_change_what_is_learnt(runs, tmp_path):
    branches, weights, words = [runs["wang"], runs["whole"]], {}, f"{LEARNING} -clip_norm 0 -auxiliary "
    for auxiliary in ("0", "0.3"):
        run = fuse_runs("intermediate", "concat", branches, tmp_path / auxiliary, words + auxiliary)
        assert json.loads((run / CARD).read_text())["options"]["auxiliary"] == float(auxiliary)
        weights[auxiliary] = load_file(run / WEIGHTS)
    assert all((weights["0"][key] != weights["0.3"][key]).any() for key in ("projections.0.1.weight", "head.weight"))
