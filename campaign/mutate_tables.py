"""What happens to tables and to texts of lines and words: a cell, a row, a column, a word becomes another."""

import csv
import io
import random
from pathlib import Path
from typing import Any

from campaign.nasty import NASTY_WORDS


def change_a_cell(chance: random.Random, path: Path) -> str:
    rows = _rows(path)
    row, column = _cell(chance, rows)
    other = chance.choice(rows[1:])[column] if len(rows) > 1 and chance.random() < 0.3 else chance.choice(NASTY_WORDS)
    was, rows[row][column] = rows[row][column], other
    _write_rows(path, rows)
    return f"line {row + 1}, {rows[0][column] if row else 'head'}: {was!r} made {other[:60]!r}"


def move_a_row(chance: random.Random, path: Path) -> str:
    rows = _rows(path)
    row = chance.randrange(len(rows))
    how = chance.choice(("dropped", "doubled", "shortened", "lengthened"))
    new = {"dropped": [], "doubled": [rows[row]] * 2, "shortened": [rows[row][:-1]]}
    rows[row : row + 1] = new.get(how, [[*rows[row], "more"]])
    _write_rows(path, rows)
    return f"line {row + 1} {how}"


def move_a_column(chance: random.Random, path: Path) -> str:
    rows = _rows(path)
    column = chance.randrange(len(rows[0]))
    how = chance.choice(("dropped", "doubled", "renamed", "put first"))
    name = rows[0][column]
    for row in rows:
        if column < len(row):
            cell = row.pop(column)
            if how == "doubled":
                row[column:column] = [cell, cell]
            elif how == "renamed":
                row.insert(column, cell)
            elif how == "put first":
                row.insert(0, cell)
    if how == "renamed":
        rows[0][column] = chance.choice((name.upper(), f" {name}", f"{name}_2", ""))
    _write_rows(path, rows)
    return f"column {name!r} {how}"


def save_a_table_otherwise(chance: random.Random, path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    rows = _rows(path)
    how = chance.choice((";", "\t", "BOM", "UTF-16", "CRLF", "quoted", "index", "empty", "head only"))
    if how in (";", "\t"):
        _write_rows(path, rows, delimiter=how)
    elif how == "index":
        _write_rows(path, [[str(number - 1) if number else "", *row] for number, row in enumerate(rows)])
    elif how == "quoted":
        _write_rows(path, rows, quoting=csv.QUOTE_ALL)
    elif how in ("empty", "head only"):
        _write_rows(path, rows[: how == "head only"])
    else:
        encoding = {"BOM": "utf-8-sig", "UTF-16": "utf-16"}.get(how, "utf-8")
        text = text.replace("\n", "\r\n") if how == "CRLF" else text
        path.write_bytes(text.encode(encoding, errors="replace"))
    return f"saved with {how!r}"


def _rows(path: Path) -> list[list[str]]:
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    return list(csv.reader(io.StringIO(text, newline=""))) or [[""]]


def _cell(chance: random.Random, rows: list[list[str]]) -> tuple[int, int]:
    row = chance.randrange(len(rows))
    return row, chance.randrange(max(1, min(len(rows[row]), len(rows[0]))))


def _write_rows(path: Path, rows: list[list[str]], **how: Any) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n", **how).writerows(rows)
    path.write_bytes(written.getvalue().encode("utf-8", errors="surrogateescape"))


def change_a_token(chance: random.Random, path: Path) -> str:
    """Of a text of lines and words, as a WFDB header or a recipe."""
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines() or [""]
    number = chance.randrange(len(lines))
    words = lines[number].split(" ")
    place = chance.randrange(len(words))
    how = chance.choice(("nasty", "cut", "doubled", "number", "line dropped", "line doubled", "lines exchanged"))
    was = words[place]
    if how.startswith("line"):
        if how == "lines exchanged":
            other = chance.randrange(len(lines))
            lines[number], lines[other] = lines[other], lines[number]
        else:
            lines[number : number + 1] = [lines[number]] * (2 * (how == "line doubled"))
        was = lines[min(number, len(lines) - 1)] if lines else ""
    else:
        digits = str(chance.choice((0, 1, -1, 2, 17, 65536, 2**31, 10**12, 0.5)))
        new = {"nasty": chance.choice(NASTY_WORDS).replace("\n", " "), "cut": was[:-1], "number": digits}
        words[place] = new.get(how, f"{was} {was}")
        lines[number] = " ".join(words)
    path.write_bytes(("\n".join(lines) + "\n").encode("utf-8", errors="surrogateescape"))
    return f"line {number + 1}: {was[:60]!r} {how}"
