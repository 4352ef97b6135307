"""Windows of a record answer together: in dev scores, tables, k-fold, fusions and predictions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cards import card_json
from made_stores import made_items, write_store, write_stores

import evaluate
import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.joining import JOINS, Joining
from pipeline.evaluation.metrics import macro_auroc
from pipeline.evaluation.scores import load_scores
from pipeline.inputs.placement import store_items
from pipeline.runs.learners import NetworkLearner
from pipeline.runs.load import load_run
from pipeline.scoring.partition import score_partition
from pipeline.scoring.predict import predict_probabilities
from pipeline.scoring.records import answered_rows, check_records, holds_windows, joining_of
from pipeline.store.reading import open_store
from pipeline.training.data import sampled_dev, training_rows

pytestmark = pytest.mark.usefixtures("cpu_as_before")

GRU = "-model gru -hidden_size 4 -n_layers 1 -epochs 2 -threads 1 -batch_size 32"
CUT = {"kind": "windows", "window_s": 1.0, "stride_s": 1.0}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of three windows of a second each: 24 to train on, 12 for dev and test, of which one has no label."""
    folder = tmp_path_factory.mktemp("windows") / "stores"
    return write_stores(folder, n_train=24, n_dev=12, seconds=(1.0,), windows=3, unlabelled=1, cut=CUT)


@pytest.fixture(scope="module")
def runs(stores: Path) -> dict[str, Path]:
    """A run of each join, and two of k folds. Do not write into them."""
    words = {how: f"-join {how}" for how in JOINS}
    words |= {"usual": "", "kfold": "-kfold 2 -join max", "kfold-1": "-kfold 2 -seed 1 -folds_seed 0"}
    folder = stores.parent / "runs"
    for name, own in words.items():
        train.main(f"{GRU} {own} -data {stores} -path_save_model {folder / name}".split())
    return {name: folder / name for name in words}


def of_windows(run: Path, stores: Path, partition: str) -> tuple[np.ndarray, np.ndarray]:
    """What a network says of each labelled window, and of which record it is."""
    loaded, store = load_run(run), open_store(stores / f"{partition}.h5")
    rows = np.flatnonzero(store.task("rhythm").labelled)
    learner = NetworkLearner(loaded.network, loaded.spec)
    values = predict_probabilities(learner, store_items(store, rows, loaded.spec), "multiclass", 7, torch.device("cpu"))
    return values, store.columns["record_id"][rows]


@pytest.mark.parametrize("how", JOINS)
def test_scores_are_of_records(how: str, runs: dict[str, Path], stores: Path):
    assert card_json(runs[how])["join"] == how
    evaluate.main(["-run", str(runs[how]), "-threads", "1", "-resamples", "0"])
    scores = load_scores(runs[how] / "evaluation" / "test" / "scores.npz")
    assert scores.remark == f"items are records, each with the scores of its windows joined by {how}"
    assert scores.remark in (runs[how] / "evaluation" / "test" / "table.md").read_text(encoding="utf-8")
    values, records = of_windows(runs[how], stores, "test")
    assert scores.item_id.tolist() == [f"test{number:03d}" for number in range(11)]
    np.testing.assert_allclose(scores.scores, Joining(how, records, "multiclass")(values), atol=1e-5)
    assert scores.labels.sum(0).tolist() == [4, 4, 3]


@pytest.mark.parametrize("name", ["mean", "max", "kfold"])
def test_the_epoch_and_the_dev_table_are_of_records(name: str, runs: dict[str, Path]):
    card, dev = card_json(runs[name]), load_scores(runs[name] / "dev_scores.npz")
    assert (len(dev.item_id), card["data"]["n_dev_items"], card["data"]["n_dev_records"]) == (11, 33, 11)
    assert card["result"]["dev_macro_auroc"] == pytest.approx(macro_auroc(dev.labels, dev.scores), abs=1e-6)


