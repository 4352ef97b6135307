"""Which file, patient, fold and part each line of a table of recordings means."""

import math
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.errors import EcgFusionError
from pipeline.labels import wrong_name
from pipeline.machine.places import are_files, is_file, is_folder, is_remote
from pipeline.sources.formats.registry import known_endings
from pipeline.sources.formats.wfdb_opening import header_of, record_name
from pipeline.sources.tables import Table, age_in_years, sex_code

_UNKNOWN = frozenset(["", "nan", "na", "n/a", "none", "null", "unknown", "?"])
Value = TypeVar("Value")

_MOST_FOLDS = 9999
_SECONDS = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{0,12})?")


@dataclass(frozen=True, eq=False)
class Rows:
    """One value a line of the table.

    Attributes:
        line: its number.
        path: of its file, where it lies.
        record_id: of its own.
        patient_id: whose it is.
        fold: 0 where none is given.
        age: years, NaN unknown.
        sex: 0 male, 1 female, −1 unknown.
        start: of the part that is the record, s.
        length: of that part, s; NaN up to the end.
    """

    line: list[int]
    path: list[str]
    record_id: list[str]
    patient_id: list[str]
    fold: list[int]
    age: list[float]
    sex: list[int]
    start: list[float]
    length: list[float]


def read_rows(table: Table, folder: Path, each_record_is_a_patient: bool) -> Rows:
    """What the columns say, but for the classes.

    Args:
        table: with all of its columns.
        folder: that the names of files begin in.
        each_record_is_a_patient: whether there is no column of patients.

    Raises:
        EcgFusionError: a cell is not what it can be, a file is missing, comes twice, or has two patients, or a patient
            has two folds; with the line.
    """
    names = table.each("file", _below(folder))
    path = [os.path.join(folder, name) for name in names]
    headed = are_files([header_of(each) for each in path])
    _check_files(table, folder, path, headed)
    start = _column(table, "start", _seconds(0.0, 0.0), 0.0)
    length = _column(table, "length", _seconds(math.nan, 1e-9), math.nan)
    files = [record_name(each) if has else each for each, has in zip(path, headed, strict=True)]
    parts = list(zip(files, start, map(str, length), strict=True))
    first, again = _twice(parts)
    if again:
        raise EcgFusionError(
            f"{table.path} line {table.lines[again]} names {names[again]} again, as line {table.lines[first]} does: "
            "leave one out, or give each its part with the columns start and length"
        )
    record_id = _record_ids(table, names, files, start)
    if each_record_is_a_patient:
        patient_id = _stems(files, folder)
    elif "patient_id" not in table.columns:
        has = ", ".join(name for name in table.header[:12] if name)
        raise EcgFusionError(
            f"{table.path} has no column patient_id (it has {has}): name the column so that says whose a recording is, "
            "or say --patients record if no two are of one patient"
        )
    else:
        patient_id = _patients(table)
    _check_one(table, files, patient_id, "the file {} is of the patients {} and {}: a file is of one patient", names)
    fold = _column(table, "fold", _fold, 0)
    _check_one(
        table, patient_id, fold, "the patient {} is in the folds {} and {}: all records of a patient belong in one fold"
    )
    age = _column(table, "age", age_in_years, math.nan)
    return Rows(table.lines, path, record_id, patient_id, fold, age, _column(table, "sex", sex_code, -1), start, length)


def _column(table: Table, name: str, read: Callable[[str], Value], otherwise: Value) -> list[Value]:
    return table.each(name, read) if name in table.columns else [otherwise] * len(table)


def _check_files(table: Table, folder: Path, path: Sequence[str], headed: Sequence[bool]) -> None:
    """Refuses names of what is missing, or lies elsewhere."""
    there = are_files(path)
    missing = [number for number, each in enumerate(path) if not there[number] and not headed[number]]
    if missing:
        name = path[missing[0]]
        near = next((ending for ending in known_endings() if is_file(name + ending)), None)
        others = f", nor {len(missing) - 1:,} others of this table" if len(missing) > 1 else ""
        remedy = f"write its ending, {near}" if near else "names begin in that folder, or in the one that --files names"
        if is_folder(name):
            remedy = "that is a folder, and a line names a file"
        raise EcgFusionError(
            f"{table.path} line {table.lines[missing[0]]}: there is no file {table.columns['file'][missing[0]]} in "
            f"{folder}{others}: {remedy}"
        )
    if is_remote(folder):  # where nothing is a link
        return
    root = os.path.realpath(folder)
    for number, each in enumerate(path):
        real = os.path.realpath(each if os.path.exists(each) else f"{each}.hea")
        if os.path.commonpath([root, real]) != root:
            raise EcgFusionError(
                f"{table.path} line {table.lines[number]}: {each} is a link that leads out of {folder}: put the file "
                f"there, or name its folder with --files"
            )


def _record_ids(table: Table, names: Sequence[str], files: Sequence[str], start: Sequence[float]) -> list[str]:
    """Those of the column, or made of the files' names."""
    if "record_id" in table.columns:
        found = table.each("record_id", _identifier)
    else:
        times = Counter(files)
        found = [
            stem if times[file] == 1 else f"{stem}_{round(1000 * at)}"
            for stem, file, at in zip(_stems([_stem(name) for name in names]), files, start, strict=True)
        ]
        wrong = next(((number, problem) for number, name in enumerate(found) if (problem := _wrong(name))), None)
        if wrong:
            raise EcgFusionError(f"{table.path} line {table.lines[wrong[0]]}: {wrong[1]}: give a column record_id")
    first, again = _twice(found)
    if again:
        raise EcgFusionError(
            f"{table.path} line {table.lines[again]} is the record {found[again]}, as line {table.lines[first]} is: "
            "give each an id of its own in the column record_id"
        )
    return found


