"""A table as a publisher or a spreadsheet writes it (CSV), and what its cells mean; all that a cell can be is bounded.

Read as text, never guessed: an identifier of twenty digits stays what it is. UTF-8, UTF-16 and Latin-1, commas,
semicolons and tabs, any line ends and quotes are understood; a table that is torn is refused with its line.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.errors import EcgFusionError
from pipeline.machine.places import first_bytes

Value = TypeVar("Value")

MOST_BYTES, MOST_ROWS, MOST_COLUMNS = 128 * 2**20, 200_000, 10_000
_LONGEST_ROW = 2**21  # characters, quoted line ends and all; a field is bounded by the csv module itself, at 131,072
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_UTF8_PAIR = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")


@dataclass(frozen=True)
class Table:
    """The cells of a table, as text without the blanks around it.

    Attributes:
        path: the file.
        header: names of its columns, as written.
        columns: those that were asked for, by name, or by number where a name is not known beforehand.
        lines: where each row begins in the file, from 1.
    """

    path: Path
    header: tuple[str, ...]
    columns: dict[str | int, list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.lines)

    def each(self, column: str, read: Callable[[str], Value]) -> list[Value]:
        """What ``read`` makes of each cell of a column; the same text is read once.

        Raises:
            EcgFusionError: ``read`` raised a ValueError, which says what is wrong and what to do; line and column are
                put before it.
        """
        known: dict[str, Value] = {}
        for line, text in zip(self.lines, self.columns[column], strict=True):
            if text not in known:
                try:
                    known[text] = read(text)
                except ValueError as problem:
                    raise EcgFusionError(f"{self.path} line {line}: {column} {problem}") from None
        return [known[text] for text in self.columns[column]]


def read_table(
    path: Path,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    first: int = 0,
    remedy: str = "mend the table",
    names: Sequence[str] = (),
) -> Table:
    """A CSV table whose first line names its columns, or whose columns are named here.

    Args:
        path: the file.
        needed: columns that must be there.
        optional: columns that are read where they are there.
        first: so many columns from the left are read by their number, whatever their name.
        remedy: what ends the sentence where the table is not as it should be.
        names: those of all columns, where the first line is a row like the others.

    Raises:
        EcgFusionError: it is no file that can be read, no table, larger than a table of recordings can be, or a
            column is missing or stands there twice.
    """
    text = _decoded(path, remedy)
    first_line = text.readline(_LONGEST_ROW)
    separator = max(_SEPARATORS, key=first_line.count) if names else _separator(first_line, needed)
    text.seek(0)
    rows = _rows(path, text, separator, remedy)
    header = list(names) or [name.strip() for name in next(rows, (1, []))[1]]
    if not any(header):
        raise EcgFusionError(f"{path} is empty: {remedy}")
    wanted = _wanted(path, header, needed, optional, remedy)
    wanted |= {number: number for number in range(min(first, len(header)))}
    columns: dict[str | int, list[str]] = {name: [] for name in wanted}
    lines: list[int] = []
    for line, row in rows:
        if len(row) != len(header):
            usual = f"{len(header)} ({', '.join(names)})" if names else f"the {len(header)} of line 1"
            raise EcgFusionError(f"{path} line {line} has {len(row)} fields, not {usual}: {remedy}")
        if len(lines) == MOST_ROWS:
            raise EcgFusionError(f"{path} has more than {MOST_ROWS:,} lines: that is no table of recordings")
        lines.append(line)
        for name, number in wanted.items():
            columns[name].append(row[number].strip())
    return Table(path, tuple(header), columns, lines)


def _wanted(
    path: Path, header: Sequence[str], needed: Sequence[str], optional: Sequence[str], remedy: str
) -> dict[str | int, int]:
    """Column name to its number."""
    absent = [name for name in needed if name not in header]
    if absent:
        raise no_column(path, absent, header, remedy)
    names = [name for name in (*needed, *optional) if name in header]
    twice = [name for name in names if list(header).count(name) > 1]
    if twice:
        raise EcgFusionError(f"{path} has the column {twice[0]} {list(header).count(twice[0])} times: {remedy}")
    return {name: list(header).index(name) for name in names}


def no_column(path: Path, absent: Sequence[str], header: Sequence[str], remedy: str) -> EcgFusionError:
    """The sentence on columns that are missing, with those that are there."""
    shown = ", ".join(_short(name) for name in header[:12])
    rest = f" and {len(header) - 12:,} others" if len(header) > 12 else ""
    return EcgFusionError(f"{path} has no column {', '.join(absent)} (it has {shown}{rest}): {remedy}")


def content(path: Path) -> bytes:
    """The bytes of a table.

    Raises:
        EcgFusionError: it is missing, no file, too large for a table, or this user may not read it.
    """
    try:
        if not path.is_file():  # a pipe would wait for its writer
            raise EcgFusionError(
                f"{path} is no file: put the table there"
                if path.exists()
                else f"{path} is missing: put the table there"
            )
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise EcgFusionError(f"{path} has {size / 2**20:,.0f} MiB: that is no table of recordings")
        return first_bytes(path, MOST_BYTES)
    except OSError as problem:
        raise EcgFusionError(f"{path} cannot be read ({problem.strerror}): see who may read it") from None


def _decoded(path: Path, remedy: str) -> io.TextIOWrapper:
    """The text, its line ends as they are; checked to be text throughout."""
    found = content(path)
    encoding = next((name for mark, name in _MARKS.items() if found.startswith(mark)), "utf-8")
    if encoding == "utf-8" and not _is(found, encoding) and not _UTF8_PAIR.search(found):
        encoding = "latin-1"  # no letter is of two bytes: as an older spreadsheet saves it, not a damaged UTF-8
    wide = encoding == "utf-16"
    if not _is(found, encoding) or (b"\0" in found and not wide):
        raise EcgFusionError(f"{path} is not a readable table (it holds bytes that are no text): {remedy}")
    return io.TextIOWrapper(io.BytesIO(found), encoding, newline="")


def _is(found: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for start in range(0, len(found), 2**20):
            decoder.decode(found[start : start + 2**20])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _separator(header: str, needed: Sequence[str]) -> str:
    """The separator that makes most of the needed names; commas where none is better."""

    def found(separator: str) -> int:
        names = {name.strip().strip('"').strip() for name in header.split(separator)}
        return len(names & set(needed))

    return max(_SEPARATORS, key=found)


def _rows(path: Path, text: io.TextIOWrapper, separator: str, remedy: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each row that is not blank."""
    spent = before = 0

    def lines() -> Iterator[str]:
        nonlocal spent
        while line := text.readline(_LONGEST_ROW):
            spent += len(line)
            if spent >= _LONGEST_ROW:
                raise csv.Error(f"it has more than {_LONGEST_ROW:,} characters")
            yield line

    reader = csv.reader(lines(), delimiter=separator, strict=True)
    try:
        for row in reader:
            if reader.line_num > 2 * MOST_ROWS:
                raise EcgFusionError(f"{path} has more than {MOST_ROWS:,} lines: that is no table of recordings")
            line, before, spent = before + 1, reader.line_num, 0
            if len(row) > MOST_COLUMNS:
                raise EcgFusionError(f"{path} line {line} has {len(row):,} fields: that is no table of recordings")
            if any(row):  # a spreadsheet leaves rows of nothing behind
                yield line, row
    except csv.Error as problem:
        raise EcgFusionError(
            f"{path} is not a readable table (the row that begins in line {before + 1}: {problem}): {remedy}"
        ) from None


