"""Folds for cross-fitting: whole patients, every class everywhere."""

import numpy as np
import pytest

from pipeline.patient_folds import patient_folds

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
