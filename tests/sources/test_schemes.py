"""Ways to make folds: whole patients, every class everywhere, the same on every machine."""

import numpy as np
import pytest
from toy_cohorts import Cohort

from pipeline.errors import EcgFusionError
from pipeline.sources.items import Whole, Windows
from pipeline.sources.schemes import by_patients, general_scheme
from pipeline.store.create import create_stores
from pipeline.store.partitions import parse_folds
from pipeline.store.reading import open_store

RANDOM = np.random.default_rng(5)
VALUES = (RANDOM.random((300, 4)) < [0.04, 0.1, 0.3, 0.6]).astype(np.uint8)
PATIENTS = [f"p{number}" for number in RANDOM.integers(0, 200, 300)]


def dealt(source, n_folds=10, seed=0, cut=None):
    return by_patients(n_folds)(source, (cut or Whole()).table(source), seed)


def test_ten_records_make_ten_folds_of_one():
    folds = dealt(Cohort(np.eye(10, 2)))
    assert sorted(folds) == list(range(1, 11))


@pytest.mark.parametrize("n_folds", [3, 5, 10])
def test_patients_are_whole_and_classes_in_their_shares(n_folds):
    folds = dealt(Cohort(VALUES, PATIENTS), n_folds)
    assert set(folds) == set(range(1, n_folds + 1))
    assert len({(patient, fold) for patient, fold in zip(PATIENTS, folds, strict=True)}) == len(set(PATIENTS))
    counts = np.stack([VALUES[folds == fold].sum(0) for fold in range(1, n_folds + 1)])
    assert (np.ptp(counts, axis=0) <= np.maximum(3, 1.5 * np.sqrt(counts.mean(0)))).all()


def test_what_is_not_labelled_is_spread_too_and_its_values_say_nothing():
    labelled = np.arange(300) % 3 > 0
    folds = dealt(Cohort(VALUES, labelled=labelled))
    unlabelled = np.bincount(folds[~labelled], minlength=11)[1:]
    assert np.ptp(unlabelled) <= 1
    others = np.where(labelled[:, None], VALUES, 1 - VALUES)
    np.testing.assert_array_equal(folds, dealt(Cohort(others, labelled=labelled)))


def test_a_class_rarer_than_there_are_folds_stands_where_it_can():
    values = np.zeros((40, 2), np.uint8)
    values[:4, 0] = values[4:14, 1] = 1
    folds = dealt(Cohort(values))
    assert len(set(folds[:4])) == 4
    assert set(folds[4:14]) == set(range(1, 11))


def test_folds_are_those_of_the_seed_on_every_machine():
    """Golden: neither the machine nor a later program may deal otherwise, or a published division is gone."""
    source = Cohort(VALUES[:12], PATIENTS[:12])
    assert dealt(source, 3, 0).tolist() == [3, 2, 1, 3, 2, 1, 1, 1, 3, 2, 2, 3]
    assert dealt(source, 3, 1).tolist() == [2, 1, 2, 3, 3, 3, 1, 1, 2, 2, 3, 1]


def test_folds_do_not_depend_on_the_order_of_the_records():
    order = np.random.default_rng(0).permutation(300)
    folds = dealt(Cohort(VALUES, PATIENTS))
    np.testing.assert_array_equal(folds[order], dealt(Cohort(VALUES[order], [PATIENTS[row] for row in order])))


def test_windows_of_a_record_are_in_one_fold():
    source = Cohort(VALUES, PATIENTS)
    table = Windows(0.5, 0.5).table(source)
    folds = by_patients(5)(source, table, 0)
    patients = table.rows["patient_id"].to_numpy()
    assert len(folds) == 4 * 300
    assert all(len(set(folds[patients == patient])) == 1 for patient in set(PATIENTS))


def test_a_data_set_without_a_task_is_dealt_by_its_patients_alone():
    folds = dealt(Cohort(np.zeros((25, 0))))
    assert np.ptp(np.bincount(folds)[1:]) <= 1


@pytest.mark.parametrize(
    ("n_records", "says"),
    [
        (9, "9 patients make from 2 to 9 folds, not 10: give fewer, as kfold:5"),
        (4, "4 patients make from 2 to 4 folds, not 10: give fewer, as kfold:4"),
        (2, r"too few patients \(2\) for train, dev and test, which share none: add recordings of others"),
    ],
)
def test_fewer_patients_than_folds_are_refused(n_records, says):
    with pytest.raises(EcgFusionError, match=says):
        dealt(Cohort(np.eye(n_records, 2)))


