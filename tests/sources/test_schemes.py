"""Ways to make folds: no patient in two, each class in its share, one in test."""

import numpy as np
import pytest

from pipeline.sources.items import Whole
from pipeline.sources.schemes import general_scheme
from pipeline.store.partitions import parse_folds
from tests.toy_sources import Toy

PATIENTS = [f"p{number // 2}" for number in range(60)]


@pytest.mark.parametrize(("name", "n_folds"), [("stratified", 10), ("kfold:5", 5), ("kfold:3", 3)])
def test_no_patient_is_in_two_folds_and_classes_are_in_all(name, n_folds):
    source = Toy([3] * 60, PATIENTS)
    items = Whole().table(source)
    scheme = general_scheme(name, None)
    folds = scheme.folds(source, items, 0)
    assert sorted(set(folds)) == list(range(1, n_folds + 1))
    for patient in set(PATIENTS):
        assert len(set(folds[np.array(PATIENTS) == patient])) == 1
    for column in items.labels["rhythm"].values.T:
        assert all(column[folds == fold].any() for fold in set(folds))
    assert {number for numbers in parse_folds(scheme.words).values() for number in numbers} == set(folds.tolist())
    assert not scheme.intra_patient


@pytest.mark.parametrize("fold", range(1, 6))
def test_each_fold_is_test_once(fold):
    folds = parse_folds(general_scheme("kfold:5", fold).words)
    assert folds["test"] == [fold]
    assert folds["dev"] == [fold % 5 + 1]
    assert sorted(number for numbers in folds.values() for number in numbers) == [1, 2, 3, 4, 5]


def test_the_same_seed_makes_the_same_folds():
    source = Toy([3] * 60, PATIENTS)
    items = Whole().table(source)
    make = general_scheme("stratified", None).folds
    assert (make(source, items, 3) == make(source, items, 3)).all()
    assert (make(source, items, 3) != make(source, items, 4)).any()


def test_other_words_are_no_scheme():
    assert general_scheme("intra_patient", None) is None
