"""JSON ↔ a tree of frozen dataclasses, in which every field is of the type and range that its class says."""

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Tree = TypeVar("Tree")

_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


class FieldError(ValueError):
    """A field that is missing, or is not what it can be: the first half of a sentence that names it."""


def at_least(least: float) -> dict[str, Any]:
    """A field's metadata: a number of at least so much, and finite."""
    return {"least": least}


def one_of(*choices: str | int) -> dict[str, Any]:
    """A field's metadata: one of these words or numbers."""
    return {"choices": choices}


def left_out() -> dict[str, Any]:
    """A field's metadata: where it is None, JSON does not have it."""
    return {"left_out": True}


def as_json(value: Any) -> Any:
    """Plain dicts and lists of a tree."""
    if is_dataclass(value) and not isinstance(value, type):
        named = {each.name: (getattr(value, each.name), each.metadata) for each in fields(value)}
        return {name: as_json(x) for name, (x, how) in named.items() if not (x is None and how.get("left_out"))}
    if isinstance(value, Mapping):
        return {str(key): as_json(x) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(x) for x in value]
    return value


def from_json(tree: type[Tree], found: Any, where: str = "") -> Tree:
    """The inverse of ``as_json``; no field is passed over.

    Args:
        tree: the class.
        found: what JSON gave.
        where: the place of it in the whole, as ``data``.

    Raises:
        FieldError: a field is missing, unknown, of another type, or out of its range.
    """
    if not isinstance(found, Mapping):
        raise FieldError(f"{where or 'it'} is {_short(found)}, not named fields")
    hints, values = _hints(cast(Any, tree)), {}
    known = fields(tree)  # type: ignore[arg-type]
    _check_names(known, found, where)
    for each in known:
        name = f"{where}.{each.name}" if where else each.name
        if each.name in found:
            values[each.name] = _value(hints[each.name], found[each.name], name)
            _check_range(values[each.name], each.metadata, name)
    return tree(**values)


@cache  # a card is read several times in a training, and each of its parts has its annotations evaluated
def _hints(tree: type) -> dict[str, Any]:
    return get_type_hints(tree)


def _check_names(known: tuple[Field[Any], ...], found: Mapping[str, Any], where: str) -> None:
    prefix = f"{where}." if where else ""
    needed = [each.name for each in known if each.default is MISSING and each.default_factory is MISSING]
    missing = [prefix + name for name in needed if name not in found]
    if missing:
        raise FieldError(f"it lacks {', '.join(missing)}")
    strange = [f"{prefix}{name}" for name in found if name not in {each.name for each in known}]
    if strange:
        raise FieldError(f"it has {', '.join(strange)}, which this version does not know")


def _value(kind: Any, found: Any, where: str) -> Any:
    """What was found, as the kind: tuples of lists, dataclasses of dicts; all else is of its type already."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return _plain(found, where)
    if origin in (Union, UnionType):
        return _one_of_kinds(inner, found, where)
    if is_dataclass(kind):
        return from_json(kind, found, where)  # type: ignore[arg-type]
    if origin is tuple:
        return _tuple(inner, found, where)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(found, Mapping):
            raise FieldError(f"{where} is {_short(found)}, not named fields")
        return {key: _value(inner[1], x, f"{where}.{key}") for key, x in found.items()}
    if kind is float and type(found) is int:
        return float(found) if abs(found) < 2**63 else math.inf
    if type(found) is not kind:
        raise FieldError(f"{where} is {_short(found)}, not {_NAMES[kind]}")
    return found


def _one_of_kinds(kinds: tuple[Any, ...], found: Any, where: str) -> Any:
    if found is None and NoneType in kinds:
        return None
    kinds = tuple(kind for kind in kinds if kind is not NoneType)
    for kind in kinds[:-1]:
        try:
            return _value(kind, found, where)
        except FieldError:
            continue
    return _value(kinds[-1], found, where)


def _tuple(inner: tuple[Any, ...], found: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(found, list | tuple):
        raise FieldError(f"{where} is {_short(found)}, not a list")
    if inner[-1] is Ellipsis:
        inner = (inner[0],) * len(found)
    if len(inner) != len(found):
        raise FieldError(f"{where} is {_short(found)}, not a list of {len(inner)}")
    return tuple(
        _value(kind, x, f"{where}[{number}]") for number, (kind, x) in enumerate(zip(inner, found, strict=True))
    )


def _plain(found: Any, where: str) -> Any:
    """A value of any type, if it is a word, a number, or a list or a table of these."""
    for part in found.values() if isinstance(found, Mapping) else found if isinstance(found, list | tuple) else ():
        if isinstance(part, Mapping) or (isinstance(part, list | tuple) and not isinstance(found, Mapping)):
            raise FieldError(f"{where} is {_short(found)}, which is nested too deep")
    return found


def _check_range(value: Any, how: Mapping[str, Any], where: str) -> None:
    if "choices" in how and value is not None and value not in how["choices"]:
        raise FieldError(f"{where} is {value!r}, not {' or '.join(map(str, how['choices']))}")
    if "least" in how and value is not None and not how["least"] <= value < math.inf:
        raise FieldError(f"{where} is {value!r}, not a number of at least {how['least']:g}")


def _short(found: Any) -> str:
    text = repr(found)
    return text if len(text) <= 60 else f"{text[:57]}..."


def near_names(name: str, names: Iterable[str], otherwise: str = "") -> str:
    """The rest of a sentence on an unknown name: the near ones, else ``otherwise``, else all.

    >>> near_names("focl", ["focal", "asymmetric"]), near_names("x", ["focal", "asymmetric"])
    ('did you mean focal?', 'choose from focal, asymmetric')
    """
    names = list(names)
    near = difflib.get_close_matches(name, names, n=3)
    return f"did you mean {' or '.join(near)}?" if near else otherwise or f"choose from {', '.join(names)}"
