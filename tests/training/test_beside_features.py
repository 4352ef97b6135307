"""RR intervals beside the signal, from the store to the table: where they alone tell the classes, they are learnt."""

import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from beats_with_rr import write_beats
from cards import card_json
from kills import Killed, kill_at_call
from small_stores import sum_anew
from smaller_networks import one_of_each_family, smaller

import evaluate
import train
from models import describe_model, list_models
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.runs.card import WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.runs.load import load_run
from pipeline.signals.counts import to_millivolts
from pipeline.store.arrays import ArrayStore
from pipeline.store.reading import open_store
from pipeline.training import loop

pytestmark = pytest.mark.usefixtures("cpu_as_before")

FITTED = "-threads 1 -batch_size 16"
GRU = f"-model gru -hidden_size 4 -n_layers 1 -epochs 12 -learning_rate 0.03 {FITTED}"
FEW = "-epochs 8 -batch_size 16 -learning_rate 0.01"
CNN = f"-model cnn -nb_filters 2 -epochs 2 {FITTED}"


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_beats(tmp_path_factory.mktemp("beats") / "stores", images=True)


def fit_run(stores: Path, folder: Path, words: str) -> Path:
    train.main([*words.split(), "-data", str(stores), "-path_save_model", str(folder)])
    return folder


@pytest.fixture(scope="module")
def runs(stores: Path) -> dict[str, Path]:
    """Do not write into them."""
    words = {
        "with": f"{GRU} -features rr",
        "without": GRU,
        "images": f"{CNN} -features rr",
        "drawn": f"{CNN} -features rr -on_the_fly",
        "kfold": f"{GRU} -features rr -kfold 3",
        "kfold-without": f"{GRU} -kfold 3 -seed 1 -folds_seed 0",
    }
    return {name: fit_run(stores, stores.parent / "runs" / name, of_run) for name, of_run in words.items()}


def auroc(run: Path) -> float:
    return float(card_json(run)["result"]["dev_macro_auroc"])


def check_scores(run: Path, stores: Path, cross_fitted: bool = False) -> None:
    """What it says of dev once more is what it said; of test it says something of every item."""
    for partition in ("dev", "test"):
        words = ["-run", str(run), "-data", str(stores), "-partition", partition, "-threads", "1", "-resamples", "0"]
        evaluate.main([*words, "-batch_size", "7"])
        assert len(load_scores(run / "evaluation" / partition / "scores.npz").item_id) == 120
    own, again = (load_scores(run / name) for name in ("dev_scores.npz", "evaluation/dev/scores.npz"))
    if not cross_fitted:
        np.testing.assert_allclose(own.scores, again.scores, atol=1e-5)


def test_what_rr_alone_tells_is_learnt_with_it_and_not_without(runs: dict[str, Path], stores: Path):
    assert auroc(runs["with"]) > 0.99
    assert auroc(runs["without"]) < 0.75
    check_scores(runs["with"], stores)


def test_the_card_says_what_is_seen_and_how(runs: dict[str, Path], stores: Path):
    said = card_json(runs["with"])["input"]["features"]
    with np.errstate(invalid="ignore"):
        logs = np.log(open_store(stores / "train.h5").features["rr"].astype(float))
    np.testing.assert_allclose(said["rr"]["mean"], np.nanmean(logs, axis=0), rtol=1e-9)
    np.testing.assert_allclose(said["rr"]["deviation"], np.nanstd(logs, axis=0), rtol=1e-9)
    assert said["rr"]["change"] == "log"
    assert load_run(runs["with"]).network.n_numbers == 3
    without = card_json(runs["without"])
    assert "features" not in without["input"]
    assert set(without["data"]["contents"]["train"]) == {"labels", "signals"}


def test_images_take_them_too(runs: dict[str, Path], stores: Path):
    """Stored or drawn, which comes to the same."""
    for name in ("images", "drawn"):
        check_scores(runs[name], stores)
        assert auroc(runs[name]) > 0.9
    stored, drawn = (load_scores(runs[name] / "dev_scores.npz").scores for name in ("images", "drawn"))
    np.testing.assert_allclose(stored, drawn, atol=1e-4)


