"""The card of a run: everything that was chosen, and what came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.evaluation.joining import JOINS
from pipeline.inputs.spec import InputSpec
from pipeline.runs.card_parts import (
    BranchCard,
    CalibrationCard,
    DataCard,
    FittedOn,
    InitCard,
    LearntCard,
    PretrainingCard,
    Result,
    TeacherCard,
    ThresholdsCard,
    TrainingCard,
)
from pipeline.runs.seals import description_of, seal_of, training_of
from pipeline.typed import as_json, at_least, from_json, left_out, one_of

FORMAT = 2
FIRST_SEALED = 2  # cards of format 1 hold no digests
CARD, WEIGHTS, RESUME, LOG = "run.json", "weights.safetensors", "resume.pt", "log.csv"
DEV_SCORES, OUT_OF_FOLD_SCORES, TENSORBOARD = "dev_scores.npz", "out_of_fold_scores.npz", "tensorboard"
BRANCHES, MEMBERS = "branches", "members"
TEACHER_SCORES, TEACHER_FEATURES = "teacher_scores.npz", "teacher_features.npz"
FUSIONS = ("late", "intermediate")
PRETRAINING = "pretraining"
NEEDED_TO_GO_ON = (RESUME, TEACHER_SCORES, TEACHER_FEATURES)
"""Files of a training that is under way, which a finished run does without."""
_LONGEST_NAME = 200  # bytes; a copy that is being made has a few more
_FITTED = {
    "dev": "fitted on dev",
    "out_of_fold": "fitted out of fold",
    "in_sample": "fitted on features of items that its branches were trained on",
}


@dataclass(frozen=True, kw_only=True)
class Card:
    """Everything that was chosen for a run, and what came of it.

    Attributes:
        complete: whether it can predict.
        model: a network, or ``late`` or ``intermediate``.
        options: of the network or the fusion.
        task: what it answers, and learns where ``learnt`` says nothing else.
        kind: of the task, ``multilabel`` or ``multiclass``.
        classes: in the order of the scores.
        learnt: what its network's outputs are, of which ``task`` is read; None where they are its classes.
        input: what the network sees; None of a fusion.
        join: how the scores of a record's windows become the record's, of which the run's dev scores, thresholds and
            tables then are; None where items answer for themselves. A late fusion combines what its branches have
            joined, and has the word of the first.
        kfold: how many members; None where it has none.
        branches: of a fusion, by name.
        data: the items.
        training: how it is fitted.
        pretraining: what a run without labels has learnt by, which answers nothing; None of all others.
        init: the run whose weights it has begun with; None where they were fresh.
        teacher: the run whose probabilities it has learnt from beside the labels; None of one that had labels alone.
        fitted_on: of a fusion with weights, unless its branches were trained on with it.
        given: the options that were typed.
        versions: of the packages that made it, and ``git``, the commit, where that was a checkout.
        diverged: why it came to no result.
        thresholds: of a finished multilabel run.
        calibration: how sure its answers are to be taken; None of a run that is not calibrated.
        result: of a finished run.
        sha256: of a finished run's files, by their name, and the seals of its members' cards; None in a card of format
            1, which has none.
    """

    format: int = field(default=FORMAT, metadata=at_least(1))
    complete: bool
    model: str
    options: Mapping[str, Any]
    task: str
    kind: str = field(metadata=one_of("multilabel", "multiclass"))
    classes: tuple[str, ...]
    learnt: LearntCard | None = field(default=None, metadata=left_out())
    input: InputSpec | None = field(default=None, metadata=left_out())
    join: str | None = field(default=None, metadata=left_out() | one_of(*JOINS))
    branches: Mapping[str, BranchCard] | None = field(default=None, metadata=left_out())
    data: DataCard
    training: TrainingCard
    pretraining: PretrainingCard | None = field(default=None, metadata=left_out())
    init: InitCard | None = field(default=None, metadata=left_out())
    teacher: TeacherCard | None = field(default=None, metadata=left_out())
    given: Mapping[str, Any]
    versions: Mapping[str, str] = field(default_factory=dict)
    fitted_on: FittedOn | None = field(default=None, metadata=left_out())
    kfold: int | None = field(default=None, metadata=left_out() | at_least(2))
    thresholds: ThresholdsCard | None = field(default=None, metadata=left_out())
    calibration: CalibrationCard | None = field(default=None, metadata=left_out())
    result: Result | None = field(default=None, metadata=left_out())
    diverged: str | None = field(default=None, metadata=left_out())
    sha256: Mapping[str, str] | None = field(default=None, metadata=left_out())

    @property
    def run_kind(self) -> str:
        """What the run is: ``network``, ``members``, ``pretraining``, or how it combines others."""
        return PRETRAINING if self.pretraining is not None else run_kind(self.model, self.kfold)

    @property
    def spec(self) -> InputSpec:
        """What its network sees.

        Raises:
            ValueError: it is a fusion, whose branches have their own.
        """
        if self.input is None:
            raise ValueError(f"a run of {self.model} has no input of its own")
        return self.input

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the outputs of its network are called."""
        return self.learnt.classes if self.learnt else self.classes

    @property
    def learnt_tasks(self) -> tuple[str, ...]:
        """Whose labels the outputs of its network are compared with."""
        return self.learnt.tasks if self.learnt else (self.task,)

    @property
    def batch_size(self) -> int:
        """Crops scored at once.

        Raises:
            ValueError: it is a late fusion, whose branches have their own.
        """
        if self.training.batch_size is None:
            raise ValueError(f"a run of {self.model} has no batches of its own")
        return self.training.batch_size

    @property
    def dev_macro_auroc(self) -> float:
        """What it reached on dev; NaN while it is unfinished."""
        return self.result.dev_macro_auroc if self.result else float("nan")

    @property
    def learnt_from(self) -> tuple[DataCard, ...]:
        """The items that its network has learnt from: its own, and those of the runs that it began with or heard."""
        of_others = (self.init, self.teacher)
        return (self.data, *(data for other in of_others if other is not None for data in other.trained_on))

    @property
    def is_fitted_out_of_fold(self) -> bool:
        """Whether it is an intermediate fusion that has one head a member of its k-fold branches."""
        return self.fitted_on is not None and self.fitted_on.features == "out_of_fold"

    @property
    def is_calibrated_on_dev(self) -> bool:
        """Whether it is an intermediate fusion with one best answer, whose answers dev made probabilities."""
        of_features = self.fitted_on is not None and self.fitted_on.features is not None
        return of_features and self.fitted_on is not None and self.fitted_on.cross_fitting_folds is not None

    @property
    def fitted(self) -> str | None:
        """What a fusion was fitted on, in words; None of all that is no fusion with weights of its own."""
        if self.run_kind == "intermediate" and not self.options.get("finetune"):
            how = "out_of_fold" if self.is_fitted_out_of_fold else "in_sample"
        elif self.fitted_on is not None and self.fitted_on.scores is not None:
            how = self.fitted_on.scores
        else:
            return None
        return _FITTED[how]

    def with_training(self, **changes: Any) -> "Card":
        """The same with other fields of ``training``."""
        return replace(self, training=replace(self.training, **changes))

    def to_json(self) -> dict[str, Any]:
        """As ``run.json`` keeps it."""
        found: dict[str, Any] = as_json(self)
        return found

    @property
    def seal(self) -> str:
        """The digest of all that it says, but for places and times."""
        return seal_of(self._as_read())

    @property
    def description(self) -> str:
        """The digest of what it says of its weights, which they hold."""
        return description_of(self._as_read())

    @property
    def of_training(self) -> str:
        """The digest of what it says of its training, which a resume file holds."""
        return training_of(self._as_read())

    def _as_read(self) -> dict[str, Any]:
        """As ``run.json`` keeps it, and as it comes back: whole numbers that are to be floats are floats."""
        return from_json(Card, json.loads(json.dumps(self.to_json()))).to_json()


def run_kind(model: str | None, kfold: int | None) -> str:
    """What a run is, from what its card or the options that begin it say."""
    if kfold is not None:
        return "members"
    return model if model in FUSIONS else "network"


def is_plain_name(name: str) -> bool:
    """Whether a name is one part of a path, of a file that is not hidden, on whatever system."""
    return (
        0 < len(name.encode("utf-8", "surrogatepass")) <= _LONGEST_NAME
        and name.isprintable()
        and not name.startswith(".")
        and not {*name} & {*"/\\"}
    )
