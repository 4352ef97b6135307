"""PTB-XL's statements: ``scp_statements.csv``, which says what each is, and ``scp_codes``, what a record bears."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import EcgFusionError
from pipeline.labels import wrong_name
from pipeline.sources.tables import first_twice, read_table

KINDS = ("diagnostic", "form", "rhythm")
_CLASSES = ("diagnostic_class", "diagnostic_subclass")
_REMEDY = "take the official table of PTB-XL"
_MOST = 1000  # statements; PTB-XL has 71
_LONGEST = 10_000  # characters of one record's codes; PTB-XL's longest have 150

# 'IMI': 15.0 and what follows it; nothing is matched twice, and nothing is evaluated
_ENTRY = re.compile(
    r"""\s*+(?:'(?P<code>[^'\\]*+)'|"(?P<other>[^"\\]*+)")\s*+:\s*+"""
    r"(?P<likelihood>[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?|[+-]?(?:nan|inf|NaN|Infinity))"
    r"\s*+(?P<then>,\s*+\}?+|\})"
)
_NONE = re.compile(r"\{\s*+\}")


@dataclass(frozen=True)
class Statements:
    """The table of statements.

    Attributes:
        codes: all of them, in the table's order.
        of_kind: of each of ``KINDS`` those that are of it.
        superclass: diagnostic code to its ``diagnostic_class``.
        subclass: diagnostic code to its ``diagnostic_subclass``.
    """

    codes: tuple[str, ...]
    of_kind: Mapping[str, tuple[str, ...]]
    superclass: Mapping[str, str]
    subclass: Mapping[str, str]


def read_statements(path: Path) -> Statements:
    """Reads ``scp_statements.csv``: its first column, or the one behind a count of its lines, names the statements.

    Raises:
        EcgFusionError: it is no such table, or a statement stands there twice, without a name or without a class.
    """
    table = read_table(path, (*KINDS, *_CLASSES), first=2, remedy=_REMEDY)
    if not 0 < len(table) <= _MOST:
        raise EcgFusionError(f"{path} lists {len(table):,} statements, not from 1 to {_MOST:,}: {_REMEDY}")
    codes = table.columns[_column_of_codes(path, table.header, table.columns)]
    for line, code in zip(table.lines, codes, strict=True):
        wrong = wrong_name("statement", [code])
        if wrong:
            raise EcgFusionError(f"{path} line {line}: {wrong}; {_REMEDY}")
    twice = first_twice(codes)
    if twice:
        first, then = (table.lines[number] for number in twice)
        raise EcgFusionError(f"{path} lists {codes[twice[0]]} twice, in lines {first} and {then}: {_REMEDY}")
    flags = {kind: table.each(kind, _flag) for kind in KINDS}
    classes: dict[str, dict[str, str]] = {name: {} for name in _CLASSES}
    for row, code in enumerate(codes):
        for name in _CLASSES if flags["diagnostic"][row] else ():
            found = table.columns[name][row]
            wrong = wrong_name(name, [found]) if found else f"the diagnostic statement {code} has no {name}"
            if wrong:
                raise EcgFusionError(f"{path} line {table.lines[row]}: {wrong}; {_REMEDY}")
            classes[name][code] = found
    of_kind = {kind: tuple(code for code, has in zip(codes, flags[kind], strict=True) if has) for kind in KINDS}
    return Statements(tuple(codes), of_kind, *(classes[name] for name in _CLASSES))


def _column_of_codes(path: Path, header: tuple[str, ...], columns: Mapping[str | int, list[str]]) -> int:
    """The first column, unless it counts the lines, as pandas writes it; then the second."""
    counts = any(columns[0] == [str(number + begin) for number in range(len(columns[0]))] for begin in (0, 1))
    if not counts:
        number = 0
    elif header[1] in ("", "Unnamed: 0", "scp_code", "statement"):
        number = 1
    else:
        raise EcgFusionError(f"{path} counts its lines in its first column, where the statements' names are: {_REMEDY}")
    if header[number] in (*KINDS, *_CLASSES, "description"):
        raise EcgFusionError(f"{path} begins with {header[number]}, not with the statements' names: {_REMEDY}")
    return number


def _flag(text: str) -> bool:
    if text in ("1", "1.0"):
        return True
    if text.lower() in ("", "0", "0.0", "nan"):
        return False
    raise ValueError(f"is {text[:40]!r}, not 1 or nothing; {_REMEDY}")


def parse_codes(text: str) -> dict[str, float]:
    """The statements of one record with their likelihoods in percent, from PTB-XL's ``{'NORM': 100.0, 'SR': 0.0}``.

    >>> parse_codes("{'IMI': 15.0, 'SR': 0.0}")
    {'IMI': 15.0, 'SR': 0.0}

    Raises:
        ValueError: it is written in another way, a statement stands there twice, or a likelihood is no percentage.
    """
    unreadable = f"cannot be read ({text[:40]!r}{'…' if len(text) > 40 else ''}); download it again"
    codes: dict[str, float] = {}
    if len(text) > _LONGEST:
        raise ValueError(f"cannot be read (it has {len(text):,} characters); download it again")
    if _NONE.fullmatch(text):
        return codes
    if not text.startswith("{"):
        raise ValueError(unreadable)
    at, ends = 1, False
    while not ends:
        entry = _ENTRY.match(text, at)
        if entry is None:
            raise ValueError(unreadable)
        code = entry["other"] if entry["code"] is None else entry["code"]
        if code in codes:
            raise ValueError(f"names {code[:40]!r} twice; download it again")
        codes[code] = _percent(code, entry["likelihood"])
        at, ends = entry.end(), entry["then"].endswith("}")
    if at != len(text):
        raise ValueError(unreadable)
    return codes


def _percent(code: str, text: str) -> float:
    likelihood = float(text)
    if not 0 <= likelihood <= 100 or math.isnan(likelihood):
        raise ValueError(f"gives {code[:40]!r} the likelihood {text[:20]}, not 0 to 100 percent; download it again")
    return likelihood