@pytest.mark.parametrize(
    ("fold", "words"),
    [
        (None, ("train=3,4,5", "dev=2", "test=1")),
        (1, ("train=3,4,5", "dev=2", "test=1")),
        (4, ("train=1,2,3", "dev=5", "test=4")),
        (5, ("train=2,3,4", "dev=1", "test=5")),
    ],
)
def test_one_fold_is_test_the_next_dev_and_the_others_train(fold, words):
    scheme = general_scheme("kfold:5", fold)
    assert scheme.words == words
    parse_folds(scheme.words)
    assert not scheme.intra_patient


@pytest.mark.parametrize(
    "name", ["kfold", "kfold:", "kfold:2", "kfold:0", "kfold:-3", "kfold:x", "kfold:3.5", "kfold:1001"]
)
def test_a_number_of_folds_that_is_none_is_refused(name):
    with pytest.raises(EcgFusionError, match=f"--folds {name} is not understood: give from 3 folds"):
        general_scheme(name, None)


@pytest.mark.parametrize("fold", range(1, 6))
def test_each_fold_is_test_once(fold):
    folds = parse_folds(general_scheme("kfold:5", fold).words)
    assert folds["test"] == [fold]
    assert folds["dev"] == [fold % 5 + 1]
    assert sorted(number for numbers in folds.values() for number in numbers) == [1, 2, 3, 4, 5]


def test_a_fold_that_is_none_is_refused():
    with pytest.raises(EcgFusionError, match="--fold 6 is none of the 5 folds of --folds kfold:5: give 1 to 5"):
        general_scheme("kfold:5", 6)


@pytest.mark.parametrize("name", ["stratify", "train=1", "kfolds:5", ""])
def test_other_words_are_no_scheme(name):
    assert general_scheme(name, None) is None


def test_a_store_says_how_its_folds_were_made_and_keeps_them_beside_it(tmp_path, told):
    made = create_stores(
        Cohort(VALUES, PATIENTS), tmp_path, folds="kfold:4", fold=2, folds_seed=7, representations="none", workers=1
    )
    stores = {path.stem: open_store(path) for path in made}
    assert set(stores) == {"train", "dev", "test"}
    for name, folds in {"train": {1, 4}, "dev": {3}, "test": {2}}.items():
        assert set(stores[name].columns["fold"]) == folds
        assert stores[name].attributes["scheme"] == "kfold:4"
        assert stores[name].attributes["folds_seed"] == 7
        assert "intra_patient" not in stores[name].attributes
    patients = [set(store.columns["patient_id"]) for store in stores.values()]
    assert sum(map(len, patients)) == len(set.union(*patients)) == len(set(PATIENTS))
    assert (tmp_path / "folds.csv").read_text().startswith("record_id,patient_id,fold\nt000,")
    assert not any("has no item of" in getattr(event, "sentence", "") for event in told)


def test_both_a_fold_and_partitions_are_refused(tmp_path):
    with pytest.raises(EcgFusionError, match="--fold 1 and --folds kfold:4 train=1 test=2 both name partitions"):
        create_stores(Cohort(VALUES), tmp_path, folds="kfold:4 train=1 test=2", fold=1)


def test_partitions_of_ones_own_choice(tmp_path):
    made = create_stores(
        Cohort(VALUES), tmp_path, folds="stratified train=1-6 test=7-10", representations="none", workers=1
    )
    assert [path.stem for path in made] == ["train", "test"]
    assert set(open_store(made[1]).columns["fold"]) == {7, 8, 9, 10}


def test_a_class_that_a_partition_lacks_is_told(tmp_path, told):
    values = np.zeros((30, 2), np.uint8)
    values[:2, 0] = values[:, 1] = 1
    create_stores(Cohort(values), tmp_path, representations="none", workers=1)
    sentences = [event.sentence for event in told if "has no item of" in getattr(event, "sentence", "")]
    assert sentences
    assert all(sentence.endswith("has no item of A (letters), which it can say nothing of") for sentence in sentences)