def test_the_mean_is_usual(runs: dict[str, Path]):
    assert card_json(runs["usual"])["join"] == "mean"
    one, other = (load_scores(runs[name] / "dev_scores.npz").scores for name in ("usual", "mean"))
    np.testing.assert_array_equal(one, other)


def test_a_kfold_run_has_each_record_once_by_who_never_saw_it(runs: dict[str, Path], stores: Path):
    scores = load_scores(runs["kfold"] / "out_of_fold_scores.npz")
    assert scores.item_id.tolist() == [f"train{number:03d}" for number in range(23)]
    of_members = []
    for number in (1, 2):
        values, records = of_windows(runs["kfold"] / "members" / str(number), stores, "train")
        of_members.append(Joining("max", records, "multiclass")(values))
    near = [np.isclose(scores.scores, each, atol=1e-5).all(1) for each in of_members]
    assert (near[0] | near[1]).all()
    assert 0 < near[0].sum() < 23


@pytest.mark.parametrize(
    ("words", "branches"),
    [
        ("-model late -combine mean", "mean max kfold"),
        ("-model late -combine stacking", "mean geometric"),
        ("-model late -combine weighted -fit_on out_of_fold", "kfold kfold-1"),
        ("-model intermediate -combine concat -hidden_size 4 -epochs 1 -threads 1", "mean max"),
        ("-model intermediate -combine attention -n_heads 1 -hidden_size 4 -epochs 1 -threads 1 -join max", "max mean"),
        ("-model intermediate -combine gated -hidden_size 4 -epochs 1 -threads 1 -finetune", "geometric max"),
        ("-model intermediate -combine svm -threads 1", "geometric mean"),
        ("-model intermediate -combine svm -threads 1 -fit_on out_of_fold", "kfold kfold-1"),
        (
            "-model intermediate -combine gated -hidden_size 4 -epochs 1 -threads 1 -fit_on out_of_fold",
            "kfold kfold-1",
        ),
    ],
)
def test_fusions_answer_by_record(words: str, branches: str, runs: dict[str, Path], stores: Path, tmp_path: Path):
    named = " ".join(str(runs[name]) for name in branches.split())
    train.main(f"{words} -branches {named} -path_save_model {tmp_path / 'fused'}".split())
    first = card_json(runs[branches.split()[0]])["join"]
    assert card_json(tmp_path / "fused")["join"] == ("max" if "-join max" in words else first)
    scores = score_partition(tmp_path / "fused", None, "test", threads=1)
    assert len(scores.item_id) == 11
    few = score_partition(tmp_path / "fused", None, "test", threads=1, batch_size=2)
    np.testing.assert_allclose(scores.scores, few.scores, atol=1e-5)
    whole = np.concatenate(made_items("test", 1, seconds=(1.0,), windows=3).signals, axis=1)
    said = load_run(tmp_path / "fused").predict(whole, sampling_rate=100, leads=["I"])
    np.testing.assert_allclose(list(said.values()), scores.scores[0], atol=2e-3)


def test_a_late_fusion_of_joined_answers_has_nothing_to_join(runs: dict[str, Path], tmp_path: Path):
    words = f"-model late -combine mean -join max -branches {runs['mean']} {runs['max']}"
    with pytest.raises(EcgFusionError, match="-join does nothing in late fusion by mean: leave it out"):
        train.main(f"{words} -path_save_model {tmp_path / 'fused'}".split())


def test_a_recording_is_cut_as_the_records_were(runs: dict[str, Path], stores: Path):
    """And a shorter one than a window is refused."""
    scores = score_partition(runs["max"], stores, "test", threads=1)
    whole = np.concatenate(made_items("test", 1, seconds=(1.0,), windows=3).signals, axis=1)
    run = load_run(runs["max"])
    found = run.predict(whole, sampling_rate=100, leads=["I"])
    np.testing.assert_allclose(list(found.values()), scores.scores[0], atol=2e-3)
    with pytest.raises(EcgFusionError, match=r"has 0.5 s, and .* has learnt from windows of 1 s: give a"):
        run.predict(whole[:, :50], sampling_rate=100, leads=["I"])


