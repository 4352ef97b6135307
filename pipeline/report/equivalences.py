"""Whether models are as good as each other within a margin: as text, as tables for a paper and as lines of CSV."""

from pipeline.commands.escaping import csv_cell, markdown, one_line
from pipeline.evaluation.comparison import Comparison
from pipeline.evaluation.equivalence import TOST_LEVEL, Equivalence, PairEquivalence
from pipeline.report.cells import aligned, figure_text, signed_span_text
from pipeline.report.class_tests import p_text
from pipeline.report.files import number


def equivalence_parts(comparison: Comparison) -> list[str]:
    """A sentence a pair, a table of classes of each pair with the best model, and what to know; nothing unasked."""
    if comparison.margin is None:
        return []
    verdicts = "\n".join(f"- {_verdict(each)}" for each in comparison.equivalences)
    parts = [f"As good as each other, within {comparison.margin:g} of macro-AUC?", verdicts]
    for each in _with_the_best(comparison):
        head, lines = _table(each)
        parts += [markdown(head), aligned([lines[0], *([markdown(name), *cells] for name, *cells in lines[1:])])]
    return [*parts, "\n".join(f"- {remark}" for remark in equivalence_remarks(comparison))]


def equivalence_tables(comparison: Comparison) -> list[tuple[str, list[list[str]]]]:
    """The tables with their captions, for LaTeX; none unasked."""
    margin = "" if comparison.margin is None else f" Within {comparison.margin:g} of AUC"
    return [(one_line(head) + margin, lines) for head, lines in map(_table, _with_the_best(comparison))]


def _with_the_best(comparison: Comparison) -> list[PairEquivalence]:
    best = next(iter(comparison.models))
    return [each for each in comparison.equivalences if each.first == best]


def _table(pair: PairEquivalence) -> tuple[str, list[list[str]]]:
    head = f"Equivalence of {pair.first} and {pair.second}:"
    lines = [["", "ΔAUROC", f"{TOST_LEVEL:.0%} interval", "p (Holm)", "verdict"]]
    return head, [*lines, *([name or kind, *_cells(own)] for kind, name, own in pair.rows)]


def _cells(own: Equivalence) -> list[str]:
    return [figure_text(own.value, 4), signed_span_text(own.span_holm), p_text(own.p_holm), own.verdict]


def _verdict(pair: PairEquivalence) -> str:
    names = f"{markdown(pair.first)} and {markdown(pair.second)}"
    if pair.macro is None:
        return f"{names}: no class has enough patients to tell"
    span = signed_span_text(pair.macro.span_holm)
    return f"{names}: {pair.macro.verdict} ({figure_text(pair.macro.value, 4)}, {TOST_LEVEL:.0%} interval {span})"


def equivalence_remarks(comparison: Comparison) -> list[str]:
    """What the verdicts mean."""
    remarks = [
        f"equivalent: the {TOST_LEVEL:.0%} interval of the difference lies within ±{comparison.margin:g}, so that two "
        "one-sided tests (TOST) are at most 0.05; different: the usual 95% interval leaves out 0; not shown: neither",
        "intervals and p by Holm: macro for the pairs, classes for all classes of all pairs",
    ]
    if any(own.is_equivalent and own.is_different for pair in comparison.equivalences for _, _, own in pair.rows):
        remarks.append("equivalent, though different: the difference is real, and too small to matter by this margin")
    return remarks


def equivalence_lines(comparison: Comparison) -> list[list[str]]:
    """``equivalence.csv``: a line for the macro-AUC and each class of every pair, unrounded; none unasked."""
    if comparison.margin is None:
        return []
    lines = [["first", "second", "row", "class", "margin", "difference", "low_90", "high_90"]]
    lines[0] += ["low_90_holm", "high_90_holm", "p", "p_holm", "verdict"]
    for pair in comparison.equivalences:
        for kind, name, own in pair.rows:
            figures = (comparison.margin, own.value, *own.span, *own.span_holm, own.p, own.p_holm)
            names = [csv_cell(pair.first), csv_cell(pair.second), kind, csv_cell(name)]
            lines.append([*names, *map(number, figures), own.verdict])
    return lines
