"""The card of a run, ``run.json``: everything that was chosen, and what came of it; read and written here alone."""

import errno
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.evaluation.joining import JOINS
from pipeline.inputs.spec import InputSpec
from pipeline.labels import wrong_name
from pipeline.machine.files import FileError, read_file, replace_atomically
from pipeline.machine.places import local
from pipeline.runs.card_parts import (
    CHOICES,
    BranchCard,
    CalibrationCard,
    DataCard,
    FittedOn,
    FusionOptions,
    InitCard,
    LearntCard,
    PretrainingCard,
    Result,
    TeacherCard,
    ThresholdsCard,
    TrainingCard,
)
from pipeline.runs.seals import SEAL, description_of, seal_of, training_of
from pipeline.typed import FieldError, as_json, at_least, from_json, left_out, one_of

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
_MOST_BYTES = 2**24  # of a card, which has some thousand even of a thousand classes
_LONGEST_NAME = 200  # bytes; a copy that is being made has a few more
_OF_FUSIONS = frozenset(FusionOptions.__dataclass_fields__)
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


def write_card(folder: Path, card: Card) -> None:
    """Writes ``run.json``, whole or not at all."""
    seal = {SEAL: card.seal} if card.format >= FIRST_SEALED else {}
    text = json.dumps(card.to_json() | seal, indent=2) + "\n"
    replace_atomically(folder / CARD, lambda path: path.write_text(text, encoding="utf-8"))


def read_card(folder: Path) -> Card:
    """The card of a run, finished or not.

    Raises:
        EcgFusionError: there is none, it is damaged or was changed, a field is missing or is not what it can be, or a
            newer program wrote it.
    """
    path = local(folder) / CARD
    try:
        found = json.loads(read_file(path, _MOST_BYTES).decode("utf-8"))
    except FileNotFoundError:
        raise EcgFusionError(
            f"{folder} holds no run: train one with python train.py -model NAME -path_save_model {folder}"
        ) from None
    except FileError as problem:
        if problem.errno == errno.ENOTDIR:
            raise EcgFusionError(f"{folder} is a file: name the run's folder") from None
        raise
    except (ValueError, RecursionError):
        raise EcgFusionError(f"{path} is damaged: train the run again into another folder") from None
    if not isinstance(found, dict) or type(found.get("format")) is not int:
        raise EcgFusionError(f"{path} is not a card of ecgfusion: name a folder made by train.py")
    if found["format"] > FORMAT:
        raise EcgFusionError(f"{path} was written by a newer ecgfusion (format {found['format']}): update this one")
    seal = found.pop(SEAL, None)
    try:
        card = from_json(Card, found)
        _check_whole(card)
    except FieldError as problem:
        raise EcgFusionError(f"{path}: {problem}: copy the run folder again") from None
    if seal != card.seal and (seal is not None or card.format >= FIRST_SEALED):
        raise EcgFusionError(f"{path} is damaged, or was changed by hand: copy the run folder again")
    return card


def is_plain_name(name: str) -> bool:
    """Whether a name is one part of a path, of a file that is not hidden, on whatever system."""
    return (
        0 < len(name.encode("utf-8", "surrogatepass")) <= _LONGEST_NAME
        and name.isprintable()
        and not name.startswith(".")
        and not {*name} & {*"/\\"}
    )


def _check_place(folder: str, where: str) -> None:
    """Refuses what no folder can be called, on which Python's own words are no sentence."""
    try:
        fine = b"\0" not in os.fsencode(folder)
    except UnicodeEncodeError:
        fine = False
    if not fine:
        raise FieldError(f"{where} is {folder!r}, which no folder is called")


def _check_fitted_on(card: Card) -> None:
    """Refuses a card that was fitted on what runs of its kind are not fitted on."""
    if card.fitted_on is None:
        return
    read = {"late": "scores", "intermediate": "features"}.get(card.run_kind)
    found = [name for name in ("scores", "features") if getattr(card.fitted_on, name) is not None]
    if found != [read]:
        has = " and ".join(found) or "neither scores nor features"
        raise FieldError(f"fitted_on has {has}, which runs of {card.run_kind} do not have")
    if card.is_fitted_out_of_fold and card.options.get("finetune"):
        raise FieldError("fitted_on.features is 'out_of_fold', and options.finetune is true")


def _check_init(init: InitCard) -> None:
    """Refuses what no training has begun with."""
    _check_place(init.folder, "init.folder")
    for number, data in enumerate(init.trained_on):
        _check_place(data.folder, f"init.trained_on[{number}].folder")
    if not init.taken or not init.trained_on:
        raise FieldError(f"it lacks init.{'trained_on' if init.taken else 'taken'}")
    if (init.freeze is None) == (init.learning_rate is None):
        raise FieldError("init has no learning_rate, or one of weights that are frozen")


def _check_teacher(teacher: TeacherCard) -> None:
    """Refuses what no run can have learnt from."""
    _check_place(teacher.folder, "teacher.folder")
    for number, data in enumerate(teacher.trained_on):
        _check_place(data.folder, f"teacher.trained_on[{number}].folder")
    if not teacher.trained_on:
        raise FieldError("it lacks teacher.trained_on")
    if teacher.weight > 1:
        raise FieldError(f"teacher.weight is {teacher.weight!r}, not a number from 0 to 1")
    if (teacher.contrast is None) != (teacher.contrast_temperature is None):
        raise FieldError("teacher has one of contrast and contrast_temperature, which go together")
    if teacher.features is not None and teacher.contrast is None:
        raise FieldError("teacher.features are there, and no teacher.contrast that compares with them")


