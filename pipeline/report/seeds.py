"""Several seeds of one recipe: printed, and saved as Markdown, JSON, CSV and LaTeX."""

from collections.abc import Callable, Collection
from pathlib import Path

from pipeline.commands.escaping import csv_cell, markdown, one_line
from pipeline.evaluation.agreement import AGREEMENT
from pipeline.evaluation.intervals import LEVEL
from pipeline.evaluation.metrics import headings
from pipeline.evaluation.seeds import FEW_SEEDS, SeedGroup, Spread
from pipeline.machine.files import all_or_none, make_folder, write_text
from pipeline.report.cells import aligned, figure_text, span_text
from pipeline.report.evaluations import with_note
from pipeline.report.files import FORMATS, latex_tables, number, write_csv, write_json
from pipeline.report.tables import data_text

_OF_A_CLASS = ("sensitivity", "specificity", "f1", "auroc")
_HEADINGS = ["figure", "mean", "SD", "lowest", "highest", f"{LEVEL:.0%} interval"]


def group_text(group: SeedGroup) -> str:
    """The mean and spread of every macro figure, of the main ones of each class, and what to know of them."""
    lines = group_table(group)
    table = aligned([lines[0], *([markdown(name), *cells] for name, *cells in lines[1:])])
    remarks = "\n".join(f"- {remark}" for remark in group_remarks(group))
    return "\n\n".join([*_head(group, markdown), table, remarks]) + "\n"


def _head(group: SeedGroup, escape: Callable[[str], str]) -> list[str]:
    first, names = group.first, ", ".join(map(escape, group.models))
    note = [escape(first.note)] if first.note else []
    data = [", ".join(filter(None, [*data_text(first.subject, escape), first.subject.date]))] if first.subject else []
    of = f"{escape(first.task or first.kind)}, {first.n_items} items, {len(group.models)} seeds: {names}"
    return [*note, *data, of]


def group_table(group: SeedGroup) -> list[list[str]]:
    """Headings, then a line for each row and figure; names as they are."""
    lines = [["", *_HEADINGS]]
    for (kind, name), figures in group.rows.items():
        for figure, spread in figures.items():
            if kind != "class" or figure in _OF_A_CLASS:
                lines.append([name or kind, _heading(kind, figure), *_cells(spread)])
    return lines


def _heading(kind: str, figure: str) -> str:
    return AGREEMENT[figure].heading if kind == "agreement" else headings()[figure]


def _cells(spread: Spread) -> list[str]:
    values = [spread.mean, spread.sd, spread.lowest, spread.highest]
    return [*(figure_text(each, 4) for each in values), span_text(spread.span) if spread.span else "–"]


def group_remarks(group: SeedGroup) -> list[str]:
    """What the spread and the interval are of, and how rough they are."""
    n, found = len(group.models), group.first.intervals
    own = "each seed has its own thresholds" if group.first.thresholds else "the highest score wins, without thresholds"
    remarks = [f"{own}; SD, lowest and highest are of the seeds alone, on the same items"]
    if found is None:
        return [*remarks, "nothing was resampled, so nothing says what other patients would change"]
    remarks.append(
        f"intervals are of the mean over seeds, for other patients and other seeds: percentiles of "
        f"{found.resampling.n} resamples of {found.n_patients} patients, in each of which the seeds are drawn, too; "
        f"seed {found.resampling.seed}"
    )
    if len(found.classes) < len(group.first.classes):
        remarks.append(f"macro: mean over the {len(found.classes)} classes that have an interval")
    if n < FEW_SEEDS:
        remarks.append(f"{n} seeds are few: their spread, and so the interval, is a rough one")
    return remarks


def save_group(folder: Path, group: SeedGroup, formats: Collection[str] = ("md",)) -> list[Path]:
    """Writes ``group.json`` and the table as ``group.md``, ``.csv`` or ``.tex``; returns their paths."""
    names = ["group.json", *(f"group.{ending}" for name, ending in FORMATS.items() if name in formats)]
    make_folder(folder)
    with all_or_none():
        write_json(folder / "group.json", group.as_json())
        if "md" in formats:
            write_text(folder / "group.md", group_text(group))
        if "csv" in formats:
            write_csv(folder / "group.csv", with_note(group_lines(group), group.first.note))
        if "latex" in formats:
            write_text(folder / "group.tex", latex_tables([(". ".join(_head(group, one_line)), group_table(group))]))
    return [folder / name for name in names]


def group_lines(group: SeedGroup) -> list[list[str]]:
    """``group.csv``: a line for each row and figure, unrounded."""
    lines = [["row", "class", "figure", "n_seeds", "mean", "sd", "min", "max", "low", "high"]]
    for (kind, name), figures in group.rows.items():
        for figure, each in figures.items():
            values = (each.mean, each.sd, each.lowest, each.highest, *(each.span or (None, None)))
            lines.append([kind, csv_cell(name), figure, str(len(group.models)), *map(number, values)])
    return lines
