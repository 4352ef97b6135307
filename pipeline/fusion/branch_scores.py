"""What the branches of a late fusion have said of their items, joined by item; no branch is asked again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.alignment import align
from pipeline.evaluation.scores import Scores
from pipeline.patient_folds import patient_folds
from pipeline.runs.card import OUT_OF_FOLD_SCORES
from pipeline.runs.card_file import read_card
from pipeline.runs.folder import scores_of_run
from pipeline.scoring.partition import as_scores
from pipeline.scoring.records import answered_rows
from pipeline.store.reading import Store
from pipeline.training import defaults


@dataclass(frozen=True)
class Answers:
    """What every branch says of the same items, or records, where they join windows, beside the truth.

    Attributes:
        probabilities: of each branch (items, classes).
        labels: (items, classes), 0 or 1.
        patients: (items,).
    """

    probabilities: Mapping[str, np.ndarray]
    labels: np.ndarray
    patients: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> "Answers":
        """Those of some items."""
        chosen = {name: values[rows] for name, values in self.probabilities.items()}
        return Answers(chosen, self.labels[rows], self.patients[rows])


def read_answers(branches: Mapping[str, Path], file: str, store: Store, task: str) -> tuple[Answers, np.ndarray]:
    """What a scores file of each branch says of the labelled items of a store, and these items' rows.

    Args:
        branches: the folders of their runs, by name.
        file: ``DEV_SCORES`` or ``OUT_OF_FOLD_SCORES``.
        store: of dev or of train.
        task: what all of them are trained for.

    Raises:
        EcgFusionError: a branch has no such file, or it is damaged, of another run, or of other items, labels or
            patients than the store's.
    """
    rows, join = np.flatnonzero(store.task(task).labelled), read_card(next(iter(branches.values()))).join
    answered = answered_rows(store, rows, join)
    nothing = np.zeros((len(answered), len(store.task(task).classes)), np.float32)
    truth = as_scores(nothing, store, task, rows, join)
    truth.name = str(store.path)
    answers = {name: _aligned(truth, folder, file).scores for name, folder in branches.items()}
    return Answers(answers, truth.labels, store.columns["patient_id"][answered]), rows


def _aligned(truth: Scores, folder: Path, file: str) -> Scores:
    card = read_card(folder)
    scores = scores_of_run(card, folder, file)
    if scores is None:
        raise EcgFusionError(f"{folder / file} is missing: copy the run folder again")
    # -limit leaves all of dev to be scored
    limited = file == OUT_OF_FOLD_SCORES and len(scores.item_id) == card.data.limit
    return align([truth, scores], f"train {folder} {'without -limit' if limited else 'on the same store'}")[1]


def cross_fitting_folds(answers: Answers, seed: int) -> np.ndarray:
    """The fold of each item, of which a fusion that is fitted on the others gives the scores; (items,) int64.

    Raises:
        EcgFusionError: there is one patient alone.
    """
    n_patients = len(np.unique(answers.patients))
    if n_patients < 2:
        raise EcgFusionError(
            "weights are fitted on some patients of dev and tried on others, and there is one alone: take -combine mean"
        )
    return patient_folds(answers.labels, answers.patients, min(defaults.CROSS_FITTING_FOLDS, n_patients), seed)
