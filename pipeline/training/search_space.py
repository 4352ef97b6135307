"""What a search may choose: the table ``[search]`` of a recipe, checked where it enters; no Optuna is needed for it.

[search]
learning_rate = { low = 1e-4, high = 1e-1, log = true }
nb_filters = { low = 32, high = 128, step = 32 }
batch_size = [32, 64, 128]

[search.set]
kernel_size = [3, 5, 7]
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from types import NoneType
from typing import Any, get_args, get_type_hints

from pipeline.errors import EcgFusionError
from pipeline.training.options import TrainOptions
from pipeline.training.ranges import check_ranges
from pipeline.typed import near_names

TABLE = "search"
OF_SET = "set."
"""Before the name of an option of ``-set``."""

_NOT_CHOSEN = {
    **dict.fromkeys(
        ("task", "data", "dev_limit", "join"), "changes what is judged, so that trials could not be compared"
    ),
    **dict.fromkeys(
        ("seed", "folds_seed"), "is chance, of which the best would be luck: give -seeds for a mean of several"
    ),
    **dict.fromkeys(("gpu_id", "threads", "workers"), "is of the machine and changes no result: give it beside -study"),
    "path_save_model": "is where a run lies, which the search says itself",
    "calibrate": "changes no order of scores, and so no AUC",
}
_KEYS = {"low", "high", "log", "step", "choices"}


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both among them.

    Attributes:
        low: the smallest.
        high: the largest.
        log: whether each factor is as likely as another, else each difference.
        step: between numbers; None for all of them, or for all whole ones.
        whole: whether they are whole numbers.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    @property
    def tried(self) -> tuple[Any, ...]:
        """What must be possible if all of it is."""
        return self.low, self.high

    def values(self) -> tuple[Any, ...] | None:
        """All of them in their order, None where they are without end or each factor counts."""
        if self.log or (self.step is None and not self.whole):
            return None
        step = Decimal(str(self.step or 1))
        n = int((Decimal(str(self.high)) - Decimal(str(self.low))) / step) + 1
        found = (Decimal(str(self.low)) + number * step for number in range(n))
        return tuple(int(each) if self.whole else float(each) for each in found)


@dataclass(frozen=True)
class Choices:
    """Words, numbers or lists, of which one is taken."""

    all: tuple[Any, ...]

    @property
    def tried(self) -> tuple[Any, ...]:
        """What must be possible if all of it is."""
        return self.all

    def values(self) -> tuple[Any, ...]:
        """All of them in their order."""
        return self.all


Space = Mapping[str, Range | Choices]


def read_space(table: Any, base: Mapping[str, Any], where: str) -> Space:
    """What may be chosen, by the option's name; of an option of ``-set`` the name has ``set.`` before it.

    Args:
        table: the table ``[search]``, as TOML gives it.
        base: the other options of the recipe, which every trial has.
        where: the file, for the sentences.

    Raises:
        EcgFusionError: the table is none or empty; an option is unknown, cannot be searched, stands in the recipe, too,
            or is given values that it cannot have.
    """
    if not isinstance(table, Mapping) or not table:
        raise EcgFusionError(
            f"{where}: [{TABLE}] names what may be chosen: write a line such as "
            "learning_rate = { low = 1e-4, high = 1e-1, log = true } below it"
        )
    space = {}
    for name, found in _entries(table, where):
        place = f"{where}: [{TABLE}] {name}"
        _check_name(name, base, place)
        space[name] = entry = _entry(found, _is_whole(name), place)
        for value in entry.tried:
            try:
                options = TrainOptions.of(**with_choices(base, {name: value}))
                options.of_network(())
                check_ranges(options)
            except EcgFusionError as problem:
                raise EcgFusionError(f"{where}: [{TABLE}] {problem}") from None
    return space


def _entries(table: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any]]:
    for name, found in table.items():
        if name != "set":
            yield name, found
        elif not isinstance(found, Mapping) or not found:
            raise EcgFusionError(f"{where}: [{TABLE}] set is a table of options by name: write set.n_blocks = [2, 4]")
        else:
            yield from ((f"{OF_SET}{inner}", each) for inner, each in found.items())


def _check_name(name: str, base: Mapping[str, Any], place: str) -> None:
    if name in _NOT_CHOSEN:
        raise EcgFusionError(f"{place} cannot be searched: it {_NOT_CHOSEN[name]}")
    known = [each.name for each in fields(TrainOptions)]
    if not name.startswith(OF_SET) and name not in known:
        raise EcgFusionError(
            f"{place}: there is no such option: {near_names(name, known, 'see python train.py --help')}"
        )
    inner = name.removeprefix(OF_SET)
    if name in base or (name.startswith(OF_SET) and inner in (base.get("set") or {})):
        raise EcgFusionError(f"{place} has one value above the table already: take one of both out")


def _is_whole(name: str) -> bool | None:
    """Whether an option is a whole number; None where it can be anything. Of no number it is False."""
    if name.startswith(OF_SET):
        return None
    kinds = [kind for kind in get_args(get_type_hints(TrainOptions)[name]) if kind is not NoneType]
    return kinds == [int]


def _entry(found: Any, whole: bool | None, place: str) -> Range | Choices:
    if isinstance(found, list):
        return _choices(found, place)
    if not isinstance(found, Mapping):
        example = "{ low = 1e-4, high = 1e-1, log = true } or [32, 64, 128]"
        raise EcgFusionError(f"{place} is {found!r}, nothing to choose from: write a range or a list, as {example}")
    strange = [key for key in found if key not in _KEYS]
    if strange:
        raise EcgFusionError(f"{place} has no {strange[0]}: {near_names(strange[0], sorted(_KEYS))}")
    if "choices" in found:
        if len(found) > 1 or not isinstance(found["choices"], list):
            raise EcgFusionError(f"{place}: choices are a list alone, as choices = [32, 64]")
        return _choices(found["choices"], place)
    return _range(found, whole, place)


def _choices(found: list[Any], place: str) -> Choices:
    texts = [json.dumps(each, sort_keys=True, default=str) for each in found]
    if len(set(texts)) < 2 or len(set(texts)) < len(texts):
        raise EcgFusionError(f"{place}: {found!r} is nothing to choose from: list two values or more, each once")
    return Choices(tuple(found))


def _range(found: Mapping[str, Any], whole: bool | None, place: str) -> Range:
    for name in ("low", "high", "step"):
        if name not in found and name != "step":
            raise EcgFusionError(f"{place} has no {name}: write both ends, as {{ low = 0.1, high = 0.5 }}")
        value = found.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise EcgFusionError(f'{place}: {name} is {value!r}, not a number; words are listed, as ["adam", "sgd"]')
    low, high, step, log = found["low"], found["high"], found.get("step"), found.get("log", False)
    if not isinstance(log, bool):
        raise EcgFusionError(f"{place}: log is {log!r}: write log = true, or leave it out")
    if not low < high:
        raise EcgFusionError(f"{place}: low = {low!r} is not below high = {high!r}: give the smaller one as low")
    if log and (low <= 0 or step is not None):
        why = "a low above 0" if low <= 0 else "no step"
        raise EcgFusionError(f"{place}: log = true needs {why}: change it, or leave log out")
    numbers = [each for each in (low, high, step) if each is not None]
    if whole is None:  # an option of -set, whose type nobody says here
        whole = all(isinstance(each, int) for each in numbers)
    elif whole and any(isinstance(each, float) for each in numbers):
        raise EcgFusionError(f"{place} is a whole number: give low, high and step without a point")
    if step is not None and (step <= 0 or (Decimal(str(high)) - Decimal(str(low))) % Decimal(str(step)) != 0):
        raise EcgFusionError(f"{place}: step = {step!r} does not lead from {low!r} to {high!r}: change one of them")
    if not whole:
        low, high, step = float(low), float(high), None if step is None else float(step)
    return Range(low, high, log, step, whole)


def with_choices(base: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a recipe with what was chosen, by the names of ``read_space``."""
    of_set = {name.removeprefix(OF_SET): value for name, value in chosen.items() if name.startswith(OF_SET)}
    others = {name: value for name, value in chosen.items() if not name.startswith(OF_SET)}
    return {**base, **others, **({"set": {**(base.get("set") or {}), **of_set}} if of_set else {})}


def one_by_one(space: Space) -> Iterator[dict[str, Any]]:
    """Choices in which each value that must be possible comes once, the others being the first of theirs."""
    first = {name: entry.tried[0] for name, entry in space.items()}
    yield first
    for name, entry in space.items():
        yield from ({**first, name: value} for value in entry.tried[1:])
