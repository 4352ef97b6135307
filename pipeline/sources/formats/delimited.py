"""Samples as text, one line a moment: CSV, TSV and what numpy.savetxt, pandas, a spreadsheet or rdsamp write.

The first line may name the leads, with units behind them (``II (mV)``) or in a second line; the first column may be
time or count the samples. Fields are parted by commas, semicolons, tabs or blanks; decimals may have a comma where
fields have another separator. Lines that begin with # before the samples are comments, the last of which may name the
leads.
"""

import codecs
import io
from itertools import islice

import numpy as np

from pipeline.sources.formats.arrays import Own, check_size, opened_array
from pipeline.sources.formats.csv_heads import Head, read_head
from pipeline.sources.formats.opened import OpenedFile, Said
from pipeline.sources.formats.recording import RecordError, content, shown
from pipeline.sources.formats.time_columns import check_steps, rate_of, resolution

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_AT_ONCE = 4096  # lines that are numbers in Python's own, large form at one time


def open_delimited(path: str, said: Said) -> OpenedFile:
    """Looks at the first lines and the last one; what lies between is read with the samples.

    Raises:
        RecordError: it is no text of numbers, has too many, or what they mean is not said.
    """
    data = _text(path, content(path))
    stream = io.BytesIO(data)
    head = read_head(path, stream)
    n_rows = data.count(b"\n") + 1 - head.n_lines
    check_size(path, (n_rows, head.n_columns))
    rate = None
    if head.clock is not None:
        first, last = (_first_field(line, head) for line in (head.first, data[data.rfind(b"\n") + 1 :]))
        rate = rate_of(path, head.clock, first, last, n_rows)
    n_first = 0 if head.clock is None else 1
    columns, leads, units = list(range(n_first, head.n_columns)), head.leads or (), head.units
    if said.leads and set(said.leads) <= set(leads):  # others beside them may be no leads at all
        taken = [leads.index(lead) for lead in said.leads]
        columns, leads = [n_first + number for number in taken], said.leads
        units = tuple(units[number] for number in taken)

    def values() -> np.ndarray:
        rows = _rows(path, data, head, n_rows, [*range(n_first), *columns])
        if head.clock is not None:
            at = opened.sampling_rate
            check_steps(path, head.clock, rows[:, 0], at, resolution(_first_field(head.first, head)), head.n_lines + 1)
        return rows[:, n_first:]

    own = Own(units, rate, leads)
    opened = opened_array(path, (n_rows, len(columns)), own, said, values, time_first=head.has_columns or None)
    return opened


def _text(path: str, data: bytes) -> bytes:
    """Lines that end with \\n alone, none of them empty at the end; of UTF-16 too, as a spreadsheet saves it."""
    if data.startswith(_WIDE):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise RecordError(f"{path} is no text of samples: save it as UTF-8") from None
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\0" in data:
        raise RecordError(f"{path} is no text of samples")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.rstrip(b" \n")


def _first_field(line: bytes, head: Head) -> str:
    field = line.split(head.separator, 1)[0] if line.strip() else b""
    text = field.strip().strip(b"\"'").decode("latin-1")
    return text.replace(",", ".") if head.separator != b"," else text


def _rows(path: str, data: bytes, head: Head, n_rows: int, columns: list[int]) -> np.ndarray:
    """The numbers of some columns, (rows, columns)."""
    stream = io.BytesIO(data)
    for _ in range(head.n_lines):
        stream.readline()
    has_comma = head.separator != b"," and data.find(b",", stream.tell()) >= 0
    is_odd = data.find(b'"', stream.tell()) >= 0 or data.find(b"_", stream.tell()) >= 0
    rows, done = np.empty((n_rows, len(columns))), 0
    is_whole = columns == list(range(head.n_columns))
    is_plain = is_whole and not (has_comma or is_odd or head.is_open)
    while lines := list(islice(stream, _AT_ONCE)):
        found = _plain_rows(lines, head) if is_plain else None
        if found is not None:
            rows[done : done + len(lines)] = found
            done += len(lines)
            continue
        fields = [_fields(line, head, has_comma, is_odd) for line in lines]
        try:
            if any(len(row) != head.n_columns for row in fields):
                raise ValueError
            numbers = fields if is_whole else [[row[column] for column in columns] for row in fields]
            rows[done : done + len(lines)] = [list(map(float, row)) for row in numbers]
        except ValueError:
            raise _wrong(path, fields, head, columns, head.n_lines + done + 1) from None
        done += len(lines)
    return rows


def _plain_rows(lines: list[bytes], head: Head) -> np.ndarray | None:
    """The numbers of lines that are as most are, all at once; None where they are to be looked at one by one."""
    separator = head.separator
    if separator is None or any(line.count(separator) != head.n_columns - 1 for line in lines):
        return None
    try:
        numbers = list(map(float, b"".join(lines).rstrip(b"\n").replace(separator, b"\n").split(b"\n")))
        return np.array(numbers).reshape(len(lines), head.n_columns)
    except ValueError:
        return None


def _fields(line: bytes, head: Head, has_comma: bool, is_odd: bool) -> list[bytes]:
    """A line's fields, as they can be read as numbers."""
    line = line.rstrip(b" \n") if head.separator != b"\t" else line.rstrip(b"\n")
    if head.is_open and head.separator is not None:
        line = line.removesuffix(head.separator)
    if has_comma:
        line = line.replace(b",", b".")
    if is_odd:  # Python takes 1_0 for a number
        line = line.replace(b'"', b"").replace(b"_", b"?")
    return line.split(head.separator)


def _wrong(path: str, rows: list[list[bytes]], head: Head, columns: list[int], first_line: int) -> RecordError:
    """The sentence on the first line that has no numbers."""
    for line, row in enumerate(rows, first_line):
        if len(row) != head.n_columns:
            count = "nothing" if row in ([], [b""]) else f"{len(row)} field{'s' * (len(row) > 1)}"
            return RecordError(f"{path} line {line} has {count}, not {head.n_columns} numbers: mend the file")
        for column in columns:
            text = row[column].strip().replace(b"?", b"_").decode("latin-1")
            try:
                float(row[column])
            except ValueError:
                what = f"{shown(text)!r}, which is no number" if text else "nothing, where a sample is missing"
                return RecordError(f"{path} line {line} has in field {column + 1} {what}: mend the file")
    return RecordError(f"{path} is no text of samples")
