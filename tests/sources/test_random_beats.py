"""Beats drawn at random: every class in its share in each partition, whoever the beats are of."""

import numpy as np
import pytest

from pipeline.sources.random_beats import N_FOLDS, WORDS, random_beats, stratified_folds
from pipeline.store.partitions import parse_folds

COUNTS = (72_471, 2223, 641, 60, 7, 1)


@pytest.fixture(scope="module")
def stratum() -> np.ndarray:
    return np.random.default_rng(1).permutation(np.repeat(np.arange(len(COUNTS)), COUNTS))


def test_every_class_has_its_share(stratum):
    folds = stratified_folds(stratum, N_FOLDS, 0)
    for each, n_items in enumerate(COUNTS):
        dealt = np.bincount(folds[stratum == each], minlength=N_FOLDS + 1)[1:]
        assert dealt.max() - dealt.min() <= 1
        for numbers in parse_folds(WORDS).values():
            share = dealt[np.array(numbers) - 1].sum()
            assert abs(share - n_items * len(numbers) / N_FOLDS) <= 1


def test_the_words_name_every_fold_once():
    folds = parse_folds(WORDS)
    assert sorted(number for numbers in folds.values() for number in numbers) == list(range(1, N_FOLDS + 1))
    assert [len(folds[name]) * 4 for name in ("train", "dev", "test")] == [64, 16, 20]  # percent


def test_the_seed_makes_the_folds(stratum):
    folds = [stratified_folds(stratum, N_FOLDS, seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(folds[0], folds[1])
    assert (folds[0] != folds[2]).mean() > 0.9


def test_a_scheme_says_that_patients_are_in_several_partitions():
    assert random_beats().intra_patient
