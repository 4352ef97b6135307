"""Items in groups: by age, by sex, by how many labels they bear, by the quartiles or the values of any column."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.item_table import ItemTable
from pipeline.evaluation.scores import Scores

AGE_BANDS = (40, 60, 80)
"""Years at which a new band begins."""

N_LABELS = "n_labels"
MOST_GROUPS = 20
_FEW_VALUES = 6  # of a column of numbers, which then are groups themselves
_MANY_LABELS = 3  # labels, of which more are one group
_OVER_89 = 300  # what PTB-XL has for an age of over 89
_OLDEST = 130
_UNKNOWN = {"", "nan", "na", "n/a", "none", "null"}
_SEXES = {"0": "male", "1": "female", "0.0": "male", "1.0": "female"}


@dataclass(frozen=True, eq=False)
class Grouping:
    """Which group each item is in.

    Attributes:
        column: what the groups are of.
        source: where the column comes from: a file, a store, or ``labels``.
        how: ``bands``, ``quartiles`` or ``values``.
        groups: their names, in order.
        of_item: the number of each item's group, -1 where it is not known.

    Shape:
        ``of_item`` is ``(items,)``.
    """

    column: str
    source: str
    how: str
    groups: tuple[str, ...]
    of_item: np.ndarray


def groupings_of(names: Sequence[str], scores: Scores, tables: Sequence[ItemTable]) -> tuple[Grouping, ...]:
    """The groups of every column that is asked for.

    Args:
        names: of the columns; ``n_labels`` is how many classes an item bears.
        scores: of the items.
        tables: where columns come from; the first that has one is asked.

    Raises:
        EcgFusionError: A column is nowhere, says nothing of some items, has too many values, or is no age.
    """
    check_columns(names, tables)
    return tuple(
        by_n_labels(scores) if name == N_LABELS else _of_column(name, scores, tables) for name in dict.fromkeys(names)
    )


def check_columns(names: Sequence[str], tables: Sequence[ItemTable]) -> None:
    """Refuses columns that are nowhere; arguments and errors as of ``groupings_of``."""
    for name in names:
        if name != N_LABELS and not any(name in table.columns for table in tables):
            asked = " or ".join(table.name for table in tables)
            where = f"in {asked}" if asked else "known of a scores file"
            raise EcgFusionError(
                f"no column {name!r} is {where}: name a CSV file that has it with -subgroups_csv, or take {N_LABELS}"
            )


def _of_column(name: str, scores: Scores, tables: Sequence[ItemTable]) -> Grouping:
    table = next(table for table in tables if name in table.columns)
    return by_cells(name, table.name, table.cells(name, scores))


def by_n_labels(scores: Scores) -> Grouping:
    """By how many classes an item bears.

    Raises:
        EcgFusionError: Each bears exactly one.
    """
    if scores.kind == "multiclass":
        raise EcgFusionError(f"{scores.name}: every item bears one class: leave {N_LABELS} out of -subgroups")
    n = np.minimum(scores.labels.sum(1, dtype=np.int64), _MANY_LABELS)
    there = np.unique(n)
    names = tuple(f"{k} or more" if k == _MANY_LABELS else str(k) for k in there.tolist())
    return Grouping(N_LABELS, "labels", "values", names, np.searchsorted(there, n))


def by_cells(column: str, source: str, cells: Sequence[str]) -> Grouping:
    """By the cells of a column: ages in bands, many different numbers in quartiles, everything else by value.

    Args:
        column: its name; ``age`` and ``sex`` are known.
        source: where it comes from.
        cells: of each item; what is empty or NaN is not known.

    Raises:
        EcgFusionError: Nothing is known, an age is none, or there are too many values.
    """
    known = np.array([cell.lower() not in _UNKNOWN for cell in cells])
    if not known.any():
        raise EcgFusionError(f"{source}: the column {column!r} is empty for all {len(cells)} items: leave it out")
    if column.lower() == "age":
        return _of_parts(column, source, "bands", known, *_age_bands(source, column, cells, known))
    numbers = [_number(cell) if is_known else math.nan for cell, is_known in zip(cells, known, strict=True)]
    values = np.array(numbers)
    is_numeric = bool(np.isfinite(values[known]).all())
    if is_numeric and len(np.unique(values[known])) > _FEW_VALUES:
        return _of_parts(column, source, "quartiles", known, *_quartiles(values, known))
    texts = np.array([_SEXES.get(cell, cell) for cell in cells] if column.lower() == "sex" else list(cells))
    return _by_value(column, source, texts, known, values if is_numeric else None)


def _of_parts(
    column: str, source: str, how: str, known: np.ndarray, names: Sequence[str], parts: np.ndarray
) -> Grouping:
    """Parts that no item is in are left out."""
    there = np.unique(parts[known])
    of_item = np.where(known, np.searchsorted(there, parts), -1)
    return Grouping(column, source, how, tuple(names[i] for i in there), of_item)


def _age_bands(source: str, column: str, cells: Sequence[str], known: np.ndarray) -> tuple[list[str], np.ndarray]:
    ages = np.array([_number(cell) if is_known else 0.0 for cell, is_known in zip(cells, known, strict=True)])
    wrong = ~((ages >= 0) & ((ages <= _OLDEST) | (ages == _OVER_89)))
    if wrong.any():
        raise EcgFusionError(
            f"{source}: the {column} {cells[int(wrong.argmax())]!r} is no age: write years from 0 to {_OLDEST}, "
            f"{_OVER_89} for over 89, or nothing"
        )
    first, *_, last = AGE_BANDS
    between = [f"{low}–{high}" for low, high in itertools.pairwise(AGE_BANDS)]
    return [f"<{first}", *between, f"{last}+"], np.searchsorted(AGE_BANDS, ages, side="right")


def _quartiles(values: np.ndarray, known: np.ndarray) -> tuple[list[str], np.ndarray]:
    edges = np.unique(np.quantile(values[known], [0.25, 0.5, 0.75]))
    texts = [f"{edge:.6g}" for edge in edges]
    between = [f">{low} to {high}" for low, high in itertools.pairwise(texts)]
    return [f"≤{texts[0]}", *between, f">{texts[-1]}"], np.searchsorted(edges, np.where(known, values, edges[0]))


def _by_value(column: str, source: str, texts: np.ndarray, known: np.ndarray, numbers: np.ndarray | None) -> Grouping:
    names, place = np.unique(texts[known], return_inverse=True)
    if len(names) > MOST_GROUPS:
        raise EcgFusionError(
            f"{source}: the column {column!r} has {len(names)} values, more than {MOST_GROUPS}: write groups of them"
        )
    order = np.arange(len(names))
    if numbers is not None:  # 2 before 10
        order = np.argsort([numbers[known][place == i][0] for i in range(len(names))], kind="stable")
    of_item = np.full(len(texts), -1)
    of_item[known] = np.argsort(order)[place.ravel()]
    return Grouping(column, source, "values", tuple(str(names[i]) for i in order), of_item)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
