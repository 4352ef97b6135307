"""Folds of items for cross-fitting: no patient in two of them, and each class spread over all."""

import numpy as np


def patient_folds(labels: np.ndarray, patients: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """The fold of each item.

    Patients are dealt out by the rarest of their classes, rarest class first, each to the fold that has the smallest
    share of that class so far (then the fewest items).

    Args:
        labels: 0 or 1 for each item and class.
        patients: whose each item is.
        n_folds: 2 or more, at most as many as there are patients.
        seed: of the order in which equal patients are dealt.

    Shape:
        - labels: (items, classes)
        - patients: (items,)
        - output: (items,) int64, from 0 to n_folds - 1; a function of what is given alone

    Raises:
        ValueError: there are fewer patients than folds, or fewer than 2 folds.

    Reference: Sechidis, Tsoumakas and Vlahavas, On the stratification of multi-label data, ECML PKDD 2011.
    """
    names, of_item = np.unique(patients, return_inverse=True)
    if not 2 <= n_folds <= len(names):
        raise ValueError(f"{len(names)} patients make from 2 to {len(names)} folds, not {n_folds}")
    counts = np.zeros((len(names), labels.shape[1] + 1), np.int64)  # of each class, and of all items
    np.add.at(counts[:, :-1], of_item, labels.astype(np.int64))
    counts[:, -1] = np.bincount(of_item)
    bearers = (counts > 0).sum(0)
    # what every patient has comes last: the number of items stands for those who have no class
    rarest = np.where(counts > 0, bearers, len(names) + 1).argmin(1)
    random = np.random.default_rng(seed)
    order = np.lexsort((random.permutation(len(names)), -counts[:, -1], bearers[rarest]))
    dealt = np.zeros((n_folds, counts.shape[1]), np.int64)
    fold_of = np.empty(len(names), np.int64)
    for patient in order:
        fold = np.lexsort((dealt[:, -1], dealt[:, rarest[patient]]))[0]
        fold_of[patient] = fold
        dealt[fold] += counts[patient]
    return fold_of[of_item]


def with_every_class(folds: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """The same folds, with so few patients moved that each class is in each fold, if enough patients bear it.

    Where a fold lacks a class that at least as many patients bear as there are folds, one of them moves there from the
    fold that has most of them, unless a class would then be lacking where he was.

    Args:
        folds: of each item, as ``patient_folds`` deals them.
        labels: 0 or 1 for each item and class.
        patients: whose each item is.

    Shape:
        - folds: (items,)
        - labels: (items, classes)
        - patients: (items,)
        - output: (items,) int64
    """
    names, first, of_item, n_items = np.unique(patients, return_index=True, return_inverse=True, return_counts=True)
    fold_of, n_folds = folds[first].astype(np.int64), int(folds.max(initial=-1)) + 1
    bears = np.zeros((len(names), labels.shape[1]), bool)
    item, column = np.nonzero(labels)
    bears[of_item[item], column] = True
    bearers = bears.sum(0)
    bears[:, bearers < n_folds] = False  # what cannot be everywhere is in nobody's way
    there = np.zeros((n_folds, labels.shape[1]), np.int64)
    np.add.at(there, fold_of, bears)
    in_fold = np.bincount(fold_of, minlength=n_folds)
    for column in np.argsort(bearers, kind="stable")[(bearers < max(n_folds, 1)).sum() :]:
        bearing = np.flatnonzero(bears[:, column])
        for lacking in np.flatnonzero(there[:, column] == 0):
            home = fold_of[bearing]
            spare = ((there[home] > 1) | ~bears[bearing]).all(1) & (in_fold[home] > 1)
            if not spare.any():
                continue
            movable = bearing[spare]
            order = np.lexsort((n_items[movable], bears[movable].sum(1), -there[fold_of[movable], column]))
            patient = movable[order[0]]
            there[fold_of[patient]] -= bears[patient]
            in_fold[fold_of[patient]] -= 1
            there[lacking] += bears[patient]
            in_fold[lacking] += 1
            fold_of[patient] = lacking
    return fold_of[of_item]
