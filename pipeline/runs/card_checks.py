"""Which fields of a card do not go together, and which are not what they can be."""

import math
import os

from pipeline.labels import wrong_name
from pipeline.runs.card import CARD, FUSIONS, Card, is_plain_name
from pipeline.runs.card_parts import (
    CHOICES,
    CalibrationCard,
    FusionOptions,
    InitCard,
    LearntCard,
    PretrainingCard,
    TeacherCard,
)
from pipeline.typed import FieldError, from_json

_OF_FUSIONS = frozenset(FusionOptions.__dataclass_fields__)


def check_whole(card: Card) -> None:
    """Refuses fields that do not go together, and names that are no plain part of a path.

    Raises:
        FieldError: which field, and what is wrong with it.
    """
    _check_places(card)
    _check_branches(card)
    _check_fitted_on(card)
    _check_training(card)
    _check_names(card)
    if card.learnt is not None:
        _check_learnt(card, card.learnt)
    if card.pretraining is not None:
        _check_pretraining(card, card.pretraining)
    else:
        _check_finished(card)
    if card.calibration is not None:
        _check_calibration(card, card.calibration)


def _check_places(card: Card) -> None:
    """Refuses names of folders and branches that are none, and beginnings and teachers that no training had."""
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


def _check_branches(card: Card) -> None:
    """Refuses fusions of nothing, and fusions whose options are none of fusions."""
    if card.run_kind not in FUSIONS:
        return
    if not card.branches:
        raise FieldError("it lacks branches")
    from_json(FusionOptions, {name: x for name, x in card.options.items() if name in _OF_FUSIONS}, "options")
    if card.run_kind == "intermediate" and not card.options.keys() >= _OF_FUSIONS:
        raise FieldError(f"it lacks options.{min(_OF_FUSIONS - card.options.keys())}")


def _check_training(card: Card) -> None:
    """Refuses runs with steps that lack what these need, and networks that see nothing."""
    if card.run_kind != "late":  # which may have weights that no step has found
        needed = ("batch_size",) if card.is_calibrated_on_dev else CHOICES
        steps = [name for name in needed if getattr(card.training, name) is None]
        if steps:
            raise FieldError(f"it lacks {', '.join(f'training.{name}' for name in steps)}")
    if card.run_kind not in FUSIONS and card.input is None:
        raise FieldError("it lacks input")
    weights = card.training.class_weights
    if weights is not None and len(weights) != len(card.outputs):
        raise FieldError(f"training.class_weights are {len(weights)} numbers for {len(card.outputs)} classes")


def _check_names(card: Card) -> None:
    """Refuses names that are none, and classes and features that are no different ones."""
    spec = card.input
    wrong = (
        wrong_name("class", card.classes)
        or wrong_name("task", [card.task], plain=True)
        or wrong_name("lead", [*(spec.leads if spec else ()), *(card.data.leads or ())])
        or wrong_name("feature", (spec.features or ()) if spec else ())
    )
    if wrong:
        raise FieldError(wrong)
    if spec and spec.features is not None and not spec.features:
        raise FieldError("input.features names none")
    if len(set(card.classes)) != len(card.classes) or not card.classes:
        raise FieldError(f"classes are {list(card.classes)}, not different names")


def _check_finished(card: Card) -> None:
    """Refuses a run of labels that is complete without what makes it so, and thresholds that are none."""
    if card.complete and card.result is None:
        raise FieldError("it lacks result, though complete is true")
    if card.complete and (card.thresholds is None) != (card.kind == "multiclass"):
        has = "no thresholds" if card.thresholds is None else "thresholds"
        raise FieldError(f"kind is {card.kind!r}, and a run of that kind does not have {has}")
    if card.thresholds is None:
        return
    if set(card.thresholds.values) != set(card.classes):
        raise FieldError(f"thresholds.values are of {', '.join(card.thresholds.values)}, not of the classes")
    for name, value in card.thresholds.values.items():
        if not 0 <= value <= 1:  # NaN is not either
            raise FieldError(f"thresholds.values.{name} is {value!r}, not a number from 0 to 1")


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
