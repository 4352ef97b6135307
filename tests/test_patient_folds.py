"""Folds for cross-fitting: whole patients, every class everywhere."""

import numpy as np
import pytest

from pipeline.patient_folds import patient_folds, with_every_class

RANDOM = np.random.default_rng(0)
PATIENTS = RANDOM.integers(0, 700, 1000).astype(str)
RATES = np.geomspace(0.01, 0.5, 12)
LABELS = (RANDOM.random((1000, 12)) < RATES).astype(np.uint8)


@pytest.mark.parametrize("n_folds", [2, 5, 10])
def test_no_patient_is_in_two_folds(n_folds: int):
    folds = patient_folds(LABELS, PATIENTS, n_folds, 0)
    assert set(folds) == set(range(n_folds))
    for patient in np.unique(PATIENTS):
        assert len(set(folds[patient == PATIENTS])) == 1


@pytest.mark.parametrize("n_folds", [2, 5, 10])
def test_every_class_is_spread_evenly(n_folds: int):
    """Chance alone would spread a class of m bearers a fold over about 3 √m between ten folds."""
    folds = patient_folds(LABELS, PATIENTS, n_folds, 0)
    counts = np.stack([LABELS[folds == fold].sum(0) for fold in range(n_folds)])
    assert (np.ptp(counts, 0) <= np.maximum(4, 1.5 * np.sqrt(counts.mean(0)))).all()
    sizes = np.bincount(folds)
    assert np.ptp(sizes) <= 0.05 * sizes.mean()


def test_a_class_with_as_many_patients_as_folds_is_in_each():
    labels = np.zeros((50, 2), np.uint8)
    labels[:5, 0] = 1
    labels[3:30, 1] = 1
    folds = patient_folds(labels, np.arange(50).astype(str), 5, 0)
    assert sorted(folds[:5]) == [0, 1, 2, 3, 4]


def test_folds_are_a_function_of_the_seed():
    first = patient_folds(LABELS, PATIENTS, 5, 1)
    np.testing.assert_array_equal(first, patient_folds(LABELS, PATIENTS, 5, 1))
    assert (first != patient_folds(LABELS, PATIENTS, 5, 2)).any()


@pytest.mark.parametrize("n_folds", [1, 4])
def test_more_folds_than_patients_are_refused(n_folds: int):
    with pytest.raises(ValueError, match="3 patients make from 2 to 3 folds"):
        patient_folds(np.zeros((3, 1)), np.array(["a", "b", "c"]), n_folds, 0)


def in_each_fold(folds: np.ndarray, labels: np.ndarray, n_folds: int) -> np.ndarray:
    """Whether each fold has each class: (folds, classes)."""
    return np.stack([labels[folds == fold].any(0) for fold in range(n_folds)])


def test_a_class_that_dealing_leaves_out_of_a_fold_is_brought_there():
    """Six patients bear the common class, and all of those the rare ones that are dealt first, into the same folds."""
    labels = np.zeros((12, 3), np.uint8)
    labels[:3, 0] = labels[3:6, 1] = labels[:6, 2] = 1
    patients = np.array([f"p{number:02d}" for number in range(12)])
    folds = np.array([0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5])
    mended = with_every_class(folds, labels, patients)
    assert in_each_fold(mended, labels, 6)[:, 2].all()
    assert (mended != folds).sum() == 3
    np.testing.assert_array_equal(mended, with_every_class(folds, labels, patients))


def test_folds_that_have_every_class_stay_as_they_are():
    folds = patient_folds(LABELS, PATIENTS, 5, 0)
    assert in_each_fold(folds, LABELS, 5).all()
    np.testing.assert_array_equal(with_every_class(folds, LABELS, PATIENTS), folds)


@pytest.mark.parametrize("seed", range(40))
def test_what_as_many_patients_bear_as_there_are_folds_is_in_each_and_no_patient_in_two(seed: int):
    random = np.random.default_rng(seed)
    n_folds, n_items = int(random.integers(2, 11)), int(random.integers(40, 120))
    patients = random.integers(0, n_items, n_items).astype(str)
    labels = (random.random((n_items, 6)) < random.uniform(0.05, 0.5, 6)).astype(np.uint8)
    dealt = patient_folds(labels, patients, n_folds, seed)
    folds = with_every_class(dealt, labels, patients)
    assert set(folds) == set(range(n_folds))
    for patient in np.unique(patients):
        assert len(set(folds[patients == patient])) == 1
    n_bearers = np.array([len(set(patients[column == 1])) for column in labels.T])
    assert in_each_fold(folds, labels, n_folds)[:, n_bearers >= n_folds].all()


def test_a_fold_is_never_emptied_and_there_may_be_no_class():
    folds = np.array([0, 1, 2])
    np.testing.assert_array_equal(with_every_class(folds, np.zeros((3, 0), np.uint8), np.array(["a", "b", "c"])), folds)
    labels = np.array([[1], [1], [0]], np.uint8)
    np.testing.assert_array_equal(with_every_class(folds, labels, np.array(["a", "b", "c"])), folds)
    empty = with_every_class(np.zeros(0, int), np.zeros((0, 2), np.uint8), np.zeros(0, str))
    assert empty.shape == (0,)