@pytest.fixture(scope="module")
def long_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough for every network."""
    return write_beats(tmp_path_factory.mktemp("long"), n_patients=4, seconds=10.0)


@pytest.mark.parametrize("name", [name for name in one_of_each_family() if name in list_models("signal")])
def test_a_network_of_each_family_learns_beside_them(name: str, long_stores: Path, tmp_path: Path):
    own = "-set n_beats=1" if "n_beats" in describe_model(name).options else ""
    own += smaller(name)
    run = fit_run(long_stores, tmp_path / "run", f"-model {name} {own} -features rr -epochs 1 -limit 16 {FITTED}")
    assert load_run(run).network.n_numbers == 3


@pytest.mark.parametrize("words", ["-crop 0.4 -stride 0.2", "-normalise record", "-augment noise"])
def test_crops_and_all_else_go_with_them(words: str, stores: Path, tmp_path: Path):
    run = fit_run(stores, tmp_path / "run", f"{GRU} -features rr -epochs 3 {words}")
    check_scores(run, stores)


def test_members_have_the_mean_of_what_they_learn_from(runs: dict[str, Path], stores: Path):
    check_scores(runs["kfold"], stores)
    members = [read_card(runs["kfold"] / "members" / str(number)) for number in (1, 2, 3)]
    means = {member.spec.features["rr"].mean for member in members if member.spec.features}
    assert len(means) == 3
    assert auroc(runs["kfold"]) > 0.99
    assert card_json(runs["kfold"])["result"]["out_of_fold_macro_auroc"] > 0.9


@pytest.mark.parametrize(
    "words",
    [
        "-model late -combine mean",
        "-model late -combine stacking",
        f"-model intermediate -combine concat {FEW}",
        f"-model intermediate -combine attention -hidden_size 8 -max_tokens 4 {FEW}",
        f"-model intermediate -combine attention -hidden_size 8 -finetune {FEW}",
        f"-model intermediate -combine gated -finetune {FEW}",
    ],
)
def test_runs_with_them_are_fused(words: str, runs: dict[str, Path], stores: Path, tmp_path: Path):
    branches = f"-branches {runs['without']} {runs['with']} {runs['images']}"
    run = fit_run(stores, tmp_path / "run", f"{words} {branches}")
    check_scores(run, stores, cross_fitted="stacking" in words)
    if "-model late -combine mean" not in words:
        assert auroc(run) > 0.9


@pytest.mark.parametrize(
    "words",
    [
        "-model late -combine stacking",
        f"-model intermediate -combine concat {FEW}",
        f"-model intermediate -combine attention -hidden_size 8 {FEW}",
    ],
)
def test_k_fold_runs_with_them_are_fused_out_of_fold(words: str, runs: dict[str, Path], stores: Path, tmp_path: Path):
    branches = f"-branches {runs['kfold-without']} {runs['kfold']}"
    run = fit_run(stores, tmp_path / "run", f"{words} -fit_on out_of_fold {branches}")
    check_scores(run, stores)
    assert auroc(run) > 0.9


def test_a_training_that_was_killed_goes_on(runs: dict[str, Path], stores: Path, tmp_path: Path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_at_call(patch, loop, "write_log", 3)
        with pytest.raises(Killed):
            fit_run(stores, tmp_path / "run", f"{GRU} -features rr")
    train.main(["-resume", "-path_save_model", str(tmp_path / "run"), "-threads", "1"])
    for name in (WEIGHTS, "dev_scores.npz"):
        assert (tmp_path / "run" / name).read_bytes() == (runs["with"] / name).read_bytes()


def test_it_goes_on_with_the_same_features_alone(stores: Path, tmp_path: Path, monkeypatch):
    others = shutil.copytree(stores, tmp_path / "stores")
    with monkeypatch.context() as patch:
        kill_at_call(patch, loop, "write_log", 2)
        with pytest.raises(Killed):
            fit_run(others, tmp_path / "run", f"{GRU} -features rr")
    with h5py.File(others / "train.h5", "a") as file:
        file["features/rr"][3, 1] += 0.25
        sum_anew(file)
    with pytest.raises(EcgFusionError, match=r"train\.h5 has other features than .*run was begun with"):
        train.main(["-resume", "-path_save_model", str(tmp_path / "run"), "-threads", "1"])


def test_one_beat_in_memory_is_scored_as_in_a_store(runs: dict[str, Path], stores: Path):
    run, store = load_run(runs["with"]), open_store(stores / "dev.h5")
    scores = load_scores(runs["with"] / "dev_scores.npz")
    for row in (0, 4):  # the first has no interval before it
        at = store.columns["item_id"].tolist().index(scores.item_id[row])
        beat = to_millivolts(store.signals.open()[at], store.gain)
        known = {"rr": store.features["rr"][at].tolist()}
        said = run.predict(beat, sampling_rate=100, leads=["MLII"], features=known)
        np.testing.assert_allclose(list(said.values()), scores.scores[row], atol=1e-5)
        with pytest.raises(EcgFusionError, match=r"the recording has no feature rr .* give predict what gru of"):
            run.predict(beat, sampling_rate=100, leads=["MLII"])
        with pytest.raises(EcgFusionError, match="rr of the recording has 2 numbers of an item, and 3 are seen"):
            run.predict(beat, sampling_rate=100, leads=["MLII"], features={"rr": [0.8, 0.8]})


def test_arrays_in_memory_hold_them(runs: dict[str, Path]):
    beats = np.zeros((2, 1, 70))
    store = ArrayStore.of(beats, 100, ["MLII"], further_leads=["MLII"], features={"rr": [[1, 1, 1], [0.5, 1, 0.5]]})
    assert store.features["rr"].dtype == np.float32
    wrongs: list[Any] = [[1, 1, 1], [[1, 1, 1]], [["a"], ["b"]], [[1], [1, 2]]]
    for wrong in wrongs:
        with pytest.raises(EcgFusionError, match="rr is no table of numbers with a row for each of 2 items"):
            ArrayStore.of(beats, 100, ["MLII"], further_leads=["MLII"], features={"rr": wrong})
    windows = ArrayStore.of(np.zeros((1, 1, 200)), 100, ["I"], features={"age": [[60]]}).in_windows(1, 0.5)
    assert windows.features["age"].tolist() == [[60.0]] * 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("-features r", "train.h5 has no feature r: .*rr"),
        ("-features rr hrv", "train.h5 has no feature hrv: choose from rr, voltage, intervals, rhythm, tabular$"),
        ("-features rr rr", "-features names rr twice"),
    ],
)
def test_other_names_are_refused(words: str, sentence: str, stores: Path, tmp_path: Path):
    with pytest.raises(EcgFusionError, match=sentence):
        fit_run(stores, tmp_path / "run", f"{GRU} {words}")
    assert not (tmp_path / "run").exists()


def changed_store(stores: Path, folder: Path, partition: str, rr: np.ndarray | None) -> Path:
    shutil.copytree(stores, folder)
    with h5py.File(folder / f"{partition}.h5", "a") as file:
        del file["features/rr"]
        if rr is not None:
            file["features/rr"] = rr.astype(np.float32)
        sum_anew(file)
    return folder


def test_a_store_without_features_is_refused(runs: dict[str, Path], stores: Path, tmp_path: Path):
    bare = changed_store(stores, tmp_path / "bare", "train", None)
    with pytest.raises(EcgFusionError, match=r"train\.h5 holds no feature rr of its items"):
        fit_run(bare, tmp_path / "run", f"{GRU} -features rr")
    bare = changed_store(stores, tmp_path / "bare-test", "test", None)
    with pytest.raises(EcgFusionError, match=r"test\.h5 has no feature rr of its items, and no other: name stores"):
        evaluate.main(["-run", str(runs["with"]), "-data", str(bare), "-partition", "test"])
    evaluate.main(["-run", str(runs["without"]), "-data", str(bare), "-partition", "test", "-resamples", "0"])


@pytest.mark.parametrize("width", [0, 2, 4])
def test_features_of_another_width_are_refused(width: int, runs: dict[str, Path], stores: Path, tmp_path: Path):
    other = changed_store(stores, tmp_path / "stores", "dev", np.ones((120, width)))
    with pytest.raises(EcgFusionError, match=rf"dev\.h5 has {width} numbers of an item, and 3 are seen: make it as"):
        fit_run(other, tmp_path / "run", f"{GRU} -features rr")
    with pytest.raises(EcgFusionError, match=rf"rr of .*dev\.h5 has {width} numbers of an item, and 3 are seen"):
        evaluate.main(["-run", str(runs["with"]), "-data", str(other), "-partition", "dev"])


@pytest.mark.parametrize("wrong", [np.nan, 0.0, -1.0])
def test_what_is_missing_everywhere_is_refused(wrong: float, stores: Path, tmp_path: Path):
    rr = np.ones((120, 3))
    rr[:, 1] = wrong
    other = changed_store(stores, tmp_path / "stores", "train", rr)
    with pytest.raises(EcgFusionError, match=r"number 2 of the feature rr of .* is missing in every training item"):
        fit_run(other, tmp_path / "run", f"{GRU} -features rr")


def test_a_fusion_has_those_of_its_branches(runs: dict[str, Path], stores: Path, tmp_path: Path):
    branches = f"-branches {runs['without']} {runs['with']}"
    with pytest.raises(EcgFusionError, match="-features does nothing in late fusion by mean: leave it out"):
        fit_run(stores, tmp_path / "run", f"-model late -combine mean {branches} -features rr")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"deviation": [1.0, 1.0]}, "a feature has 3 means and 2 deviations"),
        ({"deviation": [1.0, 0.0, 1.0]}, "a feature has the deviation 0.0"),
        ({"mean": [1.0, float("nan"), 1.0]}, "a feature has the mean or deviation nan"),
        ({"change": "sqrt"}, "input.features.rr.change is 'sqrt'"),
    ],
)
def test_a_card_of_other_features_is_refused(change: dict, sentence: str, runs: dict[str, Path], tmp_path: Path):
    run = shutil.copytree(runs["with"], tmp_path / "run")
    card = card_json(run)
    card["input"]["features"]["rr"] |= change
    (run / "run.json").write_text(json.dumps(card))
    with pytest.raises(EcgFusionError, match=sentence):
        load_run(run)


@pytest.mark.parametrize(
    ("origin", "words"),
    [("without", "-features rr"), ("with", "-no_init_input"), ("with", ""), ("with", "-features rr")],
)
def test_weights_are_taken_over_with_features_or_without(
    origin: str, words: str, runs: dict[str, Path], stores: Path, tmp_path: Path, capsys
):
    """The network's own have one name in both; the head is of another width, unless both have features."""
    run = fit_run(stores, tmp_path / "run", f"{GRU} -epochs 1 -init {runs[origin]} {words}")
    taken, n_own = card_json(run)["init"]["taken"], len(load_run(runs["without"]).network.state_dict())
    both = origin == "with" and words != "-no_init_input"
    assert len(taken) == (n_own + 4 if both else n_own - 2)
    assert ("beside its items, and this one sees" in capsys.readouterr().err) != both
    assert load_run(run).card.complete