def test_dev_items_are_known_by_their_record(runs: dict[str, Path], stores: Path, tmp_path: Path):
    made = made_items("dev", 12, seconds=(1.0,), windows=3)
    write_store(tmp_path, "test", made, cut=CUT, fold=9)
    with pytest.raises(EcgFusionError, match=r"holds 11 items, 'dev000' first, that the thresholds of .* were chosen"):
        evaluate.main(["-run", str(runs["mean"]), "-data", str(tmp_path)])


def test_a_store_that_is_cut_otherwise_is_refused(runs: dict[str, Path], tmp_path: Path):
    write_store(tmp_path, "test", made_items("test", 6, seconds=(3.0,)))
    with pytest.raises(EcgFusionError, match=r"holds whole records and .*mean is for windows \(window_s 1.0, stride_s"):
        evaluate.main(["-run", str(runs["mean"]), "-data", str(tmp_path)])


@pytest.mark.parametrize(
    ("cut", "sentence"),
    [
        (None, "the items of .*train.h5 are whole records: leave it out, or cut windows with create_images.py --wi"),
        ({"kind": "beats", "before_s": 0.25}, "the items of .* are beats, each with a label of its own: leave it out$"),
    ],
)
def test_there_is_nothing_to_join_elsewhere(cut: dict[str, object] | None, sentence: str, tmp_path: Path):
    write_stores(tmp_path / "stores", n_train=6, n_dev=6, seconds=(1.0,), cut=cut)
    words = f"{GRU} -data {tmp_path / 'stores'} -path_save_model {tmp_path / 'run'}"
    with pytest.raises(EcgFusionError, match=sentence):
        train.main(f"{words} -join mean".split())
    if cut:
        train.main(words.split())
        assert "join" not in card_json(tmp_path / "run")
        assert len(load_scores(tmp_path / "run" / "dev_scores.npz").item_id) == 6


def test_windows_of_one_record_have_its_labels_and_its_patient(stores: Path):
    store = open_store(stores / "dev.h5")
    assert holds_windows(store)
    check_records("rhythm", store)
    labels = store.task("rhythm")
    values = labels.values.copy()
    values[4] = values[4][::-1] if values[4][1] == 0 else [1, 0, 0]
    other = replace(store, labels={"rhythm": replace(labels, values=values)})
    with pytest.raises(EcgFusionError, match="windows of the record dev001 have different labels, which are their"):
        check_records("rhythm", other)
    patients = store.columns["patient_id"].copy()
    patients[1] = "another"
    with pytest.raises(EcgFusionError, match="windows of the record dev000 have different patients"):
        check_records("rhythm", replace(store, columns={**store.columns, "patient_id": patients}))


def test_a_limit_is_of_records_with_all_their_windows(stores: Path):
    store = open_store(stores / "train.h5")
    rows = training_rows("rhythm", store, 6, 0)
    _, times = np.unique(store.columns["record_id"][rows], return_counts=True)
    assert times.tolist() == [3] * 6
    assert store.task("rhythm").values[rows].sum(0).tolist() == [6, 6, 6]
    sample = sampled_dev("rhythm", store, 5, 0)
    chosen = sample.columns["record_id"][sample.task("rhythm").labelled]
    assert np.unique(chosen, return_counts=True)[1].tolist() == [3] * 5
    assert sampled_dev("rhythm", store, 23, 0) is store


def test_items_answer_for_themselves_where_nothing_is_joined(runs: dict[str, Path], stores: Path):
    store, card = open_store(stores / "dev.h5"), load_run(runs["mean"]).card
    rows = np.arange(1, 9)
    assert answered_rows(store, rows, None).tolist() == rows.tolist()
    assert answered_rows(store, rows, "mean").tolist() == [1, 3, 6]
    assert joining_of(replace(card, join=None), store, rows) is None
