"""What a network's outputs are compared with, where it learns more than the task that it answers for.

All statements of PTB-XL tell more than its superclasses. ``-task superdiagnostic -learn all superdiagnostic`` has an
output for each statement and one for each superclass, and reads a superclass from both: from its own output, and from
its statements, any of which makes it.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.listening import remark
from pipeline.runs.card import Card
from pipeline.runs.card_parts import LearntCard
from pipeline.store.reading import Store

STATEMENTS = "all"
"""The task whose classes others say that they are made of."""


def learnt_of(tasks: Sequence[str] | None, task: str, train: Store) -> LearntCard | None:
    """What the outputs are of a network that learns some tasks and answers another; None where it learns that alone.

    Args:
        tasks: to be learnt; None for ``task``.
        task: to be answered.
        train: the training store.

    Raises:
        EcgFusionError: a class of the task can be read from none of the outputs, or the tasks do not go together.
    """
    if tasks is None:
        return None
    if len({*tasks}) != len(tasks):
        raise EcgFusionError(f"-learn {' '.join(tasks)} names a task twice: leave one of them out")
    for name in (task, *tasks):
        if train.task(name).kind != "multilabel":
            raise EcgFusionError(f"-learn is for multilabel tasks, and {name} is {train.task(name).kind}: leave it out")
    if tuple(tasks) == (task,):
        return None
    labels = _of_tasks(tasks, train)
    return LearntCard(
        tasks=tuple(tasks), classes=labels.classes, readings=readings_of(task, train, tasks, labels.classes)
    )


def readings_of(
    task: str, store: Store, tasks: Sequence[str], outputs: Sequence[str]
) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Of each class of a task, the outputs that it is read from: its own, and those of its statements.

    Args:
        task: to be answered.
        store: that says what its classes are made of.
        tasks: whose classes the outputs are.
        outputs: their names.

    Raises:
        EcgFusionError: a class has neither.
    """
    answered, readings = store.task(task), {}
    for name in answered.classes:
        statements = (answered.made_of or {}).get(name, ()) if STATEMENTS in tasks else ()
        own = [(name,)] if name in outputs and (task in tasks or _is_part(task, store, tasks)) else []
        of_statements = [statements] if statements and {*statements} <= {*outputs} else []
        lists = tuple(dict.fromkeys([*own, *of_statements]))
        if not lists:
            raise EcgFusionError(_unreadable(name, task, store, tasks))
        readings[name] = lists
    return readings


def _is_part(task: str, store: Store, tasks: Sequence[str]) -> bool:
    """Whether one of some tasks has all classes of a task, as superdiagnostic has those of disease."""
    return any({*store.task(task).classes} <= {*store.task(other).classes} for other in tasks)


def _unreadable(name: str, task: str, store: Store, tasks: Sequence[str]) -> str:
    if STATEMENTS in tasks and store.task(task).made_of is None:
        return (
            f"{store.path} does not say which statements make the classes of {task}: make it anew with this ecgfusion, "
            f"if its source has such a table, or learn {task} too"
        )
    statements = f" or {STATEMENTS}" if STATEMENTS in store.labels else ""
    return f"what {' and '.join(tasks)} say does not tell {name} of {task}: learn {task}{statements} too"


def labels_to_learn(card: Card, store: Store) -> Labels:
    """What the outputs of a card's network are compared with; which items count is what the answered task says.

    An item of which a further task says nothing bears none of its classes.
    """
    answered = store.task(card.task)
    if card.learnt is None:
        return answered
    labels = _of_tasks(card.learnt.tasks, store)
    return Labels(labels.classes, labels.kind, labels.values, answered.labelled)


def _of_tasks(tasks: Sequence[str], store: Store) -> Labels:
    """The classes of several tasks side by side; one that several have is one."""
    values: dict[str, np.ndarray] = {}
    for task in tasks:
        labels = store.task(task)
        for number, name in enumerate(labels.classes):
            column = labels.values[:, number]
            if name in values and not np.array_equal(values[name], column):
                raise EcgFusionError(
                    f"{store.path} labels other items with {name} in {task} than in another task of -learn: leave one "
                    f"of them out"
                )
            values[name] = column
    labelled = np.logical_or.reduce([store.task(task).labelled for task in tasks])
    return Labels(tuple(values), "multilabel", np.stack([*values.values()], axis=1), labelled)


def announce_learnt(card: Card) -> None:
    """Says how many outputs there are, and how the classes are read from them."""
    if card.learnt is not None:
        n_lists = max(map(len, card.learnt.readings.values()))
        both = "their own outputs and noisy-or over their statements" if n_lists > 1 else "noisy-or over these"
        remark(
            f"the network learns {len(card.outputs)} classes of {' and '.join(card.learnt.tasks)}; those of "
            f"{card.task} are read from {both}"
        )