def _short(name: str) -> str:
    """A cell as a sentence can say it."""
    shown = name if name.isprintable() else repr(name)
    return shown if 0 < len(shown) <= 40 else f"{shown[:37]}…" if shown else "one without a name"


# what cells mean

_WHOLE = re.compile(r"([0-9]{1,64})(?:\.0*)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?")
_UNKNOWN = frozenset(["", "nan", "na", "n/a", "none", "null", "unknown"])
_SEXES = {"0": 0, "male": 0, "m": 0, "man": 0, "1": 1, "female": 1, "f": 1, "woman": 1}
_OLDEST, _OVER_89, _STORED_OVER_89 = 130, 300, 90.0


def whole_number(text: str, remedy: str = "download the table again") -> str:
    """A whole number as it is written, however long, without the ``.0`` that a table of floats adds to it.

    >>> whole_number("100000000000000000017.0"), whole_number("007")
    ('100000000000000000017', '007')

    Raises:
        ValueError: it is empty, has a sign, a fraction or an exponent (as a spreadsheet shortens it), or is no number.
    """
    match = _WHOLE.fullmatch(text)
    if match:
        return match[1]
    if _NUMBER.fullmatch(text) and "e" in text.lower():
        raise ValueError(f"is not a whole number but {_quoted(text)}, whose last digits may be lost; {remedy}")
    raise ValueError(f"is not a whole number ({_quoted(text)}); {remedy}")


