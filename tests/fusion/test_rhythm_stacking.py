"""Three networks and one regression on their nine values, of records whose windows are joined; and k-fold ensembles.

So the older study of rhythms did it (``recipes/rhythm_stacking.toml``), but that its regression was fitted on answers
for the items of training.
"""

from pathlib import Path

import numpy as np
import pytest
from made_stores import write_stores
from sklearn.linear_model import LogisticRegression

import train
from pipeline.evaluation.scores import Scores, load_scores
from pipeline.fusion.branch_scores import Answers, cross_fitting_folds
from pipeline.runs.load import load_run
from pipeline.scoring.partition import score_partition
from pipeline.store.reading import open_store

pytestmark = pytest.mark.usefixtures("cpu_as_before")

GRU = "-model gru -hidden_size 4 -n_layers 1 -epochs 2 -threads 1 -batch_size 32 -join geometric"
CUT = {"kind": "windows", "window_s": 1.0, "stride_s": 1.0}
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of three windows of a second each: 24 to train on, 18 for dev and test."""
    folder = tmp_path_factory.mktemp("rhythms") / "stores"
    return write_stores(folder, n_train=24, n_dev=18, seconds=(1.0,), windows=3, cut=CUT)


@pytest.fixture(scope="module")
def runs(stores: Path) -> dict[str, list[Path]]:
    """Three single networks, and three k-fold runs that leave out the same records. Do not write into them."""
    words = {"single": "", "kfold": "-kfold 5 -folds_seed 0"}
    places = {name: [stores.parent / f"{name}-{seed}" for seed in SEEDS] for name in words}
    for name, own in words.items():
        for seed, place in zip(SEEDS, places[name], strict=True):
            train.main(f"{GRU} {own} -seed {seed} -data {stores} -path_save_model {place}".split())
    return places


def fused(branches: list[Path], folder: Path, words: str) -> Path:
    named = " ".join(map(str, branches))
    train.main(f"-model late -combine stacking {words} -branches {named} -path_save_model {folder}".split())
    return folder


def values_of(scores: list[Scores], fuse_on: str) -> np.ndarray:
    """The nine values of each record, (records, 9)."""
    nine = np.concatenate([each.scores for each in scores], 1).astype(np.float64)
    return nine if fuse_on == "probabilities" else np.log(nine.clip(1e-6, 1 - 1e-6))


def regression(values: np.ndarray, labels: np.ndarray) -> LogisticRegression:
    return LogisticRegression(max_iter=2000).fit(values, labels.argmax(1))


@pytest.mark.parametrize("fuse_on", ["logits", "probabilities"])
def test_it_is_a_multinomial_regression_on_nine_values_of_each_record(fuse_on, runs, stores, tmp_path):
    run = fused(runs["single"], tmp_path / "run", f"-fuse_on {fuse_on}")
    on_dev = [load_scores(place / "dev_scores.npz") for place in runs["single"]]
    assert [each.scores.shape for each in on_dev] == [(18, 3)] * 3
    model = regression(values_of(on_dev, fuse_on), on_dev[0].labels)
    network = load_run(run).network
    assert network.coefficients.shape == model.coef_.shape == (3, 9)
    np.testing.assert_allclose(network.coefficients, model.coef_, atol=1e-6)
    on_test = [score_partition(place, stores, "test", threads=1) for place in runs["single"]]
    expected = model.predict_proba(values_of(on_test, fuse_on))
    np.testing.assert_allclose(score_partition(run, stores, "test", threads=1).scores, expected, atol=1e-5)


def test_what_dev_is_told_comes_from_regressions_on_others(runs, stores, tmp_path):
    run = fused(runs["single"], tmp_path / "run", "")
    on_dev = [load_scores(place / "dev_scores.npz") for place in runs["single"]]
    patients = open_store(stores / "dev.h5").columns["patient_id"][::3]  # a record has three windows
    answers = Answers({}, on_dev[0].labels, patients)
    folds, nine = cross_fitting_folds(answers, 0), values_of(on_dev, "logits")
    found = load_scores(run / "dev_scores.npz")
    assert found.item_id.tolist() == on_dev[0].item_id.tolist()
    for fold in np.unique(folds):
        model = regression(nine[folds != fold], on_dev[0].labels[folds != fold])
        np.testing.assert_allclose(found.scores[folds == fold], model.predict_proba(nine[folds == fold]), atol=1e-5)


def test_out_of_fold_it_is_fitted_on_records_that_no_network_saw(runs, stores, tmp_path):
    run = fused(runs["kfold"], tmp_path / "run", "-fit_on out_of_fold")
    unseen = [load_scores(place / "out_of_fold_scores.npz") for place in runs["kfold"]]
    assert [each.scores.shape for each in unseen] == [(24, 3)] * 3
    model = regression(values_of(unseen, "logits"), unseen[0].labels)
    np.testing.assert_allclose(load_run(run).network.coefficients, model.coef_, atol=1e-6)
    on_dev = [load_scores(place / "dev_scores.npz") for place in runs["kfold"]]
    expected = model.predict_proba(values_of(on_dev, "logits"))
    np.testing.assert_allclose(load_scores(run / "dev_scores.npz").scores, expected, atol=1e-5)


def test_an_ensemble_of_five_folds_has_the_mean_of_its_members_joined_records(runs, stores):
    whole = score_partition(runs["kfold"][0], stores, "test", threads=1)
    members = [score_partition(place, stores, "test", threads=1).scores for place in members_of(runs["kfold"][0])]
    assert (len(members), members[0].shape) == (5, (18, 3))
    assert np.abs(members[0] - members[1]).max() > 1e-4
    np.testing.assert_allclose(whole.scores, np.mean(members, 0), atol=1e-6)
    np.testing.assert_allclose(whole.scores.sum(1), 1, atol=1e-5)


def members_of(run: Path) -> list[Path]:
    return [run / "members" / str(number) for number in range(1, 6)]
