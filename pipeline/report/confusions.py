"""The confusion matrix and the figures that follow from it, as lines of cells and as the Markdown under the table."""

from pipeline.commands.escaping import csv_cell, markdown
from pipeline.evaluation.agreement import agreement_figures
from pipeline.evaluation.confusion import Confusion
from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.intervals import LEVEL
from pipeline.report.cells import WITHHELD, aligned, figure_text, span_text

CAPTION = "Confusion matrix: the truth in rows, in columns the class with the highest score"

MOST_PRINTED = 40
"""Of more classes the matrix is saved and not printed."""

_WIDEST = 100
"""Names of columns that need more characters together are replaced by numbers, which the rows explain."""


def confusion_parts(evaluation: Evaluation) -> list[str]:
    """What follows the table of classes that exclude each other: the matrix, its figures, and their remarks."""
    if evaluation.confusion is None:
        return []
    remarks = "\n".join(f"- {remark}" for remark in agreement_remarks(evaluation))
    rest = [aligned(agreement_lines(evaluation)), remarks]
    if len(evaluation.classes) > MOST_PRINTED:
        return [
            f"The confusion matrix of {len(evaluation.classes)} classes is in confusion.csv where this is saved",
            *rest,
        ]
    head, *lines = confusion_lines(evaluation.confusion)
    matrix = [[markdown(cell) if cell else "" for cell in head], *([markdown(name), *cells] for name, *cells in lines)]
    return [CAPTION, aligned(matrix), *rest]


def confusion_lines(confusion: Confusion) -> list[list[str]]:
    """Headings, then a line a class: its name, how many of its items were taken for each, and all of them."""
    names = list(confusion.classes)
    is_wide = sum(map(len, names)) > _WIDEST
    numbers = [str(i) for i in range(1, len(names) + 1)]
    rows = [f"{i} {name}" for i, name in zip(numbers, names, strict=True)] if is_wide else names
    lines = [["", *(numbers if is_wide else names), "n"]]
    return lines + [
        [name, *map(str, counts), str(sum(counts))]
        for name, counts in zip(rows, confusion.counts.tolist(), strict=True)
    ]


def confusion_csv_lines(confusion: Confusion) -> list[list[str]]:
    """``confusion.csv``: the matrix and nothing else, with the names of its rows and columns."""
    names = [csv_cell(name) for name in confusion.classes]
    lines = [["truth", *names]]
    return lines + [[name, *map(str, counts)] for name, counts in zip(names, confusion.counts.tolist(), strict=True)]


def agreement_lines(evaluation: Evaluation) -> list[list[str]]:
    """Headings, then a line a figure of the confusion matrix: its name, its value, its interval or why it has none."""
    intervals = evaluation.intervals
    lines = [["", "value", *([f"{LEVEL:.0%} interval"] if intervals else [])]]
    for name, figure in agreement_figures(tuple(evaluation.classes)).items():
        line = [figure.heading, figure_text(evaluation.agreement[name])]
        if intervals:
            line.append(span_text(intervals.agreement[name]) if name in intervals.agreement else WITHHELD)
        lines.append(line)
    return lines


def agreement_remarks(evaluation: Evaluation) -> list[str]:
    """What to know of these figures: what each is, which has no interval and why, and how ties were decided."""
    figures = agreement_figures(tuple(evaluation.classes))
    remarks = [f"{figure.heading}: {figure.meaning}" for figure in figures.values()]
    withheld = evaluation.intervals.withheld.get(("agreement", ""), {}) if evaluation.intervals else {}
    remarks += [f"{WITHHELD} {figures[name].heading} has no interval: {reason}" for name, reason in withheld.items()]
    n_tied = evaluation.confusion.n_tied if evaluation.confusion else 0
    if n_tied:
        remarks.append(f"items with several highest scores, of which the first class is taken: {n_tied}")
    return remarks
