"""What is known of records beside their labels, such as age and sex: columns of somebody's CSV file, or of a store."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import Scores
from pipeline.machine.files import read_file

_MOST_BYTES = 2**28  # of a table; PTB-XL's own has 6 million
_ID_COLUMNS = ("record_id", "item_id")
_LONGEST = 200  # characters of a cell that names a group


@dataclass(frozen=True)
class ItemTable:
    """Columns by the names of records or items.

    Attributes:
        name: what messages call it.
        columns: name of a column to the cell of each record or item; an empty one is not known.
    """

    name: str
    columns: Mapping[str, Mapping[str, str]]

    def cells(self, column: str, scores: Scores) -> list[str]:
        """The cell of each item: that of its ``item_id``, else that of its ``record_id``.

        Raises:
            EcgFusionError: There is none of some items.
        """
        known = self.columns[column]
        records = scores.item_id if scores.record_id is None else scores.record_id
        names = [item if item in known else record for item, record in zip(scores.item_id, records, strict=True)]
        missing = [name for name in names if name not in known]
        if missing:
            example = f", which has {next(iter(known))!r}" if known and len(missing) == len(names) else ""
            raise EcgFusionError(
                f"{self.name} lacks {len(missing)} of {len(names)} items of {scores.name}, {str(missing[0])!r} "
                f"first{example}: add a line for each, with empty cells for what is not known"
            )
        return [known[name] for name in names]


def read_item_table(path: Path, columns: Sequence[str], id_column: str | None = None) -> ItemTable:
    """Some columns of a CSV file.

    Args:
        path: the file, with names in its first line.
        columns: those that are wanted; what it lacks is left to others.
        id_column: holds the names of records or items; None for ``record_id``, or ``item_id``.

    Raises:
        EcgFusionError: It is missing, no CSV file, or a name stands there twice.
    """
    lines = _lines(path)
    head = [cell.strip() for cell in lines[0]]
    twice = next((name for name in [id_column, *columns] if name and head.count(name) > 1), None)
    if twice:
        raise EcgFusionError(f"{path} has {head.count(twice)} columns {twice!r}: name each column once")
    ids = _place_of_ids(path, head, id_column)
    unlike = next((i for i, line in enumerate(lines, 1) if len(line) != len(head)), None)
    if unlike:
        n = len(lines[unlike - 1])
        raise EcgFusionError(f"{path}: row {unlike} has {n} cells and the first row {len(head)}: make them as many")
    names = [line[ids].strip() for line in lines[1:]]
    _check_ids(path, head[ids], names)
    found = {
        name: dict(zip(names, (line[head.index(name)].strip() for line in lines[1:]), strict=True))
        for name in columns
        if name in head
    }
    for column, cells in found.items():
        longest = max(cells.values(), key=len, default="")
        if len(longest) > _LONGEST:
            raise EcgFusionError(
                f"{path}: a cell of the column {column!r} has {len(longest)} characters, not at most {_LONGEST}: "
                "name groups by fewer"
            )
    return ItemTable(str(path), found)


def _lines(path: Path) -> list[list[str]]:
    try:
        text = read_file(path, _MOST_BYTES).decode("utf-8-sig")
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except FileNotFoundError:
        raise EcgFusionError(f"there is no file {path}: name a CSV file with -subgroups_csv") from None
    except (UnicodeDecodeError, csv.Error):
        raise EcgFusionError(f"{path} cannot be read as CSV: save it as text in UTF-8, with commas") from None
    if len(lines) < 2:
        raise EcgFusionError(f"{path} has no rows below its first: save names of columns, then a row a record")
    return lines


def _place_of_ids(path: Path, head: list[str], id_column: str | None) -> int:
    wanted = _ID_COLUMNS if id_column is None else (id_column,)
    for name in wanted:
        if name in head:
            return head.index(name)
    which = f"-subgroups_csv {path}:COLUMN"
    columns = ", ".join(map(repr, head[:12]))
    raise EcgFusionError(f"{path} has no column {' or '.join(wanted)}, but {columns}: say which names records, {which}")


def _check_ids(path: Path, column: str, names: list[str]) -> None:
    if "" in names:
        raise EcgFusionError(f"{path}: the {column} of row {names.index('') + 2} is empty: name every record")
    unique, times = np.unique(names, return_counts=True)
    if times.max() > 1:
        again = str(unique[times.argmax()])
        raise EcgFusionError(f"{path}: the {column} {again!r} stands there {times.max()} times: keep one row of it")