def identifiers(table: Table, column: str, read: Callable[[str], str] = whole_number) -> list[str]:
    """The identifiers of a column, as text.

    Raises:
        EcgFusionError: one is no identifier, or two differ only in zeros before them, which makes one patient two.
    """
    found = table.each(column, read)
    written: dict[str, str] = {}
    for text in set(found):
        other = written.setdefault(text.lstrip("0"), text)
        if other != text:
            short, long = sorted((other, text), key=len)
            raise EcgFusionError(f"{table.path} has the {column} {short} and {long}: write each number in one way")
    return found


def fold_number(most: int) -> Callable[[str], int]:
    """What reads a fold's number, from 1 to ``most``; a ValueError says what is wrong."""

    def read(text: str) -> int:
        number = whole_number(text)
        if len(number) > 9 or not 1 <= int(number) <= most:
            numbered = " (a table that counts them from 0 needs 1 more in each)" if number == "0" else ""
            raise ValueError(f"is {_quoted(number)}, not a fold from 1 to {most}{numbered}; download the table again")
        return int(number)

    return read


def age_in_years(text: str) -> float:
    """An age in years, 90 for PTB-XL's 300, which stands for over 89; NaN where it is not known.

    >>> age_in_years("56.0"), age_in_years("300"), age_in_years("")
    (56.0, 90.0, nan)

    Raises:
        ValueError: it is no age.
    """
    if text.lower() in _UNKNOWN:
        return float("nan")
    years = float(text) if _NUMBER.fullmatch(text) else float("nan")
    if not (0 <= years <= _OLDEST or years == _OVER_89):
        raise ValueError(f"is {_quoted(text)}, not years from 0 to {_OLDEST}, 300 for over 89, or nothing")
    return _STORED_OVER_89 if years == _OVER_89 else years


def sex_code(text: str) -> int:
    """0 male, 1 female, −1 not known.

    >>> [sex_code(text) for text in ("0", "1.0", "Female", "m", "")]
    [0, 1, 1, 0, -1]

    Raises:
        ValueError: it is none of these.
    """
    word = text.lower()
    if word in _UNKNOWN:
        return -1
    whole = _WHOLE.fullmatch(word)
    if (whole[1] if whole else word) not in _SEXES:
        raise ValueError(f"is {_quoted(text)}, not 0 or male, 1 or female, or nothing")
    return _SEXES[whole[1] if whole else word]


def file_name(*endings: str) -> Callable[[str], str]:
    r"""What reads the name of a file below a folder: with ``/``, and without one of these endings.

    >>> file_name(".hea", ".dat")(r"records100\00000\00001_lr.dat")
    'records100/00000/00001_lr'

    A ValueError says that it is empty or leads out of the folder.
    """

    def read(text: str) -> str:
        name = text.replace("\\", "/")
        for ending in endings:
            if name.lower().endswith(ending):
                name = name[: -len(ending)]
                break
        if not name or name.endswith("/"):
            raise ValueError(f"is {_quoted(text)}: give the name of the recording's file")
        parts = [part for part in name.split("/") if part not in (".", "")]
        if not parts:
            raise ValueError(f"is {_quoted(text)}: give the name of the recording's file")
        if name[0] == "/" or ".." in parts or re.match("[A-Za-z]:", name):
            raise ValueError(f"is {_quoted(text)}, which leads out of the folder: name a file below it")
        if not name.isprintable() or max(map(len, parts)) > 200 or len(name) > 1000:
            raise ValueError(f"is {_quoted(text)}, which is no name of a file")
        return "/".join(parts)

    return read


def first_twice(values: Iterable[str]) -> tuple[int, int] | None:
    """The numbers of the first two that are equal, from 0; None where all differ."""
    seen: dict[str, int] = {}
    for number, value in enumerate(values):
        if value in seen:
            return seen[value], number
        seen[value] = number
    return None


def _quoted(text: str) -> str:
    return (repr(text) if len(text) <= 40 else f"{text[:37]!r}…") if text else "empty"
