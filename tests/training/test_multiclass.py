"""Classes that exclude each other, from the store to the table: every network, k-fold, every fusion, odd classes."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cards import card_json
from made_stores import made_items, write_stores
from smaller_networks import one_of_each_family, smaller

import evaluate
import train
from models import create_model, describe_fusion, describe_model, list_fusions
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.labels import Labels
from pipeline.representations import ImageRecipe
from pipeline.runs.card_file import read_card
from pipeline.runs.load import load_run
from pipeline.store.reading import open_store
from pipeline.training.losses import class_weights

pytestmark = pytest.mark.usefixtures("cpu_as_before")

SMALL = "-epochs 1 -threads 1 -batch_size 16"
GRU = f"-model gru -hidden_size 4 -n_layers 1 -crop 1 {SMALL}"


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rhythms, two records without one, small images."""
    folder = tmp_path_factory.mktemp("multiclass") / "stores"
    images = ImageRecipe(size=32, representations=("gaf",))
    return write_stores(folder, n_train=30, n_dev=15, seconds=(2.0,), unlabelled=2, images=images)


@pytest.fixture(scope="module")
def runs(stores: Path) -> dict[str, Path]:
    """Two single networks and two k-fold runs that leave out the same items. Do not write into them."""
    words = {
        "gru": GRU,
        "cnn": f"-model cnn -nb_filters 2 {SMALL}",
        "kfold": f"{GRU} -kfold 3",
        "kfold-1": f"{GRU} -kfold 3 -seed 1 -folds_seed 0",
    }
    folder = stores.parent / "runs"
    for name, of_run in words.items():
        train.main([*of_run.split(), "-data", str(stores), "-path_save_model", str(folder / name)])
    return {name: folder / name for name in words}


def check_run(run: Path, stores: Path, cross_fitted: bool = False) -> None:
    """It is complete, without thresholds, and its scores are probabilities of classes that exclude each other.

    Those of dev are what the run itself says of it, unless they come from weights that were fitted on the others.
    """
    card = card_json(run)
    assert (card["complete"], card["kind"], card["classes"]) == (True, "multiclass", ["N", "O", "A"])
    assert "thresholds" not in card
    for partition in ("dev", "test"):
        words = ["-run", str(run), "-data", str(stores), "-partition", partition, "-threads", "1", "-resamples", "0"]
        evaluate.main(words)
        scores = load_scores(run / "evaluation" / partition / "scores.npz")
        assert (scores.kind, len(scores.item_id)) == ("multiclass", 13)
        np.testing.assert_allclose(scores.scores.sum(1), 1, atol=1e-5)
        rows = csv.DictReader((run / "evaluation" / partition / "counts.csv").read_text().splitlines())
        found = {row["class"]: row for row in rows}
        right = (scores.scores.argmax(1) == scores.labels.argmax(1)).sum()
        assert sum(int(found[name]["TP"]) for name in scores.classes) == right
    own, again = (load_scores(run / name) for name in ("dev_scores.npz", "evaluation/dev/scores.npz"))
    assert own.item_id.tolist() == again.item_id.tolist()
    if not cross_fitted:
        np.testing.assert_allclose(own.scores, again.scores, atol=1e-5)


