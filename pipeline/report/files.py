"""Writing what a reader opens elsewhere: CSV, LaTeX, JSON and Markdown, all files of one evaluation or none."""

import csv
import json
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.commands.escaping import latex

FORMATS = {"md": "md", "csv": "csv", "latex": "tex"}
"""What a table can be saved as: name of the format → ending of the file."""

_STAGE = ".evaluation.part"


@contextmanager
def written_together(folder: Path) -> Iterator[Path]:
    """Gives an empty folder to write into, whose files then take their places in ``folder``, or none does.

    They are on the disk before the first is moved, so that a full disk leaves the older ones as they were.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stage = folder / _STAGE
    shutil.rmtree(stage, ignore_errors=True)  # of a kill
    stage.mkdir()
    try:
        yield stage
        files = sorted(stage.iterdir())
        for file in files:
            _to_disk(file)
        for file in files:
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _to_disk(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Writes a text as UTF-8, whatever the locale; what cannot be encoded is written as its code."""
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def write_json(path: Path, found: Any) -> None:
    """Writes plain dicts, lists and numbers as JSON, in which names stay as they are."""
    write_text(path, json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: Path, lines: Sequence[Sequence[object]]) -> None:
    """Writes lines of cells, quoted where they must be; names among them have gone through ``csv_cell``."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


def number(value: float | None) -> str:
    """A figure in a CSV file, unrounded; empty where there is none."""
    return "" if value is None or math.isnan(value) else repr(float(value))


def latex_tables(tables: Sequence[tuple[str, list[list[str]]]]) -> str:
    """Tables for a paper: each a caption and lines of cells, of which the first has the headings; needs booktabs."""
    return "\n".join(["% \\usepackage{booktabs, graphicx}", *(_latex_table(*each) for each in tables)])


def _latex_table(caption: str, lines: list[list[str]]) -> str:
    first, *rest = [[latex(cell) if cell else "" for cell in line] for line in lines]
    body = "\n".join(" & ".join(line) + r" \\" for line in rest)
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{latex(caption)}}}",
            r"\resizebox{\linewidth}{!}{%",
            rf"\begin{{tabular}}{{l{'r' * (len(first) - 1)}}}",
            r"\toprule",
            " & ".join(first) + r" \\",
            r"\midrule",
            body,
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
            "",
        ]
    )
