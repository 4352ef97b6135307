"""What stands above the samples of a text file: names of leads, units, comments; and how fields are parted."""

import csv
import re
from dataclasses import dataclass
from typing import BinaryIO

from pipeline.signals.leads import canonical_lead
from pipeline.sources.formats.arrays import MOST_LEADS
from pipeline.sources.formats.recording import RecordError, is_unit, shown
from pipeline.sources.formats.time_columns import Clock, clock_of, is_of_time

_MOST_COMMENTS = 1000  # lines
_LONGEST_LINE = 2**22  # bytes; of a file that has a line a lead
_MOST_COLUMNS = 2**18
_UNIT = re.compile(r"(?P<name>.*?\S)(?:\s*[(\[]\s*(?P<bracketed>[^)\]]*?)\s*[)\]]|[\s_](?P<behind>[mun]V|[µμ]V))")


@dataclass(frozen=True)
class Head:
    """What the first lines say.

    Attributes:
        separator: between fields; None for any number of blanks.
        n_columns: fields of a line.
        leads: canonical names of the columns, but for that of the clock; None where they have none.
        units: of the leads, None where nothing is said of one.
        clock: what the first column is where it is no lead.
        has_columns: whether they show that a lead is a column.
        is_open: whether a line ends with a separator.
        n_lines: lines before the first sample.
        first: the first line of samples, as it stands there.
    """

    separator: bytes | None
    n_columns: int
    leads: tuple[str, ...] | None
    units: tuple[str | None, ...]
    clock: Clock | None
    has_columns: bool
    is_open: bool
    n_lines: int
    first: bytes


def read_head(file: str, stream: BinaryIO) -> Head:
    """Reads up to the first line of samples and a line beyond.

    Raises:
        RecordError: there is none, or what stands above it is not clear.
    """
    lines: list[bytes] = []
    n_lines, comment = 0, b""
    for line in iter(lambda: stream.readline(_LONGEST_LINE), b""):
        if len(line) == _LONGEST_LINE:
            raise RecordError(f"{file} has a line of {_LONGEST_LINE} bytes or more: it is no text of samples")
        if line.startswith(b"#") or (not lines and not line.strip()):
            n_lines += 1
            comment = line.lstrip(b"#") if line.startswith(b"#") else comment
            if lines or n_lines > _MOST_COMMENTS:
                raise RecordError(f"{file} has a comment among its samples, or too many of them: leave them out")
            continue
        lines.append(line.rstrip(b"\r\n"))
        if len(lines) == 3:
            break
    if not lines:
        raise RecordError(f"{file} holds no samples")
    separator = _separator(lines[-1])
    rows = [_fields(file, line, separator) for line in lines]
    if comment.strip() and _is_all(rows[0], number=True):
        names = _fields(file, comment.rstrip(b"\r\n").strip(), separator)
        above = [names] if len(names) == len(rows[0]) and _is_all(names, number=False) else []
        return _head(file, separator, above, rows[0], n_lines, lines[0])
    n_above = _n_above(file, rows)
    if n_above == len(rows):
        raise RecordError(f"{file} has names and no samples below them")
    return _head(file, separator, rows[:n_above], rows[n_above], n_lines + n_above, lines[n_above])