def _check_calibration(card: Card, calibration: CalibrationCard) -> None:
    """Refuses temperatures that are of other classes, are none, or differ where one softmax has them all."""
    values = calibration.temperatures
    if values is None:
        if card.complete:
            raise FieldError("it lacks calibration.temperatures, though complete is true")
        return
    if set(values) != set(card.classes):
        raise FieldError(f"calibration.temperatures are of {', '.join(values)}, not of the classes")
    for name, value in values.items():
        if not 0 < value < math.inf:  # NaN is not either
            raise FieldError(f"calibration.temperatures.{name} is {value!r}, not a finite number above 0")
    if card.kind == "multiclass" and len({*values.values()}) > 1:
        raise FieldError("calibration.temperatures differ, and classes that exclude each other have one")


def _check_pretraining(card: Card, pretraining: PretrainingCard) -> None:
    """Refuses a run without labels that has what comes of labels, or lacks what comes of its own training."""
    for name in ("result", "thresholds", "calibration", "learnt", "kfold", "branches", "join", "init"):
        if getattr(card, name) is not None:
            raise FieldError(f"it has {name}, which a pretrained run has not")
    lacks = [name for name in ("trained", "epochs", "figures") if getattr(pretraining, name) is None]
    if card.complete and lacks:
        raise FieldError(f"it lacks pretraining.{lacks[0]}, though complete is true")


def _check_learnt(card: Card, learnt: LearntCard) -> None:
    """Refuses outputs that a card's classes cannot be read from."""
    wrong = wrong_name("class", learnt.classes) or wrong_name("task", learnt.tasks, plain=True)
    if wrong:
        raise FieldError(f"learnt: {wrong}")
    if not learnt.tasks or not learnt.classes or len(set(learnt.classes)) != len(learnt.classes):
        raise FieldError("learnt has no tasks, or classes that are not different names")
    if card.kind != "multilabel" or card.run_kind in FUSIONS:
        raise FieldError("learnt is of networks of multilabel tasks alone")
    if set(learnt.readings) != set(card.classes):
        raise FieldError(f"learnt.readings are of {', '.join(learnt.readings)}, not of the classes")
    for name, lists in learnt.readings.items():
        if not lists or not all(lists) or not {output for outputs in lists for output in outputs} <= {*learnt.classes}:
            raise FieldError(f"learnt.readings.{name} names none of learnt.classes, or others")


def _check_whole(card: Card) -> None:
    """Refuses fields that do not go together, and names that are no plain part of a path."""
    for name, branch in (card.branches or {}).items():
        if not is_plain_name(name):
            raise FieldError(f"branches has the name {name!r}, which is no plain file name")
        if CARD not in branch.sha256:  # else any folder would be the one that is to be copied
            raise FieldError(f"it lacks branches.{name}.sha256.{CARD}")
        _check_place(branch.folder, f"branches.{name}.folder")
    _check_place(card.data.folder, "data.folder")
    if card.init is not None:
        _check_init(card.init)
    if card.teacher is not None:
        _check_teacher(card.teacher)
    if card.run_kind in FUSIONS and not card.branches:
        raise FieldError("it lacks branches")
    if card.run_kind in FUSIONS:
        from_json(FusionOptions, {name: x for name, x in card.options.items() if name in _OF_FUSIONS}, "options")
        if card.run_kind == "intermediate" and not card.options.keys() >= _OF_FUSIONS:
            raise FieldError(f"it lacks options.{min(_OF_FUSIONS - card.options.keys())}")
    _check_fitted_on(card)
    if card.run_kind != "late":  # which may have weights that no step has found
        needed = ("batch_size",) if card.is_calibrated_on_dev else CHOICES
        steps = [name for name in needed if getattr(card.training, name) is None]
        if steps:
            raise FieldError(f"it lacks {', '.join(f'training.{name}' for name in steps)}")
    if card.run_kind not in FUSIONS and card.input is None:
        raise FieldError("it lacks input")
    wrong = wrong_name("class", card.classes) or wrong_name("task", [card.task], plain=True)
    wrong = wrong or wrong_name("lead", [*(card.input.leads if card.input else ()), *(card.data.leads or ())])
    wrong = wrong or wrong_name("feature", (card.input.features or ()) if card.input else ())
    if card.input and card.input.features is not None and not card.input.features:
        wrong = wrong or "input.features names none"
    if wrong:
        raise FieldError(wrong)
    if len(set(card.classes)) != len(card.classes) or not card.classes:
        raise FieldError(f"classes are {list(card.classes)}, not different names")
    weights = card.training.class_weights
    if card.learnt is not None:
        _check_learnt(card, card.learnt)
    if weights is not None and len(weights) != len(card.outputs):
        raise FieldError(f"training.class_weights are {len(weights)} numbers for {len(card.outputs)} classes")
    if card.pretraining is not None:
        _check_pretraining(card, card.pretraining)
        return
    if card.complete and card.result is None:
        raise FieldError("it lacks result, though complete is true")
    if card.complete and (card.thresholds is None) != (card.kind == "multiclass"):
        has = "no thresholds" if card.thresholds is None else "thresholds"
        raise FieldError(f"kind is {card.kind!r}, and a run of that kind does not have {has}")
    if card.thresholds is not None and set(card.thresholds.values) != set(card.classes):
        raise FieldError(f"thresholds.values are of {', '.join(card.thresholds.values)}, not of the classes")
    for name, value in (card.thresholds.values if card.thresholds else {}).items():
        if not 0 <= value <= 1:  # NaN is not either
            raise FieldError(f"thresholds.values.{name} is {value!r}, not a number from 0 to 1")
    if card.calibration is not None:
        _check_calibration(card, card.calibration)
