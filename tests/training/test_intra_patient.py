"""Stores that part the items of one patient: every figure of them says so, and no item is in two partitions."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cards import card_json
from made_stores import Made, made_items, write_store

import evaluate
import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.labels import INTRA_PATIENT
from pipeline.runs.card import DEV_SCORES
from pipeline.runs.card_file import read_card
from pipeline.scoring.checks import refuse_dev_items, refuse_training_items
from pipeline.store.reading import open_store
from pipeline.training.data import check_stores

pytestmark = pytest.mark.usefixtures("cpu_as_before")

GRU = "-model gru -hidden_size 4 -n_layers 1 -epochs 1 -threads 1 -batch_size 16"
BEATS = {"kind": "beats", "before_s": 0.25, "after_s": 0.45}
INTRA: dict[str, Any] = {"cut": BEATS, "scheme": "intra_patient", "folds_seed": 0, "intra_patient": True}


def beats(partition: str, n_beats: int) -> Made:
    """Heartbeats of three patients, who are in every partition."""
    made = made_items(partition, n_beats, seconds=(0.7,))
    made.patients = [f"patient {number % 3}" for number in range(n_beats)]
    return made


def write_beats(folder: Path, fold: int | None = None, **said: Any) -> Path:
    for partition, n_beats in (("train", 30), ("dev", 12), ("test", 12)):
        write_store(folder, partition, beats(partition, n_beats), fold=fold, **INTRA | said)
    return folder


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_beats(tmp_path_factory.mktemp("intra") / "stores")


@pytest.fixture(scope="module")
def run(stores: Path) -> Path:
    """A run on them. Do not write into it."""
    folder = stores.parent / "gru"
    train.main(f"{GRU} -data {stores} -path_save_model {folder}".split())
    return folder


def test_the_card_the_training_and_the_scores_say_so(run: Path, stores: Path, tmp_path: Path, capsys):
    data = card_json(run)["data"]
    assert (data["scheme"], data["scheme_seed"], data["intra_patient"]) == ("intra_patient", 0, True)
    assert data["cut"] == BEATS
    assert load_scores(run / DEV_SCORES).remark == INTRA_PATIENT
    train.main(f"{GRU} -data {stores} -path_save_model {tmp_path / 'run'}".split())
    said = capsys.readouterr()
    assert (said.out + said.err).count(f"{INTRA_PATIENT}: the figures are not those of new patients") == 1
    evaluate.main(["-run", str(run), "-threads", "1", "-out", str(tmp_path / "out")])
    assert load_scores(tmp_path / "out" / "scores.npz").remark == INTRA_PATIENT


def test_other_runs_say_nothing_of_it(tmp_path: Path):
    for partition in ("train", "dev"):
        write_store(tmp_path / "stores", partition, made_items(partition, 12, seconds=(0.7,)))
    train.main(f"{GRU} -data {tmp_path / 'stores'} -path_save_model {tmp_path / 'run'}".split())
    said = {"scheme", "scheme_seed", "intra_patient", "cut", "leads", "n_dev_records"}
    assert not said & card_json(tmp_path / "run")["data"].keys()
    assert "join" not in card_json(tmp_path / "run")
    assert load_scores(tmp_path / "run" / DEV_SCORES).remark is None


def test_a_patient_in_both_is_refused_unless_the_scheme_is_intra_patient(tmp_path: Path):
    write_beats(tmp_path, scheme=None, folds_seed=None, intra_patient=None)
    one, other = (open_store(tmp_path / f"{partition}.h5") for partition in ("train", "dev"))
    with pytest.raises(EcgFusionError, match=r"patient patient 0 is in .*train.h5 and in .*dev.h5: make both"):
        check_stores(one, other)


def test_an_item_in_both_is_refused_all_the_same(stores: Path):
    one, other = (open_store(stores / f"{partition}.h5") for partition in ("train", "dev"))
    check_stores(one, other)
    items = other.columns["item_id"].copy()
    items[0] = one.columns["item_id"][5]
    with pytest.raises(EcgFusionError, match=r"item train005 is in .*train.h5 and in .*dev.h5"):
        check_stores(one, replace(other, columns={**other.columns, "item_id": items}))


@pytest.mark.parametrize("name", ["cut", "scheme", "folds_seed", "intra_patient"])
def test_stores_that_differ_in_how_they_were_divided_are_refused(name: str, stores: Path):
    one, other = (open_store(stores / f"{partition}.h5") for partition in ("train", "dev"))
    attributes = {key: value for key, value in other.attributes.items() if key != name}
    with pytest.raises(EcgFusionError, match=f"has {name} .* and .*dev.h5 None: make both with the same options"):
        check_stores(one, replace(other, attributes=attributes))


def test_kfold_deals_patients_and_says_so(stores: Path, tmp_path: Path, capsys):
    train.main(f"{GRU} -kfold 3 -data {stores} -path_save_model {tmp_path / 'run'}".split())
    assert "-kfold deals patients all the same" in capsys.readouterr().out
    items = [card_json(tmp_path / "run" / "members" / str(k))["data"]["n_train_items"] for k in (1, 2, 3)]
    assert items == [20, 20, 20]  # without the ten beats of one patient
    assert load_scores(tmp_path / "run" / "out_of_fold_scores.npz").remark == INTRA_PATIENT


def test_fusions_carry_it_on(run: Path, stores: Path, tmp_path: Path):
    train.main(f"{GRU} -seed 1 -data {stores} -path_save_model {tmp_path / 'other'}".split())
    both = f"-branches {run} {tmp_path / 'other'}"
    train.main(f"-model late -combine mean {both} -path_save_model {tmp_path / 'fused'}".split())
    assert card_json(tmp_path / "fused")["data"]["intra_patient"] is True
    assert load_scores(tmp_path / "fused" / DEV_SCORES).remark == INTRA_PATIENT


def copied(stores: Path, partition: str, **columns: Any) -> Any:
    """The test store, in which the first two items are those of another partition."""
    test, other = (open_store(stores / f"{name}.h5") for name in ("test", partition))
    items = test.columns["item_id"].copy()
    items[:2] = other.columns["item_id"][:2]
    return replace(test, columns={**test.columns, "item_id": items, **columns})


def test_training_items_are_refused_by_their_fold(run: Path, stores: Path):
    test, card = open_store(stores / "test.h5"), read_card(run)
    refuse_training_items(card, run, test)
    folds = test.columns["fold"].copy()
    folds[3] = 1
    with pytest.raises(EcgFusionError, match=r"holds fold 1, which .*gru was trained on"):
        refuse_training_items(card, run, replace(test, columns={**test.columns, "fold": folds}))


def test_without_folds_the_training_store_tells(run: Path, stores: Path, tmp_path: Path):
    card, zeros = read_card(run), np.zeros(12, np.int32)
    fine = open_store(stores / "test.h5")
    refuse_training_items(card, run, replace(fine, columns={**fine.columns, "fold": zeros}))
    with pytest.raises(EcgFusionError, match=r"holds 2 items, 'train000' first, that .*gru was trained on"):
        refuse_training_items(card, run, copied(stores, "train", fold=zeros))
    elsewhere = replace(card, data=replace(card.data, folder=str(tmp_path)))
    refuse_training_items(elsewhere, run, copied(stores, "train", fold=zeros))  # nothing can tell them


def test_folds_of_another_scheme_are_not_compared(run: Path, stores: Path, tmp_path: Path):
    """Fold 1 of one scheme is not fold 1 of another: the items are."""
    card, store = read_card(run), open_store(stores / "test.h5")
    other = replace(
        store,
        attributes={**store.attributes, "scheme": "stratified"},
        columns={**store.columns, "fold": np.ones(12, np.int32)},
    )
    refuse_training_items(card, run, other)
    shared = copied(stores, "train", fold=np.full(12, 3))
    with pytest.raises(EcgFusionError, match="holds 2 items, 'train000' first"):
        refuse_training_items(card, run, replace(shared, attributes=other.attributes))
    elsewhere = replace(card, data=replace(card.data, folder=str(tmp_path)))
    with pytest.raises(EcgFusionError, match=r"were made with --folds stratified, those of .* with --folds intra_pat"):
        refuse_training_items(elsewhere, run, other)


def test_dev_items_are_known_by_their_names(run: Path, stores: Path):
    card = read_card(run)
    refuse_dev_items(card, run, open_store(stores / "test.h5"))
    with pytest.raises(EcgFusionError, match="holds 2 items, 'dev000' first, that the thresholds of"):
        refuse_dev_items(card, run, copied(stores, "dev", fold=np.zeros(12, np.int32)))


def test_stores_whose_folds_are_all_0_are_trained_on_and_judged(tmp_path: Path):
    stores = write_beats(tmp_path / "stores", fold=0)
    train.main(f"{GRU} -data {stores} -path_save_model {tmp_path / 'run'}".split())
    evaluate.main(["-run", str(tmp_path / "run"), "-threads", "1", "-resamples", "0"])
    refuse_training_items(read_card(tmp_path / "run"), tmp_path / "run", open_store(stores / "test.h5"))
    with pytest.raises(EcgFusionError, match="holds 2 items, 'train000' first"):
        refuse_training_items(read_card(tmp_path / "run"), tmp_path / "run", copied(stores, "train"))
