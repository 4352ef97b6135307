"""Several models' scores of the same items: whether they can stand side by side, and their items in one order."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import Scores


def align(scores: Sequence[Scores], remedy: str | None = None) -> list[Scores]:
    """The scores with their items in the order of the first ones, joined by ``item_id``.

    Patients that only some of the files know are known to all of them.

    Args:
        scores: of one model each.
        remedy: what a refusal says is to be done; None for what helps a comparison.

    Raises:
        EcgFusionError: If their task, classes, items, labels or patients differ.
    """
    first = scores[0]
    aligned = [first, *(_as_in(first, other, remedy) for other in scores[1:])]
    known = next((each for each in aligned if each.patient_id is not None), None)
    if known is None:
        return aligned
    for each in aligned:
        unlike = np.zeros(len(each.item_id), bool) if each.patient_id is None else each.patient_id != known.patient_id
        _refuse_unlike("patient_id", known, each, unlike, remedy)
    return [replace(each, patient_id=known.patient_id) for each in aligned]


def differences(ours: Scores, theirs: Scores) -> Iterator[tuple[str, object, object]]:
    """What two scores differ in, of kind, task and classes: what it is called, and how each has it."""
    tasks = (ours.task, theirs.task)
    facts: list[tuple[str, object, object]] = [
        ("kind", ours.kind, theirs.kind),
        *([("task", *tasks)] if None not in tasks else []),
    ]
    facts.append(("a number of classes of", len(ours.classes), len(theirs.classes)))
    facts += [(f"as class {i + 1}", *pair) for i, pair in enumerate(zip(ours.classes, theirs.classes, strict=False))]
    return (fact for fact in facts if fact[1] != fact[2])


def _as_in(first: Scores, other: Scores, remedy: str | None) -> Scores:
    for what, ours, theirs in differences(first, other):
        usual = "compare models of one task, with one order of classes"
        raise EcgFusionError(f"{other.name} has {what} {theirs}, but {first.name} {ours}: {remedy or usual}")
    alone = np.setxor1d(first.item_id, other.item_id)
    if len(alone):
        which = f"{len(alone)} items, {str(alone[0])!r} first, are in one of {first.name} and {other.name} only"
        raise EcgFusionError(f"{which}: {remedy or 'compare models on the same items'}")
    place = np.argsort(first.item_id)
    rows = np.empty_like(place)
    rows[place] = np.argsort(other.item_id)
    moved: dict[str, Any] = {
        name: None if getattr(other, name) is None else getattr(other, name)[rows]
        for name in ("scores", "labels", "item_id", "record_id", "patient_id")
    }
    same = replace(other, **moved)
    _refuse_unlike("labels", first, same, (first.labels != same.labels).any(1), remedy)
    return same


def _refuse_unlike(what: str, first: Scores, other: Scores, unlike: np.ndarray, remedy: str | None) -> None:
    if unlike.any():
        which = f"the {what} of {unlike.sum()} items, {str(first.item_id[unlike.argmax()])!r} first"
        usual = "compare scores of one data set"
        raise EcgFusionError(f"{first.name} and {other.name} disagree about {which}: {remedy or usual}")