@pytest.fixture(scope="module")
def long_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, long enough for every network on signals."""
    return write_stores(tmp_path_factory.mktemp("long") / "stores", n_train=30, n_dev=15, seconds=(10.0,), unlabelled=2)


@pytest.mark.parametrize("name", one_of_each_family())
def test_a_network_of_every_family_learns_them(name: str, stores: Path, long_stores: Path, tmp_path: Path):
    if describe_model(name).modality == "signal" and create_model(name, in_channels=1, n_classes=3).smallest_size > 200:
        stores = long_stores
    words = f"-model {name} {SMALL} -data {stores} -limit 8 -path_save_model {tmp_path / 'run'}"
    if describe_model(name).modality == "image":
        words += " -on_the_fly -size 72"
    if "n_beats" in describe_model(name).options:
        words += " -set n_beats=1"
    words += smaller(name)
    train.main(words.split())
    check_run(tmp_path / "run", stores)


def test_the_task_and_the_leads_are_the_stores_own(runs: dict[str, Path]):
    card = card_json(runs["gru"])
    assert (card["task"], card["input"]["leads"]) == ("rhythm", ["I"])
    assert card["training"]["class_weights"] is None


def test_a_kfold_run_scores_each_item_by_who_never_saw_it(runs: dict[str, Path], stores: Path):
    check_run(runs["kfold"], stores)
    scores = load_scores(runs["kfold"] / "out_of_fold_scores.npz")
    assert (scores.kind, len(scores.item_id)) == ("multiclass", 28)
    np.testing.assert_allclose(scores.scores.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("fuse_on", ["probabilities", "logits"])
@pytest.mark.parametrize("name", list_fusions("late"))
def test_every_late_fusion(name: str, fuse_on: str, runs: dict[str, Path], stores: Path, tmp_path: Path):
    own = "-hidden_size 4 -epochs 2" if name == "mlp" else ""
    words = f"-model late -combine {name} -fuse_on {fuse_on} {own} -path_save_model {tmp_path}/"
    train.main(f"{words}dev -branches {runs['gru']} {runs['cnn']} {runs['kfold']}".split())
    check_run(tmp_path / "dev", stores, cross_fitted=name != "mean")
    if name != "mean":
        of_folds = f"-fit_on out_of_fold -branches {runs['kfold']} {runs['kfold-1']}"
        train.main(f"{words}out_of_fold {of_folds}".split())
        check_run(tmp_path / "out_of_fold", stores)


@pytest.mark.parametrize("name", list_fusions("intermediate"))
def test_every_intermediate_fusion(name: str, runs: dict[str, Path], stores: Path, tmp_path: Path):
    own = f"-hidden_size 4 {SMALL}" if describe_fusion(name).fitting == "gradient" else "-threads 1"
    own += " -n_heads 2 -max_tokens 4" if name == "attention" else ""
    words = f"-model intermediate -combine {name} {own} -path_save_model {tmp_path}/"
    train.main(f"{words}frozen -branches {runs['gru']} {runs['cnn']}".split())
    check_run(tmp_path / "frozen", stores, cross_fitted=name == "svm")
    of_folds = f"-fit_on out_of_fold -branches {runs['kfold']} {runs['kfold-1']}"
    train.main(f"{words}out_of_fold {of_folds}".split())
    check_run(tmp_path / "out_of_fold", stores, cross_fitted=name == "svm")


def test_branches_are_trained_on(runs: dict[str, Path], stores: Path, tmp_path: Path):
    other = f"{GRU} -seed 2 -data {stores} -path_save_model {tmp_path / 'other'}"
    train.main(other.split())
    joint = (
        f"-model intermediate -combine concat -finetune -hidden_size 4 {SMALL} -path_save_model {tmp_path / 'joint'}"
    )
    train.main(f"{joint} -branches {runs['gru']} {tmp_path / 'other'}".split())
    check_run(tmp_path / "joint", stores)


def test_runs_are_compared(runs: dict[str, Path], tmp_path: Path, capsys):
    evaluate.main(["-run", *(str(runs[name]) for name in ("gru", "cnn", "kfold")), "-out", str(tmp_path / "out")])
    assert "within noise" in capsys.readouterr().out


def test_one_recording_gets_one_probability_a_class_1_together(runs: dict[str, Path]):
    signal = made_items("test", 1).signals[0]
    for name in ("gru", "kfold", "cnn"):
        found = load_run(runs[name]).predict(signal[:, :200], sampling_rate=100, leads=["I"])
        assert list(found) == ["N", "O", "A"]
        assert sum(found.values()) == pytest.approx(1, abs=1e-5)


def test_a_loss_for_many_labels_is_refused(stores: Path, tmp_path: Path):
    with pytest.raises(EcgFusionError, match="asymmetric is for multilabel tasks, and this one is multiclass: take cr"):
        train.main(f"{GRU} -loss asymmetric -data {stores} -path_save_model {tmp_path / 'run'}".split())
    train.main(f"{GRU} -loss focal -data {stores} -path_save_model {tmp_path / 'run'}".split())


def test_the_large_margin_takes_mixed_and_smoothed_classes(stores: Path, tmp_path: Path):
    words = f"{GRU} -loss large_margin -mixup 0.5 -label_smoothing 0.1 -data {stores} -path_save_model {tmp_path}/run"
    train.main(words.split())
    card = read_card(tmp_path / "run")
    assert (card.training.loss, card.training.mixup, card.training.label_smoothing) == ("large_margin", 0.5, 0.1)
    check_run(tmp_path / "run", stores)


CLASSES: dict[str, dict[str, Any]] = {
    "train lacks one": {"train_lacks": ("A",)},
    "dev lacks one": {"dev_lacks": ("A",)},
    "both lack one": {"train_lacks": ("O",), "dev_lacks": ("O",)},
    "two": {"classes": ("N", "A")},
    "26": {"classes": tuple(f"SNOMED {number}" for number in range(26))},
}


@pytest.mark.parametrize("which", CLASSES)
def test_odd_numbers_of_classes(which: str, tmp_path: Path):
    how: dict[str, Any] = CLASSES[which]
    stores = write_stores(tmp_path / "stores", n_train=52, n_dev=26, seconds=(2.0,), **how)
    words = f"{GRU} -class_weights balanced -data {stores} -path_save_model {tmp_path}/"
    train.main(f"{words}single".split())
    train.main(f"{words}kfold -kfold 2".split())
    for name in ("weighted", "stacking"):
        both = f"-branches {tmp_path}/single {tmp_path}/kfold -path_save_model {tmp_path / name}"
        train.main(f"-model late -combine {name} {both}".split())
        evaluate.main(["-run", str(tmp_path / name), "-resamples", "0"])
        scores = load_scores(tmp_path / name / "evaluation/test/scores.npz").scores
        np.testing.assert_allclose(scores.sum(1), 1, atol=1e-5)
    weights = card_json(tmp_path / "single")["training"]["class_weights"]
    assert len(weights) == len(how.get("classes", ("N", "O", "A")))
    assert all(0 < weight <= 20 for weight in weights)


def test_one_class_alone_is_nothing_to_learn(tmp_path: Path):
    stores = write_stores(tmp_path / "stores", n_train=8, n_dev=8, seconds=(2.0,), train_lacks=("O", "A"))
    with pytest.raises(EcgFusionError, match="no class with both positives and negatives: take more records"):
        train.main(f"{GRU} -data {stores} -path_save_model {tmp_path / 'run'}".split())


def test_class_weights_make_each_class_count_alike():
    values = np.eye(3, dtype=np.uint8)[[0] * 6 + [1] * 3 + [2]]
    labels = Labels(("N", "O", "A"), "multiclass", values, np.ones(10, bool))
    weights = class_weights(labels, "balanced", "rhythm")
    assert weights is not None
    np.testing.assert_allclose(np.array(weights) * values.sum(0), 10 / 3)
    assert class_weights(labels, None, "rhythm") is None


def test_a_limited_training_has_the_classes_in_their_shares(stores: Path, tmp_path: Path):
    train.main(f"{GRU} -limit 9 -dev_limit 6 -data {stores} -path_save_model {tmp_path / 'run'}".split())
    labels = load_scores(tmp_path / "run" / "dev_scores.npz").labels
    assert labels.sum(0).tolist() == [2, 2, 2]


def test_a_dataset_gives_one_class_an_item_without_padding(tmp_path: Path):
    folder = write_stores(tmp_path / "stores", n_train=6, n_dev=3, seconds=(1.0, 2.5), unlabelled=1)
    items = open_store(folder / "train.h5").dataset("rhythm")
    assert len(items) == 5  # type: ignore[arg-type]
    assert [items[number][0].shape[1] for number in range(5)] == [100, 250, 100, 250, 100]
    assert [float(items[number][1].sum()) for number in range(5)] == [1.0] * 5