def _stem(name: str) -> str:
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in known_endings() else name


def _stems(names: Sequence[str], folder: Path | None = None) -> list[str]:
    """Each name without its folders, but for those that it needs to be unlike others."""
    bare = [_stem(os.path.relpath(name, folder)) if folder else name for name in names]
    of_last: dict[str, set[str]] = defaultdict(set)
    for name in bare:
        of_last[name.rpartition("/")[2]].add(name)
    alone = {name: len(of_last[name.rpartition("/")[2]]) == 1 for name in set(bare)}
    return [name.rpartition("/")[2] if alone[name] else name.replace("/", "_") for name in bare]


def _patients(table: Table) -> list[str]:
    found = table.each("patient_id", _patient)
    whole = {re.sub(r"\.0*$", "", text) for text in set(found) if re.fullmatch(r"[0-9]+\.0*", text)}
    if whole and all(re.fullmatch(r"[0-9]+(\.0*)?", text) for text in set(found)):  # as a table of floats has them
        found = [text.partition(".")[0] for text in found]
    written: dict[str, str] = {}
    for text in set(found):
        other = written.setdefault(text.lstrip("0").casefold(), text)
        if other != text:
            one, two = sorted((other, text))
            raise EcgFusionError(f"{table.path} has the patient_id {one} and {two}: write each patient in one way")
    return found


def _check_one(
    table: Table, keys: Sequence[str], values: Sequence[object], sentence: str, names: Sequence[str] = ()
) -> None:
    """Refuses a key that has two values; both lines are named."""
    seen: dict[str, int] = {}
    for number, (key, value) in enumerate(zip(keys, values, strict=True)):
        first = seen.setdefault(key, number)
        if values[first] != value:
            told = sentence.format(names[number] if names else key, values[first], value)
            raise EcgFusionError(f"{table.path} lines {table.lines[first]} and {table.lines[number]}: {told}")


def _twice(values: Sequence[object]) -> tuple[int, int]:
    """The numbers of the first two that are equal; 0 and 0 where all differ."""
    seen: dict[object, int] = {}
    for number, value in enumerate(values):
        if seen.setdefault(value, number) != number:
            return seen[value], number
    return 0, 0


# what cells mean; a ValueError says what is wrong, behind the line and the column


def _below(folder: Path) -> Callable[[str], str]:
    """What reads the name of a file in a folder."""

    def read(text: str) -> str:
        name = text.replace("\\", "/")
        if not name or name.endswith("/"):
            raise ValueError(f"is {_quoted(text)}: name the recording's file")
        if not name.isprintable() or len(name) > 1000 or max(map(len, name.split("/"))) > 200:
            raise ValueError(f"is {_quoted(text)}, which is no name of a file")
        if os.path.isabs(name) or re.match("[A-Za-z]:/", name):
            name = os.path.relpath(name, os.path.abspath(folder)) if os.path.isabs(name) else f"../{name}"
        inside = os.path.normpath(name)
        if inside in ("..", ".") or inside.startswith("../"):
            raise ValueError(
                f"is {_quoted(text)}, which is not in {folder}: name a folder that all are in with --files"
            )
        return inside

    return read


def _wrong(name: str) -> str | None:
    return wrong_name("record", [name], plain=True)


def _identifier(text: str) -> str:
    problem = _wrong(text)
    if problem:
        raise ValueError(f"is {_quoted(text)}: {problem}")
    return text


def _patient(text: str) -> str:
    if text.lower() in _UNKNOWN:
        raise ValueError(
            f"is {_quoted(text)}, which names no patient: give each an id of its own where nobody knows them"
        )
    problem = wrong_name("patient", [text])
    if problem:
        raise ValueError(f"is {_quoted(text)}: {problem}")
    return text


def _fold(text: str) -> int:
    if not text:
        return 0
    number = re.fullmatch(r"([0-9]{1,4})(?:\.0*)?", text)
    if number and 1 <= int(number[1]) <= _MOST_FOLDS:
        return int(number[1])
    if number:
        raise ValueError(f"is {_quoted(text)}, and folds are counted from 1: add 1 to each")
    is_word = text.isalpha()
    remedy = ": write 1, 2, 3 for train, dev, test, and give --folds train=1 dev=2 test=3" if is_word else ""
    raise ValueError(f"is {_quoted(text)}, not a whole number from 1 to {_MOST_FOLDS}{remedy}")


def _seconds(otherwise: float, least: float) -> Callable[[str], float]:
    """What reads a time in s; ``otherwise`` where nothing stands there."""

    def read(text: str) -> float:
        if not text:
            return otherwise
        seconds = float(text.replace(",", ".")) if _SECONDS.fullmatch(text) else -1.0
        if seconds < least:
            raise ValueError(f"is {_quoted(text)}: write seconds, {'0 or more' if not least else 'more than 0'}")
        return seconds

    return read


def _quoted(text: str) -> str:
    return (repr(text) if len(text) <= 60 else f"{text[:57]!r}…") if text else "empty"
