"""Writing what a reader opens elsewhere: CSV, LaTeX and JSON, each file whole or not at all."""

import csv
import io
import itertools
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.commands.escaping import beyond_latex, latex, needs_t1
from pipeline.machine.files import write_text

FORMATS = {"md": "md", "csv": "csv", "latex": "tex"}
"""What a table can be saved as: name of the format → ending of the file."""


def write_json(path: Path, found: Any) -> None:
    """Writes plain dicts, lists and numbers as JSON, in which names stay as they are."""
    write_text(path, json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: Path, lines: Sequence[Sequence[object]]) -> None:
    """Writes lines of cells, quoted where they must be; names among them have gone through ``csv_cell``."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    write_text(path, text.getvalue())


def number(value: float | None) -> str:
    """A figure in a CSV file, unrounded; empty where there is none."""
    return "" if value is None or math.isnan(value) else repr(float(value))


def latex_tables(tables: Sequence[tuple[str, list[list[str]]]]) -> str:
    """Tables for a paper: each a caption and lines of cells, of which the first has the headings.

    What they need stands above them: packages, and another LaTeX for names that pdflatex has no letters for.
    """
    text = "".join(caption + "".join(itertools.chain(*lines)) for caption, lines in tables)
    needs = ["% \\usepackage{booktabs, graphicx}"]
    if needs_t1(text):
        needs.append("% \\usepackage[T1]{fontenc}")
    if odd := beyond_latex(text):
        needs.append(
            f"% pdflatex has no {odd}: xelatex or lualatex, and \\setmainfont{{a font that has them}} of fontspec"
        )
    return "\n".join([*needs, *(_latex_table(*each) for each in tables)])


def _latex_table(caption: str, lines: list[list[str]]) -> str:
    first, *rest = [[latex(cell) if cell else "" for cell in [line[0], *map(_with_minus, line[1:])]] for line in lines]
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


def _with_minus(cell: str) -> str:
    """A cell of numbers, in which a hyphen before a digit is a minus."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", cell)
