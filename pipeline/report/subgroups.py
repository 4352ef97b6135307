"""The figures of groups, and their largest gaps: as text, as tables for a paper and as lines of CSV."""

import math

from pipeline.commands.escaping import csv_cell, markdown, one_line
from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.group_measuring import FEWEST_PATIENTS
from pipeline.evaluation.intervals import LEVEL
from pipeline.evaluation.metrics import headings
from pipeline.evaluation.paired import resamples_for
from pipeline.evaluation.resampling import CELLS
from pipeline.evaluation.subgroups import FIGURES, MACRO, Group, GroupRow, Subgroups
from pipeline.report.cells import aligned, figure_text, signed_span_text, span_text
from pipeline.report.files import number

_HOW = {"bands": "in bands", "quartiles": "in quartiles", "values": "by value"}


def subgroup_parts(evaluation: Evaluation) -> list[str]:
    """Each column's groups, class by class, their largest gaps, and what to know of them; nothing unasked."""
    parts = []
    for each in evaluation.subgroups:
        head = f"by {markdown(each.column)} ({_HOW[each.how]}; {markdown(each.source)}), at the thresholds of the whole"
        parts += [head, _escaped(group_table(each), 2)]
        if each.gaps:
            parts += [f"largest gaps by {markdown(each.column)}", _escaped(gap_table(each), 4)]
        parts.append("\n".join(f"- {remark}" for remark in subgroup_remarks(each)))
    return parts


def _escaped(lines: list[list[str]], n_names: int) -> str:
    """Lines as Markdown, in which the first cells are names."""
    rest = [[*map(_escaped_name, line[:n_names]), *line[n_names:]] for line in lines[1:]]
    return aligned([[*map(_escaped_name, lines[0])], *rest])


def _escaped_name(name: str) -> str:
    return markdown(name) if name else ""


def subgroup_tables(evaluation: Evaluation) -> list[tuple[str, list[list[str]]]]:
    """The same tables with their captions, for LaTeX."""
    tables = []
    for each in evaluation.subgroups:
        tables.append((one_line(f"By {each.column} ({_HOW[each.how]})"), group_table(each)))
        if each.gaps:
            tables.append((one_line(f"Largest gaps by {each.column}"), gap_table(each)))
    return tables


def group_table(found: Subgroups) -> list[list[str]]:
    """Headings, then a line for each class and group, and for the mean; names as they are."""
    names = [headings()[figure] for figure in FIGURES]
    lines = [["", found.column, "n", "prevalence", *CELLS, *names]]
    for row in dict.fromkeys(name for group in found.groups for name in group.rows):
        for group in found.groups:
            if row in group.rows:
                lines.append([row or "macro", group.name, *_cells(group, group.rows[row])])
    return lines


def _cells(group: Group, row: GroupRow) -> list[str]:
    figures = [_figure(row, figure) for figure in FIGURES]
    if row.counts is None:
        return [str(group.n_items), "", *[""] * len(CELLS), *figures]
    counts = [str(row.counts[cell]) for cell in CELLS]
    return [str(group.n_items), figure_text(row.prevalence), *counts, *figures]


def _figure(row: GroupRow, figure: str) -> str:
    span = f" ({span_text(row.spans[figure])})" if figure in row.spans else ""
    return figure_text(row.figures[figure]) + span


def gap_table(found: Subgroups) -> list[list[str]]:
    """Headings, then a line for each class and figure that two groups or more have; names as they are."""
    lines = [["", "figure", "highest", "lowest", "gap", f"its {LEVEL:.0%} interval", "gap is"]]
    for row, gaps in found.gaps.items():
        for figure, gap in gaps.items():
            known = not math.isnan(gap.span[0])
            span = signed_span_text(gap.span) if known else "–"
            noise = ("within noise" if gap.is_within_noise else "beyond noise") if known else ""
            names = [row or "macro", headings()[figure], gap.highest, gap.lowest]
            lines.append([*names, figure_text(gap.value, 4), span, noise])
    return lines


def subgroup_remarks(found: Subgroups) -> list[str]:
    """What to know of groups: who is in none, which are small, and what a largest gap is."""
    remarks = []
    if found.n_unknown:
        remarks.append(f"{markdown(found.column)} is not known of {found.n_unknown} items, which are in no group")
    for name, classes in found.small.items():
        named = ", ".join(map(markdown, classes))
        remarks.append(
            f"{markdown(name)}: fewer than {FEWEST_PATIENTS} patients with or without {named}, so without intervals "
            "and not among the gaps"
        )
    if MACRO in found.gaps:
        remarks.append("macro: mean over the classes of which every group that has any has enough patients")
    if found.n_resamples and found.gaps:
        n = len(found.groups)
        n_pairs = n * (n - 1) // 2
        remarks.append(
            "the largest gap of several groups is above 0 by chance alone; so its interval is widened for the "
            f"{n_pairs} pairs of {n} groups that it was picked from (Bonferroni), not for classes and figures"
        )
        if found.n_resamples < resamples_for(n_pairs):
            remarks.append(f"too few resamples for that: take -resamples {resamples_for(n_pairs)} or more")
    return remarks


def group_lines(evaluation: Evaluation) -> list[list[str]]:
    """``subgroups.csv``: a line for each column, group and class, and for the mean, unrounded."""
    lines = [["column", "group", "row", "class", "n_items", "n_patients", "prevalence", *CELLS]]
    lines[0] += [column for figure in FIGURES for column in (figure, f"{figure}_low", f"{figure}_high")]
    for found in evaluation.subgroups:
        for group in found.groups:
            for name, row in group.rows.items():
                names = [csv_cell(found.column), csv_cell(group.name), "macro" if name == MACRO else "class"]
                counts = [str(row.counts[cell]) if row.counts else "" for cell in CELLS]
                line = [*names, csv_cell(name), str(group.n_items), str(group.n_patients), number(row.prevalence)]
                figures = [(row.figures[each], *row.spans.get(each, (None, None))) for each in FIGURES]
                lines.append([*line, *counts, *(number(value) for each in figures for value in each)])
    return lines


def gap_lines(evaluation: Evaluation) -> list[list[str]]:
    """``subgroup_gaps.csv``: a line for each column, class and figure, unrounded."""
    lines = [["column", "row", "class", "figure", "highest", "lowest", "gap", "low", "high"]]
    for found in evaluation.subgroups:
        for name, gaps in found.gaps.items():
            for figure, gap in gaps.items():
                names = [csv_cell(found.column), "macro" if name == MACRO else "class", csv_cell(name), figure]
                ends = map(number, (gap.value, *gap.span))
                lines.append([*names, csv_cell(gap.highest), csv_cell(gap.lowest), *ends])
    return lines
