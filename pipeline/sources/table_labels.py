"""The classes of recordings in a table: a column of 0 and 1 for each, or one column that names the only one."""

import re
from collections.abc import Sequence

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels, wrong_name
from pipeline.sources.tables import Table

LABEL, CLASSES = "label", "classes"
"""The column of names, and its task; the task of the columns of 0 and 1."""
_MOST_CLASSES = 1000
_WHOLE = re.compile(r"([0-9]{1,18})(?:\.0*)?")


def read_labels(table: Table, known: Sequence[str], chosen: Sequence[str] = ()) -> tuple[dict[str, Labels], str | None]:
    """The task of a table, if it has one, and a remark on columns that are not read.

    Args:
        table: with all of its columns.
        known: the columns that have a meaning of their own.
        chosen: those of 0 and 1, where somebody says which.

    Raises:
        EcgFusionError: there are labels of both kinds, or a cell is none; with the line.
    """
    others = [name for name in table.columns if isinstance(name, str) and name not in (*known, LABEL)]
    absent = [name for name in chosen if name not in others]
    if absent:
        raise EcgFusionError(
            f"{table.path} has no column {absent[0]} of --class_columns: it has {_listed(others) or 'none but its own'}"
        )
    if chosen:
        return {CLASSES: _multilabel(table, list(dict.fromkeys(chosen)))}, None
    if LABEL not in table.columns:
        return ({CLASSES: _multilabel(table, others)} if others else {}), None
    binary = [name for name in others if set(table.columns[name]) <= {"0", "1", "0.0", "1.0"}]
    if binary:
        raise EcgFusionError(
            f"{table.path} has a column label and columns of 0 and 1 ({_listed(binary)}): leave one kind out, or "
            f"choose columns with --class_columns"
        )
    return {LABEL: _multiclass(table)}, f"not read: the columns {_listed(others)}" if others else None


def _multilabel(table: Table, names: list[str]) -> Labels:
    if len(names) > _MOST_CLASSES:
        raise EcgFusionError(
            f"{table.path} has {len(names)} columns that may be classes: choose some with --class_columns"
        )
    columns = [table.each(name, _zero_or_one) for name in names]
    values = np.array(columns, np.int8).T  # (records, classes), −1 where nothing stands
    is_empty = values < 0
    half = np.flatnonzero(is_empty.any(axis=1) & ~is_empty.all(axis=1))
    if len(half):
        name = names[int(is_empty[half[0]].argmax())]
        raise EcgFusionError(
            f"{table.path} line {table.lines[half[0]]}: {name} is empty where others are not: write 0 or 1, or "
            "leave all classes of a record empty that nobody has labelled"
        )
    return Labels(tuple(names), "multilabel", np.maximum(values, 0).astype(np.uint8), np.asarray(~is_empty.any(axis=1)))


def _multiclass(table: Table) -> Labels:
    found = table.each(LABEL, _class_name)
    names = set(found) - {""}
    numbers = {name: match[1] for name in names if (match := _WHOLE.fullmatch(name))}
    if len(numbers) == len(names):  # numbers, with the .0 that a table of floats gives them
        found, names = [numbers.get(name, "") for name in found], set(numbers.values())
    if not names:
        raise EcgFusionError(f"{table.path} has a column label with nothing in it: leave the column out")
    if len(names) == 1:
        raise EcgFusionError(f"{table.path} has only one label, {min(names)}: there is nothing to tell apart")
    if len(names) > _MOST_CLASSES:
        raise EcgFusionError(f"{table.path} has {len(names):,} different labels, more than {_MOST_CLASSES:,}")
    classes = tuple(sorted(names, key=lambda name: (int(name), name) if name.isdigit() else (-1, name)))
    column = {name: number for number, name in enumerate(classes)}
    values = np.zeros((len(found), len(classes)), np.uint8)
    for row, name in enumerate(found):
        if name:
            values[row, column[name]] = 1
    return Labels(classes, "multiclass", values, np.asarray(values.any(axis=1)))


def _zero_or_one(text: str) -> int:
    if not text:
        return -1
    if text in ("0", "1", "0.0", "1.0"):
        return int(text[0])
    raise ValueError(
        f"is {text[:40]!r}, not 0 or 1 as a class has it: if the column is no class, choose those that are with "
        "--class_columns"
    )


def _class_name(text: str) -> str:
    if ";" in text or "|" in text:
        raise ValueError(
            f"is {text[:60]!r}, which names several classes: a label is one; write a column of 0 and 1 for each class"
        )
    problem = wrong_name("class", [text]) if text else None
    if problem:
        raise ValueError(f"is {text[:40]!r}: {problem}")
    return text


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} others" if len(names) > 5 else "")