def _head(
    file: str, separator: bytes | None, above: list[list[str]], row: list[str], n_lines: int, first: bytes
) -> Head:
    is_open = len(row) > 1 and not row[-1] and not (above and above[0][-1] and len(above[0]) == len(row))
    row = row[:-1] if is_open else row
    if len(row) > _MOST_COLUMNS:
        raise RecordError(f"{file} has {len(row)} fields in a line: it is no text of samples")
    if not above or _counts(above[0]):
        clock = Clock(None) if above and not above[0][0] else None
        return Head(separator, len(row), None, (), clock, bool(above), is_open, n_lines, first)
    names = above[0][:-1] if is_open and not above[0][-1] else above[0]
    if len(names) != len(row):
        raise RecordError(f"{file} line {n_lines + 1} has {len(row)} fields below {len(names)} names: mend the file")
    if len(names) > MOST_LEADS:
        raise RecordError(f"{file} names {len(names)} columns, and can have {MOST_LEADS} leads")
    below = [*(above[1] if len(above) > 1 else []), *[""] * len(names)][: len(names)]
    clock = clock_of(names[0], below[0])
    start = 0 if clock is None else 1
    parted = [_name_and_unit(name) for name in names[start:]]
    leads = tuple(canonical_lead(name) for name, _ in parted)
    if not leads:
        raise RecordError(f"{file} has a column of time, and no lead beside it")
    units = tuple(under.strip() or unit for (_, unit), under in zip(parted, below[start:], strict=True))
    return Head(separator, len(row), leads, units, clock, True, is_open, n_lines, first)


def _n_above(file: str, rows: list[list[str]]) -> int:
    """How many of the first rows stand above the samples: none, the names, or names and units."""
    first = rows[0]
    if _is_all(first, number=True):
        if len(first) > 1 and _counts(first):
            if len(rows) > 1 and _counts_only(rows[1]):
                raise RecordError(
                    f"{file} line 1 is {shown(' '.join(first))}, which may count the columns or be samples: name the "
                    "leads there"
                )
            return 1 if len(rows) > 1 else 0
        return 0
    if not first[0] and _counts(first):  # pandas, with its index
        return 1
    if not _is_all(first, number=False):
        if not _is_number(first[0]) and first[0] and _is_all(first[1:], number=True):
            raise RecordError(
                f"{file} begins its lines with names, as {shown(first[0])}: write a column, not a line, for each lead"
            )
        wrong = next(field for field in first if not _is_number(field))
        raise RecordError(f"{file} has both numbers and {shown(wrong)!r} in its first line: write names or numbers")
    has_units = len(rows) > 1 and _is_all(rows[1], number=False) and any(map(_is_any_unit, rows[1]))
    return 2 if has_units else 1


def _is_any_unit(field: str) -> bool:
    return is_unit(field) or is_of_time(field)


def _separator(line: bytes) -> bytes | None:
    """What parts the fields of a line of samples."""
    found = next((mark for mark in (b"\t", b";", b",") if mark in line.strip(b" ")), None)
    return found or (None if b" " in line.strip() else b",")


def _fields(file: str, line: bytes, separator: bytes | None) -> list[str]:
    """The fields of a line, without quotes and blanks."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("latin-1")
    if separator is None:
        return [field.strip("\"'") for field in text.split()]
    try:
        (fields,) = csv.reader([text], delimiter=separator.decode(), strict=True)
    except (csv.Error, ValueError):
        raise RecordError(f"{file} has a line among its first that is torn: {shown(text)}") from None
    return [field.strip().strip("'").strip() for field in fields]


def _name_and_unit(name: str) -> tuple[str, str | None]:
    """A column's name without its unit, and that."""
    found = _UNIT.fullmatch(name)
    unit = found and (found["bracketed"] or found["behind"])
    return (found["name"], unit) if found and unit and is_unit(unit) else (name, None)


def _is_number(field: str) -> bool:
    try:
        float(field.replace(",", ".", 1))
    except ValueError:
        return False
    return True


def _is_all(fields: list[str], number: bool) -> bool:
    """Whether all fields are numbers, or none is; of an open line its last does not count."""
    closed = fields[:-1] if len(fields) > 1 and not fields[-1] else fields
    return all(_is_number(field) == number for field in closed)


def _counts(fields: list[str]) -> bool:
    """Whether they are 0, 1, 2 …, behind an empty one or not."""
    counted = fields if fields[0] else fields[1:]
    return bool(counted) and counted == [str(number) for number in range(len(counted))]


def _counts_only(fields: list[str]) -> bool:
    return all(re.fullmatch(r"[+-]?\d+", field) for field in fields)
